// What of this page is alive. Each part is loaded where there is an element for it, and Python
// itself only when something is run.
const parts = [
  ["article .highlight-python", () => import("./blocks.js")],
  [".playground", () => import("./playground.js")],
  [".exercise", () => import("./exercises.js")],
  ["details.prediction", () => import("./guesses.js")],
  [".progress", () => import("./progress.js")],
  [".slip[data-slip]", () => import("./slips.js")],
];

for (const [selector, load] of parts) {
  if (document.querySelector(selector)) load().then(part => part.attach());
}
