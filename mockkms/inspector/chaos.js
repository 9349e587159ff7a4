// Chaos: the plan that runs, and the form that starts another one.

import { ask } from "./api.js";
import { act, badge, el, facts, latest, redraw, say, span, table } from "./dom.js";

/** Fill `place` with the panel; return a function that brings it up to date. */
export async function chaos(place) {
  const { incidents } = await ask("GET", "chaos/incidents");
  const running = el("div");
  const refresh = latest(() => ask("GET", "chaos"), now => {
    redraw(running, ...(now.active ? shown(now, refresh) : [el("p", { class: "quiet" }, "No chaos is running.")]));
  });
  await refresh();
  place.append(el("section", { class: "panel" }, el("h2", {}, "Chaos"), running, form(incidents, refresh)));
  return refresh;
}

function shown(now, refresh) {
  const left = now.left === null ? "no end" : `${span(now.left)} left`;
  return [
    facts([
      ["Plan", now.name], ["Phase", `${now.phase} (${left})`], ["Seed", `${now.seed}`],
      ["Requests", `${now.failed} of ${now.requests} failed, ${now.disturbed} disturbed by a rule`],
    ]),
    table("Phases", [
      ["Phase", phase => (phase.name === now.phase ? badge(phase.name, "warn") : phase.name)],
      ["Lasts", phase => (phase.lasts === null ? "no end" : span(phase.lasts))],
      ["Failed", phase => `${phase.failed} of ${phase.requests}`],
      ["What happens", phase => phase.note, "wide"],
    ], now.phases),
    el("div", { class: "row" }, el("button", { type: "button", onclick: act(async () => {
      await ask("DELETE", "chaos");
      say(`${now.name} is stopped.`);
      await refresh();
    }) }, "Stop the chaos")),
  ];
}

function form(incidents, refresh) {
  const plan = el("input", { class: "mono", required: true, placeholder: "2%, leader-election, normal=30s sealed=10s", oninput: () => describe() });
  plan.setAttribute("list", "incidents");
  const seed = el("input", { class: "mono", placeholder: "generated" });
  const about = el("div");
  function describe() {
    const known = incidents.find(one => one.name === plan.value);
    about.replaceChildren(...(known ? [
      el("p", {}, known.summary),
      el("p", { class: "quiet" }, "A client should:"), el("ul", {}, known.client.map(line => el("li", {}, line))),
    ] : []));
  }
  return el("form", { onsubmit: act(async () => {
    await ask("POST", "chaos", seed.value ? { plan: plan.value, seed: seed.value } : { plan: plan.value });
    say(`${plan.value} is running.`);
    await refresh();
  }) },
  el("div", { class: "row" }, el("label", {}, "Plan", plan), el("label", {}, "Seed", seed), el("button", {}, "Start the chaos")),
  el("datalist", { id: "incidents" }, incidents.map(one => el("option", { value: one.name }, one.summary))),
  about);
}
