"""KV secrets in a ready-made world, both versions: written from a description, and described again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.secrets.kv.v1 import KV1
from mockkms.vault.secrets.kv.v2.model import KV2, Key

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core

_SETTINGS = ("max_versions", "cas_required", "metadata_cas_required", "delete_version_after", "custom_metadata")


def add_secret(core: Core, mount: Mount, path: str, secret: Mapping[str, Any]) -> None:
    """Write a secret: its data, on either version. Raises VaultError in the server's words."""
    if mount.engine == "kv2":
        seeding.write(core, mount, f"data/{path}", {"data": dict(secret)})
    else:
        seeding.write(core, mount, path, dict(secret))


def add_key(core: Core, mount: Mount, path: str, spec: Mapping[str, Any]) -> None:
    """Write a version 2 key with its history: ``versions`` (a list of data, oldest first; an entry may also be
    ``{data: …, deleted: true}`` or ``{destroyed: true}``), and the settings of ``metadata/``.

    Raises VaultError in the server's words.
    """
    settings = {name: spec[name] for name in _SETTINGS if name in spec}
    if settings:
        seeding.write(core, mount, f"metadata/{path}", settings)
    for index, entry in enumerate(spec.get("versions", ())):
        plain = not (isinstance(entry, Mapping) and {"deleted", "destroyed"} & set(entry))
        data = entry if plain else entry.get("data", {})
        seeding.write(core, mount, f"data/{path}", {"data": dict(data), "options": {"cas": index}})
        for name, action in (("deleted", "delete"), ("destroyed", "destroy")):
            if not plain and entry.get(name):
                seeding.write(core, mount, f"{action}/{path}", {"versions": [index + 1]})


def configure(core: Core, mount: Mount, config: Mapping[str, Any]) -> None:
    """Write the settings of a version 2 mount. Raises VaultError in the server's words."""
    seeding.write(core, mount, "config", config)


def dump_secrets(state: KV1 | KV2, now: float) -> dict[str, Any]:
    """The current data of every secret that can be read, as ``add_secret`` takes it."""
    if isinstance(state, KV1):
        return {path: kept.value() for path, kept in sorted(state.secrets.items())}
    found = {}
    for path, key in sorted(state.keys.items()):
        version = key.versions.get(key.current)
        data = state.payloads.get((key.path, key.current))
        if version is not None and not version.gone(now) and isinstance(data, Encoded):
            found[path] = data.value()
    return found


def dump_keys(state: KV2, now: float) -> dict[str, dict[str, Any]]:
    """Every key with its settings and history, as ``add_key`` takes it; versions beyond the window are gone."""
    return {path: _described(state, key, now) for path, key in sorted(state.keys.items())}


def _described(state: KV2, key: Key, now: float) -> dict[str, Any]:
    versions: list[Any] = []
    for number, version in sorted(key.versions.items()):
        data = state.payloads.get((key.path, number))
        kept = data.value() if isinstance(data, Encoded) else {}
        if version.destroyed:
            versions.append({"destroyed": True})
        elif version.gone(now):
            versions.append({"data": kept, "deleted": True})
        else:
            versions.append(kept)
    settings = {name: getattr(key, name) for name in _SETTINGS if getattr(key, name)}
    return {"versions": versions, **settings}
