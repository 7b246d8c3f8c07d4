// The guess before a chapter: a question that stands open until it is answered or skipped.
import {button, make} from "./make.js";
import * as store from "./store.js";

const OPTION = /\(([a-e])\)\s/;
const ANSWER = /^\(([a-e])\)$/;
const END = /(,|;|\?|\.|\s)+$/;

// A question's HTML as what is asked and [[letter, what it stands for], ...]; null where it has
// no letters, or not a, b, c, ...
export function parsed(html) {
  const [asked, ...rest] = html.split(OPTION);
  const options = [];
  for (let i = 0; i < rest.length; i += 2) options.push([rest[i], rest[i + 1].replace(END, "")]);
  const right = options.every(([letter, words], i) => letter === "abcde"[i] && words);
  return options.length > 1 && right ? {asked: asked.trim(), options} : null;
}

export function attach() {
  const answer = document.querySelector("details.prediction");
  const question = parsed(answer.querySelector("summary").innerHTML);
  const right = ANSWER.exec(answer.querySelector("strong")?.textContent)?.[1];
  if (question && right) ask(question, answer, right);
}

function ask({asked, options}, answer, right) {
  const key = store.guess(store.page());
  const verdict = make("p", {className: "live-verdict", tabIndex: -1});
  answer.querySelector("summary").after(verdict);
  const choose = guess => {
    store.keep(key, {guess, right: guess === right});
    verdict.focus();
  };
  const choices = options.map(([letter, words]) => {
    const choice = button("", () => choose(letter));
    choice.innerHTML = `(${letter}) ${words}`;
    return make("li", {}, choice);
  });
  const box = make("div", {className: "live-guess", role: "group", ariaLabel: "Your guess"},
    make("p", {innerHTML: asked}), make("ul", {}, ...choices),
    button("Skip it", () => choose(null)));
  answer.before(box);
  let shown = NaN;
  store.listen(() => {
    const {guess} = store.kept(key), open = guess === undefined;
    if (guess === shown) return;  // the reader may have folded it
    shown = guess;
    box.hidden = !open;
    answer.hidden = open;
    answer.open = !open;
    verdict.textContent = !guess ? "" :
      `You guessed (${guess}): ${guess === right ? "right." : `it is (${right}).`}`;
    verdict.dataset.verdict = guess === right ? "solved" : "wrong";
  });
}
