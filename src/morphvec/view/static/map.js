// The map: the most frequent words in the plane, the one that is looked up and its neighbours among them.

import { ask } from "./api.js";
import { fill, h, number, say } from "./dom.js";
import { Place, answers, columns, filters, language, notFiltered, refusal, split } from "./parts.js";
import { Plane } from "./plane.js";
import { go } from "./state.js";

const PAUSE = 500; // milliseconds between two questions how far a map is
const NEAR = 10; // neighbours shown
const SEEN = 30; // neighbours among which those are that light up
const PLACED = 5; // neighbours that say where a word belongs that is not on the map
export const title = "Map";
export const heading = (now) => now.w;

export function mount(section) {
  const list = h("div");
  section.append(list);
  const sheets = columns(list).map(({ model, body, column }) => new Sheet(model, body, column));
  addEventListener("theme", () => sheets.forEach((sheet) => sheet.plane.draw()));
  return (now) => sheets.forEach((sheet) => sheet.update(now));
}

class Sheet {
  constructor(model, body, column) {
    this.model = model;
    column.classList.add("sheet-of-map");
    this.plane = new Plane((place) => go({ w: this.map.points.word[place] }));
    this.about = h("p", { class: "aside" });
    this.legend = h("ul", { class: "legend", "aria-label": "Colours" });
    this.progress = h("p", { class: "progress", hidden: true }, h("progress", { max: "1", "aria-label": "t-SNE" }), " ", h("span", {}, "working out t-SNE"));
    this.refused = h("div");
    this.side = h("div", { class: "side" });
    const zoom = (label, text, act) => h("button", { type: "button", "aria-label": label, title: label, on: { click: act } }, text);
    const tools = h(
      "div",
      { class: "tools" },
      zoom("Zoom in", "+", () => this.plane.zoom(1.5)),
      zoom("Zoom out", "−", () => this.plane.zoom(1 / 1.5)),
      zoom("Show all", "⤢", () => this.plane.whole()),
    );
    this.frame = h("div", { class: "frame" }, this.plane.canvas, tools, this.progress);
    fill(body, h("div", { class: "atlas" }, h("div", { class: "drawn" }, this.refused, this.frame, this.legend, this.about), this.side));
    this.maps = new Place(this.frame);
    this.words = new Place(this.side);
    this.map = null;
    this.wanted = "";
  }

  update(now) {
    const { asked, missing } = filters(this.model);
    const wanted = { projection: now.projection, words: now.words, language: asked.language, colour: now.colour };
    this.missing = missing.filter((one) => one.startsWith("language"));
    if (JSON.stringify(wanted) !== this.wanted) {
      this.wanted = JSON.stringify(wanted);
      this.load(wanted);
    }
    if (now.w !== this.word) {
      this.word = now.w;
      this.look(now.w);
    }
  }

  load(wanted) {
    const question = async (signal) => {
      for (;;) {
        const answer = await ask("map", { model: this.model.id, ...wanted }, { signal, keep: (one) => one.state === "ready" });
        if (answer.state === "ready") return answer;
        this.tell(answer.share);
        if (!this.map || this.map.words !== Number(wanted.words)) await this.meanwhile(wanted, signal);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (signal.aborted) throw new DOMException("overtaken", "AbortError");
      }
    };
    return this.maps.run(
      question,
      (answer) => {
        this.progress.hidden = true;
        fill(this.refused);
        this.draw(answer);
        say(`map of ${answer.words} words`);
      },
      (error) => {
        this.progress.hidden = true;
        this.wanted = "";
        fill(this.refused, refusal(this.model, error, (w) => ({ w })));
        // Without the library for t-SNE there is still the other layout.
        if (error.kind === "extra") this.load({ ...wanted, projection: "pca" });
        else this.frame.hidden = this.map === null;
      },
    );
  }

  /** What can be had at once, while t-SNE is on its way. */
  async meanwhile(wanted, signal) {
    if (wanted.projection === "pca") return;
    const answer = await ask("map", { model: this.model.id, ...wanted, projection: "pca" }, { signal, keep: (one) => one.state === "ready" });
    if (answer.state === "ready") this.draw(answer);
  }

  tell(share) {
    this.progress.hidden = false;
    const bar = this.progress.querySelector("progress");
    if (share > 0) bar.value = share;
    else bar.removeAttribute("value");
  }

  draw(map) {
    this.map = map;
    this.frame.hidden = false;
    this.index = new Map(map.points.word.map((word, place) => [word, place]));
    this.plane.group = -1;
    this.plane.show(map.points);
    this.explain(map);
    this.mark();
  }

  explain(map) {
    const { k, share, chance } = map.preservation;
    const percent = (value) => `${Math.round(100 * value)}%`;
    fill(
      this.about,
      `${number(map.words)} words by ${map.projection === "tsne" ? "t-SNE" : "PCA"}. The map keeps ${percent(share)} of the ${k} nearest neighbours (chance: ${percent(chance)})`,
      map.variance !== null && `, its axes ${percent(map.variance)} of the variance`,
      ".",
      this.missing.length > 0 && notFiltered(this.missing),
    );
    const chip = (name, words, place) => {
      const button = h(
        "button",
        {
          type: "button",
          class: "chip",
          "aria-pressed": "false",
          on: {
            click: () => {
              this.plane.group = this.plane.group === place ? -1 : place;
              this.legend.querySelectorAll("button").forEach((one, at) => one.setAttribute("aria-pressed", String(at === this.plane.group)));
              this.plane.draw();
            },
          },
        },
        h("span", { class: `swatch hue-${place % 8}`, "aria-hidden": "true" }),
        h("bdi", {}, name),
        h("span", { class: "count" }, ` ${number(words)}`),
      );
      return h("li", {}, button);
    };
    const steps = [7, 1, 3, 2].map((hue) => h("span", { class: `swatch hue-${hue}`, "aria-hidden": "true" }));
    fill(this.legend, map.points.value ? h("li", { class: "scale" }, "rare ", steps, " frequent") : map.groups.map((one, place) => chip(map.colour === "language" ? language(one.name).name : one.name, one.words, place)));
  }

  /** The word that is looked up, and what is near it in the whole model. */
  look(word) {
    this.answer = null;
    if (!word) {
      this.words.stop();
      fill(this.side, h("p", { class: "lead" }, "Look up a word, or pick one on the map: its neighbours light up."));
      this.mark();
      return;
    }
    this.words.run(
      (signal) => ask("neighbors", { model: this.model.id, word, n: 100 }, { signal }),
      (answer) => {
        this.answer = answer;
        const rows = answer.neighbors.slice(0, NEAR);
        const { bare } = split(this.model, answer.word);
        fill(
          this.side,
          h("h2", { class: "question", tabindex: "-1" }, h("bdi", {}, bare)),
          h("p", { class: "meta" }, answer.known ? answer.count !== null && `${number(answer.count)} times in the text` : "unseen; composed from its parts"),
          answers(this.model, rows, { label: `Words near ${answer.word}`, go: (w) => ({ w }) }),
          (this.note = h("p", { class: "aside" })),
        );
        this.mark();
      },
      (error) => {
        fill(this.side, refusal(this.model, error, (w) => ({ w })));
        this.mark();
      },
    );
  }

  /** Show on the map what is known of the word by now. */
  mark() {
    if (!this.map) return;
    const { answer, plane } = this;
    if (!answer) return plane.select(-1, [], null);
    const near = answer.neighbors.map((row, rank) => ({ rank, place: this.index.get(row.word), score: row.score })).filter((row) => row.place !== undefined);
    const chosen = this.index.get(answer.word) ?? -1;
    const shown = near.filter((row) => row.rank < SEEN).slice(0, NEAR);
    let ghost = null;
    let text = "";
    if (chosen < 0 && near.length) {
      const by = near.slice(0, PLACED).map((row) => ({ ...row, weight: Math.max(row.score, 0.01) }));
      const total = by.reduce((sum, row) => sum + row.weight, 0);
      const mean = (axis) => by.reduce((sum, row) => sum + row.weight * this.map.points[axis][row.place], 0) / total;
      ghost = { x: mean("x"), y: mean("y"), label: split(this.model, answer.word).bare };
      text = "Not among the words of the map: the dashed ring lies amid its nearest neighbours there.";
    } else if (chosen < 0) text = "Not among the words of the map, and neither are its 100 nearest neighbours.";
    if (this.note) fill(this.note, text);
    return plane.select(chosen, shown.map((row) => row.place), ghost);
  }
}
