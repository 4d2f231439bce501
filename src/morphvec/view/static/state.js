// What the page shows stands in its address: links can be shared, and back and forward work.

const DEFAULTS = {
  view: "word",
  w: "",
  a: "",
  b: "",
  c: "",
  language: "",
  class: "",
  least: "0",
  n: "20",
  metric: "cosine",
  projection: "tsne",
  words: "1000",
  colour: "",
};

const listeners = [];
let current = read();

function read() {
  const given = new URLSearchParams(location.search);
  const state = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS)) if (given.has(name)) state[name] = given.get(name).slice(0, 200);
  return state;
}

export const state = () => current;

/** The address of the page with these changes. */
export function link(changes = {}) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...current, ...changes }))
    if (value !== DEFAULTS[name] && value !== "") given.set(name, value);
  const text = given.toString();
  return text ? `/?${text}` : "/";
}

/** Go to the page with these changes; replace: without a step in the history. */
export function go(changes, { replace = false } = {}) {
  const address = link(changes);
  if (address === location.pathname + location.search) return tell();
  history[replace ? "replaceState" : "pushState"](null, "", address);
  current = read();
  return tell();
}

export function listen(listener) {
  listeners.push(listener);
}

function tell() {
  for (const listener of listeners) listener(current);
}

addEventListener("popstate", () => {
  current = read();
  tell();
});

// A plain click on a link to the page itself changes what it shows; other clicks are the browser's.
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || anchor.target || anchor.origin !== location.origin || anchor.pathname !== "/" || anchor.hash) return;
  event.preventDefault();
  history.pushState(null, "", anchor.pathname + anchor.search);
  current = read();
  tell();
});
