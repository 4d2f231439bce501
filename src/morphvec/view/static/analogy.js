// A is to B as C is to what?

import { ask } from "./api.js";
import { fill, fresh, h, say } from "./dom.js";
import { Place, analogyText, answers, columns, filters, notFiltered, nothing, refusal } from "./parts.js";
import { combobox } from "./search.js";
import { go, link, state } from "./state.js";

const FIELDS = ["a", "b", "c"];
const BEFORE = { a: "If", b: "is to", c: "then" };
const NAMES = { a: "First word", b: "What it is to", c: "Second word" };

export const title = "Analogy";
export const heading = (now) => (now.a && now.b && now.c ? `${now.a} : ${now.b} = ${now.c} : ?` : "");

export function mount(section) {
  const inputs = {};
  const form = h(
    "form",
    { class: "sentence", "aria-label": "Analogy", on: { submit: (event) => event.preventDefault() } },
    FIELDS.map((name) => {
      const id = fresh("analogy");
      inputs[name] = h("input", { type: "text", id, spellcheck: "false", autocapitalize: "none", autocorrect: "off", maxlength: "200", enterkeyhint: "go" });
      return h("span", { class: "slot" }, h("label", { for: id }, h("span", { class: "unseen" }, `${NAMES[name]}: `), BEFORE[name]), h("span", { class: "field" }, inputs[name]));
    }),
    h("span", { class: "slot end" }, "is to ?"),
  );
  section.append(form);
  for (const name of FIELDS)
    combobox(inputs[name], (word) => {
      go({ ...typed(inputs), [name]: word });
      FIELDS.map((one) => inputs[one]).find((input) => !input.value)?.focus();
    });
  const examples = h("div", { class: "examples" });
  section.append(examples);
  const answersPart = h("div");
  section.append(answersPart);
  const places = columns(answersPart).map((column) => ({ ...column, place: new Place(column.body) }));

  return (now) => {
    for (const name of FIELDS) if (document.activeElement !== inputs[name] || now[name]) inputs[name].value = now[name];
    const whole = FIELDS.every((name) => now[name]);
    answersPart.hidden = !whole;
    fill(examples);
    if (!whole) {
      places.forEach(({ place }) => place.stop());
      offer(examples, places[0].model);
      return;
    }
    for (const { model, place, body } of places) {
      const { asked, missing } = filters(model);
      place.run(
        (signal) => ask("analogy", { model: model.id, a: now.a, b: now.b, c: now.c, n: now.n, ...asked }, { signal }),
        (answer) => {
          const why = (word) => ({ view: "pair", a: answer.c, b: word });
          fill(
            body,
            h("h2", { class: "question", tabindex: "-1" }, analogyText(model, [answer.a, answer.b, answer.c], answer.answers[0]?.word)),
            notFiltered(missing),
            answer.answers.length ? answers(model, answer.answers, { why, label: "Answers" }) : nothing(),
          );
          if (answer.answers.length) say(`${answer.c} is to ${answer.answers[0].word}`);
        },
        (error) => fill(body, refusal(model, error, (word) => ({ [blamed(error, now)]: word }))),
      );
    }
  };
}

const typed = (inputs) => Object.fromEntries(FIELDS.map((name) => [name, inputs[name].value.trim()]));

// The server names the word that it does not know as Python writes it, between quotes.
const blamed = (error, now) => FIELDS.find((name) => error.value.slice(1, -1) === now[name]) ?? "c";

async function offer(element, model) {
  const { analogies } = await ask("beginnings", { model: model.id, seed: 0 }).catch(() => ({ analogies: [] }));
  if (FIELDS.every((name) => state()[name])) return;
  fill(
    element,
    h("p", { class: "lead" }, "Three words make a question; the answers are the words nearest to B − A + C, with A, B and C left out."),
    analogies.length > 0 && [
      h("h2", { class: "small" }, "For example"),
      h(
        "ul",
        { class: "plain" },
        analogies.map(([a, b, c]) => h("li", {}, h("a", { href: link({ a, b, c }) }, analogyText(model, [a, b, c])))),
      ),
    ],
  );
}
