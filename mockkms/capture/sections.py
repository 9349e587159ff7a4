"""The sections of a captured world: policies, mounts, auth methods and identity of each namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockkms.capture.walk import Walk
from mockkms.vault.framework import registry
from mockkms.vault.framework.world_section import mapping_at
from mockkms.vault.policy.defaults import predefined_policies
from mockkms.vault.products import Product

_SETTINGS = ("description", "local", "seal_wrap")
_CONFIG = (
    "default_lease_ttl", "max_lease_ttl", "listing_visibility", "passthrough_request_headers",
    "allowed_response_headers", "trim_request_trailing_slashes", "token_type",
)  # fmt: skip
"""Settings in ``config`` of a mount."""
_ALWAYS = ("sys/", "identity/", "cubbyhole/", "agent-registry/")
_USUAL: tuple[object, ...] = (None, "", 0, False, "default-service", "hidden")
_NOT_CAPTURED = "tokens, leases, audit devices, quotas, plugins and the settings of sys/config"


@dataclass
class _Mount:
    """A mount of the server, as ``CapturedMount``."""

    walk: Walk
    namespace: str
    path: str
    type: str
    options: Mapping[str, str]
    ids: dict[str, Mapping[str, str]]

    def read(self, path: str) -> Mapping[str, object] | None:
        """Return the data of a path without secrets; None if there is none or it must not be read."""
        return self.walk.read(self.namespace, self.path + path)

    def names(self, path: str) -> list[str]:
        """Return the names in a list; empty if it is empty or must not be read."""
        return self.walk.names(self.namespace, self.path + path)

    def names_of_ids(self, kind: str) -> Mapping[str, str]:
        """Return the names of entities or groups of the namespace by their ids."""
        if kind not in self.ids:
            named = self.walk.names(self.namespace, f"identity/{kind}/name")
            found = {name: self.walk.read(self.namespace, f"identity/{kind}/name/{name}") for name in named}
            self.ids[kind] = {str(data["id"]): name for name, data in found.items() if data and "id" in data}
        return self.ids[kind]

    def left_out(self, what: str, why: str) -> None:
        """Note that something at a path relative to the mount is not captured."""
        self.walk.left_out(self.namespace + self.path + what, why)


def namespace_sections(walk: Walk, namespace: str, product: Product) -> dict[str, object]:
    """Return the sections of one namespace: ``""`` or ``a/b/``. Raises ServerSilent."""
    found: dict[str, object] = {}
    for key, value in (
        ("policies", _policies(walk, namespace, product)),
        ("password_policies", _password_policies(walk, namespace)),
        ("mounts", _mounts(walk, namespace, product, "secret")),
        ("auth", _mounts(walk, namespace, product, "auth")),
    ):
        if value:
            found[key] = value
    for key, name in registry.own_world_sections().items():
        section = registry.world_section(name)
        if section is not None and section.capture is not None:
            own = section.capture(_Mount(walk, namespace, f"{key}/", key, {}, {}))
            if own:
                found[key] = dict(own)
    return found


def _policies(walk: Walk, namespace: str, product: Product) -> dict[str, object]:
    usual = predefined_policies(product.policies)
    found: dict[str, object] = {}
    for name in walk.names(namespace, "sys/policies/acl"):
        data = walk.read(namespace, f"sys/policies/acl/{name}") if name != "root" else None
        text = data.get("policy") if data else None
        # The text of a predefined policy differs between versions: a world has that of its product.
        if isinstance(text, str) and name not in usual:
            found[name] = text
    return found


def _password_policies(walk: Walk, namespace: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in walk.names(namespace, "sys/policies/password"):
        data = walk.read(namespace, f"sys/policies/password/{name}")
        if data and isinstance(data.get("policy"), str):
            found[name] = data["policy"]
    return found


def _mounts(walk: Walk, namespace: str, product: Product, kind: str) -> dict[str, object]:
    table = "sys/mounts" if kind == "secret" else "sys/auth"
    front = "" if kind == "secret" else "auth/"
    found: dict[str, object] = {}
    for path, mount in sorted((walk.read(namespace, table) or {}).items()):
        if not isinstance(mount, Mapping) or path in _ALWAYS or not path.endswith("/"):
            continue
        mount_type = str(mount.get("type", "")).removeprefix("ns_")
        where = f"{namespace}{front}{path}"
        if kind == "auth" and path == "token/":
            described = _described(walk, namespace, front + path, kind, mount_type, mount)
            # Every namespace has this mount.
            if described.keys() > {"type"}:
                found[path] = described
        elif f"{kind}/{mount_type}" not in registry.KNOWN_TYPES:
            walk.left_out(where, f"the type {mount_type!r} is not built in")
        elif registry.lacks(product, kind, mount_type):
            walk.left_out(where, f"{product.texts.product} has no {mount_type}")
        else:
            found[path] = _described(walk, namespace, front + path, kind, mount_type, mount)
    return found


def _described(
    walk: Walk, namespace: str, path: str, kind: str, mount_type: str, mount: Mapping[str, object]
) -> dict[str, object]:
    config = mapping_at(mount, "config")
    options = {name: str(text) for name, text in mapping_at(mount, "options").items()}
    described: dict[str, object] = {"type": mount_type}
    name = registry.implementation(mount_type, options, kind).type
    section = registry.world_section(name) if registry.emulated(kind, mount_type) else None
    rest = dict(options)
    for option in section.options if section is not None else ():
        if option in rest and section is not None and option in section.keys(mount_type):
            described[option] = _whole(rest.pop(option))
    if rest:
        described["options"] = rest
    for source, names in ((mount, _SETTINGS), (config, _CONFIG)):
        described.update({n: source[n] for n in names if source.get(n) and source[n] not in _USUAL})
    if section is None:
        walk.left_out(f"{namespace}{path}*", f"the contents of {mount_type} mounts are not emulated")
    elif section.capture is None:
        walk.left_out(f"{namespace}{path}*", f"the contents of {mount_type} mounts are not captured")
    else:
        described.update(section.capture(_Mount(walk, namespace, path, mount_type, options, {})))
    return described


def _whole(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def namespaces(walk: Walk, start: str) -> dict[str, Mapping[str, object]]:
    """Return the namespaces below ``start`` with their metadata, by the path from it: ``a/``, ``a/b/``."""
    found: dict[str, Mapping[str, object]] = {}
    waiting = [""]
    while waiting:
        above = waiting.pop()
        for name in walk.names(start + above, "sys/namespaces"):
            path = f"{above}{name.rstrip('/')}/"
            if path in found or path.count("/") > 50:
                continue
            data = walk.read(start + above, f"sys/namespaces/{name.rstrip('/')}") or {}
            found[path] = {n: str(v) for n, v in mapping_at(data, "custom_metadata").items()}
            waiting.append(path)
    return dict(sorted(found.items()))


def note_the_rest(walk: Walk) -> None:
    """Note what no section describes."""
    walk.left_out(_NOT_CAPTURED, "a world for tests has its own")
