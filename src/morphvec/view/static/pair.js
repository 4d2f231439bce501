// Two words: how near they are, and why.

import { ask } from "./api.js";
import { digits, fill, fresh, h, number, say, score } from "./dom.js";
import { Place, columns, refusal, toWord, wordText } from "./parts.js";
import { combobox } from "./search.js";
import { go, link } from "./state.js";

const FIELDS = ["a", "b"];
const NAMES = { a: "One word", b: "Another word" };
const BEFORE = { a: "From", b: "to" };
const MOST = 12; // shares listed of each kind

export const title = "Two words";
export const heading = (now) => (now.a && now.b ? `${now.a} and ${now.b}` : "");

export function mount(section) {
  const inputs = {};
  const swap = h("button", { type: "button", class: "quiet", title: "change places", on: { click: () => go({ a: inputs.b.value.trim(), b: inputs.a.value.trim() }) } }, "⇄", h("span", { class: "unseen" }, "Change places"));
  const fields = FIELDS.map((name) => {
    const id = fresh("pair");
    inputs[name] = h("input", { type: "text", id, spellcheck: "false", autocapitalize: "none", autocorrect: "off", maxlength: "200", enterkeyhint: "go" });
    return h("span", { class: "slot" }, h("label", { for: id }, h("span", { class: "unseen" }, `${NAMES[name]}: `), BEFORE[name]), h("span", { class: "field" }, inputs[name]));
  });
  section.append(h("form", { class: "sentence", "aria-label": "Two words", on: { submit: (event) => event.preventDefault() } }, fields, swap));
  for (const name of FIELDS)
    combobox(inputs[name], (word) => {
      go({ a: inputs.a.value.trim(), b: inputs.b.value.trim(), [name]: word });
      FIELDS.map((one) => inputs[one]).find((input) => !input.value)?.focus();
    });
  const lead = h("p", { class: "lead" }, "How near two words are, and which parts and features they share that make them so.");
  const answer = h("div");
  section.append(lead, answer);
  const places = columns(answer).map((column) => ({ ...column, place: new Place(column.body) }));

  return (now) => {
    for (const name of FIELDS) if (document.activeElement !== inputs[name] || now[name]) inputs[name].value = now[name];
    const whole = FIELDS.every((name) => now[name]);
    answer.hidden = !whole;
    lead.hidden = whole;
    if (!whole) return places.forEach(({ place }) => place.stop());
    return places.forEach((one) => show(one, now));
  };
}

function show({ model, place, body }, now) {
  const words = { model: model.id, a: now.a, b: now.b };
  const question = async (signal) => {
    const near = await ask("similarity", words, { signal });
    // Not every model can say why: that is an answer too.
    const why = await ask("explain", words, { signal }).catch((error) => {
      if (error.status === undefined || error.status === 0) throw error;
      return { refused: error };
    });
    return { near, why };
  };
  return place.run(
    question,
    ({ near, why }) => {
      fill(
        body,
        h("h2", { class: "question", tabindex: "-1" }, side(model, near.a), " and ", side(model, near.b)),
        h(
          "dl",
          { class: "measures" },
          measure("cosine", near.cosine, "1 = the same direction"),
          measure("dot product", near.dot, "cosine times both lengths"),
          measure("distance", near.euclidean, "Euclidean"),
        ),
        why.refused ? h("div", { class: "note" }, h("p", { class: "headline" }, "No explanation"), h("p", {}, `${why.refused.value}: ${why.refused.rule}.`)) : explanation(model, why),
      );
      say(`cosine ${score(near.cosine)}`);
    },
    (error) => fill(body, refusal(model, error, (word) => ({ [error.value.slice(1, -1) === now.b ? "b" : "a"]: word }))),
  );
}

const side = (model, word) => [
  h("a", { href: link(toWord(word.word)) }, wordText(model, word.word)),
  h("span", { class: "meta" }, word.known ? word.count !== null && ` ${number(word.count)}×` : " unseen"),
];

const measure = (name, value, about) => h("div", {}, h("dt", {}, name), h("dd", {}, name === "cosine" ? score(value) : digits(value)), h("dd", { class: "about" }, about));

// The dot product is taken apart twice, by pairs of parts and by features; each time the shares add up to all of it.
function explanation(model, why) {
  const scale = why.dot ? why.cosine / why.dot : 0; // shares of the dot product as shares of the cosine
  const scaled = (rows) => rows.map((one) => ({ ...one, share: scale * one.share }));
  const features = scaled(why.features);
  const own = why.parts.every((one) => one.a === OWN && one.b === OWN);
  return h(
    "div",
    { class: "explained" },
    h("p", { class: "aside" }, `The cosine ${score(why.cosine)} taken apart: what pulls the two together, and what pulls them apart.`),
    !own && list("By what the words are made of", scaled(why.parts), (one) => [part(one.a), h("span", { class: "meta" }, " with "), part(one.b)], "other pairs"),
    features.length > 0 && list("By what they are seen with", features, (one) => [h("span", { class: "code" }, one.block), " ", h("bdi", { class: "w" }, one.feature)], "everything else", scale * why.rest),
  );
}

const OWN = "own";
const part = (name) => (name === OWN ? h("em", {}, "the word itself") : h("bdi", { class: "w" }, name));

/** Shares, the largest first; the smaller ones behind a button, and in one line until then. more: a share beside them. */
function list(name, rows, label, others, more = 0) {
  const best = [...rows].sort((one, two) => Math.abs(two.share) - Math.abs(one.share));
  const rest = best.slice(MOST);
  const sum = rest.reduce((total, one) => total + one.share, more);
  const most = Math.max(...best.map((one) => Math.abs(one.share)), Math.abs(sum), 1e-12);
  const item = (one, text) =>
    h(
      "li",
      { class: one.share < 0 ? "apart" : "together" },
      h("span", { class: "name" }, text),
      h("span", { class: "track", "aria-hidden": "true" }, h("span", { class: "fill", style: { "--width": `${(50 * Math.abs(one.share)) / most}%` } })),
      h("span", { class: "score" }, score(one.share)),
    );
  const items = h("ul", { class: "shares" }, best.slice(0, MOST).map((one) => item(one, label(one))));
  const last = item({ share: sum }, rest.length ? `${number(rest.length)} ${others}` : others);
  if (rest.length || more) items.append(last);
  const open = (event) => {
    last.replaceWith(...rest.map((one) => item(one, label(one))), ...(more ? [item({ share: more }, "the rest")] : []));
    event.target.remove();
  };
  return h("section", {}, h("h3", {}, name), items, rest.length > 0 && h("button", { type: "button", class: "quiet", on: { click: open } }, "Show all"));
}
