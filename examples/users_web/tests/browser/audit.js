// What is wrong with this page for somebody who does not see it as its author does: a list of sentences.
const wrong = [];
const all = (selector, of = document) => [...of.querySelectorAll(selector)];
const say = (element, what) => {
  const name = element.tagName.toLowerCase() + (element.id && "#" + element.id);
  wrong.push(`${name} “${(element.textContent || "").trim().slice(0, 40)}”: ${what}`);
};
const shown = (element) => element.checkVisibility({ visibilityProperty: true });
const byIds = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ");
const name = (element) =>
  (element.hasAttribute("aria-labelledby") ? byIds(element.getAttribute("aria-labelledby")) : "") ||
  element.getAttribute("aria-label") || element.getAttribute("alt") ||
  [...(element.labels ?? [])].map((label) => label.textContent).join(" ") ||
  (/^(A|BUTTON|SUMMARY|LEGEND)$/.test(element.tagName) ? element.textContent : "");
const unnamed = (element) => !name(element).trim();

// The page as a whole.
const html = document.documentElement;
if (!html.lang) say(html, "no language");
if (!document.title.trim()) say(html, "no title");
if (document.compatMode !== "CSS1Compat") say(html, "no DOCTYPE");
if (/user-scalable\s*=\s*no|maximum-scale/.test(document.querySelector("meta[name=viewport]")?.content ?? "user-scalable=no"))
  say(html, "cannot be made larger, or knows nothing of small screens");
if (all("h1").length !== 1) say(html, `${all("h1").length} headings of the first level`);
for (const landmark of ["header", "nav", "main", "footer"])
  if (!document.querySelector(landmark)) say(html, `no ${landmark}`);
if (all("main").length > 1) say(html, "more than one main");
let level = 0;
for (const heading of all("h1, h2, h3, h4, h5, h6")) {
  if (+heading.tagName[1] > level + 1) say(heading, `follows a heading of level ${level}`);
  level = +heading.tagName[1];
}
const landmarks = all("nav, form[role=search], section[aria-label]").map((part) => part.tagName + name(part));
if (new Set(landmarks).size < landmarks.length) say(html, "landmarks of one kind and one name");
all("nav").filter(unnamed).forEach((nav) => say(nav, "no name"));
const first = all("a[href], button, input, select, textarea")[0];
if (!first?.hash || !document.querySelector(first.hash)) say(html, "no way past the navigation");

// What can be used, and what has to be told.
for (const control of all("input:not([type=hidden]), select, textarea, progress, meter, button, a[href], summary, img, svg[role=img], iframe"))
  if (unnamed(control)) say(control, "no name");
for (const bar of all("progress"))
  if (!bar.textContent.trim() || bar.position < 0) say(bar, "does not say in words how far it is");
for (const table of all("table")) {
  if (!table.caption?.textContent.trim()) say(table, "no caption");
  for (const head of all("th", table)) if (!head.scope) say(head, "heads a row or a column? (no scope)");
  const widths = new Set([...table.rows].filter((row) => !row.closest("thead")).map((row) =>
    [...row.cells].reduce((sum, cell) => sum + cell.colSpan, 0)));
  if (widths.size > 1) say(table, `rows of different widths: ${[...widths]}`);
}
const ids = all("[id]").map((element) => element.id);
ids.filter((id, at) => ids.indexOf(id) < at).forEach((id) => say(html, `two elements #${id}`));
for (const attribute of ["for", "aria-describedby", "aria-labelledby", "aria-controls"])
  for (const element of all(`[${attribute}]`))
    for (const id of element.getAttribute(attribute).split(/\s+/))
      if (!document.getElementById(id)) say(element, `${attribute} names #${id}, which is not there`);
all("[tabindex]").filter((element) => element.tabIndex > 0).forEach((element) => say(element, "has an order of its own"));
all("[aria-hidden=true] :is(a, button, input, select), :is(a, button, input, select)[aria-hidden=true]")
  .forEach((element) => say(element, "can be reached, and is hidden"));

// Colours.
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const colour = (text) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = text;
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
};
const over = ([...top], under) => [0, 1, 2].map((part) => top[part] * top[3] + under[part] * (1 - top[3])).concat(1);
const ground = (element) => {
  if (!element) return colour(getComputedStyle(html).colorScheme.includes("dark") && matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff");
  const own = colour(getComputedStyle(element).backgroundColor);
  return own[3] === 1 ? own : over(own, ground(element.parentElement));
};
const light = (rgb) => {
  const [red, green, blue] = rgb.map((part) => ((part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [less, more] = [light(one), light(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
};
const check = (element, text, least, what) => {
  const under = ground(element);
  const ratio = contrast(over(colour(text), under), under);
  if (ratio < least) say(element, `${what}: a contrast of ${ratio.toFixed(2)} and not ${least}`);
};
for (const element of all("body *")) {
  if (!shown(element) || element.closest("svg, option")) continue;
  const style = getComputedStyle(element);
  const [size, weight] = [parseFloat(style.fontSize), +style.fontWeight];
  const least = size >= 24 || (size >= 18.66 && weight >= 700) ? 3 : 4.5;
  if (size < 12) say(element, `letters of ${size} pixels`);
  const written = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (written || element.matches("input, select, textarea")) check(element, style.color, least, "text");
  if (element.placeholder) check(element, getComputedStyle(element, "::placeholder").color, least, "placeholder");
  if (element.matches("input:not([type=file]), select, textarea, button.quiet")) {
    const around = ground(element.parentElement);
    const ratio = contrast(over(colour(style.borderTopColor), around), around);
    if (ratio < 3) say(element, `border: a contrast of ${ratio.toFixed(2)} and not 3`);
  }
}
for (const shape of all("svg.chart rect"))
  if (contrast(colour(getComputedStyle(shape).fill), ground(shape.closest("svg"))) < 3) { say(shape.closest("svg"), "hard to see"); break; }

// Room.
if (html.scrollWidth > html.clientWidth) {
  const far = all("body *").filter((element) => shown(element) && element.getBoundingClientRect().right > html.clientWidth + 1);
  far.slice(-3).forEach((element) => say(element, "sticks out at the right"));
  say(html, `${html.scrollWidth} pixels wide on a screen of ${html.clientWidth}`);
}
for (const control of all("button, input:not([type=hidden]), select, header a")) {
  const { width, height } = control.getBoundingClientRect();
  const label = control.closest("label")?.getBoundingClientRect();
  if (shown(control) && (Math.max(width, label?.width ?? 0) < 24 || Math.max(height, label?.height ?? 0) < 24))
    say(control, `${width.toFixed()} by ${height.toFixed()} pixels: too small for a finger`);
}
return wrong;
