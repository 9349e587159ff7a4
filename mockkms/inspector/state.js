// What can be done to the server: its clock, its seal, snapshots, the world as a file.

import { ask, text } from "./api.js";
import { act, download, el, facts, latest, redraw, say, span } from "./dom.js";

const STEPS = ["1m", "1h", "24h", "30d"];

export async function state(place) {
  const clock = el("div"), seal = el("div"), snapshots = el("div"), changes = el("pre", { hidden: true });
  const by = el("input", { class: "mono", placeholder: "90s, 2h, 45d", required: true });
  const name = el("input", { placeholder: "before-the-change", required: true });
  const refresh = latest(() => Promise.all([ask("GET", "inspect"), ask("GET", "snapshots")]), ([now, held]) => {
    redraw(clock, ...clockPanel(now, done));
    redraw(seal, ...sealPanel(now, done));
    redraw(snapshots, ...snapshotRows(held.snapshots, done, differences));
  });
  const differences = latest(name => text(`snapshots/${encodeURIComponent(name)}/diff`), found => {
    changes.textContent = found.trim() || "No differences.";
    changes.hidden = false;
  });
  const done = async what => {
    say(what);
    await refresh();
  };
  await refresh();
  place.append(
    el("section", { class: "panel" }, el("h2", {}, "Clock"), clock,
      el("form", { class: "row", onsubmit: act(async () => {
        await ask("POST", "clock", { advance: by.value });
        await done(`The clock was advanced by ${by.value}.`);
      }) }, el("label", {}, "Advance by", by), el("button", {}, "Advance"))),
    el("section", { class: "panel" }, el("h2", {}, "Seal"), seal),
    el("section", { class: "panel" }, el("h2", {}, "Snapshots"),
      el("form", { class: "row", onsubmit: act(async () => {
        await ask("POST", `snapshots/${encodeURIComponent(name.value)}`);
        await done(`Snapshot ${name.value} is taken.`);
      }) }, el("label", {}, "Name", name), el("button", {}, "Take a snapshot")),
      snapshots, changes),
    el("section", { class: "panel" }, el("h2", {}, "World"),
      el("p", {}, "A file that makes this world again, with ", el("code", {}, "mockkms serve --seed world.yaml"), " or ",
        el("code", {}, 'MockKMS(seed="world.yaml")'), ". It holds all secrets."),
      el("div", { class: "row" },
        el("button", { type: "button", onclick: act(async () => download("world.yaml", await text("state?format=yaml"))) }, "Download as YAML"),
        el("button", { type: "button", onclick: act(async () => {
          if (!confirm("Return to the state of the start? All changes, rules and the journal are lost.")) return;
          await ask("POST", "reset");
          await done("The world was reset.");
        }) }, "Reset the world"))));
  return refresh;
}

function* clockPanel(now, done) {
  const move = (body, what) => act(async () => {
    await ask("POST", "clock", body);
    await done(what);
  });
  yield facts([
    ["Now", now.clock.now + (now.clock.frozen ? " (frozen)" : "")],
    ["Next expiry", now.next_expiry === null ? "no token or lease ends" : `in ${span(now.next_expiry - now.clock.seconds)}`],
  ]);
  yield el("div", { class: "row" },
    STEPS.map(step => el("button", { type: "button", onclick: move({ advance: step }, `The clock was advanced by ${step}.`) }, `+${step}`)),
    el("button", { type: "button", onclick: move(now.clock.frozen ? { resume: true } : { freeze: true }, now.clock.frozen ? "The clock runs." : "The clock stands still.") },
      now.clock.frozen ? "Resume" : "Freeze"),
    el("button", { type: "button", disabled: now.next_expiry === null, onclick: move({ set: { epoch: now.next_expiry } }, "The clock is at the next expiry.") },
      "Jump to the next expiry"));
}

function* sealPanel(now, done) {
  if (now.seal === now.mode) {
    yield el("p", {}, "The seal is that of the server behind this proxy.");
    return;
  }
  const sealed = now.seal === "sealed";
  yield el("p", {}, `The server is ${now.seal}.`);
  yield el("button", { type: "button", disabled: now.seal === "uninitialized", onclick: act(async () => {
    await ask("POST", "state", sealed ? { unseal: true } : { seal: true });
    await done(sealed ? "The server is unsealed." : "The server is sealed.");
  }) }, sealed ? "Unseal" : "Seal");
}

function snapshotRows(names, done, differences) {
  if (!names.length) return [el("p", { class: "quiet" }, "No snapshots. One keeps state, clock, rules and journal, to return to.")];
  return names.map(name => el("div", { class: "row" }, el("strong", {}, name),
    el("button", { type: "button", class: "small", onclick: act(async () => {
      await ask("POST", `snapshots/${encodeURIComponent(name)}/restore`);
      await done(`Snapshot ${name} is restored.`);
    }) }, "Restore"),
    el("button", { type: "button", class: "small", onclick: act(() => differences(name)) }, "Differences to now"),
    el("button", { type: "button", class: "small", onclick: act(async () => {
      await ask("DELETE", `snapshots/${encodeURIComponent(name)}`);
      await done(`Snapshot ${name} is deleted.`);
    }) }, "Delete")));
}
