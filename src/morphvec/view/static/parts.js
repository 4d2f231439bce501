// Pieces that several views share: how a word, a list of answers and a refusal look.

import { fresh, h, number, score } from "./dom.js";
import { link, state } from "./state.js";

let models = [];
export const setModels = (found) => {
  models = found;
};
export const allModels = () => models;

const names = new Intl.DisplayNames(["en"], { type: "language", fallback: "none" });

/** What a language code stands for: {tag, name}; a code that is none has tag "" and its own name. */
export function language(code) {
  try {
    const tag = Intl.getCanonicalLocales(code)[0];
    const name = names.of(tag);
    return name ? { tag, name } : { tag: "", name: code };
  } catch {
    return { tag: "", name: code };
  }
}

/** {code, bare} of a key such as spa:casa. */
export function split(model, key) {
  const at = key.indexOf(":");
  const code = at > 0 ? key.slice(0, at) : "";
  return model.languages.includes(code) ? { code, bare: key.slice(at + 1) } : { code: "", bare: key };
}

/** A word as text, in its own direction and language, with its language's code beside it where there are several. */
export function wordText(model, key) {
  const { code, bare } = split(model, key);
  const text = h("bdi", { lang: (code && language(code).tag) || null, class: "w" }, bare);
  return code ? [text, h("span", { class: "code", title: language(code).name }, code)] : [text];
}

/** The question A : B = C : ?, its language said once where it is one; answer: the word for the question mark. */
export function analogyText(model, words, answer = "") {
  const all = answer ? [...words, answer] : words;
  const codes = new Set(all.map((word) => split(model, word).code));
  const same = codes.size === 1 && !codes.has("");
  const [a, b, c, d] = all.map((word) => (same ? wordText(model, word)[0] : wordText(model, word)));
  return [a, " : ", b, " = ", c, " : ", h("strong", {}, d ?? "?"), same && wordText(model, words[0])[1]];
}

/** The changes of state that show a word. */
export const toWord = (word) => ({ view: "word", w: word });

/** Answers, best first: a bar for the score, the count, and a way to ask why. why: word → changes of state, or null. */
export function answers(model, rows, { metric = "cosine", shared = new Set(), why = null, label, go = toWord }) {
  const width = widths(rows, metric);
  const counted = model.counted;
  return h(
    "ol",
    { class: counted ? "answers" : "answers uncounted", "aria-label": label },
    rows.map((row, place) =>
      h(
        "li",
        {},
        h(
          "span",
          { class: "cell" },
          h("span", { class: "fill", "aria-hidden": "true", style: { "--width": width(row.score) } }),
          h("a", { class: "word", href: link(go(row.word)) }, wordText(model, row.word), h("span", { class: "unseen" }, `, ${metric} ${score(row.score)}`)),
          shared.has(row.word) && h("span", { class: "shared", title: "an answer of both models" }, "both"),
        ),
        h("span", { class: "score", "aria-hidden": "true" }, score(row.score)),
        counted && h("span", { class: "count", title: "times in the text" }, number(row.count), h("span", { class: "unseen" }, " times in the text")),
        why && h("a", { class: "why", href: link(why(row.word)), title: "why these two are near", "aria-label": `Why ${row.word} is near` }, "why"),
      ),
    ),
  );
}

function widths(rows, metric) {
  const values = rows.map((row) => row.score);
  if (metric === "euclidean") {
    const near = Math.min(...values);
    return (value) => percent(value > 0 ? near / value : 1);
  }
  const most = metric === "cosine" ? 1 : Math.max(...values, 1e-9);
  return (value) => percent(value / most);
}

const percent = (share) => `${(100 * Math.min(Math.max(share, 0), 1)).toFixed(1)}%`;

/** A refusal in the words of the server, with what may have been meant. pick: word → changes of state. */
export function refusal(model, error, pick) {
  return h(
    "div",
    { class: "note", role: "alert" },
    h("p", { class: "headline" }, error.kind === "word" ? ["No vector for ", error.value] : error.value),
    h("p", {}, sentence(error.rule)),
    error.instead?.length
      ? [
          h("p", { class: "lead" }, "Did you mean"),
          h("ul", { class: "chips" }, error.instead.map((word) => h("li", {}, h("a", { class: "chip", href: link(pick(word)) }, wordText(model, word))))),
        ]
      : h("p", { class: "mend" }, sentence(error.mend)),
    error.status === 0 && h("button", { type: "button", on: { click: () => dispatchEvent(new Event("again")) } }, "Try again"),
  );
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + ".";

/** One column for each model; a name above it where there are two. */
export function columns(section) {
  section.classList.add("columns", models.length > 1 ? "two" : "one");
  return models.map((model, place) => {
    const body = h("div", { class: "body" });
    const id = fresh("column");
    const column = h(
      "article",
      { class: place ? "column second" : "column first", "aria-labelledby": models.length > 1 ? id : null },
      models.length > 1 && h("p", { class: "model", id }, model.name),
      body,
    );
    section.append(column);
    return { model, body, column };
  });
}

/** The filters as parameters for one model: those that it has; and the names of those that it has not. */
export function filters(model) {
  const asked = { language: state().language, class: state().class, least: state().least === "0" ? "" : state().least };
  const missing = [];
  if (asked.language && !model.languages.includes(asked.language)) {
    missing.push(`language ${asked.language}`);
    asked.language = "";
  }
  if (asked.class && !model.classes.some((one) => one.name === asked.class)) {
    missing.push(`class ${asked.class}`);
    asked.class = "";
  }
  if (asked.least && !model.counted) {
    missing.push("counts");
    asked.least = "";
  }
  return { asked, missing };
}

/** A line on filters that one of the models does not have. */
export const notFiltered = (missing) =>
  missing.length > 0 && h("p", { class: "aside" }, `Not filtered: this model has no ${missing.join(", no ")}.`);

/** What stands where filters let no word through. */
export const nothing = () =>
  h("div", { class: "note" }, h("p", { class: "headline" }, "No word passes the filters"), h("p", {}, h("a", { href: link({ language: "", class: "", least: "0" }) }, "Clear them")));

/** Runs a question and shows its answer in a place; a later question of the same place overtakes an earlier one. */
export class Place {
  #controller = null;

  constructor(element) {
    this.element = element;
  }

  /** question: signal → promise; show: answer → nothing; refuse: error → nothing. */
  async run(question, show, refuse) {
    this.#controller?.abort();
    const controller = new AbortController();
    this.#controller = controller;
    this.element.setAttribute("aria-busy", "true");
    try {
      const answer = await question(controller.signal);
      if (controller !== this.#controller) return;
      this.#swap(() => show(answer));
    } catch (error) {
      if (error.name === "AbortError" || controller !== this.#controller) return;
      if (error.status === undefined) throw error;
      this.#swap(() => refuse(error));
    }
    this.element.removeAttribute("aria-busy");
  }

  stop() {
    this.#controller?.abort();
    this.#controller = null;
    this.element.removeAttribute("aria-busy");
  }

  // What had the focus goes with the old answer: the new one takes it, so that the keyboard does not start anew.
  #swap(change) {
    const within = this.element.contains(document.activeElement);
    change();
    if (!within) return;
    const heading = this.element.querySelector("[tabindex='-1']");
    heading?.focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }
}
