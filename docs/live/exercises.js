// The exercises of a page: each gets an editor, a run and the grade that `minigan exercise` gives
// at home. What the reader writes is kept at every change.
import {forgetting} from "./forget.js";
import {button, make} from "./make.js";
import {output, progress} from "./output.js";
import {python} from "./python.js";
import * as store from "./store.js";

export function attach() {
  const all = [...document.querySelectorAll(".exercise")].map(box => new Exercise(box));
  const keys = [store.guess(store.page()), ...all.map(one => one.key)];
  forgetting(all.at(-1).box, "Forget what I did on this page", () => keys);
}

class Exercise {
  constructor(box) {
    this.box = box;
    this.name = box.id.replace("exercise-", "");
    this.key = store.exercise(this.name);
    this.title = box.querySelector("strong").textContent;
    this.shown = [...box.querySelectorAll(":scope > .highlight-python")].at(-1);
    this.start = this.shown.querySelector("pre").textContent;
    this.working = null;  // the button whose work is being done
    this.build();
    store.listen(() => this.show());
  }

  build() {
    this.place = make("div");
    this.tries = button("Try it", () => this.open());
    this.runs = button("Run", () => this.press(this.runs, () => this.run()));
    this.checks = button("Check", () => this.press(this.checks, () => this.check()));
    this.resets = button("Start over", () => this.startOver());
    this.solved = make("span", {className: "live-solved", textContent: "✓ solved"});
    this.bar = make("div", {className: "live-bar"}, this.tries, this.runs, this.checks,
      this.resets, this.solved);
    this.verdict = make("div", {className: "live-verdict", role: "status"});
    this.lost = make("p", {className: "live-verdict", role: "status", hidden: true});
    this.lost.dataset.verdict = "wrong";
    const live = make("div", {className: "live-exercise", role: "group", ariaLabel: this.title});
    this.shown.before(live);
    live.append(this.shown, this.place, this.bar, this.lost, this.verdict);
    this.output = output(live);
  }

  // As what is kept has it, which another tab may have changed, or "forget".
  show() {
    const {text, solved} = store.kept(this.key);
    this.solved.hidden = !solved;
    this.tries.textContent = text === undefined ? "Try it" : "Go on with your text";
    this.tries.hidden = Boolean(this.editor);
    for (const one of [this.runs, this.checks, this.resets]) one.hidden = !this.editor;
    const due = text ?? this.start;
    if (this.editor && this.editor.text() !== due) this.editor.set(due);
  }

  async open() {
    const {editor} = await import("./editor.js");
    if (this.editor) return;
    this.shown.hidden = true;
    this.editor = editor(this.place, store.kept(this.key).text ?? this.start, {
      label: `${this.title}, your Python code`, onRun: () => this.runs.onclick(),
      onChange: text => this.keep({text: text === this.start ? undefined : text})});
    this.show();
    this.editor.focus();
  }

  keep(changes) {
    const safe = store.keep(this.key, changes);
    this.lost.hidden = safe;
    this.lost.textContent = safe ? "" : "This browser does not keep your text: its storage is " +
      "blocked or full. Copy it away before you leave this page.";
  }

  say(words, verdict = "", ...more) {
    this.verdict.replaceChildren(words, ...more);
    this.verdict.dataset.verdict = verdict;
  }

  startOver() {
    const {text} = store.kept(this.key);
    this.output.clear();
    if (text === undefined) return this.say("This is the start.");
    this.editor.set(this.start);
    this.say("This is the start again. ", "", button("Bring my text back", () => {
      this.editor.set(text);
      this.say("");
      this.editor.focus();
    }));
  }

  // One thing at a time; the button that began it stops it.
  async press(pressed, work) {
    if (this.working) {
      if (this.working === pressed) python.stop();
      return;
    }
    this.working = pressed;
    const words = pressed.textContent;
    pressed.textContent = "Stop";
    this.output.clear();
    this.say("");
    const done = progress(this.bar);
    try {
      await work();
    } catch (error) {
      if (error.stopped) this.say("Stopped. Your text is still here.");
      else this.output.error(error.message);
    }
    done();
    pressed.textContent = words;
    this.working = null;
  }

  // As `python NAME.py` does, each time from nothing.
  async run() {
    const space = `exercise-${this.name}`;
    python.run("globals().clear(); __name__ = '__main__'", {space});
    const result = await python.run(this.editor.text(),
      {space, name: `${this.name}.py`, onOutput: this.output.part});
    if (!result.ok) throw Object.assign(new Error(result.error), {stopped: result.stopped});
    if (this.output.element.hidden) this.say("It ran, and printed nothing.");
  }

  async check() {
    python.run("from practice import grade", {space: "exercises"});
    const {wrong, printed} = await python.call("exercises", "grade", this.name,
      this.editor.text());
    if (printed) this.output.part({kind: "text", stream: "stdout", text: printed});
    if (wrong) return this.say(`${wrong}\n\nNot yet.`, "wrong");
    this.keep({solved: true});
    this.say("Solved. Below is a solution to compare yours with.", "solved");
  }
}
