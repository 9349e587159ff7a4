"""KV mounts in world files, both versions: secrets, their history and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework.captured import STAND_IN, CapturedMount
from mockkms.vault.framework.shapes.collections import Choice, Json, Key, ListOf, MapOf, RecordShape
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, WorldSection, list_at, mapping_at
from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.kv.v1 import KV1
from mockkms.vault.secrets.kv.v2.model import KV2, SecretMetadata

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _keys(mount_type: str) -> dict[str, Key]:
    if mount_type == "kv":
        return {"version": Key(Choice(("1", "2"), "version"), "default: 1"), **_version_2()}
    return _version_2() if mount_type == "kv-v2" else _secrets()


def _secrets() -> dict[str, Key]:
    return {"secrets": Key(MapOf(MapOf(Json())), "the data of each secret by its path")}


def _version_2() -> dict[str, Key]:
    data = MapOf(Json())
    known = written("kv2", "metadata/x").keys
    history = RecordShape(
        {
            "versions": Key(ListOf(data), "data, oldest first; or {data: …, deleted: true}, or {destroyed: true}"),
            **{name: known[name] for name in (*SecretMetadata.params(), "custom_metadata")},
        }
    )
    return {
        **_secrets(),
        "keys": Key(MapOf(history), "secrets with their history and settings"),
        "config": Key(written("kv2", "config"), "settings of the mount (version 2)"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    core = to.core
    if mount.engine == "kv2":
        with to.guard("config"):
            if spec.get("config"):
                configure(core, mount, mapping_at(spec, "config"))
    elif spec.get("keys") or spec.get("config"):
        key = "keys" if spec.get("keys") else "config"
        to.fault((key,), "only version 2 has this; add `version: 2`", alone=False)
        return
    secrets, keys = mapping_at(spec, "secrets"), mapping_at(spec, "keys")
    for path in secrets:
        with to.guard("secrets", path):
            add_secret(core, mount, path, mapping_at(secrets, path))
    for path in keys:
        with to.guard("keys", path):
            mount.state.forget(path)
            add_key(core, mount, path, mapping_at(keys, path))


def _dump(core: Context, mount: Mount) -> dict[str, object]:
    now = core.clock.now()
    if mount.engine != "kv2":
        return {"secrets": dump_secrets(mount.state, now)}
    config = mount.state.config.changed()
    return {"keys": dump_keys(mount.state, now), **({"config": config} if config else {})}


def add_secret(core: Context, mount: Mount, path: str, secret: Mapping[str, object]) -> None:
    """Write a secret: its data, on either version. Raises VaultError with the server's text."""
    if mount.engine == "kv2":
        seeding.write(core, mount, f"data/{path}", {"data": dict(secret)})
    else:
        seeding.write(core, mount, path, dict(secret))


def add_key(core: Context, mount: Mount, path: str, spec: Mapping[str, object]) -> None:
    """Write a version 2 key with its history: ``versions`` (a list of data, oldest first; an entry may also be
    ``{data: …, deleted: true}`` or ``{destroyed: true}``), and the settings of ``metadata/``.

    Raises VaultError with the server's text.
    """
    settings = {name: value for name, value in spec.items() if name != "versions"}
    if settings:
        seeding.write(core, mount, f"metadata/{path}", settings)
    for index, entry in enumerate(list_at(spec, "versions")):
        version: Mapping[str, object] = entry if isinstance(entry, Mapping) else {}
        plain = version.keys().isdisjoint(("deleted", "destroyed"))
        data = version if plain else mapping_at(version, "data")
        seeding.write(core, mount, f"data/{path}", {"data": dict(data), "options": {"cas": index}})
        for name, action in (("deleted", "delete"), ("destroyed", "destroy")):
            if version.get(name) and not plain:
                seeding.write(core, mount, f"{action}/{path}", {"versions": [index + 1]})


def configure(core: Context, mount: Mount, config: Mapping[str, object]) -> None:
    """Write the settings of a version 2 mount. Raises VaultError with the server's text."""
    seeding.write(core, mount, "config", config)


def dump_secrets(state: KV1 | KV2, now: float) -> dict[str, object]:
    """Return the current data of every readable secret, as ``add_secret`` reads it."""
    if isinstance(state, KV1):
        return {path: kept.value() for path, kept in sorted(state.secrets.items())}
    found: dict[str, object] = {}
    for path, key in sorted(state.keys.items()):
        version = key.versions.get(key.current)
        data = state.payloads.get((key.path, key.current))
        if version is not None and not version.gone(now) and isinstance(data, Encoded):
            found[path] = data.value()
    return found


def dump_keys(state: KV2, now: float) -> dict[str, dict[str, object]]:
    """Return every secret with settings and history, as ``add_key`` reads it, without dropped versions."""
    return {path: _described(state, key, now) for path, key in sorted(state.keys.items())}


def _described(state: KV2, key: SecretMetadata, now: float) -> dict[str, object]:
    versions: list[dict[str, object]] = []
    for number, version in sorted(key.versions.items()):
        data = state.payloads.get((key.path, number))
        kept = data.value() if isinstance(data, Encoded) else {}
        if version.destroyed:
            versions.append({"destroyed": True})
        elif version.gone(now):
            versions.append({"data": kept, "deleted": True})
        else:
            versions.append(kept)
    custom = {"custom_metadata": key.custom_metadata} if key.custom_metadata else {}
    return {"versions": versions, **key.changed(), **custom}


_MOST_FOLDERS = 10_000


def _captured(server: CapturedMount) -> dict[str, object]:
    """Return the paths of all secrets, without data, and the settings of a version 2 mount."""
    second = server.type == "kv-v2" or server.options.get("version") == "2"
    # Version 1 has no secrets without fields.
    empty: dict[str, object] = {} if second else {"value": STAND_IN}
    secrets: dict[str, object] = {}
    folders = [""]
    for folder in folders:
        for name in server.names("metadata/" + folder if second else folder):
            if not name.endswith("/"):
                secrets[folder + name] = dict(empty)
            elif len(folders) < _MOST_FOLDERS:
                folders.append(folder + name)
            else:
                server.left_out(folder + name, f"more than {_MOST_FOLDERS} folders")
    shown: dict[str, object] = {"secrets": dict(sorted(secrets.items()))} if secrets else {}
    if second:
        config = {name: value for name, value in (server.read("config") or {}).items() if value not in (0, False, "0s")}
        return {**shown, "config": config} if config else shown
    return shown


section = WorldSection(_keys, _fill, _dump, options={"version": "1"}, capture=_captured)
