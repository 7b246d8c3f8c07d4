// The playground: controls write a loop's text, Python plays that text (playground.py), and this
// shows what it returns. Python is asked for a few steps at a time, so that Pause is heard at once.
import {python} from "./python.js";
import {output, progress} from "./output.js";
import {line, plane, REACH, toPlane} from "./playground_drawing.js";

const CONTROLS = [  // name in loop.py, words, what there is to choose
  ["data", "Picture", ["ring", "grid", "spiral", "moons", "pinwheel", "drawn"]],
  ["loss", "Losses",
    ["non-saturating", "minimax", "least squares", "hinge", "Wasserstein"]],
  ["price", "D's slope is", ["free", "R1", "gradient penalty"]],
  ["lr", "Learning rate", [0.0005, 0.001, 0.002, 0.004, 0.01, 0.03], 0.004],
  ["g_hidden", "Width of G", [4, 8, 16, 32, 64, 128], 32],
  ["d_hidden", "Width of D", [4, 8, 16, 32, 64, 128], 32],
  ["noise", "Numbers of noise", [1, 2, 8], 2],
  ["seed", "Seed", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
];
const WORDS = {drawn: "drawn by hand", free: "free (nothing limits it)", R1: "priced at real points (R1)",
  "gradient penalty": "to be 1 (gradient penalty)"};
const SPEEDS = [[Infinity, "as fast as it can"], [10, "10 steps a second"],
  [2, "2 steps a second"]];
const SHARE = 2;        // seconds of steps for each of looking, and
const LEAST = 0.06;     // seconds of steps, at least
const PATIENCE = 5000;  // milliseconds until Python can be stopped
const M = [[[-1.5, -1], [-1.5, 1]], [[-1.5, 1], [0, -0.2]], [[0, -0.2], [1.5, 1]],
  [[1.5, 1], [1.5, -1]]];  // strokes, to begin with

const PAGE = `
<div class="play-controls"></div>
<div class="play-columns"><div>
  <canvas class="play-plane" role="img" aria-label="the plane, empty yet"></canvas>
  <p class="play-key"><span data-kind="real">real</span> <span data-kind="made">generated, with the
  way that G is told to move it</span> <span data-kind="surface">light: D takes it for real</span></p>
  <div class="play-draw" hidden><p>Draw on the plane with a mouse or a finger, also while it plays.
    <button type="button" class="live-button" data-action="clear">Clear</button></p>
    <details><summary>The points as numbers</summary><label>x and y of a point in each line, from
    −2.5 to 2.5 <textarea rows="6" spellcheck="false"></textarea></label></details></div>
  <div class="live-bar">
    <button type="button" data-action="play">Play</button>
    <button type="button" data-action="half">Half step</button>
    <button type="button" data-action="step">Step</button>
    <button type="button" data-action="restart">Restart</button>
    <button type="button" data-action="stop" hidden>Stop Python</button></div>
  <p class="play-numbers">Press Play. Python comes with the book; to load it takes some seconds,
    once.</p>
  <p class="play-status" role="status"></p>
  <canvas class="play-losses" role="img" aria-label="the losses, none yet"></canvas></div>
<div class="play-code"><p class="play-note">What will be seen, as a film. When you have pressed Play
    the loop that is played stands here, to be read and changed.</p>
  <button type="button" class="live-button" data-action="mine" hidden>My loop back</button>
  <div class="play-printed"></div>
  <div class="play-editor"></div></div></div>
<div class="play-changes" hidden></div>`;

const at = selector => root.querySelector(selector);
const button = name => at(`[data-action="${name}"]`);
let root, editor, started, frame, real, printed;
let starting = false, playing = false, running = Promise.resolve();
let text = "", plain = "";  // of the loop that is played, and of the controls' last one
let lost = "";              // of a changed one that a control has written over
let losses = [], times = [];
let points = [];            // drawn by hand

export function attach() {
  root = document.querySelector(".playground");
  const film = root.querySelector("img");
  root.innerHTML = PAGE;
  at(".play-editor").append(film);
  root.classList.add("live");
  const controls = [...CONTROLS, ["speed", "Speed", SPEEDS.map(([rate]) => rate)]];
  at(".play-controls").append(...controls.map(control));
  printed = output(at(".play-printed"));
  points = M.flatMap(([a, b]) => [...Array(12).keys()].map(
    k => a.map((v, i) => v + (b[i] - v) * k / 12)));
  write();
  const actions = {play: () => playing ? pause() : start(), half: () => move(true),
    step: () => move(false), restart: () => restart(editor?.text()), stop: () => python.stop(),
    mine: () => { editor.set(lost); button("mine").hidden = true; },
    clear: () => { points = []; drawn(); }};
  root.addEventListener("click", event => actions[event.target.dataset?.action]?.());
  at("textarea").onchange = read;
  followPointer(at(".play-plane"));
  python.listen(({name}) => { if (name === "off") gone(); });
  new ResizeObserver(paint).observe(at(".play-plane"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  new MutationObserver(paint).observe(document.body, {attributeFilter: ["data-theme"]});
  document.addEventListener("visibilitychange", () => { if (document.hidden) pause(); });
}

function control([name, words, values, first = values[0]]) {
  const label = document.createElement("label"), select = document.createElement("select");
  select.name = name;
  select.append(...values.map(value => new Option(
    name === "speed" ? SPEEDS.find(([rate]) => rate === value)[1] : WORDS[value] ?? value, value,
    value === first, value === first)));
  select.onchange = () => name === "speed" || changed(name);
  label.append(words, select);
  return label;
}

const chosen = name => at(`select[name="${name}"]`).value;
const choices = () => Object.fromEntries(CONTROLS.map(([name, , values]) =>
  [name, typeof values[0] === "number" ? Number(chosen(name)) : chosen(name)]));

// A control writes the loop anew, but the picture is not in it.
async function changed(name) {
  at(".play-draw").hidden = chosen("data") !== "drawn";
  at(".play-plane").classList.toggle("drawing", chosen("data") === "drawn");
  if (!editor) return;
  const own = editor?.text();
  if (name !== "data" && own !== plain) {
    lost = own;
    button("mine").hidden = false;
  }
  await restart(name === "data" ? own : undefined);
}

// Asking Python
async function ask(name, ...args) {
  await loaded();
  const timer = setTimeout(() => { button("stop").hidden = false; }, PATIENCE);
  try {
    return await python.call("playground", name, ...args);
  } finally {
    clearTimeout(timer);
    button("stop").hidden = true;
  }
}

const loaded = () => started ??= load();

async function load() {
  const done = progress(at(".live-bar"));
  const result = await python.run("from playground import begin, draw, move, play",
    {space: "playground"});
  done();
  if (!result.ok) throw new Error(result.error);
}

// Python was stopped, or could not be loaded: all that it knew is gone.
function gone() {
  if (!started) return;
  started = frame = undefined;
  playing = false;
}

function failed(error) {
  say(!error.stopped ? error.message :
      "Stopped. Mend the loop and press Restart; Play goes on with the game before.");
}

// A new game; if its loop breaks, the old one stays, and goes on if it was playing.
async function restart(own) {
  const was = playing;
  await pause();
  try {
    await loaded();
    if (!take(await ask("begin", choices(), own, points))) return;
    if (own === undefined) plain = text;
  } catch (error) {
    return failed(error);
  }
  at(".play-changes").hidden = true;
  say("A new game: nobody has learnt anything yet.");
  if (was) start();
}

async function ready() {
  if (!frame) await restart(editor?.text());
  return Boolean(frame);
}

async function start() {
  if (starting || playing) return;
  starting = true;
  const good = await ready();
  starting = false;
  if (!good) return;
  become(true);
  at(".play-changes").hidden = true;
  say("");
  running = run().catch(failed);
  await running;
  become(false);
}

async function run() {
  times = [];
  const more = () => ask("play", slow() ? 0 : Math.max(LEAST, SHARE * (frame.looked ?? 0)));
  const slow = () => Number.isFinite(Number(chosen("speed")));
  for (let next = more(); next;) {
    const start = performance.now(), got = await next;
    // the next steps are computed while these are drawn
    next = playing && !got.error && !slow() ? more() : undefined;
    if (!take(got)) return;
    if (next || !playing) continue;
    await new Promise(go => setTimeout(go, 1000 / chosen("speed") - performance.now() + start));
    if (playing) next = more();
  }
  say(numbers(), true);
}

async function pause() {
  playing = false;
  await running;
}

async function move(half) {
  await pause();
  if (!await ready()) return;
  try {
    if (take(await ask("move", half))) say("What has changed stands below.");
  } catch (error) {
    failed(error);
  }
}

function become(now) {
  playing = now;
  button("play").textContent = now ? "Pause" : "Play";
  paint();
}

// What Python returned: false if that is an error of the loop.
function take(got) {
  printed.clear();
  if (got.printed) printed.part({kind: "text", stream: "stdout", text: got.printed});
  if (got.error) {
    const where = got.line ? `Line ${got.line} of the loop: ` : "";
    printed.error(where + got.error);
    say("What is wrong stands above the loop.");
    return false;
  }
  if (got.text) begun(got);
  if (got.real) real = got.real.data;
  frame = got;
  const [rows] = got.losses.shape;
  for (let k = 0; k < rows; k++) losses.push(got.losses.data.slice(3 * k, 3 * k + 3));
  if (losses.length > 2000) losses = losses.filter((_, k) => k % 2);
  times = [...times.filter(([when]) => when > performance.now() - 3000),
    [performance.now(), got.moves.G]];
  if (got.changes) changes(got);
  paint();
  return true;
}

async function begun(got) {
  text = got.text;
  losses = [];
  if (!editor) {
    at(".play-editor").replaceChildren();
    editor = (await import("./editor.js")).editor(at(".play-editor"), text,
      {onRun: () => restart(editor.text()), onChange: noted, label: "The loop, Python code"});
  }
  if (editor.text() !== text) editor.set(text);
  noted();
}

function noted() {
  const own = editor.text() !== text;
  at(".play-note").textContent = own ?
    "Changed. Restart (or Ctrl-Enter) plays it; until then the loop before goes on." :
    "This is what is played. Change it and press Restart (or Ctrl-Enter).";
  button("restart").classList.toggle("play-wanted", own);
}

// Saying and drawing
function say(words, unseen = false) {  // unseen: what stands elsewhere, for those who listen
  at(".play-status").textContent = words;
  at(".play-status").classList.toggle("play-unseen", unseen);
}
const show = (v, digits = 3) => v === undefined || v === null ? "–" : Number.isFinite(v) ?
  (Math.abs(v) < 1e6 ? String(Number(v.toPrecision(digits))) : v.toExponential(1))
    .replaceAll("-", "−") : "no number";

function numbers() {
  const {moves, loss, figures, pull} = frame;
  const heaps = figures.of === undefined ? "" : ` ${figures.found} of ${figures.of} heaps found, ` +
    `${Math.round(100 * figures.good)} % of the points on one.`;
  const out = frame.samples.data.filter((v, k, all) =>  // whole points: the first that is far
    Math.abs(v) > REACH && (k % 2 === 0 || Math.abs(all[k - 1]) <= REACH)).length;
  const away = out ? ` ${out} points are outside.` : "";
  const over = Object.values(loss).every(Number.isFinite) ? "" :
    " A loss is no number any more: this game is over.";
  const ahead = moves.D === moves.G ? "" : moves.D === moves.G + 1 ? ", and D has moved" :
    `, with ${moves.D} moves of D`;
  return `Step ${moves.G}${ahead}. Losses: D ${show(loss.D)}, G ${show(loss.G)}.${heaps}${away} Pull ` +
    `on a point (the length of an arrow): ${show(pull, 2)}.${over}`;
}

function rate() {
  const [first, last] = [times[0], times.at(-1)];
  return playing && times.length > 3 ?
    ` ${Math.round(1000 * (last[1] - first[1]) / (last[0] - first[0]))} steps a second.` : "";
}

function paint() {
  const here = at(".play-plane");
  plane(here, frame, frame && chosen("data") !== "drawn" ? real : chosen("data") === "drawn" ?
    points.flat() : undefined);
  line(at(".play-losses"), losses);
  if (!frame) return;
  at(".play-numbers").textContent = numbers() + rate();
  here.ariaLabel = `The plane from −2.5 to 2.5: ${real.length / 2} real points, ` +
    `${frame.samples.shape[0]} generated ones, and D's surface.`;
  at(".play-losses").ariaLabel = `The losses of ${losses.length} steps; at last D ` +
    `${show(frame.loss.D)}, G ${show(frame.loss.G)}.`;
}

function changes({moved, changes, compared: [before, after]}) {
  const box = at(".play-changes"), players = {discriminator: "D", generator: "G"};
  const of = name => players[name.split(".")[0]];
  const some = [...new Set(changes.filter(c => c.largest > 0).map(c => of(c.name)))];
  const rows = changes.map(c => `<tr${c.largest > 0 ? "" : ' class="same"'}><th scope="row">` +
    `${c.name}</th><td>${c.shape.join(" × ")}</td>` + (c.largest > 0 ?
      `<td>${show(c.slope)}</td><td>${show(c.before, 5)} → ${show(c.after, 5)}</td>` +
      `<td>${show(c.largest, 2)}</td></tr>` : '<td colspan="3">not a bit of it has changed</td>'));
  const move = moved ? `half a step: ${moved} has moved` : some.length > 1 ?
    "a step: D has moved, and then G" : "the rest of the step";
  box.innerHTML = `<h2>What has changed</h2><p>Last came ${move}. Numbers of ` +
    `${some.join(" and ") || "nobody"} have changed. On the same 200 real and generated points, ` +
    `D's loss went from ${show(before[0], 5)} to ${show(after[0], 5)}, G's from ` +
    `${show(before[1], 5)} to ${show(after[1], 5)}.</p><div class="play-table" tabindex="0" ` +
    'role="group" aria-label="what has changed"><table><thead><tr><th>numbers</th><th>shape</th>' +
    "<th>length of the gradient</th><th>length of the numbers</th><th>largest change</th></tr>" +
    `</thead><tbody>${rows.join("")}</tbody></table></div>`;
  box.hidden = false;
}

// Points drawn by hand
function followPointer(canvas) {
  const add = event => {
    const point = toPlane(canvas, event), last = points.at(-1) ?? [9, 9];
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) > 0.06) points.push(point);
    paint();
  };
  const drawing = event => chosen("data") === "drawn" && event.buttons;
  canvas.onpointerdown = event => {
    if (!drawing(event)) return;
    canvas.setPointerCapture(event.pointerId);
    add(event);
  };
  canvas.onpointermove = event => { if (drawing(event)) add(event); };
  canvas.onpointerup = () => { if (chosen("data") === "drawn") drawn(); };
}

const write = () => {
  at("textarea").value = points.map(p => p.map(v => v.toFixed(2)).join(" ")).join("\n");
};

function read() {
  const rows = at("textarea").value.trim().split("\n").map(row => row.trim().split(/[\s,;]+/)
    .map(Number));
  const good = rows.every(row => row.length === 2 && row.every(v => Math.abs(v) < 1e3));
  if (!good) return say("Each line is to be two numbers, x and y, with a space between them.");
  points = rows;
  say("");
  drawn();
}

async function drawn() {
  write();
  paint();
  if (!frame) return;
  if (!points.length) return say("The game goes on with the points it had, until you draw.");
  await ask("draw", points).then(take, failed);
}
