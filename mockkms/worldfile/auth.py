"""``auth``: auth methods by path (without ``auth/``), each with its roles, users and configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockkms.vault.auth.approle import world as approle_seed
from mockkms.vault.auth.jwt import world as jwt_seed
from mockkms.vault.auth.userpass import world
from mockkms.vault.framework.shapes.collections import Choice, Either, Key, ListOf, MapOf, Record, Tagged, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.mounts import Mount
from mockkms.worldfile import directories
from mockkms.worldfile.applying import Applier, Steps
from mockkms.worldfile.mounts import by_name_only, dump_mount, mount_keys, mountable, mounted

_TOKEN_TYPES = ("default-service", "default-batch", "service", "batch", "default")


def shape() -> MapOf:
    """Auth methods by path."""
    variants: dict[str, Mapping[str, Key] | Callable[[], Mapping[str, Key]]] = {
        "approle": lambda: {
            "roles": Key(MapOf(written("approle", "role/x", secret_ids=_secret_ids())), "roles by name")
        },
        "userpass": lambda: {"users": Key(MapOf(written("userpass", "users/x")), "users by name")},
        "jwt": _jwt,
        "oidc": _jwt,
        "kubernetes": lambda: {
            "config": Key(written("kubernetes", "config"), "the cluster"),
            "roles": Key(MapOf(written("kubernetes", "role/x")), "roles by name"),
            "service_accounts": Key(ListOf(_account()), "those that the cluster knows, for its token reviews"),
        },
        "cert": lambda: {
            "config": Key(written("cert", "config"), "settings of the method"),
            "certs": Key(MapOf(written("cert", "certs/x")), "trusted certificates by name"),
        },
        **directories.variants(),
        "token": lambda: {"roles": Key(MapOf(written("token", "roles/x")), "token roles by name")},
    }
    common = {**mount_keys(), "token_type": Key(Choice(_TOKEN_TYPES, "token type"), "kind of token the method makes")}
    return MapOf(Tagged("type", variants | by_name_only("auth", variants), common, "auth method"), _path)


def _secret_ids() -> Key:
    secret_id = Either({"text": Text(), "mapping": written("approle", "role/x/custom-secret-id")})
    return Key(ListOf(secret_id), "secret ids that log in: texts, or mappings with their limits")


def _account() -> Record:
    return Record(
        {
            "name": Key(Text(), "of the account", required=True),
            "namespace": Key(Text(), "of the account", required=True),
            "uid": Key(Text(), "of the account", required=True),
        }
    )


def _jwt() -> dict[str, Key]:
    config = written("jwt", "config", keys=Key(ListOf(Text("PEM")), "public keys served at the configured URL"))
    return {
        "config": Key(config, "how tokens are verified"),
        "roles": Key(MapOf(written("jwt", "role/x")), "roles by name"),
        "cel_roles": Key(MapOf(written("jwt", "cel/role/x")), "roles that are programs, by name"),
    }


def _path(path: str) -> str | None:
    if path.startswith("auth/"):
        return f'write the path without auth/: "{path.removeprefix("auth/")}"'
    if not path.endswith("/") or path == "/":
        return f'the path of an auth method ends with a slash: "{path}/"'
    return None


def apply(to: Applier, section: dict[str, Any], steps: Steps, namespace: str) -> None:
    """Mount the auth methods of a namespace and fill them."""
    for path, spec in (section.get("auth") or {}).items():
        at = (*steps, "auth", path)
        with to.guard(*at):
            if (path == "token/") != (spec["type"] == "token"):
                to.fault((*at, "type"), "the token method is mounted at token/, and nothing else is")
                continue
            if mountable(to, "auth", spec["type"], at):
                _fill(to, mounted(to.core, namespace, f"auth/{path}", spec), spec, at)


def _fill(to: Applier, mount: Mount, spec: Mapping[str, Any], at: Steps) -> None:
    core, type = to.core, spec["type"]
    if directories.fills(mount):
        directories.fill(to, mount, spec, at)
        return
    if spec.get("config"):
        with to.guard(*at, "config"):
            if mount.engine == "jwt":
                jwt_seed.configure(core, mount, spec["config"])
            else:
                seeding.write(core, mount, "config", spec["config"])
    if spec.get("service_accounts"):
        mount.state.reviewed = [dict(account) for account in spec["service_accounts"]]
    for word in ("roles", "users", "certs"):
        for name, one in (spec.get(word) or {}).items():
            with to.guard(*at, word, name):
                _write(core, mount, type, name, one)
    for name, one in (spec.get("cel_roles") or {}).items():
        with to.guard(*at, "cel_roles", name):
            seeding.write(core, mount, f"cel/role/{name}", one)


def _write(core: Core, mount: Mount, type: str, name: str, spec: Mapping[str, Any]) -> None:
    if type == "approle":
        approle_seed.add_role(core, mount, name, spec)
    elif type == "userpass":
        world.add_user(core, mount, name, spec)
    elif mount.engine == "jwt":
        jwt_seed.add_role(core, mount, name, spec)
    else:
        folder = {"cert": "certs", "token": "roles"}.get(type, "role")
        seeding.write(core, mount, f"{folder}/{name}", spec)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The auth methods of a namespace; what no description covers is left to the exact part of a dump."""
    found: dict[str, Any] = {}
    for mount in core.state.mounts.of(namespace, auth=True):
        shown = dump_mount(mount)
        if mount.engine == "approle":
            shown["roles"] = approle_seed.dump_roles(mount.state, core.clock.now())
        elif mount.engine == "userpass":
            shown["users"] = world.dump_users(mount.state)
        elif mount.engine == "jwt":
            shown.update(jwt_seed.dump(mount.state))
        elif mount.engine in ("kubernetes", "cert", "token"):
            shown.update(_described(mount))
        elif directories.fills(mount):
            shown.update(directories.dump(mount))
        found[mount.path.removeprefix("auth/")] = shown
    return {"auth": found}


def _described(mount: Mount) -> dict[str, Any]:
    """A mount whose state is settings and roles, each with the names that the API gives them."""
    state = mount.state
    shown: dict[str, Any] = {}
    if mount.engine == "kubernetes" and state.config is not None:
        shown["config"] = {name: value for name, value in vars(state.config).items() if value not in ("", [])}
        if state.reviewed:
            shown["service_accounts"] = [dict(account) for account in state.reviewed]
    elif mount.engine == "cert":
        shown["config"] = {name: value for name, value in vars(state.config).items() if value}
    roles = {name: directories.told(role) for name, role in sorted(state.roles.items())}
    shown["certs" if mount.engine == "cert" else "roles"] = roles
    return {word: value for word, value in shown.items() if value}
