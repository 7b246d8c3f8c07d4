// The page's one Python. It starts when something is run first.
let worker, count = 0, state = {name: "off"};
// Where the server lets pages share memory (minigan book does) Python can be interrupted, and keeps
// what it knows; else, and where it does not hear within PATIENCE ms, its worker is ended.
const signal = self.crossOriginIsolated ? new Uint8Array(new SharedArrayBuffer(1)) : null;
const INTERRUPT = 2, PATIENCE = 1500;
const waiting = new Map();    // by the number of a request: how its promise ends, and who listens
const listeners = new Set();

function become(next) {
  state = next;
  for (const listener of listeners) listener(state);
}

function request(kind, args, onOutput = () => {}) {
  if (!worker) {
    worker = new Worker(new URL("worker.js", import.meta.url), {type: "module"});
    worker.onmessage = ({data}) => heard(data);
    worker.onerror = event => broken(event.message || "the worker cannot be loaded");
    worker.postMessage({kind: "signal", args: signal});
    become({name: "loading", what: "Python", done: 0, total: 0});
  }
  return new Promise((resolve, reject) => {
    waiting.set(++count, {resolve, reject, onOutput});
    worker.postMessage({id: count, kind, args});
  });
}

function heard({id, kind, ...rest}) {
  if (kind === "loading") become({...state, name: "loading", ...rest});
  else if (kind === "running") become({name: "running"});
  else if (kind === "part") waiting.get(id).onOutput(rest.part);
  else {
    const {resolve, reject, interrupted} = waiting.get(id), loading = state.name === "loading";
    waiting.delete(id);
    if (signal) signal[0] = 0;  // what came too late does not end the next
    if (!waiting.size) become({name: "ready"});
    if (interrupted) reject(stopped);
    else if (kind === "result") resolve(rest.value);
    else if (loading) broken(rest.message, reject);
    else reject(new Error(rest.message));
  }
}

// Python could not be loaded: whoever asks again begins anew.
function broken(message, reject = () => {}) {
  end(new Error(`Python could not be loaded: ${message}`), reject);
}

function end(error, ...rejects) {
  worker?.terminate();
  worker = undefined;
  const left = [...waiting.values()].map(one => one.reject);
  waiting.clear();
  become({name: "off"});
  for (const reject of [...rejects, ...left]) reject(error);
}

const stopped = Object.assign(new Error("stopped"), {stopped: true});

function stop() {
  if (!signal || state.name !== "running") return end(stopped);
  const asked = [...waiting.keys()], hearing = worker;
  for (const one of waiting.values()) one.interrupted = true;
  signal[0] = INTERRUPT;
  setTimeout(() => {
    if (worker === hearing && asked.some(id => waiting.has(id))) end(stopped);
  }, PATIENCE);
}

export const python = {
  // Runs code in the space of that name; resolves to {ok, error, as_shown, stopped}. prompt: show
  // the value of each line, not of the last one alone.
  async run(source, {space = "page", name = "<block>", prompt = false, onOutput} = {}) {
    try {
      return await request("run", [source, name, space, prompt], onOutput);
    } catch (error) {
      return {ok: false, error: error.message, stopped: Boolean(error.stopped)};
    }
  },
  // Calls a function of a space; rejects with the traceback that it raises.
  call: (space, name, ...args) => request("call", [space, name, ...args]),
  // Ends what runs. Unless it can be interrupted all spaces are gone.
  stop,
  // Tells of {name: "off" | "loading" | "ready" | "running", ...} now and from now on.
  listen(listener) {
    listeners.add(listener);
    listener(state);
    return () => listeners.delete(listener);
  },
};
