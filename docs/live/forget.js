// A button that forgets what is kept, after a second one that says that it will.
import {button, make} from "./make.js";
import * as store from "./store.js";

export function forgetting(after, words, keys) {
  let asked = false;
  const ask = next => {
    asked = next;
    told.textContent = "";
    show();
    (asked ? sure.lastChild : first).focus();
  };
  const forget = () => {
    asked = false;
    told.textContent = "Forgotten.";
    store.forget(keys());
    told.focus();
  };
  const first = button(words, () => ask(true));
  const sure = make("span", {}, "What you wrote and guessed is lost then. ",
    button("Forget it", forget), " ", button("Keep it", () => ask(false)));
  const told = make("span", {role: "status", tabIndex: -1});
  const bar = make("div", {className: "live-bar", role: "group", ariaLabel: words,
    onkeydown: event => event.key === "Escape" && ask(false)}, first, sure, told);
  const show = () => {
    const there = new Set(store.keys()), any = keys().some(key => there.has(key));
    first.hidden = asked || !any;
    sure.hidden = !asked;
    bar.hidden = !any && !told.textContent;
  };
  after.after(bar);
  store.listen(show);
}
