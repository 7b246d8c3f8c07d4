// The Python blocks of a page: each can be run, edited and put back. They share their names, as
// in the book's tests; running one first runs those before it that have not been run.
import {button, make} from "./make.js";
import {python} from "./python.js";
import {output, progress} from "./output.js";
import * as store from "./store.js";

const page = store.page();
const blocks = [];

export function attach() {
  const found = document.querySelectorAll("article .highlight-python");
  for (const element of found) {
    const home = element.closest("[data-home]");
    if (home) element.after(atHome(home.dataset.home));
    else if (!element.closest(".exercise, [data-own]")) blocks.push(new Block(element));
  }
  python.listen(({name}) => {  // a new Python knows nothing of what ran in the old one
    if (name === "off") for (const block of blocks) block.forget();
  });
}

// In the place of a button where a block cannot run in a browser.
const atHome = why => make("p", {className: "live-home", textContent: `To run at home: ${why}.`});

class Block {
  constructor(element) {
    this.number = blocks.length + 1;
    this.name = `${page}, block ${this.number}`;
    this.element = element;
    this.shown = element.querySelector("pre").textContent;
    this.fresh = false;  // whether it has run as it stands
    this.box = make("div", {className: "live-block", role: "group",
      ariaLabel: `Block ${this.number}`});
    element.before(this.box);
    this.runs = this.button("Run", () => this.pressed());
    this.edits = this.button("Edit", () => this.edit());
    this.resets = this.button("Reset", () => this.reset());
    this.resets.hidden = true;
    this.says = make("span", {className: "live-says", role: "status"});
    this.bar = make("div", {className: "live-bar"}, this.runs, this.edits, this.resets, this.says);
    this.box.append(element, this.bar);
    this.output = output(this.box);
    this.become("");
  }

  button(words, action) {
    const made = button(words, action);
    made.dataset.action = words.toLowerCase();
    return made;
  }

  // "", "waiting", "running", "ok", "differs" (from what the page shows), "error", "stopped"
  become(state, words = {running: "running", stopped: "stopped"}[state] ?? "") {
    this.box.dataset.state = state;
    this.says.textContent = words;
    const busy = state === "waiting" || state === "running";
    this.runs.textContent = busy ? "Stop" : "Run";
    this.runs.dataset.action = busy ? "stop" : "run";
    this.runs.ariaLabel = `${this.runs.textContent} block ${this.number}`;
  }

  get source() { return this.editor ? this.editor.text() : this.shown; }

  forget() {
    this.fresh = false;
    if (["waiting", "running"].includes(this.box.dataset.state)) this.become("stopped");
  }

  pressed() {
    if (this.runs.dataset.action === "stop") python.stop();
    else return runUpTo(this);
  }

  async run() {
    this.output.clear();
    this.become("running");
    const done = progress(this.bar), source = this.source;
    const result = await python.run(source, {
      space: page, name: this.name, prompt: hasPrompts(this.shown), onOutput: this.output.part});
    done();
    this.fresh = result.ok && source === this.source;  // it may be another by now
    if (!result.ok && !result.stopped) this.output.error(result.error);
    this.become(result.stopped ? "stopped" : !result.ok ? "error"
                : result.as_shown || this.editor ? "ok" : "differs");
    return result.ok;
  }

  async edit() {
    const {editor} = await import("./editor.js");
    if (this.editor) return;
    this.element.hidden = true;
    this.edits.hidden = true;
    this.resets.hidden = false;
    const place = make("div");
    this.element.after(place);
    this.editor = editor(place, withoutPrompts(this.shown), {
      onRun: () => this.pressed(), label: `Block ${this.number}, Python code`,
      onChange: () => { this.fresh = false; }});
    this.editor.place = place;
    this.editor.focus();
  }

  reset() {
    if (this.box.dataset.state === "running") python.stop();
    this.editor.remove();
    this.editor.place.remove();
    this.editor = undefined;
    this.element.hidden = false;
    this.edits.hidden = false;
    this.resets.hidden = true;
    this.fresh = false;
    this.output.clear();
    this.become("");
    this.edits.focus();
  }
}

async function runUpTo(block) {
  const before = blocks.slice(0, block.number - 1).filter(one => !one.fresh);
  for (const one of [...before, block]) {
    one.become("waiting", one === before[0] ? "" : `waits for block ${before[0]?.number}`);
  }
  for (const one of [...before, block]) {
    if (one.box.dataset.state !== "waiting") break;  // stopped
    if (await one.run()) continue;
    for (const left of [...before, block]) {
      if (left.box.dataset.state === "waiting") left.become("", `block ${one.number} has failed`);
    }
    if (one !== block) one.box.scrollIntoView({block: "nearest"});
    break;
  }
}

function hasPrompts(text) { return text.trimStart().startsWith(">>>"); }

// Lines with prompts as a program: what they print is left out.
export function withoutPrompts(text) {
  if (!hasPrompts(text)) return text;
  const lines = text.split("\n").filter(line => /^\s*(>>>|\.\.\.)( |$)/.test(line));
  return `${lines.map(line => line.replace(/^\s*(>>>|\.\.\.) ?/, "")).join("\n")}\n`;
}
