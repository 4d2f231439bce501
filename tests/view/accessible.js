// What a page must have to be usable by everybody: returns a list of faults. Run in the page by the tests.
const faults = [];
const visible = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && element.getClientRects().length > 0;
const all = (selector) => [...document.querySelectorAll(selector)].filter(visible);
const told = (element) => `${element.tagName.toLowerCase()}${element.id ? "#" + element.id : ""}.${element.className}`;

// Language, title, main, one name for each id.
if (!document.documentElement.lang) faults.push("no language");
if (!document.title.trim()) faults.push("no title");
if (all("main").length !== 1) faults.push("not one main");
const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id ${id} twice`);
for (const element of document.querySelectorAll("[aria-controls], [aria-labelledby], [aria-activedescendant], label[for]"))
  for (const name of ["aria-controls", "aria-labelledby", "aria-activedescendant", "for"])
    if (element.hasAttribute(name) && !document.getElementById(element.getAttribute(name))) faults.push(`${told(element)}: ${name} leads nowhere`);

// Everything that can be used has a name, and none comes out of turn.
for (const element of all("a[href], button, input, select, [role='application'], progress")) {
  const label = element.id && document.querySelector(`label[for="${element.id}"]`);
  const name = element.getAttribute("aria-label") || label?.textContent || (element.matches("a, button") && element.textContent);
  if (!name || !name.trim()) faults.push(`${told(element)} has no name`);
  if (element.tabIndex > 0) faults.push(`${told(element)} comes out of turn`);
}
for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) faults.push("an image without alt");
for (const list of all("ul, ol")) for (const child of list.children) if (child.tagName !== "LI") faults.push(`${told(list)} holds ${told(child)}`);
for (const option of all("[role='option']")) if (option.parentNode.getAttribute("role") !== "listbox") faults.push("an option outside a list");

// Contrast of text against what lies under it: 4.5, or 3 for large text (WCAG 2.2, 1.4.3).
const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const rgba = (colour) => {
  brush.clearRect(0, 0, 1, 1);
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
};
const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const ratio = (one, two) => (Math.max(light(one), light(two)) + 0.05) / (Math.min(light(one), light(two)) + 0.05);
const ground = (element) => {
  const layers = [];
  for (let one = element; one; one = one.parentElement) layers.unshift(rgba(getComputedStyle(one).backgroundColor));
  // A bar of an answer lies under the word without being its parent.
  const bar = element.closest(".cell")?.querySelector(".fill");
  if (bar) layers.splice(-1, 0, rgba(getComputedStyle(bar).backgroundColor));
  return layers.reduce((under, layer) => over(layer, under), rgba(getComputedStyle(document.body).backgroundColor));
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || !visible(element) || element.closest("noscript, option, .unseen:not(strong)")) continue;
  const style = getComputedStyle(element);
  const under = ground(element);
  const found = ratio(over(rgba(style.color), under), under);
  const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  if (found < (large ? 3 : 4.5)) faults.push(`${told(element)} "${texts.currentNode.data.trim().slice(0, 20)}": contrast ${found.toFixed(2)}`);
}
return [...new Set(faults)];
