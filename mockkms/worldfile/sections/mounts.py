"""``mounts``: secrets engines by path, each with its contents. They are added to those of a new server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from mockkms.vault.framework import registry
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.shapes.collections import Boolean, Choice, Key, ListOf, MapOf, Seconds, Tagged, Text
from mockkms.vault.framework.world_section import Steps, WorldSection, mapping_at
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.mounting import unmount
from mockkms.vault.mounts.table import Mount, MountConfig
from mockkms.vault.sys.mounts.shapes import protected
from mockkms.worldfile.applying import Applier

_PROTECTED = ("sys/", "cubbyhole/", "identity/", "auth/", "audit/")


def mount_keys() -> dict[str, Key]:
    """Return the keys that all types of mounts have."""
    return {
        "description": Key(Text(), "description for humans"),
        "plugin": Key(Text(), "the external plugin that is mounted; `type` answers for it"),
        "options": Key(MapOf(Text()), "options of the type"),
        "local": Key(Boolean(), "whether it is excluded from replication"),
        "seal_wrap": Key(Boolean(), "whether critical values are encrypted by the seal too"),
        "accessor": Key(Text(), "default: random"),
        "default_lease_ttl": Key(Seconds(), "default lease; 0: the system's"),
        "max_lease_ttl": Key(Seconds(), "largest lease; 0: the system's"),
        "listing_visibility": Key(Choice(("", "hidden", "unauth"), "visibility"), "visibility of the mount in lists"),
        "passthrough_request_headers": Key(ListOf(Text(), single=True), "request headers that are passed to the mount"),
        "allowed_response_headers": Key(ListOf(Text(), single=True), "response headers the mount may set"),
        "allowed_managed_keys": Key(ListOf(Text(), single=True), "managed keys that the mount may use"),
        "delegated_auth_accessors": Key(ListOf(Text(), single=True), "auth methods that may log in for the mount"),
        "identity_token_key": Key(Text(), "key of the identity store that signs the mount's tokens"),
        "trim_request_trailing_slashes": Key(Boolean(), "whether a write to `a/` is one to `a`"),
    }


_CONFIG = (
    "default_lease_ttl", "max_lease_ttl", "listing_visibility", "passthrough_request_headers",
    "allowed_response_headers", "allowed_managed_keys", "delegated_auth_accessors", "identity_token_key",
    "trim_request_trailing_slashes", "token_type",
)  # fmt: skip


def shape() -> MapOf:
    """Return the shape of the section: mounts by path."""
    return MapOf(Tagged("type", variants("secret"), mount_keys(), "mount type"), _path)


def variants(kind: str) -> dict[str, Mapping[str, Key] | Callable[[], Mapping[str, Key]]]:
    """Return the keys of each type of ``secret`` or ``auth`` mounts; types known by name only have none."""
    described = {
        mount_type: partial(_keys, name, mount_type) for mount_type, name in registry.world_types(kind).items()
    }
    return {**described, **{mount_type: {} for mount_type in _mountable_types(kind) if mount_type not in described}}


def _keys(name: str, mount_type: str) -> Mapping[str, Key]:
    section = registry.world_section(name)
    return section.keys(mount_type) if section is not None else {}


def _mountable_types(kind: str) -> list[str]:
    return [name.removeprefix(f"{kind}/") for name in sorted(registry.KNOWN_TYPES) if name.startswith(f"{kind}/")]


def _path(path: str) -> str | None:
    if not path.endswith("/"):
        return f'the path of a mount ends with a slash: "{path}/"'
    if path.startswith("/") or "//" in path:
        return "the path of a mount has no empty part"
    if path.startswith(_PROTECTED):
        return "nothing can be mounted here"
    return None


def apply(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    """Mount the engines of a namespace and fill them."""
    described = mapping_at(section, "mounts")
    for path in described:
        spec = mapping_at(described, path)
        at = (*steps, "mounts", path)
        with to.guard(*at):
            if not mountable(to, "secret", str(spec["type"]), at):
                continue
            fill(to.below(*at), mounted(to.core, namespace, path, spec), spec)


def fill(to: Applier, mount: Mount, spec: Mapping[str, object]) -> None:
    """Apply a description to a mount, as the section of its type does."""
    section = registry.world_section(mount.engine)
    if section is not None:
        section.fill(to, mount, spec)


def mountable(to: Applier, kind: str, mount_type: str, at: Steps) -> bool:
    """Return whether the world's product has a mount type; the problem is reported if not."""
    product = to.core.product
    if not registry.lacks(product, kind, mount_type):
        return True
    to.fault(
        (*at, "type"), f"{product.texts.product} has no {mount_type}; it has {', '.join(product.builtins.names(kind))}"
    )
    return False


def mounted(core: Core, namespace: str, path: str, spec: Mapping[str, object]) -> Mount:
    """Return the mount of a description: the existing one if its type and options match, else a new one."""
    known = core.state.mounts.get(namespace, path)
    mount_type = str(spec["type"])
    chosen = _options(registry.implementation(mount_type, None, "auth" if path.startswith("auth/") else "secret"))
    given = {**mapping_at(spec, "options"), **{name: spec[name] for name in chosen if name in spec}}
    options = {name: str(value) for name, value in given.items()}
    if known is None or not _fits(known, str(spec.get("plugin", mount_type)), options, chosen):
        if known is not None:
            unmount(core, known)
        plugin = str(spec.get("plugin", ""))
        known = core.mount(namespace, path, plugin or mount_type, options=options or None, answers=mount_type)
    elif options:
        known.options = {**(known.options or {}), **options}
    for name in ("description", "local", "seal_wrap", "accessor"):
        if name in spec:
            setattr(known, name, spec[name])
    for name in _CONFIG:
        if name in spec:
            setattr(known.config, name, spec[name])
    return known


def _options(engine: Engine) -> Mapping[str, str]:
    """Return the options that select an implementation of a type, each with its default."""
    section = registry.world_section(engine.type)
    return section.options if section is not None else {}


def _fits(mount: Mount, mount_type: str, options: Mapping[str, str], chosen: Mapping[str, str]) -> bool:
    """Return whether a mount has a type and the implementation that ``options`` select."""
    have = mount.options or {}
    return mount.type in (mount_type, f"ns_{mount_type}") and all(
        options[name] == have.get(name, absent) for name, absent in chosen.items() if name in options
    )


def dump(core: Core, namespace: str) -> dict[str, object]:
    """Return the secrets engines of a namespace but those that every server has."""
    return {
        "mounts": {
            mount.path: dump_mount(core, mount)
            for mount in core.state.mounts.of(namespace, auth=False)
            if not mount.path.startswith(protected(core))
        }
    }


def dump_mount(core: Core, mount: Mount) -> dict[str, object]:
    """Return a mount as a world file describes it, without default values."""
    section = registry.world_section(mount.engine)
    return {**_settings(mount, section), **(section.dump(core, mount) if section is not None else {})}


def _own_type(mount: Mount) -> str:
    """Return the type of a mount, of an external plugin the built-in type that answers for it."""
    mount_type = mount.type.removeprefix("ns_")
    kind = "auth" if mount.is_auth else "secret"
    try:
        if registry.implementation(mount_type, mount.options, kind).type == mount.engine:
            return mount_type
    except KeyError:
        pass
    return "kv-v2" if mount.engine == "kv2" else mount.engine.rpartition("/")[2]


def _settings(mount: Mount, section: WorldSection | None) -> dict[str, object]:
    """Return the keys that all types have, of this mount."""
    mount_type = mount.type.removeprefix("ns_")
    shown: dict[str, object] = {"type": mount_type}
    own = _own_type(mount)
    if own != mount_type:
        shown = {"type": own, "plugin": mount_type}
    options = dict(mount.options or {})
    for name in section.options if section is not None else ():
        if name in options and section is not None and name in section.keys(own):
            shown[name] = int(options.pop(name))
    for name, value in (("options", options), ("description", mount.description), ("local", mount.local)):
        if value:
            shown[name] = value
    if mount.seal_wrap:
        shown["seal_wrap"] = True
    shown["accessor"] = mount.accessor
    usual = MountConfig()
    return shown | {n: getattr(mount.config, n) for n in _CONFIG if getattr(mount.config, n) != getattr(usual, n)}
