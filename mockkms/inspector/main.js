// The frame of the page: which view is shown, the facts in the header, the control token.

import { ask, onLocked, setToken } from "./api.js";
import { act, badge, el, fail, recover } from "./dom.js";
import { leases, policies, tokens } from "./access.js";
import { faults } from "./faults.js";
import { journal } from "./journal.js";
import { mounts } from "./mounts.js";
import { overview } from "./overview.js";
import { state } from "./state.js";

const VIEWS = {
  overview: ["Overview", overview],
  journal: ["Journal", journal],
  faults: ["Faults", faults],
  mounts: ["Mounts", mounts],
  tokens: ["Tokens", tokens],
  leases: ["Leases", leases],
  policies: ["Policies", policies],
  state: ["Clock and state", state],
};
const INTERVAL = 2000;
const main = document.getElementById("content");
let leave = new AbortController();
let refresh = null;
let lost = null;
let pressed = false;

/** A view gets its place, the rest of the address, and a signal for its end; it may return a function that refreshes it. */
async function show() {
  const [name, ...rest] = steps(location.hash.slice(1));
  const chosen = Object.hasOwn(VIEWS, name) ? name : "overview";
  leave.abort();
  leave = new AbortController();
  refresh = null;
  document.title = `${VIEWS[chosen][0]} – mockkms inspector`;
  for (const link of document.querySelectorAll("#views a")) {
    if (link.hash === `#${chosen}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const signal = leave.signal;
  fail(null);
  try {
    const place = el("div", {});
    const found = await VIEWS[chosen][1](place, rest, signal);
    if (signal.aborted) return;
    main.replaceChildren(el("h1", {}, VIEWS[chosen][0]), place);
    refresh = found ?? null;
  } catch (error) {
    if (signal.aborted) return;
    main.replaceChildren(el("h1", {}, VIEWS[chosen][0]));  // Not what the previous view showed.
    fail(error);
  }
}

/** The steps of an address; one that somebody mistyped has none. */
function steps(address) {
  try {
    return address.split("/").map(decodeURIComponent);
  } catch {
    return [""];
  }
}

async function header() {
  const now = await ask("GET", "inspect");
  const kind = { unsealed: "good", proxy: "good", sealed: "bad" }[now.seal] ?? "warn";
  document.getElementById("facts").replaceChildren(
    el("span", {}, now.upstream ? `in front of ${now.upstream}` : `${now.product} ${now.version}`),
    badge(now.seal, kind),
    el("span", { class: "wide" }, now.clock.now.slice(0, 19).replace("T", " "), now.clock.frozen ? " (frozen)" : ""),
  );
}

async function tick() {
  if (!document.hidden && document.getElementById("locked").hidden) {
    try {
      await header();
      if (refresh && !pressed) await refresh();
      recover(lost);
      lost = null;
    } catch (error) {
      lost = error;
      fail(error);
    }
  }
  setTimeout(tick, INTERVAL);
}

// A button that is replaced between press and release is never clicked.
addEventListener("pointerdown", () => { pressed = true; });
for (const kind of ["pointerup", "pointercancel", "blur"]) addEventListener(kind, () => { pressed = false; });
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();  // The address names the view.
  main.focus();
});
onLocked(() => { document.getElementById("locked").hidden = false; });
document.getElementById("locked").addEventListener("submit", act(async () => {
  setToken(document.getElementById("token").value);
  document.getElementById("locked").hidden = true;
  await show();
}));
document.getElementById("views").append(
  ...Object.entries(VIEWS).map(([name, [title]]) => el("li", {}, el("a", { href: `#${name}` }, title))));
addEventListener("hashchange", () => show().then(() => main.focus()));
await show();
tick();
