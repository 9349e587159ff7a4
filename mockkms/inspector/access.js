// Who may do what, and until when: tokens, leases, policies.

import { ask } from "./api.js";
import { act, badge, el, empty, latest, redraw, span, table } from "./dom.js";

export async function tokens(place) {
  const refresh = latest(() => ask("GET", "inspect/tokens"), ({ tokens: found, total }) => {
    const children = new Map();
    const known = new Set(found.map(token => token.accessor));
    for (const token of found) {
      const parent = known.has(token.parent) ? token.parent : "";
      children.set(parent, [...(children.get(parent) ?? []), token]);
    }
    redraw(place,
      el("p", { class: "quiet" }, total > found.length ? `${found.length} of ${total} tokens, the oldest first.` : "",
        " Revoking a token revokes those below it. Batch tokens are kept nowhere, so they are not listed."),
      found.length ? el("div", { class: "panel" }, tree(children, "", true)) : empty("No tokens", el("p", {}, "A server that is not initialized has none.")));
  });
  await refresh();
  return refresh;
}

function tree(children, parent, top = false) {
  return el("ul", { class: top ? "tree top" : "tree" }, (children.get(parent) ?? []).map(token => el("li", {},
    el("strong", {}, token.display_name), " ", badge(span(token.remaining), token.remaining === null ? "quiet" : "good"), " ",
    token.policies.map(name => [badge(name), " "]), token.uses_left ? badge(`${token.uses_left} uses left`, "warn") : "",
    el("div", { class: "quiet mono" }, `${token.namespace}${token.path}${token.role ? ` (role ${token.role})` : ""}, accessor ${token.accessor}`),
    children.has(token.accessor) ? tree(children, token.accessor) : "")));
}

export async function leases(place) {
  const refresh = latest(() => ask("GET", "inspect/leases"), ({ leases: found, total }) => {
    if (!found.length) {
      redraw(place, empty("No leases", el("p", {},
        "Secrets made on demand have them: users of the database engine, keys of the AWS engine. Lifetimes of tokens are shown under Tokens.")));
      return;
    }
    redraw(place, el("div", { class: "panel" }, table(`${total} leases`, [
      ["Ends in", lease => span(lease.remaining)],
      ["Lease", lease => lease.namespace + lease.lease_id, "mono"],
      ["Renewable", lease => lease.renewable ? "yes" : "no", "wide"],
      ["Token's accessor", lease => lease.accessor, "mono wide"],
      ["", lease => el("button", { type: "button", class: "small", onclick: act(async () => {
        await ask("POST", "clock", { set: { epoch: lease.expires } });
        await refresh();
      }), disabled: lease.expires === null }, "Jump to its end")],
    ], found)));
  });
  await refresh();
  return refresh;
}

const OPERATIONS = ["read", "list", "create", "update", "patch", "delete"];

export async function policies(place) {
  const [{ policies: found }, { tokens: known }] = await Promise.all([ask("GET", "inspect/policies"), ask("GET", "inspect/tokens")]);
  const accessor = el("select", {}, known.map(token =>
    el("option", { value: token.accessor }, `${token.display_name}: ${token.policies.join(", ")} (${token.accessor.slice(0, 6)}…)`)));
  const operation = el("select", {}, OPERATIONS.map(name => el("option", {}, name)));
  const path = el("input", { required: true, class: "mono", placeholder: "secret/data/app" });
  const result = el("div", { role: "status" });
  const check = latest(
    () => ask("POST", "explain", { accessor: accessor.value, operation: operation.value, path: path.value }),
    told => result.replaceChildren(
      el("p", {}, badge(told.allowed ? "allowed" : "denied", told.allowed ? "good" : "bad"), told.rule ? ` by ${told.rule}` : " by no rule"),
      el("pre", {}, told.text)));
  place.append(
    el("section", { class: "panel" }, el("h2", {}, "Can this token do that?"),
      el("form", { class: "row", onsubmit: act(check) },
      el("label", {}, "Token", accessor), el("label", {}, "Operation", operation), el("label", {}, "Path", path),
      el("button", { class: "main" }, "Check")), result),
    found.length ? "" : empty("No policies", el("p", {}, "A server that is not initialized has none.")),
    ...found.map(policy => el("details", { class: "panel" },
      el("summary", {}, policy.namespace + policy.name), el("pre", {}, policy.text.trim() || "(empty)"))));
}
