// Fault rules: which there are, how often each fired, and new ones.

import { ask } from "./api.js";
import { chaos } from "./chaos.js";
import { act, badge, el, empty, latest, redraw, say, table } from "./dom.js";

const OPERATIONS = ["", "read", "list", "create", "update", "patch", "delete"];
const SHOWN_ELSEWHERE = new Set(["id", "matched", "fired", "seed", "enabled"]);

export async function faults(place) {
  const [{ kinds }, paths] = await Promise.all([ask("GET", "inspect/kinds"), knownPaths()]);
  const listed = el("div");
  const refresh = latest(() => ask("GET", "faults"), ({ rules, state }) => {
    redraw(listed, rules.length ? list(rules, refresh) : empty("No fault rules",
      el("p", {}, "A rule makes requests that it matches fail: with a status, a delay, a cut connection, a sealed server. Add one below.")),
    state === "start" ? "" : el("p", { class: "quiet" }, `State of the rules: ${state}`));
  });
  await refresh();
  place.append(listed, form(kinds, paths, refresh));
  const refreshChaos = await chaos(place);
  return () => Promise.all([refresh(), refreshChaos()]);
}

async function knownPaths() {
  const [{ mounts }, { entries }] = await Promise.all([ask("GET", "inspect/mounts"), ask("GET", "journal?last=200&bodies=false")]);
  return [...new Set([...mounts.map(mount => `${mount.path}*`), ...entries.map(entry => entry.path)])].sort();
}

function list(rules, refresh) {
  return el("div", { class: "panel" }, table("Fault rules", [
    ["Rule", rule => rule.id],
    ["What it does", rule => JSON.stringify(Object.fromEntries(Object.entries(rule).filter(([name]) => !SHOWN_ELSEWHERE.has(name)))), "mono"],
    ["Fired", rule => el("span", {}, badge(`${rule.fired}×`, rule.fired ? "bad" : "quiet"), el("span", { class: "quiet" }, ` of ${rule.matched} matched`))],
    ["", rule => el("div", { class: "row" },
      el("label", { class: "inline" }, el("input", { type: "checkbox", checked: rule.enabled !== false, onchange: act(async event => {
        const { enabled } = await ask("POST", `faults/${encodeURIComponent(rule.id)}`, { enabled: event.target.checked });
        say(`${rule.id} is ${enabled ? "on" : "off"}.`);
        await refresh();
      }) }), "On"),
      el("button", { type: "button", class: "small", onclick: act(async () => {
        await ask("DELETE", `faults/${encodeURIComponent(rule.id)}`);
        say(`${rule.id} is removed.`);
        await refresh();
      }) }, "Remove"))],
  ], rules));
}

function form(kinds, paths, refresh) {
  const path = el("input", { class: "mono", placeholder: "transit/encrypt/*" });
  path.setAttribute("list", "paths");
  const operation = el("select", {}, OPERATIONS.map(name => el("option", { value: name }, name || "any")));
  const kind = el("select", { onchange: () => describe() }, kinds.map(known => el("option", { value: known.word }, known.word)));
  const value = el("input", { class: "mono", required: true });
  const times = el("input", { type: "number", min: 1, placeholder: "always" });
  const help = el("p", { class: "quiet" });
  const preview = el("pre");
  kind.value = "status";

  function describe() {
    const known = kinds.find(one => one.word === kind.value);
    help.textContent = known.help;
    value.value = JSON.stringify(known.example);
    draw();
  }
  function rule() {
    const made = {};
    if (path.value) made.path = path.value;
    if (operation.value) made.operation = operation.value;
    made[kind.value] = parsed(value.value);
    if (times.value) made.times = Number(times.value);
    return made;
  }
  function draw() {
    preview.textContent = JSON.stringify(rule());
  }
  describe();
  return el("section", { class: "panel" }, el("h2", {}, "New rule"),
    el("form", { oninput: draw, onsubmit: act(async () => {
      const { id } = await ask("POST", "faults", rule());
      say(`${id} is added.`);
      await refresh();
    }) },
    el("div", { class: "row" },
      el("label", {}, "Path", path), el("label", {}, "Operation", operation), el("label", {}, "Fault", kind),
      el("label", {}, "Value", value), el("label", {}, "Times", times)),
    el("datalist", { id: "paths" }, paths.map(known => el("option", { value: known }))),
    help, preview, el("button", { class: "main" }, "Add the rule")));
}

/** JSON where it is some, else the text itself: `sealed` needs no quotes. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
