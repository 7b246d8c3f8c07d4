// What a block printed, drew and raised, below it.
import {python} from "./python.js";

const MOST = 20_000;  // characters; what is longer keeps its end

// An element, and what to tell it: part(...) as python.run's onOutput, error(text), clear().
export function output(parent) {
  const box = document.createElement("div");
  box.className = "live-output";
  box.setAttribute("role", "log");
  box.hidden = true;
  parent.append(box);
  let text = null, pre = null;

  function write(stream, more) {
    if (!pre || pre.dataset.stream !== stream) {
      pre = box.appendChild(document.createElement("pre"));
      pre.dataset.stream = stream;
      pre.tabIndex = 0;  // what scrolls is reached by the keyboard
      text = "";
    }
    text = (text + more).replace(/[^\n]*\r(?!\n)/g, "");  // a bar is drawn over itself
    if (text.length > MOST) text = `...\n${text.slice(-MOST)}`;
    pre.textContent = text;
    box.hidden = false;
  }

  function picture({name, type, data}) {
    pre = null;
    box.hidden = false;
    const figure = box.appendChild(document.createElement("figure"));
    if (type === "text/html") {
      const frame = document.createElement("iframe");
      frame.sandbox = "allow-scripts";
      frame.srcdoc = new TextDecoder().decode(data);
      frame.title = name;
      figure.append(frame);
    } else {
      const image = document.createElement("img");
      image.src = URL.createObjectURL(new Blob([data], {type}));
      image.alt = name;
      figure.append(image);
    }
    figure.append(Object.assign(document.createElement("figcaption"), {textContent: name}));
  }

  return {
    part: part => part.kind === "text" ? write(part.stream, part.text) : picture(part),
    error: message => write("error", `${message}\n`),
    clear() {
      for (const image of box.querySelectorAll("img")) URL.revokeObjectURL(image.src);
      box.replaceChildren();
      box.hidden = true;
      pre = null;
    },
    element: box,
  };
}

// A line that says how far Python is while it loads, and nothing before and after.
export function progress(parent) {
  const line = document.createElement("div");
  line.className = "live-progress";
  line.setAttribute("role", "status");
  line.hidden = true;
  const bar = line.appendChild(document.createElement("progress"));
  bar.setAttribute("aria-label", "Loading Python");
  const words = line.appendChild(document.createElement("span"));
  parent.append(line);
  const forget = python.listen(({name, what, done, total}) => {
    line.hidden = name !== "loading";
    if (line.hidden) return;
    const whole = total && done >= total;
    bar.max = total || 1;
    if (whole || !total) bar.removeAttribute("value");
    else bar.value = done;
    words.textContent = whole || !total ? `starting ${what}` :
      `loading Python: ${Math.round(done / 1e6)} of ${Math.round(total / 1e6)} MB`;
  });
  return () => { forget(); line.remove(); };
}
