// Puts the page together: models, search, tabs, filters, theme, and the view that the address names.

import { ask } from "./api.js";
import * as analogy from "./analogy.js";
import { fill, fresh, h, number } from "./dom.js";
import * as map from "./map.js";
import * as pair from "./pair.js";
import { language, refusal, setModels, toWord } from "./parts.js";
import { combobox } from "./search.js";
import { go, link, listen, state } from "./state.js";
import * as word from "./word.js";

const VIEWS = { word, analogy, pair, map };
// Which filters and settings a view reads.
const FILTERED = {
  word: ["language", "class", "least", "metric", "n"],
  analogy: ["language", "class", "least", "n"],
  map: ["language", "projection", "words", "colour"],
};
const main = document.getElementById("main");
const mounted = {};
let settings = null;

async function start() {
  try {
    const { models } = await ask("models");
    setModels(models);
    fill(main);
    settings = makeFilters(models);
    makeSearch();
    listen(show);
    show(state());
  } catch (error) {
    if (error.status === undefined) throw error;
    fill(main, refusal({ languages: [] }, error, toWord));
  }
}

function show(now) {
  const name = now.view in VIEWS ? now.view : "word";
  const view = VIEWS[name];
  if (!mounted[name]) {
    const section = h("section", { class: `view ${name}`, "aria-label": view.title }, h("h1", { class: "unseen" }, view.title));
    main.append(section);
    mounted[name] = { section, update: view.mount(section) };
  }
  for (const [each, { section }] of Object.entries(mounted)) section.hidden = each !== name;
  document.title = [view.heading(now), view.title, "morphvec"].filter(Boolean).join(" · ");
  fill(
    document.getElementById("tabs"),
    Object.entries(VIEWS).map(([each, { title }]) => h("a", { href: link({ view: each }), "aria-current": each === name ? "page" : null }, title)),
  );
  settings(name, now);
  const field = document.getElementById("search-word");
  if (document.activeElement !== field) field.value = name === "word" || name === "map" ? now.w : "";
  mounted[name].update(now);
}

function makeSearch() {
  const field = document.getElementById("search-word");
  const form = document.getElementById("search");
  const choose = (chosen) => {
    field.value = chosen;
    go(state().view === "map" ? { w: chosen } : toWord(chosen));
    field.select();
  };
  combobox(field, choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  const narrow = matchMedia("(max-width: 40rem)").matches;
  if (!narrow && !state().w && !state().a && state().view === "word") field.focus();
}

function makeFilters(models) {
  const bar = document.getElementById("filters");
  const languages = [...new Set(models.flatMap((model) => model.languages))];
  const classes = new Map();
  for (const one of models.flatMap((model) => model.classes)) classes.set(one.name, Math.max(one.words, classes.get(one.name) ?? 0));
  const counted = models.some((model) => model.counted);
  const asked = { language: languages.length > 1, class: classes.size > 0, least: counted, frequency: counted }; // what there is to choose
  const choices = {
    language: [["", "any"], ...languages.map((code) => [code, language(code).name])],
    class: [["", "any"], ...[...classes].map(([name, words]) => [name, `${name} (${number(words)})`])],
    least: [["0", "any"], ...[5, 10, 50, 100, 1000, 10000].map((least) => [String(least), `${number(least)} times`])],
    metric: models[0].metrics.map((metric) => [metric, metric]),
    n: ["10", "20", "50", "100"].map((n) => [n, n]),
    projection: [["tsne", "t-SNE: neighbourhoods"], ["pca", "PCA: main axes"]],
    words: ["300", "1000", "2000", "4000"].map((words) => [words, number(Number(words))]),
    colour: [["", "as fits"], ...["language", "class", "cluster", "frequency"].filter((colour) => asked[colour] ?? true).map((colour) => [colour, colour])],
  };
  const labels = { language: "Language", class: "Class", least: "At least", metric: "Measure", n: "Show", projection: "Layout", words: "Words", colour: "Colour" };
  const fields = {};
  const selects = {};
  for (const [name, options] of Object.entries(choices)) {
    if (asked[name] === false) continue;
    const id = fresh("filter");
    selects[name] = h("select", { id, on: { change: (event) => go({ [name]: event.target.value }) } }, options.map(([value, text]) => h("option", { value }, text)));
    fields[name] = h("span", { class: "filter" }, h("label", { for: id }, labels[name]), selects[name]);
  }
  const inside = h("div", { class: "inside", id: fresh("filters") }, Object.values(fields));
  const toggle = h(
    "button",
    {
      type: "button",
      class: "toggle quiet",
      "aria-expanded": "false",
      "aria-controls": inside.id,
      on: { click: () => toggle.setAttribute("aria-expanded", String(toggle.getAttribute("aria-expanded") !== "true")) },
    },
    "Filters",
  );
  bar.append(toggle, inside);
  return (name, now) => {
    const read = FILTERED[name] ?? [];
    bar.hidden = !read.some((each) => each in fields);
    for (const [each, field] of Object.entries(fields)) field.hidden = !read.includes(each);
    for (const [each, select] of Object.entries(selects)) {
      select.value = now[each];
      if (select.selectedIndex < 0) select.value = choices[each][0][0];
      select.classList.toggle("set", ["language", "class", "least"].includes(each) && select.selectedIndex > 0);
    }
    const active = ["language", "class", "least"].filter((each) => read.includes(each) && selects[each]?.selectedIndex > 0).length;
    toggle.textContent = active ? `Filters (${active})` : "Filters";
  };
}

function makeTheme() {
  const button = document.getElementById("theme");
  const order = ["auto", "light", "dark"];
  const tell = () => {
    button.textContent = `Theme: ${document.documentElement.dataset.theme ?? "auto"}`;
  };
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % order.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("morphvec-theme", next);
    } catch {
      // storage may be forbidden: the theme then lasts as long as the page
    }
    tell();
    dispatchEvent(new Event("theme"));
  });
  tell();
}

addEventListener("again", () => (settings ? show(state()) : start()));
makeTheme();
start();
