// The museum of slips: a program with one line put wrong, the right one, and what the reader makes
// of the wrong one, all trained from the same seed, with their numbers beside each other.
import {python} from "./python.js";
import {progress} from "./output.js";

const SPACE = "slips", PORTION = 5;  // steps between two looks, so that Stop is heard at once
const PATIENCE = 3000;  // ms, then a portion is taken for one that has no end
const COLUMNS = {wrong: "wrong", right: "right", yours: "mend it yourself"};
const DRAWN = new Set(["svg", "path", "rect", "text"]);

function make(tag, attributes = {}, ...inner) {
  const element = DRAWN.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inner);
  return element;
}

export async function attach() {
  const reply = await fetch(new URL("slips.json", import.meta.url));
  if (!reply.ok) return;
  const museum = await reply.json();
  for (const element of document.querySelectorAll(".slip[data-slip]")) {
    new Panel(element, element.dataset.slip, museum[element.dataset.slip]);
  }
}

class Panel {
  constructor(element, name, slip) {
    Object.assign(this, {element, name, slip, runs: new Map()});
    slip.title = name.replaceAll("_", " ");
    element.classList.add("slip-live");
    element.role = "group";
    element.ariaLabel = `Live: ${slip.title}`;
    this.button = make("button", {type: "button"}, "Run");
    this.button.onclick = () => this.turn ? this.stop() : this.run();
    this.reset = make("button", {type: "button", hidden: ""}, "Reset yours");
    this.reset.onclick = () => this.editor.set(slip.wrong);
    this.status = make("span", {class: "slip-status", role: "status"});
    this.bar = make("div", {class: "live-bar"});
    this.bar.append(this.choice(), this.button, this.reset, this.status);
    this.code = make("div", {class: "slip-code"});
    this.results = make("div", {hidden: ""});
    element.prepend(this.bar, this.code, this.results);
    this.show("wrong");
  }

  choice() {
    const radios = Object.entries(COLUMNS).map(([column, words]) => {
      const radio = make("input", {type: "radio", name: `slip-${this.name}`, value: column});
      radio.checked = column === "wrong";
      radio.onchange = () => this.show(column);
      return make("label", {class: `slip-${column}`}, radio, words);
    });
    return make("fieldset", {}, make("legend", {}, "The program"), ...radios);
  }

  // The code of a column; its curves are drawn strong.
  async show(column) {
    this.element.dataset.shown = column;
    this.reset.hidden = column !== "yours";
    const listed = column === "yours" ? this.place ??= make("div") : listing(this.slip, column);
    this.code.replaceChildren(listed);
    listed.scrollTop = (listed.querySelector("mark")?.offsetTop ?? 0) - 60;
    if (column !== "yours") return;
    const {editor} = await import("./editor.js");
    this.editor ??= editor(this.place, this.slip.wrong, {
      onRun: () => this.run(), label: `Your program: ${this.slip.title}`});
  }

  stop(words = "stopped") {
    const asked = this.asked;
    setTimeout(() => asked && this.asked === asked && python.stop(), PATIENCE);
    this.turn = undefined;
    this.button.textContent = "Run";
    this.say(words);
  }

  say(words) { this.status.textContent = words; }

  ask(name, ...args) {
    const asked = this.asked = python.call(SPACE, name, this.name, ...args);
    return asked.finally(() => { if (this.asked === asked) this.asked = undefined; });
  }

  async run() {
    const turn = this.turn = {};  // whoever presses Stop or Run takes it away
    this.button.textContent = "Stop";
    this.say("running");
    this.results.hidden = true;
    const sources = {wrong: this.slip.wrong, right: this.slip.right};
    if (this.editor) sources.yours = this.editor.text();
    this.runs = new Map(Object.keys(sources).map(column => [column, {steps: [], rows: []}]));
    const loaded = progress(this.bar);
    try {
      const begun = await python.run("from slips import begin, go", {space: SPACE});
      if (!begun.ok) throw Object.assign(new Error(begun.error), {stopped: begun.stopped});
      for (const [column, run] of this.runs) {
        if (this.turn !== turn) return;
        this.note(run, await this.ask("begin", column, sources[column]));
      }
      await this.train(turn);
    } catch (error) {
      if (this.turn === turn) this.say(error.stopped ? "stopped" : error.message);
    } finally {
      loaded();
      if (this.turn === turn) this.stop(this.status.textContent);
    }
  }

  // All columns step by step beside each other.
  async train(turn) {
    for (let step = 0; step < this.slip.steps;) {
      const more = step ? PORTION - step % PORTION : 1;  // the first step has a look of its own
      for (const [column, run] of this.runs) {
        if (run.over) continue;
        const reply = await this.ask("go", column, more);
        if (this.turn !== turn) return;
        this.note(run, reply);
      }
      step += more;
      this.draw();
      if ([...this.runs.values()].every(run => run.over)) break;
    }
    const {yours, right} = Object.fromEntries(this.runs);
    const same = yours && !yours.error && right.rows.length === yours.rows.length &&
      Object.entries(right.rows.at(-1)).every(([key, value]) => yours.rows.at(-1)[key] === value);
    this.say(same ? "done: yours has the right one's numbers, all of them"
             : yours?.error ? "done, but yours broke: see below" : "done");
  }

  note(run, {error, going, step, numbers, sample, real}) {
    if (error) Object.assign(run, {error, over: true});
    if (going === false) run.over = true;
    if (!numbers) return;
    run.steps.push(step);
    run.rows.push(numbers);
    Object.assign(run, {sample, real});
  }

  draw() {
    this.results.hidden = false;
    const runs = [...this.runs].filter(([, run]) => run.rows.length);
    const names = [...new Set(runs.flatMap(([, run]) => Object.keys(run.rows.at(-1))))];
    const curves = [...this.slip.curves, this.slip.symptom].map(name => make("figure", {},
      make("figcaption", {}, name), chart(runs, name, this.slip.steps)));
    const samples = runs.map(([column, run]) => {
      const [drawn, words] = run.sample.shape[1] === 2 ? scatter(run) : grid(run);
      return make("figure", {class: `slip-${column}`},
        make("figcaption", {}, `${column}: what G makes${words}`), drawn);
    });
    const errors = [...this.runs].filter(([, run]) => run.error).map(([column, run]) =>
      make("p", {class: `slip-error slip-${column}`}, `${column}: `, make("code", {}, run.error)));
    this.results.replaceChildren(make("div", {class: "slip-figures"}, ...curves, ...samples),
      this.table(names), ...errors);
  }

  table(names) {
    const columns = [...this.runs];
    const cell = (run, name) => run.rows.length ? show(run.rows.at(-1)[name]) : "–";
    const rows = names.map(name => {
      const measure = name === this.slip.symptom ? [make("code", {}, this.slip.measure)] : [];
      return make("tr", measure.length ? {class: "slip-symptom"} : {},
        make("th", {scope: "row"}, name, ...measure),
        ...columns.map(([, run]) => make("td", {}, cell(run, name))));
    });
    const step = Math.max(...columns.map(([, run]) => run.steps.at(-1) ?? 0));
    return make("table", {}, make("thead", {}, make("tr", {}, make("th", {scope: "col"},
      `step ${step} of ${this.slip.steps}`),
      ...columns.map(([column]) => make("th", {scope: "col", class: `slip-${column}`}, column)))),
      make("tbody", {}, ...rows));
  }
}

// The program with its wrong or right lines marked.
function listing({marked, ...texts}, column) {
  const sign = column === "wrong" ? "✗ " : "✓ ";
  const lines = texts[column].trimEnd().split("\n").map((line, i) => {
    const here = marked[column].includes(i);
    return make(here ? "mark" : "span", {}, `${here ? sign : "  "}${line}\n`);
  });
  return make("pre", {class: `slip-${column}`, tabindex: 0, role: "group",
    "aria-label": `the ${column} program`}, ...lines);
}

function show(value) {
  if (typeof value !== "number") return "–";
  const text = Number.isInteger(value) ? String(value) : Math.abs(value) < 100 ?
    value.toFixed(3) : value.toPrecision(3);
  return text.replace("-", "−");
}

const WIDE = 240, HIGH = 90, LEFT = 44;

function chart(runs, name, steps) {
  const values = runs.flatMap(([, run]) => run.rows.map(row => row[name])).filter(Number.isFinite);
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-3);
  const x = step => LEFT + step / steps * WIDE, y = v => 6 + (high - v) / (high - low) * HIGH;
  const lines = runs.map(([column, run]) => {
    let gap = true;
    const path = run.rows.map((row, i) => {
      const word = gap ? "M" : "L", v = row[name];
      gap = !Number.isFinite(v);
      return gap ? "" : `${word}${x(run.steps[i]).toFixed(1)} ${y(v).toFixed(1)}`;
    });
    return make("path", {d: path.join(""), class: `slip-${column}`});
  });
  const label = (v, at) => make("text", {x: LEFT - 5, y: at, "text-anchor": "end"}, show(v));
  return make("svg", {viewBox: `0 0 ${LEFT + WIDE + 6} ${HIGH + 12}`, role: "img",
    "aria-label": `${name}: ${runs.map(([column, run]) =>
      `${column} ${show(run.rows.at(-1)[name])}`).join(", ")}`},
    make("rect", {x: LEFT, y: 6, width: WIDE, height: HIGH}), ...lines,
    label(high, 14), label(low, HIGH + 6));
}

const SIDE = 2;  // the plane is drawn from −2 to 2

// Real points in grey, G's in the column's colour, and how many of them lie outside.
function scatter({sample, real}) {
  const path = ({data}) => {
    const words = [];
    for (let i = 0; i < data.length; i += 2) {
      if (Math.abs(data[i]) < SIDE && Math.abs(data[i + 1]) < SIDE)
        words.push(`M${data[i].toFixed(2)} ${(-data[i + 1]).toFixed(2)}h0`);
    }
    return words;
  };
  const inside = path(sample), outside = sample.shape[0] - inside.length;
  const drawn = make("svg", {viewBox: `${-SIDE} ${-SIDE} ${2 * SIDE} ${2 * SIDE}`, role: "img",
    class: "slip-plane", "aria-label": "generated points over real ones"},
    make("rect", {x: -SIDE, y: -SIDE, width: 2 * SIDE, height: 2 * SIDE}),
    make("path", {d: path(real).join(""), class: "slip-real"}),
    make("path", {d: inside.join(""), class: "slip-made"}));
  return [drawn, outside ? `, ${outside} outside` : ""];
}

// Twelve images, -1 black and 1 white.
function grid({sample: {shape: [count, size], data}}) {
  const side = Math.sqrt(size), wide = 4 * (side + 1) - 1, high = count / 4 * (side + 1) - 1;
  const canvas = make("canvas", {width: wide, height: high, role: "img",
    "aria-label": `${count} generated images`}), context = canvas.getContext("2d");
  for (let i = 0; i < data.length; i++) {
    const image = Math.floor(i / size), row = Math.floor(i % size / side), column = i % side;
    const grey = Math.round(127.5 * (1 + Math.max(-1, Math.min(1, data[i]))));
    context.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    context.fillRect(image % 4 * (side + 1) + column,
      Math.floor(image / 4) * (side + 1) + row, 1, 1);
  }
  return [canvas, ""];
}
