// What the reader has done, kept in this browser: {text, solved} of each exercise, {guess, right}
// of each guess. What the browser refuses to keep is had as long as the page is open.
const PREFIX = "minigan/";
const unkept = new Map(), listeners = new Set();

export const exercise = name => `exercise/${name}`;
export const guess = page => `guess/${page}`;
export const page = () => location.pathname.split("/").pop().replace(/\.html$/, "") || "index";

export function kept(key) {
  if (unkept.has(key)) return unkept.get(key);
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key)) ?? {};
  } catch {  // storage is blocked, or somebody else wrote there
    return {};
  }
}

// Changes what is kept; false if it will be gone with the page.
export function keep(key, changes) {
  const value = {...kept(key), ...changes}, text = JSON.stringify(value);
  try {
    if (text === "{}") localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, text);
    unkept.delete(key);
  } catch {  // blocked or full
    unkept.set(key, value);
  }
  tell();
  return !unkept.has(key);
}

export function keys() {
  let all = [];
  try {
    all = Object.keys(localStorage).filter(key => key.startsWith(PREFIX));
  } catch { /* blocked */ }
  return [...new Set([...all.map(key => key.slice(PREFIX.length)), ...unkept.keys()])];
}

export function forget(some) {
  for (const key of some) {
    unkept.delete(key);
    try {
      localStorage.removeItem(PREFIX + key);
    } catch { /* blocked */ }
  }
  tell();
}

// Calls it now and after each change, in another tab too.
export function listen(listener) {
  listeners.add(listener);
  listener();
}

function tell() {
  for (const listener of listeners) listener();
}

globalThis.addEventListener?.("storage", tell);
globalThis.addEventListener?.("beforeunload", event => {
  if (unkept.size) event.preventDefault();  // the browser asks whether to leave
});
