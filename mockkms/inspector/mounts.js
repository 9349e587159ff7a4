// Mounts and what is below them: keys with their versions, secrets with theirs, roles and settings.

import { ask } from "./api.js";
import { act, badge, el, facts, table } from "./dom.js";

export async function mounts(place, rest) {
  const all = (await ask("GET", "inspect/mounts")).mounts;
  if (rest.length > 1) return one(place, all, rest);
  const name = mount => mount.namespace + mount.path;
  place.append(el("div", { class: "panel" }, table("Mounts", [
    ["Path", mount => mount.folders.length ? el("a", { href: `#mounts/${enc(mount.namespace)}/${enc(mount.path)}` }, name(mount)) : name(mount), "mono"],
    ["Type", mount => mount.type + (mount.version ? ` ${mount.version}` : "")],
    ["Description", mount => mount.description, "wide"],
    ["Accessor", mount => mount.accessor, "mono wide"],
  ], all)));
  return undefined;
}

const enc = encodeURIComponent;
const address = (mount, ...more) => `#mounts/${[mount.namespace, mount.path, ...more].map(enc).join("/")}`;

const read = (mount, path, list = false) =>
  ask("GET", `inspect/data?namespace=${enc(mount.namespace)}&path=${enc(mount.path + path)}${list ? "&list=true" : ""}`).then(found => found.data);

async function one(place, all, [namespace, path, folder, name]) {
  const mount = all.find(known => known.namespace === namespace && known.path === path);
  if (!mount) throw new Error(`There is no mount ${namespace}${path} any more.`);
  const folders = shownFolders(mount);
  const chosen = folder ?? folders[0];
  place.append(
    el("p", {}, el("a", { href: "#mounts" }, "All mounts"), ` › ${namespace}${path} `, badge(mount.type)),
    el("nav", { "aria-label": "Folders" }, el("ul", {}, folders.map(known =>
      el("li", {}, el("a", { href: address(mount, known), "aria-current": known === chosen ? "page" : undefined }, title(known)))))));
  const listed = el("div", { class: "panel" }), shown = el("div");
  place.append(el("div", { class: "two" }, listed, shown));
  await list(listed, mount, chosen, name ?? "");
  if (name && !name.endsWith("/")) await show(shown, mount, chosen, name);
  else shown.append(el("p", { class: "quiet" }, "Choose an entry to see it."));
  return undefined;
}

// Of KV 2, what can be listed is below metadata; the paths of versions are the same.
const isKv2 = mount => mount.type === "kv" && mount.version === "2";
const shownFolders = mount => isKv2(mount) ? ["metadata"] : mount.folders;
const title = folder => folder === "" || folder === "metadata" ? "secrets" : folder;

async function list(place, mount, folder, name) {
  const parent = name.endsWith("/") ? name : name.slice(0, name.lastIndexOf("/") + 1);
  const found = await read(mount, folder ? `${folder}/${parent}` : parent, true);
  const keys = found?.keys ?? [];
  if (parent) {
    const up = parent.slice(0, parent.slice(0, -1).lastIndexOf("/") + 1);
    place.append(el("p", {}, el("a", { href: address(mount, folder, ...(up ? [up] : [])) }, "‹ up"), ` ${parent}`));
  }
  if (!keys.length) {
    place.append(el("p", { class: "quiet" }, "Nothing here yet. Entries that clients write, or a world describes, appear here."));
    return;
  }
  place.append(el("ul", { class: "tree top" }, keys.map(key => el("li", { class: "mono" },
    el("a", { href: address(mount, folder, parent + key), "aria-current": parent + key === name ? "true" : undefined }, label(found, key))))));
}

/** Names of what is listed by ids. */
const label = (found, key) => {
  const info = found.key_info?.[key];
  const name = info && (info.name || info.issuer_name || info.key_name || info.display_name);
  return name ? `${name} (${key})` : key;
};

async function show(place, mount, folder, name) {
  const below = folder ? `${folder}/${name}` : name;
  const data = await read(mount, singular(mount, below));
  place.append(el("h2", {}, name));
  if (data === null || data === undefined) {
    place.append(el("p", { class: "quiet" }, "There is nothing to read at this path."));
  } else if (mount.type === "transit") {
    place.append(...key(data));
  } else if (isKv2(mount)) {
    place.append(...secret(mount, name, data));
  } else {
    place.append(...revealed(JSON.stringify(data, null, 2), mount.type === "kv"));
  }
}

/** PKI lists issuers, certs and keys, and shows one below issuer, cert and key. */
const singular = (mount, below) => mount.type === "pki" ? below.replace(/^(issuer|cert|key)s\//, "$1/") : below;

function* key(data) {
  yield facts([
    ["Type", data.type],
    ["Latest version", data.latest_version],
    ["Decryption", `from version ${data.min_decryption_version}`],
    ["Encryption", data.min_encryption_version ? `from version ${data.min_encryption_version}` : "any allowed version"],
    ["Exportable", data.exportable ? "yes" : "no"],
    ["Deletion", data.deletion_allowed ? "allowed" : "not allowed"],
    ["Derived", data.derived ? "yes" : undefined],
    ["Rotates every", data.auto_rotate_period ? `${data.auto_rotate_period} s` : undefined],
  ]);
  const versions = Object.entries(data.keys ?? {}).map(([number, value]) => ({ number: Number(number), value })).reverse();
  yield el("div", { class: "panel" }, table("Versions", [
    ["Version", one => `${one.number}`, "number"],
    ["Made", one => moment(typeof one.value === "object" ? one.value.creation_time : one.value)],
    ["Use", one => use(data, one.number)],
    ["Public key", one => one.value.public_key ? el("pre", {}, one.value.public_key) : "", "wide"],
  ], versions));
}

const moment = value => (typeof value === "number" ? new Date(value * 1000).toISOString() : value ?? "").slice(0, 19).replace("T", " ");

function use(data, number) {
  const lowest = data.min_encryption_version || data.min_decryption_version;
  return number === data.latest_version ? "latest" : number >= lowest ? "on demand" : "decrypts only";
}

function* secret(mount, name, data) {
  const versions = Object.entries(data.versions ?? {}).map(([number, value]) => ({ number: Number(number), ...value })).reverse();
  yield facts([
    ["Current version", data.current_version], ["Oldest version", data.oldest_version],
    ["Versions kept", data.max_versions || "the mount's setting"], ["Check-and-set", data.cas_required ? "required" : undefined],
    ["Custom metadata", data.custom_metadata && JSON.stringify(data.custom_metadata)],
  ]);
  yield el("div", { class: "panel" }, table("Versions", [
    ["Version", one => `${one.number}`, "number"],
    ["Made", one => moment(one.created_time)],
    ["State", one => one.destroyed ? badge("destroyed", "bad") : one.deletion_time ? badge("deleted", "warn") : badge("readable", "good")],
    ["", one => !one.destroyed && !one.deletion_time && one.number === data.current_version ? value(mount, name) : ""],
  ], versions));
}

function value(mount, name) {
  const place = el("div");
  place.append(el("button", { type: "button", class: "small", onclick: act(async () => {
    const found = await read(mount, `data/${name}`);
    place.replaceChildren(el("pre", {}, JSON.stringify(found?.data ?? null, null, 2)));
  }) }, "Show value"));
  return place;
}

function* revealed(text, hidden) {
  if (!hidden) {
    yield el("pre", {}, text);
    return;
  }
  const place = el("div");
  place.append(el("button", { type: "button", class: "small", onclick: () => place.replaceChildren(el("pre", {}, text)) }, "Show value"));
  yield place;
}
