"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { word, label, count, x, y, group, value, near, cosine, kept } = data.points;
  const n = word.length;
  const $ = (id) => document.getElementById(id);
  const canvas = $("map"), pen = canvas.getContext("2d"), stage = $("stage"), tip = $("tip");
  const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a3d9a"];
  const DARK = ["#4ba6e0", "#ff8a4c", "#2fc49a", "#e6a3c8", "#f2b84b", "#9ad6f7", "#b794f4"];
  const VIRIDIS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const REST = "other classes";
  const number = (value) => value.toLocaleString("en");
  const make = (tag, text = "", name = "") => {
    const made = document.createElement(tag);
    if (text !== "") made.textContent = text; // words come in by textContent alone
    if (name) made.className = name;
    return made;
  };

  // ------------------------------------------------------------------------------------ looks
  let dark = matchMedia("(prefers-color-scheme: dark)").matches;
  let look = {};
  const low = value ? Math.min(...value) : 0, high = value ? Math.max(...value) : 1;
  const ramp = (share) => {
    const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
    const start = Math.min(Math.floor(place), VIRIDIS.length - 2), rest = place - start;
    return `rgb(${VIRIDIS[start].map((one, i) => Math.round(one + (VIRIDIS[start + 1][i] - one) * rest)).join(",")})`;
  };
  const colourOf = (number) => {
    if (number < 0) return look.none;
    if (data.groups[number].name === REST) return look.rest;
    const palette = dark ? DARK : LIGHT;
    return palette[number % palette.length];
  };
  const colour = (i) => (value ? ramp((value[i] - low) / (high - low || 1)) : colourOf(group[i]));
  const shapeOf = (number) => (number < 0 || data.groups[number].name === REST ? 0 : (number + Math.floor(number / 7)) % 7);
  const SHAPES = [
    null,
    [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    [[0, -1.2], [1.15, 0.9], [-1.15, 0.9]],
    [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    [[0, 1.2], [1.15, -0.9], [-1.15, -0.9]],
    [[-0.45, -1.2], [0.45, -1.2], [0.45, -0.45], [1.2, -0.45], [1.2, 0.45], [0.45, 0.45], [0.45, 1.2], [-0.45, 1.2], [-0.45, 0.45], [-1.2, 0.45], [-1.2, -0.45], [-0.45, -0.45]],
    [[-1.2, -0.6], [-0.6, -1.2], [0, -0.6], [0.6, -1.2], [1.2, -0.6], [0.6, 0], [1.2, 0.6], [0.6, 1.2], [0, 0.6], [-0.6, 1.2], [-1.2, 0.6], [-0.6, 0]],
  ];
  const trace = (path, shape, px, py, r) => {
    if (!SHAPES[shape]) path.arc(px, py, r, 0, 7);
    else SHAPES[shape].forEach(([dx, dy], i) => path[i ? "lineTo" : "moveTo"](px + dx * r, py + dy * r));
    path.closePath();
  };
  const setTheme = () => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const style = getComputedStyle(document.documentElement);
    look = Object.fromEntries(["ground", "ink", "soft", "line", "accent", "none", "rest"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    legend();
    draw();
  };

  // ------------------------------------------------------------------------------------ place
  let width = 0, height = 0, scale = 1, left = 0, top = 0, fit = 1;
  let chosen = -1, over = -1;
  const hidden = new Set();
  const X = (i) => left + x[i] * scale, Y = (i) => top - y[i] * scale;
  const seen = (i) => value !== null || !hidden.has(group[i]);
  const span = (numbers) => [Math.min(...numbers), Math.max(...numbers)];
  const [x0, x1] = span(x), [y0, y1] = span(y);
  const reset = () => {
    const edge = Math.min(width, height) < 500 ? 26 : 48;
    fit = Math.max(Math.min((width - 2 * edge) / (x1 - x0 || 1), (height - 2 * edge) / (y1 - y0 || 1)), 1);
    scale = fit;
    left = width / 2 - ((x0 + x1) / 2) * scale;
    top = height / 2 + ((y0 + y1) / 2) * scale;
    draw();
  };
  const zoom = (factor, px = width / 2, py = height / 2) => {
    const wanted = Math.min(Math.max(scale * factor, fit / 2), fit * 200);
    left = px - ((px - left) * wanted) / scale;
    top = py - ((py - top) * wanted) / scale;
    scale = wanted;
    draw();
  };
  const pan = (dx, dy) => { left += dx; top += dy; draw(); };
  const centre = (i) => {
    scale = Math.max(scale, fit * 4);
    left = width / 2 - x[i] * scale;
    top = height / 2 + y[i] * scale;
  };

  // ------------------------------------------------------------------------------------ drawing
  const order = [...Array(n).keys()];
  if (count) order.sort((a, b) => count[b] - count[a] || a - b);
  const widths = new Array(n);
  let asked = false;
  const draw = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; paint(); });
  };
  const paint = () => {
    const ratio = devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.fillStyle = look.ground;
    pen.fillRect(0, 0, width, height);
    if (data.pairs) line(data.pairs, look.soft, 0.8);
    if (chosen >= 0) line(near[chosen].map((other) => [chosen, other]), look.accent, 1);
    const r = Math.min(2.2 + Math.log2(Math.max(scale / fit, 1)), 6) + (n < 200 ? 1 : 0);
    const marked = new Set(chosen >= 0 ? [chosen, ...near[chosen]] : []);
    const inside = order.filter((i) => seen(i) && X(i) > -20 && X(i) < width + 20 && Y(i) > -20 && Y(i) < height + 20);
    for (let j = inside.length - 1; j >= 0; j--) {
      const i = inside[j];
      pen.globalAlpha = marked.size && !marked.has(i) ? 0.45 : 1;
      pen.fillStyle = colour(i);
      pen.beginPath();
      trace(pen, value ? 0 : shapeOf(group[i]), X(i), Y(i), r);
      pen.fill();
    }
    pen.globalAlpha = 1;
    for (const i of [chosen, over]) {
      if (i < 0) continue;
      pen.strokeStyle = look.accent;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(X(i), Y(i), r + 4, 0, 7);
      pen.stroke();
    }
    labels([...marked, ...inside.filter((i) => !marked.has(i))], marked, r);
  };
  const line = (ends, stroke, wide) => {
    pen.strokeStyle = stroke;
    pen.lineWidth = wide;
    pen.beginPath();
    for (const [a, b] of ends) {
      if (!seen(a) || !seen(b)) continue;
      pen.moveTo(X(a), Y(a));
      pen.lineTo(X(b), Y(b));
    }
    pen.stroke();
  };
  const labels = (wanted, marked, r) => {
    const size = 12, cell = 32, taken = new Map();
    pen.font = `${size}px system-ui, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif`;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    const boxes = function* (box) {
      for (let a = Math.floor(box[0] / cell); a <= Math.floor(box[2] / cell); a++)
        for (let b = Math.floor(box[1] / cell); b <= Math.floor(box[3] / cell); b++) yield a * 4096 + b;
    };
    const free = (box) => {
      for (const key of boxes(box))
        for (const other of taken.get(key) ?? []) if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
      return true;
    };
    const take = (box) => { for (const key of boxes(box)) taken.has(key) ? taken.get(key).push(box) : taken.set(key, [box]); };
    let most = 900;
    for (const i of wanted) {
      if (!seen(i) || most <= 0) continue;
      widths[i] ??= pen.measureText(label[i]).width;
      const w = widths[i], px = X(i), py = Y(i), dot = [px - 2, py - 2, px + 2, py + 2];
      if (!marked.has(i) && !free(dot)) continue;
      for (const [dx, dy] of [[r + 3, 0], [-w - r - 3, 0], [-w / 2, -size / 2 - r - 3], [-w / 2, size / 2 + r + 3]]) {
        const box = [px + dx - 1, py + dy - size / 2 - 1, px + dx + w + 1, py + dy + size / 2 + 1];
        if (box[0] < 0 || box[2] > width || box[1] < 0 || box[3] > height || !free(box)) continue;
        take(box);
        take(dot);
        most--;
        pen.globalAlpha = marked.size && !marked.has(i) ? 0.4 : 1;
        pen.strokeStyle = look.ground;
        pen.lineWidth = 3;
        pen.strokeText(label[i], px + dx, py + dy);
        pen.fillStyle = i === chosen ? look.accent : look.ink;
        pen.fillText(label[i], px + dx, py + dy);
        break;
      }
    }
    pen.globalAlpha = 1;
  };

  // ------------------------------------------------------------------------------------ legend
  const icon = (number) => {
    const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg");
    const made = document.createElementNS(space, SHAPES[shapeOf(number)] ? "polygon" : "circle");
    svg.setAttribute("width", "14");
    svg.setAttribute("height", "14");
    svg.setAttribute("viewBox", "-7 -7 14 14");
    svg.setAttribute("aria-hidden", "true");
    const shape = SHAPES[shapeOf(number)];
    if (shape) made.setAttribute("points", shape.map((point) => point.map((one) => one * 4.5).join(",")).join(" "));
    else made.setAttribute("r", "4.5");
    made.setAttribute("fill", colourOf(number));
    svg.append(made);
    return svg;
  };
  const legend = () => {
    const list = $("legend");
    list.replaceChildren();
    if (value) {
      const item = make("li", "", "scale"), bar = make("canvas"), ends = make("div");
      bar.width = 240; bar.height = 1;
      const paintbrush = bar.getContext("2d");
      for (let i = 0; i < 240; i++) { paintbrush.fillStyle = ramp(i / 239); paintbrush.fillRect(i, 0, 1, 1); }
      ends.append(make("span", number(Math.round(10 ** low))), make("span", "count"), make("span", number(Math.round(10 ** high))));
      item.append(bar, ends);
      list.append(item);
      return;
    }
    const alone = group.filter((one) => one < 0).length;
    const rows = data.groups.map((one, i) => [i, one.name, one.words]);
    if (alone) rows.push([-1, "no class", alone]);
    for (const [i, name, words] of rows) {
      const item = make("li"), button = make("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!hidden.has(i)));
      button.title = "Show or hide";
      button.append(icon(i), make("span", `${name} (${number(words)})`));
      button.addEventListener("click", () => {
        if (!hidden.delete(i)) hidden.add(i);
        button.setAttribute("aria-pressed", String(!hidden.has(i)));
        draw();
      });
      item.append(button);
      list.append(item);
    }
  };

  // ------------------------------------------------------------------------------------ one word
  const facts = (i) => [
    count && count[i] >= 0 ? `count ${number(count[i])}` : count ? "unseen, composed" : "",
    value ? "" : group[i] >= 0 ? data.groups[group[i]].name : "",
  ].filter(Boolean).join(" · ");
  const choose = (i, move) => {
    chosen = i;
    const part = $("word");
    part.hidden = i < 0;
    part.replaceChildren();
    if (i >= 0) {
      const title = make("h2", word[i]), list = make("ol");
      title.dir = "auto";
      part.append(title, make("p", facts(i)));
      part.append(make("p", `Nearest in the vectors (cosine); ${Math.round(kept[i] * near[i].length)} of ${near[i].length} are nearest on the map too.`));
      near[i].forEach((other, place) => {
        const item = make("li"), button = make("button");
        button.type = "button";
        button.append(make("span", word[other]), make("span", cosine[i][place].toFixed(2)));
        button.addEventListener("click", () => choose(other, true));
        item.append(button);
        list.append(item);
      });
      part.append(list);
      hidden.delete(group ? group[i] : 0);
      legend();
      if (move) centre(i);
    }
    draw();
  };
  const at = (px, py, reach) => {
    let best = -1, least = reach * reach;
    for (const i of order) {
      if (!seen(i)) continue;
      const away = (X(i) - px) ** 2 + (Y(i) - py) ** 2;
      if (away < least) { least = away; best = i; }
    }
    return best;
  };
  const hover = (i, px, py) => {
    if (i !== over) { over = i; draw(); }
    canvas.classList.toggle("over", i >= 0);
    tip.hidden = i < 0;
    if (i < 0) return;
    const name = make("b", word[i]);
    name.dir = "auto";
    tip.replaceChildren(name, facts(i));
    tip.style.left = `${Math.max(4, Math.min(px + 14, width - tip.offsetWidth - 4))}px`;
    tip.style.top = `${py + 18 + tip.offsetHeight > height ? py - tip.offsetHeight - 10 : py + 18}px`;
  };

  // ------------------------------------------------------------------------------------ hands
  const held = new Map();
  let moved = 0, apart = 0;
  const spot = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, spot(event));
    moved = held.size > 1 ? 99 : 0;
    apart = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const [px, py] = spot(event), before = held.get(event.pointerId);
    if (!before) { hover(at(px, py, 14), px, py); return; }
    held.set(event.pointerId, [px, py]);
    if (held.size === 2) {
      const [[ax, ay], [bx, by]] = [...held.values()], now = Math.hypot(ax - bx, ay - by);
      if (apart) zoom(now / apart, (ax + bx) / 2, (ay + by) / 2);
      apart = now;
    } else {
      moved += Math.hypot(px - before[0], py - before[1]);
      if (moved > 4) { canvas.classList.add("drag"); hover(-1); pan(px - before[0], py - before[1]); }
    }
  });
  const release = (event) => {
    if (held.delete(event.pointerId) && moved <= 4 && event.type === "pointerup") choose(at(...spot(event), event.pointerType === "touch" ? 24 : 14), false);
    canvas.classList.remove("drag");
    apart = 0;
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("dblclick", (event) => zoom(2, ...spot(event)));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...spot(event));
  }, { passive: false });
  const keys = { ArrowLeft: () => pan(60, 0), ArrowRight: () => pan(-60, 0), ArrowUp: () => pan(0, 60), ArrowDown: () => pan(0, -60) };
  const anywhere = { "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: reset, "/": () => $("query").focus(), Escape: () => choose(-1) };
  document.addEventListener("keydown", (event) => {
    if (event.target === $("query") || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = anywhere[event.key] ?? (event.target === canvas ? keys[event.key] : undefined);
    if (act) { event.preventDefault(); act(); }
  });
  $("in").addEventListener("click", () => zoom(1.4));
  $("out").addEventListener("click", () => zoom(1 / 1.4));
  $("reset").addEventListener("click", reset);
  $("theme").addEventListener("click", () => { dark = !dark; setTheme(); });

  // ------------------------------------------------------------------------------------ search
  const query = $("query"), found = $("found"), lower = word.map((one) => one.normalize("NFC").toLowerCase());
  const bare = label.map((one) => one.normalize("NFC").toLowerCase());
  let hits = [], at_hit = 0;
  const close = () => { found.hidden = true; query.setAttribute("aria-expanded", "false"); query.removeAttribute("aria-activedescendant"); };
  const mark = () => {
    [...found.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at_hit)));
    found.children[at_hit]?.scrollIntoView({ block: "nearest" });
    if (hits.length) query.setAttribute("aria-activedescendant", `hit${at_hit}`);
  };
  const search = () => {
    const wanted = query.value.trim().normalize("NFC").toLowerCase();
    if (!wanted) { close(); return; }
    const rank = (i) => (lower[i] === wanted || bare[i] === wanted ? 0 : lower[i].startsWith(wanted) || bare[i].startsWith(wanted) ? 1 : 2);
    hits = order.filter((i) => lower[i].includes(wanted)).sort((a, b) => rank(a) - rank(b)).slice(0, 30);
    at_hit = 0;
    found.replaceChildren(...hits.map((i, place) => {
      const item = make("li", word[i]);
      item.id = `hit${place}`;
      item.dir = "auto";
      item.setAttribute("role", "option");
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); go(i); });
      return item;
    }));
    if (!hits.length) found.append(make("li", "No such word on this map", "empty"));
    found.hidden = false;
    query.setAttribute("aria-expanded", "true");
    mark();
  };
  const go = (i) => { query.value = word[i]; close(); choose(i, true); };
  query.addEventListener("input", search);
  query.addEventListener("focus", search);
  query.addEventListener("blur", close);
  query.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (hits.length) at_hit = (at_hit + (event.key === "ArrowDown" ? 1 : hits.length - 1)) % hits.length;
      mark();
    } else if (event.key === "Enter" && hits.length && !found.hidden) go(hits[at_hit]);
    else if (event.key === "Escape") { query.value = ""; close(); canvas.focus(); }
  });

  // ------------------------------------------------------------------------------------ begin
  new ResizeObserver(() => {
    const box = stage.getBoundingClientRect(), first = !width, ratio = devicePixelRatio || 1;
    const whole = scale === fit;
    left += (box.width - width) / 2;
    top += (box.height - height) / 2;
    [width, height] = [box.width, box.height];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (first || whole) reset();
    paint(); // at once: the new canvas is empty
  }).observe(stage);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => { dark = event.matches; setTheme(); });
  setTheme();
})();
