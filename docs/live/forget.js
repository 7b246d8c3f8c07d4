// A button that forgets what is kept, after a second one that says that it will.
import {button, make} from "./make.js";
import * as store from "./store.js";

export function forgetting(after, words, keys) {
  const first = button(words, () => turn(true));
  const told = make("span", {role: "status", tabIndex: -1});
  const sure = make("span", {}, "What you wrote is lost then. ",
    button("Forget it", () => {
      store.forget(keys());
      turn(false);
      told.textContent = "Forgotten.";
      told.focus();
    }), button("Keep it", () => turn(false)));
  const bar = make("div", {className: "live-bar", role: "group", ariaLabel: words,
    onkeydown: event => event.key === "Escape" && turn(false)}, first, sure, told);
  const turn = asked => {
    first.hidden = asked;
    sure.hidden = !asked;
    told.textContent = "";
    (asked ? sure.lastChild : first).focus();
  };
  after.after(bar);
  sure.hidden = true;
  store.listen(() => {
    const there = new Set(store.keys());
    bar.hidden = !told.textContent && !keys().some(key => there.has(key));
  });
}
