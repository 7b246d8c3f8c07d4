// The page's Python, in a worker, so that the page stays awake while it computes. python.js talks
// to it: {id, kind: "run" | "call", ...} comes in, what happens on the way and the result go out.
const here = new URL(".", import.meta.url);
let python;  // a promise of running.py, with all it needs loaded
let signal;  // memory shared with the page, by which it interrupts; null where it cannot be

const post = (message, transfer = []) => self.postMessage(message, transfer);

self.onmessage = async ({data: {id, kind, args}}) => {
  if (kind === "signal") { signal = args; return; }
  try {
    python ??= start();
    const {running, pyodide} = await python;
    post({kind: "running"});
    if (kind === "run") {
      const [source, name, space, prompt] = args;
      const tell = (part, ...rest) => post({id, kind: "part", part: taken(part, rest)});
      const result = running.run(source, name, space, tell, prompt);
      post({id, kind: "result", value: plain(result)});
    } else {
      const [space, name, ...rest] = args;
      const value = running.call(space, name, ...rest.map(x => pyodide.toPy(x)));
      post({id, kind: "result", value: plain(value)});
    }
  } catch (error) {
    post({id, kind: "failed", message: String(error.message ?? error)});
  }
};

function taken(kind, [a, b, c]) {
  return kind === "text" ? {kind, stream: a, text: b}
                         : {kind, name: a, type: b, data: c.toJs ? c.toJs() : c};
}

function plain(value) {
  if (!value?.toJs) return value;
  const copy = value.toJs({dict_converter: Object.fromEntries, create_pyproxies: false});
  value.destroy();
  return copy;
}

async function start() {
  const files = await (await fetch(new URL("files.json", here))).json();
  const bytes = await fetched(files);
  const {loadPyodide} = await import(new URL("pyodide/pyodide.mjs", here));
  const pyodide = await loadPyodide({indexURL: new URL("pyodide/", here).href});
  post({kind: "loading", what: "NumPy"});
  await pyodide.loadPackage("numpy", {messageCallback: () => {}});
  post({kind: "loading", what: "minigan"});
  const site = pyodide.runPython("import site; site.getsitepackages()[0]");
  pyodide.unpackArchive(bytes["minigan.zip"], "zip", {extractDir: site});
  pyodide.FS.writeFile("/packages.zip", bytes["packages.zip"]);  // read where it lies
  // Where CI is set Hypothesis draws the same each time: a page answers as it did
  pyodide.runPython(`import os, sys
os.environ["CI"] = "true"
sys.path += ["/packages.zip"]
import minigan`);
  const running = pyodide.pyimport("running");
  if (signal) pyodide.setInterruptBuffer(signal);
  return {pyodide, running};
}

// All files once, with a word on how far it is; what Pyodide loads itself then comes from the
// browser's cache. Returns those that it does not.
async function fetched(files) {
  const total = Object.values(files).reduce((a, b) => a + b), bytes = {};
  let done = 0;
  await Promise.all(Object.keys(files).map(async name => {
    const reply = await fetch(new URL(name, here)), parts = [];
    if (!reply.ok) throw new Error(`the book lacks ${name} (${reply.status})`);
    for (const reader = reply.body.getReader();;) {
      const {done: end, value} = await reader.read();
      if (end) break;
      done += value.length;
      if (name.endsWith(".zip")) parts.push(value);
      post({kind: "loading", what: "Python", done, total});
    }
    if (parts.length) bytes[name] = new Uint8Array(await new Blob(parts).arrayBuffer());
  }));
  return bytes;
}
