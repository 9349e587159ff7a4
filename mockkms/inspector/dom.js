// Small helpers for elements. Text from the server only ever becomes text nodes.

/** Return an element: properties that begin with "on" are listeners, known ones are set, others become attributes. */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== undefined && child !== null && child !== false));
  return made;
}

export function svg(tag, properties = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const badge = (text, kind = "quiet") => el("span", { class: `badge ${kind}` }, text);

/** Columns are [title, cell, class]; `cell(item)` returns text or elements. */
export function table(caption, columns, items) {
  return el("div", { class: "scroll" }, el("table", {},
    el("caption", { class: "visually-hidden" }, caption),
    el("thead", {}, el("tr", {}, columns.map(([title, , kind]) => el("th", { scope: "col", class: kind }, title)))),
    el("tbody", {}, items.map(item => el("tr", {}, columns.map(([, cell, kind]) => el("td", { class: kind }, cell(item) ?? "")))))));
}

export const facts = pairs => el("dl", {},
  pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

export const empty = (title, ...more) => el("div", { class: "panel empty" }, el("strong", {}, title), ...more);

const SPANS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

/** Seconds as "2h 5m"; null is "never ends". */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "never ends";
  const parts = [];
  let rest = Math.round(seconds);
  for (const [unit, length] of SPANS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count) parts.push(count + unit);
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0s";
}

export const clock = text => text.slice(11, 23);

export function say(text) {
  document.getElementById("status").textContent = text;
}

let told = null;

/** Show an error, or with null none. */
export function fail(error) {
  told = error;
  const place = document.getElementById("message");
  const text = error ? error.message : "";
  place.hidden = !error;
  if (place.textContent !== text) place.textContent = text;  // Screen readers read what is set, also the same again.
}

/** Take an error back, unless another one is shown since. */
export function recover(error) {
  if (told === error) fail(null);
}

/** Return a listener that runs an action and shows its error. */
export const act = action => async event => {
  event?.preventDefault?.();
  fail(null);  // Here and not at the end: an action that ends late must not hide the error of a later one.
  try {
    await action(event);
  } catch (error) {
    fail(error);
  }
};

/** Return a function that asks the server with `load` and shows what it returns with `draw`: the answer to the last call only. */
export function latest(load, draw) {
  let calls = 0;
  return async (...given) => {
    const call = ++calls;
    const found = await load(...given);
    if (call === calls) draw(found);
  };
}

/** Replace what `place` holds; the keyboard's focus stays on its element, or on the one that has its position and text now. */
export function redraw(place, ...children) {
  const before = document.activeElement;
  const path = [];
  for (let at = place.contains(before) ? before : place; at !== place; at = at.parentElement) {
    path.unshift([...at.parentElement.children].indexOf(at));
  }
  place.replaceChildren(...children);
  if (!path.length) return;
  const after = before.isConnected ? before : path.reduce((at, index) => at?.children[index], place);
  if (after?.tagName === before.tagName && after.textContent === before.textContent) after.focus({ preventScroll: true });
}

export function copyButton(title, content) {
  const button = el("button", { type: "button", class: "small", onclick: act(async () => {
    await copy(typeof content === "function" ? content() : content);
    button.textContent = "Copied";
    say(`${title}: copied`);
    setTimeout(() => { button.textContent = title; }, 1500);
  }) }, title);
  return button;
}

async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Pages that are neither HTTPS nor on a loopback address have no clipboard of their own.
  const field = el("textarea", { value: text, class: "visually-hidden" });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function download(name, text) {
  const link = el("a", { href: URL.createObjectURL(new Blob([text], { type: "application/yaml" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export const pretty = text => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};
