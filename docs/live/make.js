// Elements, in a line each.
export function make(tag, properties = {}, ...inner) {
  const {dataset = {}, role, ...rest} = properties;
  const element = Object.assign(document.createElement(tag), rest);
  if (role) element.setAttribute("role", role);
  Object.assign(element.dataset, dataset);
  element.append(...inner);
  return element;
}

export const button = (words, onclick) =>
  make("button", {type: "button", className: "live-button", textContent: words, onclick});
