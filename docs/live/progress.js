// On the index: how far the reader is, in all and in each chapter.
import {forgetting} from "./forget.js";
import {make} from "./make.js";
import * as store from "./store.js";

export function attach() {
  const box = document.querySelector(".progress");
  const chapters = Object.entries(JSON.parse(box.dataset.exercises));
  const line = box.appendChild(make("p", {role: "status"}));
  const rows = chapters.map(([chapter, names]) => {
    const link = document.querySelector(`td a[href^="${chapter}.html"]`);
    const mark = make("span", {className: "live-done"});
    link?.after(mark);
    return {chapter, names, mark};
  });
  store.listen(() => {
    for (const {chapter, names, mark} of rows) mark.textContent = told(chapter, names);
    line.textContent = whole(chapters);
  });
  forgetting(line, "Forget everything", store.keys);
}

const solved = names => names.filter(name => store.kept(store.exercise(name)).solved).length;

function told(chapter, names) {
  const {guess, right} = store.kept(store.guess(chapter)), n = solved(names);
  return [guess && (right ? "guessed right" : "guessed"), n && `${n} of ${names.length} solved`]
    .filter(Boolean).join(", ");
}

function whole(chapters) {
  const names = chapters.flatMap(([, some]) => some);
  const guesses = chapters.map(([chapter]) => store.kept(store.guess(chapter)))
    .filter(one => one.guess);
  const right = guesses.filter(one => one.right).length;
  return `Solved in this browser: ${solved(names)} of ${names.length} exercises. ` +
    `Guessed right: ${right} of ${guesses.length}.`;
}
