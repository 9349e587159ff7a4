// The live journal: every request, what decided it, and what was answered.

import { address, ask, stream } from "./api.js";
import { act, badge, clock, copyButton, el, empty, facts, pretty, redraw, say } from "./dom.js";

const MOST_KEPT = 2000;
const MOST_SHOWN = 300;

export async function journal(place, _, signal) {
  const entries = [];
  let open = 0;
  let last = 0;
  let paused = false;

  const filter = el("input", { type: "search", placeholder: "path, method, status, policy, fault …", oninput: () => draw() });
  const count = el("span", { class: "quiet", role: "status" });
  const pause = el("input", { type: "checkbox", onchange: () => { paused = pause.checked; if (!paused) draw(); } });
  const body = el("tbody");
  const rows = el("div", { class: "panel scroll" }, el("table", {},
    el("caption", { class: "visually-hidden" }, "Requests, the latest first"),
    el("thead", {}, el("tr", {},
      ["#", "Time", "Status", "Operation", "Request"].map((title, index) =>
        el("th", { scope: "col", class: index === 1 || index === 3 ? "wide" : undefined }, title)))),
    body));
  const nothing = empty("No requests yet",
    el("p", {}, "Requests of clients appear here as they come in. This page's own are not among them. Try one:"),
    el("pre", {}, `curl -s ${address}/v1/sys/health`));
  const clear = el("button", { type: "button", onclick: act(async () => {
    await ask("DELETE", "journal");
    say("The journal is empty.");
  }) }, "Clear the journal");
  place.append(
    el("div", { class: "row" }, el("label", {}, "Filter", filter), el("label", { class: "inline" }, pause, "Pause"), clear, count),
    nothing, rows);

  function draw() {
    if (paused) return;
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = entries.filter(entry => words.every(word => searched(entry).includes(word)));
    count.textContent = words.length ? `${fitting.length} of ${entries.length}` : `${entries.length} shown, ${last} in all`;
    nothing.hidden = entries.length > 0;
    rows.hidden = !entries.length;
    // Rows that stay keep their focus and what is open below them.
    const kept = new Map([...body.children].map(row => [row.dataset.key, row]));
    redraw(body, ...fitting.slice(0, MOST_SHOWN).flatMap(entry => {
      const key = `${entry.number}`;
      const row = kept.get(key) ?? line(entry);
      const more = kept.get(`${key}+`);
      return open === entry.number && more ? [row, more] : [row];
    }));
  }

  function line(entry) {
    const button = el("button", { type: "button", class: "link", "aria-expanded": "false", onclick: act(() => toggle(entry, row)) },
      `${entry.method} ${entry.target}`);
    const row = el("tr", { class: "new" },
      el("td", { class: "number quiet" }, `${entry.number}`),
      el("td", { class: "mono wide" }, clock(entry.time)),
      el("td", {}, outcome(entry)),
      el("td", { class: "wide" }, entry.operation),
      el("td", { class: "mono" }, button, remarks(entry)));
    row.dataset.key = `${entry.number}`;
    return row;
  }

  async function toggle(entry, row) {
    const closing = open === entry.number;
    for (const opened of body.querySelectorAll("tr.open")) opened.classList.remove("open");
    for (const button of body.querySelectorAll("[aria-expanded=true]")) button.setAttribute("aria-expanded", "false");
    for (const more of body.querySelectorAll("tr[data-key$='+']")) more.remove();
    open = closing ? 0 : entry.number;
    if (closing) return;
    const shown = await details(entry);
    if (open !== entry.number || row.classList.contains("open")) return;  // Another one was opened, or the journal cleared, while the server was asked.
    const more = el("tr", {}, el("td", { colSpan: 5 }, shown));
    more.dataset.key = `${entry.number}+`;
    row.classList.add("open");
    row.querySelector("button").setAttribute("aria-expanded", "true");
    row.after(more);
  }

  function handle(name, data) {
    if (name === "cleared") {
      entries.length = 0;
      last = open = 0;
      body.replaceChildren();
    } else {
      entries.unshift(...data.entries.reverse());
      entries.length = Math.min(entries.length, MOST_KEPT);
      last = data.total;
    }
    draw();
  }

  draw();
  follow();
  async function follow() {
    while (!signal.aborted) {
      try {
        await stream(last, signal, handle);
      } catch {
        await new Promise(resolve => { setTimeout(resolve, 1500); });
      }
    }
  }
}

const searched = entry => [
  entry.method, entry.target, entry.path, entry.operation, entry.status || "no answer", entry.mount, entry.namespace, entry.accessor,
  ...entry.policies, ...entry.faults, ...entry.actions, entry.phase, entry.denied ? "denied" : "", entry.unhandled ? "unhandled" : "", entry.rule,
].join(" ").toLowerCase();

function outcome(entry) {
  if (!entry.status) return badge(entry.cut || "no answer", "bad");
  return badge(`${entry.status}`, entry.status < 400 ? "good" : entry.status < 500 ? "warn" : "bad");
}

function remarks(entry) {
  const found = [];
  if (entry.faults.length) found.push(badge(`fault ${entry.faults.join(", ")}`, "bad"));
  else if (entry.phase) found.push(badge(`chaos ${entry.phase}`));
  if (entry.denied) found.push(badge("denied", "warn"));
  if (entry.unhandled) found.push(badge("not emulated", "warn"));
  if (entry.unexpected) found.push(badge("off the script", "bad"));
  if (entry.hint) found.push(el("span", { class: "quiet" }, entry.hint));
  return found.flatMap(one => [" ", one]);
}

async function details(entry) {
  const place = el("div");
  async function show(redact) {
    const full = await ask("GET", `journal/${entry.number}${redact ? "?redact=true" : ""}`);
    const secrets = redact && el("button", { type: "button", class: "small", onclick: act(() => show(false)) }, "Show secrets");
    place.replaceChildren(
      el("div", { class: "row" },
        copyButton("Copy as curl", () => curl(full)),
        copyButton("Copy as fault rule", () => faultRule(full)),
        copyButton("Copy as pytest assertion", () => assertion(full)),
        secrets),
      facts([
        ["Time", `${full.time}, took ${(full.seconds * 1000).toFixed(1)} ms`],
        ["Answer", full.cut ? `${full.status || "none"} (${full.cut})` : `${full.status}`],
        ["Mount", full.mount], ["Endpoint", full.endpoint], ["Namespace", full.namespace],
        ["Decision", decision(full)],
        ["Token", full.accessor && `accessor ${full.accessor}`],
        ["Chaos", full.phase], ["Fault", full.faults.length && `${full.faults.join(", ")}: ${full.actions.join(", ")}`],
        ["Off the script", full.unexpected], ["Hint", full.hint],
        ["Shortened", full.shortened.join(", ")],
      ]),
      el("h2", {}, "Request headers"), el("pre", {}, Object.entries(full.headers).map(([n, v]) => `${n}: ${v}`).join("\n") || "none"),
      el("h2", {}, "Request body"), el("pre", {}, pretty(full.body) || "empty"),
      el("h2", {}, "Response body"), el("pre", {}, pretty(full.answer) || "empty"));
  }
  await show(true);
  return place;
}

function decision(full) {
  if (full.service !== "vault") return undefined;
  if (!full.policies.length && !full.denied) return undefined;
  const by = full.rule ? `by ${full.rule}` : "by no rule";
  return `${full.denied ? "denied" : "allowed"} ${by}; policies of the token: ${full.policies.join(", ") || "none"}`;
}

const quote = text => `'${text.replaceAll("'", "'\\''")}'`;
const skipped = new Set(["host", "content-length", "connection", "accept-encoding", "user-agent", "accept"]);

function curl(full) {
  const parts = [`curl -X ${full.method}`];
  for (const [name, value] of Object.entries(full.headers)) {
    if (skipped.has(name.toLowerCase())) continue;
    parts.push(name.toLowerCase() === "x-vault-token" ? '-H "X-Vault-Token: $VAULT_TOKEN"' : `-H ${quote(`${name}: ${value}`)}`);
  }
  if (full.body) parts.push(`-d ${quote(full.body)}`);
  parts.push(quote(address + full.target));
  return parts.join(" \\\n  ");
}

const faultRule = full => [
  `- path: ${JSON.stringify(full.path)}`, `  operation: ${full.operation}`, "  status: 503", "  times: 1", "",
].join("\n");

function assertion(full) {
  const outcome = full.status ? `, status=${full.status}` : "";
  return `mockkms.journal.assert_called(${JSON.stringify(full.path)}, operation=${JSON.stringify(full.operation)}${outcome})\n`;
}
