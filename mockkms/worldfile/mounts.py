"""``mounts``: secrets engines by path, each with what is in it. They are laid over those that every server has."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mockkms.crypto.encoding import pem
from mockkms.vault.framework import builtins, registry
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Choice,
    Either,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    Moment,
    Record,
    Seconds,
    Tagged,
    Text,
)
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.mounting import unmount
from mockkms.vault.kernel.mounts import Mount, MountConfig
from mockkms.vault.secrets.kv import world
from mockkms.vault.secrets.transit import world as transit_seed
from mockkms.vault.secrets.transit.model import TYPES
from mockkms.vault.sys.mounts.shapes import protected
from mockkms.worldfile import credentials
from mockkms.worldfile.applying import Applier, Steps

Filler = Callable[[Applier, Mount, dict[str, Any], Steps], None]
_PROTECTED = ("sys/", "cubbyhole/", "identity/", "auth/", "audit/")


def mount_keys() -> dict[str, Key]:
    """What all mounts have."""
    return {
        "description": Key(Text(), "a text for people"),
        "options": Key(MapOf(Text()), "settings of the type itself"),
        "local": Key(Boolean(), "kept out of replication"),
        "seal_wrap": Key(Boolean(), "critical values are wrapped a second time"),
        "accessor": Key(Text(), "drawn when not given"),
        "default_lease_ttl": Key(Seconds(), "lease where none is asked for; 0 is the system's"),
        "max_lease_ttl": Key(Seconds(), "largest lease; 0 is the system's"),
        "listing_visibility": Key(Choice(("", "hidden", "unauth"), "visibility"), "who sees the mount"),
        "passthrough_request_headers": Key(ListOf(Text(), single=True), "request headers that reach the mount"),
        "allowed_response_headers": Key(ListOf(Text(), single=True), "response headers the mount may set"),
        "allowed_managed_keys": Key(ListOf(Text(), single=True), "managed keys that the mount may use"),
        "delegated_auth_accessors": Key(ListOf(Text(), single=True), "auth methods that may log in for the mount"),
        "identity_token_key": Key(Text(), "key of the identity store that signs the mount's tokens"),
        "trim_request_trailing_slashes": Key(Boolean(), "a write to `a/` is one to `a`"),
    }


_CONFIG = (
    "default_lease_ttl", "max_lease_ttl", "listing_visibility", "passthrough_request_headers",
    "allowed_response_headers", "allowed_managed_keys", "delegated_auth_accessors", "identity_token_key",
    "trim_request_trailing_slashes", "token_type",
)  # fmt: skip


def _base64(text: str) -> str | None:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        return f"not base64: {error}"
    return None


def _material(text: str) -> str | None:
    if "-----BEGIN" not in text:
        return _base64(text)
    return None if pem.decode(text.strip() + "\n") else "not PEM: no whole block between BEGIN and END"


def transit_key() -> Record:
    """One transit key."""
    encoded = Text("base64", _base64)
    version = Record(
        {
            "material": Key(Text("base64, or PEM of an asymmetric key", _material), "derived when not given"),
            "public_key": Key(Text("base64 or PEM", _material), "of a version without its private half"),
            "hmac_key": Key(encoded, "key of the hmac endpoint"),
            "created": Key(Moment(), "now when not given"),
            "certificate_chain": Key(ListOf(encoded), "DER in base64, leaf first"),
            "convergent_version": Key(Integer(), "scheme of convergent encryption"),
        }
    )
    many = Integer(1, transit_seed.MOST_VERSIONS)
    event = Record({"time": Key(Moment(), "when"), "version": Key(Integer(), "latest version then")})
    special = {
        "type": Key(Choice(tuple(TYPES), "key type"), "aes256-gcm96 when not given"),
        "versions": Key(Either({"integer": many, "list": ListOf(version)}), "how many, or one by one, oldest first"),
        "auto_rotate_period": Key(Seconds(), "0 or at least an hour"),
        "backup_info": Key(event, "last backup"),
        "restore_info": Key(event, "last restore"),
    }
    numbers = {name: Key(Integer(), name.replace("_", " ")) for name in transit_seed.FIELDS if name.startswith("min_")}
    numbers |= {name: Key(Integer(), name.replace("_", " ")) for name in ("key_size", "kdf", "convergent_version")}
    flags = {
        name: Key(Boolean(), name.replace("_", " "))
        for name in transit_seed.FIELDS
        if name not in special and name not in numbers
    }
    return Record({**special, **flags, **numbers})


def shape() -> MapOf:
    """Mounts by path."""
    variants: dict[str, Mapping[str, Key] | Callable[[], Mapping[str, Key]]] = {
        "kv": lambda: {"version": Key(Choice(("1", "2"), "version"), "1 when not given"), **_kv2()},
        "kv-v1": _secrets,
        "kv-v2": _kv2,
        "generic": _secrets,
        "transit": lambda: {"keys": Key(MapOf(transit_key()), "keys by name")},
        "pki": _pki,
        "database": credentials.database,
        "ssh": credentials.ssh,
        "totp": credentials.totp,
        "aws": credentials.aws,
    }
    return MapOf(Tagged("type", variants | by_name_only("secret", variants), mount_keys(), "mount type"), _path)


def by_name_only(kind: str, described: Iterable[str]) -> dict[str, Mapping[str, Key]]:
    """The types of a kind (``secret``, ``auth``) that can be mounted and have nothing to describe."""
    types = (name.removeprefix(f"{kind}/") for name in sorted(builtins.ALL) if name.startswith(f"{kind}/"))
    return {type: {} for type in types if type not in described}


def _secrets() -> dict[str, Key]:
    return {"secrets": Key(MapOf(MapOf(Json())), "the data of each secret by its path")}


def _kv2() -> dict[str, Key]:
    data = MapOf(Json())
    settings = ("max_versions", "cas_required", "delete_version_after", "custom_metadata", "metadata_cas_required")
    known = written("kv2", "metadata/x").keys
    history = Record(
        {
            "versions": Key(ListOf(data), "data, oldest first; or {data: …, deleted: true}, or {destroyed: true}"),
            **{name: known[name] for name in settings if name in known},
        }
    )
    return {
        **_secrets(),
        "keys": Key(MapOf(history), "secrets with their history and settings"),
        "config": Key(written("kv2", "config"), "settings of the mount (version 2)"),
    }


def _pki() -> dict[str, Key]:
    from mockkms.worldfile import authorities

    return authorities.shape()


def _path(path: str) -> str | None:
    if not path.endswith("/"):
        return f'the path of a mount ends with a slash: "{path}/"'
    if path.startswith("/") or "//" in path:
        return "the path of a mount has no empty part"
    if path.startswith(_PROTECTED):
        return "nothing can be mounted here"
    return None


def apply(to: Applier, section: dict[str, Any], steps: Steps, namespace: str) -> None:
    """Mount the engines of a namespace and fill them."""
    for path, spec in (section.get("mounts") or {}).items():
        at = (*steps, "mounts", path)
        with to.guard(*at):
            if not mountable(to, "secret", spec["type"], at):
                continue
            mount = mounted(to.core, namespace, path, spec)
            _FILLERS.get(spec["type"], _fill_kv)(to, mount, spec, at)


def mountable(to: Applier, kind: str, type: str, at: Steps) -> bool:
    """Whether the world's product has a mount type; the problem is noted where it has not."""
    product = to.core.product
    if not builtins.lacks(product, kind, type):
        return True
    to.fault((*at, "type"), f"{product.words.product} has no {type}; it has {', '.join(product.builtins.names(kind))}")
    return False


def mounted(core: Core, namespace: str, path: str, spec: dict[str, Any]) -> Mount:
    """The mount that a description asks for: the one that is there if it is of that kind, else a new one."""
    options = dict(spec.get("options") or {})
    known = core.state.mounts.get(namespace, path)
    if "version" in spec:
        options["version"] = spec["version"]
    same = known is not None and known.type in (spec["type"], f"ns_{spec['type']}")
    version = (known.options or {}).get("version", "1") if known is not None else ""
    if known is None or not same or ("version" in options and options["version"] != version):
        if known is not None:
            unmount(core, known)
        known = core.mount(namespace, path, spec["type"], options=options or None)
    elif options:
        known.options = {**(known.options or {}), **options}
    for name in ("description", "local", "seal_wrap", "accessor"):
        if name in spec:
            setattr(known, name, spec[name])
    for name in _CONFIG:
        if name in spec:
            setattr(known.config, name, spec[name])
    return known


def _fill_kv(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    core = to.core
    if mount.engine == "kv2":
        with to.guard(*at, "config"):
            if spec.get("config"):
                world.configure(core, mount, spec["config"])
    elif spec.get("keys") or spec.get("config"):
        to.fault((*at, "keys" if spec.get("keys") else "config"), "only version 2 has this; add `version: 2`")
        return
    for path, data in (spec.get("secrets") or {}).items():
        with to.guard(*at, "secrets", path):
            world.add_secret(core, mount, path, data)
    for path, key in (spec.get("keys") or {}).items():
        with to.guard(*at, "keys", path):
            mount.state.forget(path)
            world.add_key(core, mount, path, key)


def _fill_transit(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    scope = mount.namespace + mount.path
    for name, key in (spec.get("keys") or {}).items():
        with to.guard(*at, "keys", name):
            transit_seed.seed_key(mount.state, to.core, name, key, scope)


def _fill_pki(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    from mockkms.worldfile import authorities

    authorities.fill(to, mount, spec, at)


_FILLERS: dict[str, Filler] = {
    "transit": _fill_transit,
    "pki": _fill_pki,
    "database": credentials.fill_database,
    "ssh": credentials.fill_ssh,
    "totp": credentials.fill_totp,
    "aws": credentials.fill_aws,
}


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The secrets engines of a namespace whose kind a world file can describe."""
    found: dict[str, Any] = {}
    now = core.clock.now()
    for mount in core.state.mounts.of(namespace, auth=False):
        by_name = not registry.emulated("secret", mount.type)
        if mount.path.startswith(protected(core)) or not (
            by_name or mount.engine in ("kv", "kv2", "transit", "pki", "database", "ssh", "totp", "secret/aws")
        ):
            continue
        shown, more = dump_mount(mount), credentials.dump(mount)
        if by_name or more is not None:
            found[mount.path] = {**shown, **(more or {})}
            continue
        if mount.engine == "transit":
            shown["keys"] = transit_seed.dump_keys(mount.state)
        elif mount.engine == "pki":
            from mockkms.vault.secrets.pki import world as pki_seed

            shown.update(pki_seed.dump(mount.state))
        elif mount.engine == "kv2":
            shown["keys"] = world.dump_keys(mount.state, now)
            config = {name: value for name, value in vars(mount.state.config).items() if value}
            if config:
                shown["config"] = config
        else:
            shown["secrets"] = world.dump_secrets(mount.state, now)
        found[mount.path] = shown
    return {"mounts": found}


def dump_mount(mount: Mount) -> dict[str, Any]:
    """What all mounts have, of this one; usual values are left out."""
    shown: dict[str, Any] = {"type": mount.type.removeprefix("ns_")}
    options = dict(mount.options or {})
    if mount.type == "kv" and "version" in options:
        shown["version"] = int(options.pop("version"))
    for name, value in (("options", options), ("description", mount.description), ("local", mount.local)):
        if value:
            shown[name] = value
    if mount.seal_wrap:
        shown["seal_wrap"] = True
    shown["accessor"] = mount.accessor
    usual = MountConfig()
    return shown | {n: getattr(mount.config, n) for n in _CONFIG if getattr(mount.config, n) != getattr(usual, n)}
