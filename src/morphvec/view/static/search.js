// A field with words to choose from while one types (the combobox pattern of ARIA 1.2).

import { ask } from "./api.js";
import { fresh, h, number, say } from "./dom.js";
import { allModels, wordText } from "./parts.js";
import { state } from "./state.js";

const PAUSE = 30; // milliseconds without a key before the question is asked
const MOST = 8;

/** Gives a text field its list. choose: what to do with the word that was picked or typed. */
export function combobox(input, choose) {
  const list = h("ul", { class: "suggestions", role: "listbox", id: fresh("suggestions"), "aria-label": "Words", hidden: true });
  input.after(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-expanded": "false",
    autocomplete: "off",
  }))
    input.setAttribute(name, value);

  let found = [];
  let active = -1;
  let timer = 0;
  let controller = null;

  const close = () => {
    clearTimeout(timer);
    controller?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (place) => {
    active = place;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === place)));
    if (place < 0) return input.removeAttribute("aria-activedescendant");
    list.children[place].scrollIntoView({ block: "nearest" });
    return input.setAttribute("aria-activedescendant", list.children[place].id);
  };

  const pick = (word) => {
    close();
    if (word) choose(word);
  };

  const show = (rows) => {
    found = rows;
    list.replaceChildren(
      ...rows.map(({ word, count, model }) =>
        h(
          "li",
          {
            role: "option",
            id: fresh("option"),
            "aria-selected": "false",
            on: {
              mousedown: (event) => event.preventDefault(), // the field keeps the focus
              click: () => pick(word),
            },
          },
          h("span", { class: "word" }, wordText(model, word)),
          count !== null && h("span", { class: "count" }, number(count)),
        ),
      ),
    );
    active = -1;
    input.removeAttribute("aria-activedescendant");
    list.hidden = rows.length === 0;
    input.setAttribute("aria-expanded", String(rows.length > 0));
    say(rows.length ? `${rows.length} words to choose from` : "no such word; press Enter to ask all the same");
  };

  const suggest = async () => {
    controller?.abort();
    const typed = input.value.trim();
    if (!typed) return close();
    controller = new AbortController();
    const { signal } = controller;
    try {
      const answers = await Promise.all(
        allModels().map(async (model) => {
          const language = model.languages.includes(state().language) ? state().language : "";
          const answer = await ask("suggest", { model: model.id, q: typed, n: MOST, language }, { signal });
          return answer.suggestions.map((row) => ({ ...row, model }));
        }),
      );
      if (signal.aborted || document.activeElement !== input) return undefined;
      const seen = new Set();
      show(answers.flat().filter(({ word }) => !seen.has(word) && seen.add(word)).slice(0, MOST));
    } catch (error) {
      if (error.name !== "AbortError") close(); // suggestions are a help: the question itself will say what is wrong
    }
    return undefined;
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) suggest();
      else {
        const step = event.key === "ArrowDown" ? 1 : -1;
        const places = found.length + 1; // the field itself is one
        mark(((active + 1 + step + places) % places) - 1);
      }
    } else if (event.key === "Enter") {
      event.preventDefault();
      pick(active >= 0 ? found[active].word : input.value.trim());
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (open) close();
      else input.value = "";
    }
  });
  return { close };
}
