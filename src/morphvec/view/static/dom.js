// Elements made by hand: what a model says reaches the page as text, never as markup.

/** An element: h("a", {class: "x", href: "/", on: {click}}, "text", child, [more]). Falsy children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put these in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

const whole = new Intl.NumberFormat("en");
export const number = (value) => whole.format(value);
export const score = (value) => value.toFixed(3).replace("-0.000", "0.000").replace("-", "−");

const said = document.getElementById("said");
/** Say something to those who listen to the page. */
export function say(text) {
  said.textContent = text;
}

/** Three digits that say something, whatever the size. */
export const digits = (value) => (Math.abs(value) >= 1000 ? whole.format(value) : String(Number(value.toPrecision(3)))).replace("-", "−");

let counter = 0;
export const fresh = (name) => `${name}-${(counter += 1)}`;
