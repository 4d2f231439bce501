// Words in the plane: a canvas with zoom, hover and keys. It knows places and colours, not where they come from.

import { h, say } from "./dom.js";

const FARTHEST = 60; // times zoomed in
const REACH = 14; // pixels from a point at which it is meant
const MARGIN = 34; // pixels around the map as a whole
const MOVE = 500; // milliseconds from one map to the next

export class Plane {
  // choose: place of the word that was picked → nothing
  constructor(choose) {
    this.choose = choose;
    this.canvas = h("canvas", {
      class: "plane",
      tabindex: "0",
      role: "application",
      "aria-label": "Map of words. Arrow keys go from word to word, Enter looks one up, plus and minus zoom, 0 shows all.",
    });
    this.points = null;
    this.chosen = -1; // the word that is asked for
    this.near = []; // places of its neighbours on the map
    this.ghost = null; // where a word that is not on the map would lie: {x, y, label}
    this.cursor = -1; // the word that the keys stand on
    this.hovered = -1;
    this.group = -1; // the only group in full colour
    this.view = { x: 0, y: 0, zoom: 1 };
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /** points: {label, x, y, group, value, count} as columns. Where the words are the same as before, they move. */
  show(points) {
    const before = this.points;
    const same = before && before.label.length === points.label.length && before.word.every((word, place) => word === points.word[place]);
    this.points = points;
    if (!same) {
      this.view = { x: 0, y: 0, zoom: 1 };
      this.cursor = this.hovered = -1;
    }
    const moved = same && before.x.some((x, place) => x !== points.x[place]);
    if (!moved || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.at = points;
      this.draw();
    } else this.move(this.at ?? before);
  }

  move(from) {
    const to = this.points;
    const began = performance.now();
    const step = (now) => {
      if (this.points !== to) return;
      const share = Math.min((now - began) / MOVE, 1);
      const eased = share * share * (3 - 2 * share);
      const mix = (a, b) => a.map((value, place) => value + eased * (b[place] - value));
      this.at = share < 1 ? { x: mix(from.x, to.x), y: mix(from.y, to.y) } : to;
      this.draw();
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  select(chosen, near, ghost) {
    Object.assign(this, { chosen, near, ghost });
    if (chosen >= 0) this.cursor = chosen;
    this.bring(chosen >= 0 ? { x: this.points.x[chosen], y: this.points.y[chosen] } : ghost);
    this.draw();
  }

  // ------------------------------------------------------------------------------------------- where things are

  get size() {
    return { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
  }

  get scale() {
    const { width, height } = this.size;
    return Math.max(Math.min(width, height) / 2 - MARGIN, 40) * this.view.zoom;
  }

  place(x, y) {
    const { width, height } = this.size;
    // A map wider than high is stretched to the canvas: places mean nearness, not proportion.
    const stretch = Math.min(Math.max(width / height, 1), 1.7);
    return [width / 2 + (x - this.view.x) * this.scale * stretch, height / 2 - (y - this.view.y) * this.scale];
  }

  plane(left, top) {
    const { width, height } = this.size;
    const stretch = Math.min(Math.max(width / height, 1), 1.7);
    return [this.view.x + (left - width / 2) / (this.scale * stretch), this.view.y - (top - height / 2) / this.scale];
  }

  /** Move the view where a point lies outside it. */
  bring(point) {
    if (!point) return;
    const [left, top] = this.place(point.x, point.y);
    const { width, height } = this.size;
    if (left < 20 || top < 20 || left > width - 20 || top > height - 20) Object.assign(this.view, { x: point.x, y: point.y });
  }

  zoom(factor, left = this.size.width / 2, top = this.size.height / 2) {
    const [x, y] = this.plane(left, top);
    this.view.zoom = Math.min(Math.max(this.view.zoom * factor, 1), FARTHEST);
    const [nowX, nowY] = this.plane(left, top);
    this.view.x += x - nowX;
    this.view.y += y - nowY;
    this.hold();
    this.draw();
  }

  whole() {
    this.view = { x: 0, y: 0, zoom: 1 };
    this.draw();
  }

  hold() {
    const far = 1.05 - 0.9 / this.view.zoom; // the map never leaves the view
    for (const axis of ["x", "y"]) this.view[axis] = Math.min(Math.max(this.view[axis], -Math.max(far, 0)), Math.max(far, 0));
  }

  /** The word under the pointer, -1 for none. */
  under(left, top) {
    let best = -1;
    let least = REACH * REACH;
    for (let one = 0; one < this.points.x.length; one += 1) {
      const [x, y] = this.place(this.points.x[one], this.points.y[one]);
      const away = (x - left) ** 2 + (y - top) ** 2;
      if (away < least) [best, least] = [one, away];
    }
    if (best >= 0) return best;
    const label = this.labels?.find((box) => left >= box.left && left <= box.right && top >= box.top && top <= box.bottom);
    return label ? label.place : -1;
  }

  // ------------------------------------------------------------------------------------------- what people do

  listen() {
    const canvas = this.canvas;
    const spot = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!this.points) return;
        event.preventDefault();
        this.zoom(Math.exp(-Math.max(Math.min(event.deltaY, 120), -120) / 400), ...spot(event));
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, spot(event));
      this.travelled = this.pointers.size > 1 ? REACH : 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.points) return;
      const before = this.pointers.get(event.pointerId);
      const now = spot(event);
      if (!before) {
        const hovered = this.under(...now);
        if (hovered !== this.hovered) {
          this.hovered = hovered;
          canvas.classList.toggle("over", hovered >= 0);
          this.draw();
        }
        return;
      }
      this.travelled += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (this.pointers.size === 1) {
        const [x, y] = this.plane(...before);
        const [nowX, nowY] = this.plane(...now);
        this.view.x += x - nowX;
        this.view.y += y - nowY;
        this.hold();
        this.draw();
      } else if (this.pointers.size === 2) {
        const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
        const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
        this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      }
      this.pointers.set(event.pointerId, now);
    });
    const lift = (event) => {
      const touched = this.pointers.delete(event.pointerId);
      if (!touched || event.type !== "pointerup" || !this.points || this.travelled > 6) return;
      const found = this.under(...spot(event));
      if (found >= 0) this.choose(found);
    };
    canvas.addEventListener("pointerup", lift);
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("pointerleave", () => {
      this.hovered = -1;
      this.draw();
    });
    canvas.addEventListener("blur", () => this.draw());
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("keydown", (event) => {
      if (!this.points || event.ctrlKey || event.metaKey || event.altKey) return;
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      if (steps[event.key]) this.step(...steps[event.key]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.4);
      else if (event.key === "-") this.zoom(1 / 1.4);
      else if (event.key === "0") this.whole();
      else if (event.key === "Enter" && this.cursor >= 0) this.choose(this.cursor);
      else return;
      event.preventDefault();
    });
  }

  /** Go to the nearest word in a direction. */
  step(right, up) {
    const { x, y, label } = this.points;
    const [fromX, fromY] = this.cursor >= 0 ? [x[this.cursor], y[this.cursor]] : [this.view.x, this.view.y];
    let best = -1;
    let least = Infinity;
    for (let one = 0; one < x.length; one += 1) {
      if (one === this.cursor) continue;
      const [dx, dy] = [x[one] - fromX, y[one] - fromY];
      const ahead = dx * right + dy * up;
      const aside = Math.abs(dx * up - dy * right);
      if (ahead <= 0 || aside > ahead) continue;
      const cost = ahead + 2 * aside;
      if (cost < least) [best, least] = [one, cost];
    }
    if (best < 0) return;
    this.cursor = best;
    this.bring({ x: x[best], y: y[best] });
    this.draw();
    say(label[best]);
  }

  // ------------------------------------------------------------------------------------------- drawing

  draw() {
    const { width, height } = this.size;
    if (!this.points || !this.at || !width || !height) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const ink = (name) => style.getPropertyValue(name).trim();
    const colours = { ink: ink("--ink"), soft: ink("--soft"), card: ink("--card"), accent: ink("--accent"), edge: ink("--edge") };
    const hues = Array.from({ length: 8 }, (_, number) => ink(`--hue-${number}`));
    const spots = this.at.x.map((x, place) => this.place(x, this.at.y[place]));
    const inside = ([left, top]) => left > -20 && top > -20 && left < width + 20 && top < height + 20;
    const strong = new Set([this.chosen, ...this.near].filter((place) => place >= 0));
    const dimmed = (place) => (strong.size > 0 || this.ghost ? !strong.has(place) : this.group >= 0 && this.points.group?.[place] !== this.group);
    const hue = this.hueOf(hues, colours);
    const radius = Math.min(2.2 + Math.log2(this.view.zoom) * 0.5, 5);

    this.lines(pen, spots, colours);
    // The most frequent last, on top of the others.
    for (let place = spots.length - 1; place >= 0; place -= 1) {
      if (!inside(spots[place])) continue;
      pen.globalAlpha = dimmed(place) ? 0.4 : 0.9;
      pen.fillStyle = hue(place);
      pen.beginPath();
      pen.arc(...spots[place], strong.has(place) ? radius + 1.5 : radius, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    if (this.ghost) this.ring(pen, this.place(this.ghost.x, this.ghost.y), colours.accent, 6, [3, 2]);
    if (this.chosen >= 0) this.ring(pen, spots[this.chosen], colours.accent, 8);
    if (this.cursor >= 0 && document.activeElement === this.canvas) this.ring(pen, spots[this.cursor], colours.ink, 11);
    this.writeLabels(pen, { spots, inside, strong, dimmed, colours, width, height });
  }

  hueOf(hues, colours) {
    const { group, value } = this.points;
    if (group) return (place) => (group[place] < 0 ? colours.edge : hues[group[place] % hues.length]);
    if (!value) return () => hues[0];
    const most = Math.max(...value);
    const least = Math.min(...value);
    const steps = [hues[7], hues[1], hues[3], hues[2]]; // rare to frequent
    return (place) => steps[Math.min(Math.floor((4 * (value[place] - least)) / (most - least || 1)), 3)];
  }

  lines(pen, spots, colours) {
    const from = this.chosen >= 0 ? spots[this.chosen] : this.ghost && this.place(this.ghost.x, this.ghost.y);
    if (!from) return;
    pen.strokeStyle = colours.accent;
    pen.globalAlpha = 0.35;
    pen.lineWidth = 1;
    for (const place of this.near) {
      pen.beginPath();
      pen.moveTo(...from);
      pen.lineTo(...spots[place]);
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  ring(pen, spot, colour, radius, dash = []) {
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.arc(...spot, radius, 0, 7);
    pen.stroke();
    pen.setLineDash([]);
  }

  // Labels in the order of importance; one that would cover another is left out until there is room for it.
  writeLabels(pen, { spots, inside, strong, dimmed, colours, width, height }) {
    const taken = [];
    const free = (box) => !taken.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top);
    const write = (text, [left, top], { bold = false, colour = colours.ink, always = false, place = -1 } = {}) => {
      pen.font = `${bold ? 650 : 450} ${bold ? 14 : 12}px ${getComputedStyle(this.canvas).fontFamily}`;
      const wide = pen.measureText(text).width;
      const start = left + 7 + wide > width && left - 7 - wide > 0 ? left - 7 - wide : left + 7;
      const box = { left: start - 2, right: start + wide + 2, top: top - 8, bottom: top + 8, place };
      if (!always && !free(box)) return;
      if (box.right < 0 || box.bottom < 0 || box.left > width || box.top > height) return;
      taken.push(box);
      pen.lineWidth = 3;
      pen.lineJoin = "round";
      pen.strokeStyle = colours.card;
      pen.strokeText(text, start, top + 4);
      pen.fillStyle = colour;
      pen.fillText(text, start, top + 4);
    };
    const { label } = this.points;
    const first = [this.hovered, document.activeElement === this.canvas ? this.cursor : -1, this.chosen].filter((place) => place >= 0);
    for (const place of new Set(first)) write(label[place], spots[place], { bold: true, always: true, place, colour: place === this.chosen ? colours.accent : colours.ink });
    if (this.ghost) write(this.ghost.label, this.place(this.ghost.x, this.ghost.y), { bold: true, always: true, colour: colours.accent });
    for (const place of this.near) write(label[place], spots[place], { place });
    const most = Math.round((width * height) / 4500);
    for (let place = 0; place < spots.length && taken.length < most; place += 1)
      if (inside(spots[place]) && !first.includes(place) && !strong.has(place)) write(label[place], spots[place], { place, colour: dimmed(place) ? colours.soft : colours.ink });
    this.labels = taken.filter((box) => box.place >= 0);
  }
}
