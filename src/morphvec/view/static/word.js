// The view of one word: what it is, what it is made of, what is near.

import { ask } from "./api.js";
import { fill, h, number, say } from "./dom.js";
import { Place, allModels, analogyText, answers, columns, filters, language, notFiltered, nothing, refusal, split, toWord, wordText } from "./parts.js";
import { link } from "./state.js";

const FIRST_GRAMS = 10;

export const title = "Neighbours";
export const heading = (now) => now.w;

export function mount(section) {
  const places = columns(section).map((column) => ({ ...column, place: new Place(column.body), words: null }));
  let seed = 0;

  const ask1 = ({ model, place, body }, now, turn) => {
    const { asked, missing } = filters(model);
    return place.run(
      (signal) => ask("neighbors", { model: model.id, word: now.w, n: now.n, metric: now.metric, ...asked }, { signal }),
      (answer) => {
        fill(
          body,
          h(
            "div",
            { class: "sheet" },
            head(model, answer),
            facts(model, answer),
            h("div", { class: "near" }, notFiltered(missing), answer.neighbors.length ? h("div", { class: "list" }) : nothing()),
          ),
        );
        turn.done(model, answer, body.querySelector(".list"));
      },
      (error) => fill(body, h("h2", { class: "headword", tabindex: "-1" }, h("bdi", {}, now.w)), refusal(model, error, toWord)),
    );
  };

  const begin = ({ model, place, body }) =>
    place.run(
      (signal) => ask("beginnings", { model: model.id, seed }, { signal }),
      (answer) => {
        fill(body, welcome(model, answer));
        body.querySelector("button").addEventListener("click", () => {
          seed += 1;
          places.forEach(begin);
        });
      },
      (error) => fill(body, refusal(model, error, toWord)),
    );

  return (now) => {
    if (!now.w) return places.forEach(begin);
    const turn = new Turn(now);
    return places.forEach((one) => ask1(one, now, turn));
  };
}

/** The answers of both models to one question: words that both give are marked once both are there. */
class Turn {
  #answers = new Map();

  constructor(now) {
    this.now = now;
  }

  done(model, answer, list) {
    this.#answers.set(model.id, { model, answer, list });
    const lists = [...this.#answers.values()];
    const [one, two] = lists.map((each) => new Set(each.answer.neighbors.map((row) => row.word)));
    const shared = two ? new Set([...one].filter((word) => two.has(word))) : new Set();
    for (const each of lists) if (each.list) this.#show(each, shared);
    if (lists.length < allModels().length) return;
    const text = `${answer.neighbors.length} neighbours of ${answer.word}`;
    say(two ? `${text}, ${shared.size} of them in both models` : text);
  }

  #show({ model, answer, list }, shared) {
    const compare = (word) => ({ view: "pair", a: answer.word, b: word });
    fill(
      list,
      allModels().length > 1 && this.#answers.size > 1 && h("p", { class: "aside" }, `${shared.size} of ${answer.neighbors.length} in both models`),
      answers(model, answer.neighbors, { metric: answer.metric, shared, why: compare, label: `Words near ${answer.word}` }),
    );
  }
}

function head(model, answer) {
  const { code } = split(model, answer.word);
  return h(
    "header",
    { class: "head" },
    h("h2", { class: "headword", tabindex: "-1" }, wordText(model, answer.word)),
    h(
      "p",
      { class: "meta" },
      code && [language(code).name, " · "],
      answer.known
        ? [answer.count !== null && `${number(answer.count)} times in the text · `, `rank ${number(answer.rank)} of ${number(model.words)}`]
        : [h("strong", { class: "badge" }, "unseen"), " not among the words; composed from its parts"],
    ),
    h(
      "p",
      { class: "doors" },
      h("a", { href: link({ view: "pair", a: answer.word, b: "" }) }, "Compare"),
      h("a", { href: link({ view: "analogy", a: answer.word, b: "", c: "" }) }, "Analogy"),
      h("a", { href: link({ view: "map", w: answer.word }) }, "On the map"),
    ),
  );
}

/** What a word is made of: lemma, affixes and morphemes as chips, n-grams behind them. */
function facts(model, answer) {
  if (!answer.parts.length) return null;
  const kinds = { lemma: [], affix: [], morpheme: [], ngram: [] };
  for (const part of answer.parts) {
    const at = part.indexOf(":");
    const kind = at > 0 ? part.slice(0, at) : "";
    if (["lemma", "affix", "morpheme"].includes(kind) && part.length > at + 1) kinds[kind].push(part.slice(at + 1));
    else kinds.ngram.push(part);
  }
  const known = model.classes.map((one) => one.name);
  const chip = {
    lemma: (name) => h("a", { class: "chip lemma", href: link(toWord(name)) }, "lemma ", wordText(model, name)),
    affix: (name) =>
      known.includes(name)
        ? h("a", { class: "chip affix", href: link({ class: name }), title: `only neighbours of the class ${name}` }, "affix ", h("bdi", {}, name))
        : h("span", { class: "chip affix" }, "affix ", h("bdi", {}, name)),
    morpheme: (name) => h("span", { class: "chip morpheme" }, "morpheme ", h("bdi", {}, name)),
  };
  const grams = kinds.ngram;
  const gram = (name) => h("li", {}, h("span", { class: "gram" }, h("bdi", {}, name)));
  const rest = grams.slice(FIRST_GRAMS);
  const more =
    rest.length > 0 &&
    h("li", {}, h("button", { type: "button", class: "chip more", on: { click: (event) => event.target.parentNode.replaceWith(...rest.map(gram)) } }, `+ ${rest.length} more`));
  return h(
    "div",
    { class: "made" },
    h("h3", {}, "Made of"),
    h(
      "ul",
      { class: "chips" },
      ["lemma", "affix", "morpheme"].flatMap((kind) => kinds[kind].map((name) => h("li", {}, chip[kind](name)))),
      grams.slice(0, FIRST_GRAMS).map(gram),
      more,
    ),
  );
}

/** Before a word is asked: what the model is, and words and questions to begin with. */
function welcome(model, { words, analogies }) {
  return [
    h("h2", { class: "headword", tabindex: "-1" }, model.name),
    h(
      "p",
      { class: "meta" },
      [
        `${number(model.words)} words`,
        `${number(model.dim)} dimensions`,
        model.method,
        model.languages.length > 0 && model.languages.map((code) => language(code).name).join(", "),
        model.composes ? "unseen words are composed from their parts" : "knows the words of its text only",
      ]
        .filter(Boolean)
        .join(" · "),
    ),
    h("h3", {}, "Words to begin with"),
    h("ul", { class: "chips big" }, words.map((word) => h("li", {}, h("a", { class: "chip", href: link(toWord(word)) }, wordText(model, word))))),
    h("p", {}, h("button", { type: "button" }, "Others")),
    analogies.length > 0 && [
      h("h3", {}, "Analogies"),
      h(
        "ul",
        { class: "plain" },
        analogies.map(([a, b, c]) => h("li", {}, h("a", { href: link({ view: "analogy", a, b, c }) }, analogyText(model, [a, b, c])))),
      ),
    ],
  ];
}
