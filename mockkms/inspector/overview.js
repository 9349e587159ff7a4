// What there is, at a glance.

import { address, ask } from "./api.js";
import { copyButton, el, facts, latest, redraw, span, svg } from "./dom.js";

const LINKS = {
  mounts: "mounts", "auth methods": "mounts", tokens: "tokens", leases: "leases", policies: "policies",
  "fault rules": "faults", snapshots: "state",
};

export async function overview(place) {
  const refresh = latest(() => ask("GET", "inspect"), now => redraw(place, ...content(now)));
  await refresh();
  return refresh;
}

function* content(now) {
  const cards = Object.entries(now.counts).filter(([name, count]) => count || LINKS[name]);
  yield el("ul", { class: "cards" },
    el("li", {}, el("a", { href: "#journal" }, el("strong", {}, now.requests.toLocaleString("en")), el("span", {}, "requests"))),
    cards.map(([name, count]) => {
      const inside = [el("strong", {}, count.toLocaleString("en")), el("span", {}, name)];
      return el("li", {}, LINKS[name] ? el("a", { href: `#${LINKS[name]}` }, inside) : el("div", {}, inside));
    }));
  yield el("section", { class: "panel" }, el("h2", {}, "Requests a minute"), sparkline(now.per_minute),
    el("p", { class: "quiet" }, now.requests ? "The last hour, by the server's clock." : "No requests yet."));
  yield el("section", { class: "panel" }, el("h2", {}, "Point a client here"), environment(now));
  const left = now.next_expiry === null ? undefined : span(now.next_expiry - now.clock.seconds);
  yield el("section", { class: "panel" }, el("h2", {}, "Server"), facts([
    ["Product", `${now.product} ${now.version} (flavor ${now.flavor})`],
    ["Upstream", now.upstream],
    ["Seal", now.seal],
    ["Clock", now.clock.now + (now.clock.frozen ? " (frozen)" : "")],
    ["Chaos", now.chaos],
    ["Next expiry", left && `in ${left}`],
    ["Journal", now.redact ? "keeps requests without secrets" : "keeps requests with their secrets"],
  ]));
}

function environment(now) {
  const name = now.product === "OpenBao" ? "BAO" : "VAULT";
  const lines = `export ${name}_ADDR='${address}'`;
  return el("div", {}, el("pre", {}, lines), copyButton("Copy", lines));
}

function sparkline(counts) {
  const most = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bars = counts.map((count, index) => {
    const height = count ? Math.max(1.5, (count / most) * 38) : 0;
    return svg("rect", { x: index * 5, y: 40 - height, width: 4, height });
  });
  const label = `${total} requests in the last hour, at most ${Math.max(...counts)} a minute`;
  const drawn = svg("svg", { class: "spark", viewBox: "0 0 300 40", preserveAspectRatio: "none", role: "img", "aria-label": label },
    svg("line", { x1: 0, x2: 300, y1: 40, y2: 40 }), ...bars);
  drawn.prepend(Object.assign(svg("title"), { textContent: label }));
  return drawn;
}
