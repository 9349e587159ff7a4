"""Auth methods that ask a server of somebody else: their settings, and who stands in that server's ``directory``.

No such server is ever asked for people: who may log in is what the world says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, MapOf, Record, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.worldfile.applying import Applier, Steps

_PATHS = {
    "auth/ldap": {"users": "users", "groups": "groups"},
    "github": {"teams": "map/teams", "users": "map/users"},
    "okta": {"users": "users", "groups": "groups"},
    "radius": {"users": "users"},
}
"""What these methods have by name, by engine: the world's word for it, and the API's path."""
_NAMES = ListOf(Text(), single=True)
_PASSWORD = Key(Text(), "the password that logs in", required=True)


def variants() -> dict[str, Callable[[], Mapping[str, Key]]]:
    """The keys of these methods, by type."""
    return {"ldap": _ldap, "github": _github, "okta": _okta, "radius": _radius}


def _ldap() -> dict[str, Key]:
    person = Record(
        {
            "password": _PASSWORD,
            "groups": Key(_NAMES, "groups in the directory, by name or DN"),
            "dn": Key(Text(), "made of userattr, name and userdn when not given"),
            "attributes": Key(MapOf(Text()), "attributes by name, for the alias"),
        }
    )
    return {
        "config": Key(written("auth/ldap", "config"), "the directory's address, and how users and groups are found"),
        "users": Key(MapOf(written("auth/ldap", "users/x")), "groups and policies that the mount adds, by user"),
        "groups": Key(MapOf(written("auth/ldap", "groups/x")), "policies by group"),
        "directory": Key(MapOf(person), "who stands in the directory, by user name"),
    }


def _github() -> dict[str, Key]:
    account = Record(
        {
            "user": Key(Text(), "name of the user", required=True),
            "org": Key(_NAMES, "organizations that the user is a member of"),
            "teams": Key(_NAMES, "teams of the user in the configured organization"),
        }
    )
    return {
        "config": Key(written("github", "config"), "the organization"),
        "teams": Key(MapOf(_NAMES), "policies by team"),
        "users": Key(MapOf(_NAMES), "policies by user"),
        "directory": Key(MapOf(account), "whom GitHub knows, by personal access token"),
    }


def _okta() -> dict[str, Key]:
    from mockkms.vault.auth.okta.model import STATUSES

    person = Record(
        {
            "password": _PASSWORD,
            "groups": Key(_NAMES, "groups at Okta"),
            "status": Key(Choice(STATUSES, "status"), "what Okta says of the right password; SUCCESS when not given"),
            "totp": Key(Text(), "the code that is right where the status is MFA_REQUIRED"),
        }
    )
    return {
        "config": Key(written("okta", "config"), "the organization"),
        "users": Key(MapOf(written("okta", "users/x")), "groups and policies that the mount adds, by user"),
        "groups": Key(MapOf(written("okta", "groups/x")), "policies by group"),
        "directory": Key(MapOf(person), "whom Okta knows, by user name"),
    }


def _radius() -> dict[str, Key]:
    return {
        "config": Key(written("radius", "config"), "the authentication server's address"),
        "users": Key(MapOf(written("radius", "users/x")), "policies by registered user"),
        "directory": Key(MapOf(Record({"password": _PASSWORD})), "whom the server knows, by user name"),
    }


def fills(mount: Mount) -> bool:
    """Whether a mount is of one of these methods."""
    return mount.engine in _PATHS


def fill(to: Applier, mount: Mount, spec: Mapping[str, Any], at: Steps) -> None:
    """Fill a mount: the directory first, for writing a configuration may ask it."""
    if spec.get("directory"):
        person = mount.state.person
        mount.state.directory = {name: person(**known) for name, known in spec["directory"].items()}
    if spec.get("config"):
        with to.guard(*at, "config"):
            seeding.write(to.core, mount, "config", spec["config"])
    for word, path in _PATHS[mount.engine].items():
        for name, one in (spec.get(word) or {}).items():
            with to.guard(*at, word, name):
                data = one if isinstance(one, dict) else {"value": ",".join(one)}
                seeding.write(to.core, mount, f"{path}/{name}", data)


def dump(mount: Mount) -> dict[str, Any]:
    """What ``fill`` reads."""
    state = mount.state
    shown: dict[str, Any] = {}
    config = told(state.config) if state.config is not None else {}
    if isinstance(config.get("unregistered_user_policies"), list):
        config["unregistered_user_policies"] = ",".join(config["unregistered_user_policies"])
    if config:
        shown["config"] = config
    for word in _PATHS[mount.engine]:
        shown[word] = {name: _entry(one) for name, one in sorted(getattr(state, word).items())}
    shown["directory"] = {
        name: {key: value for key, value in vars(person).items() if value and value != "SUCCESS"}
        for name, person in state.directory.items()
    }
    return {word: value for word, value in shown.items() if value}


def _entry(one: Any) -> Any:
    """A mapping of GitHub is a list of policies, a group of LDAP has policies only."""
    if isinstance(one, dict):
        return [name for name in str(one.get("value") or "").split(",") if name]
    return {"policies": one} if isinstance(one, list) else {name: value for name, value in vars(one).items() if value}


def told(role: Any) -> dict[str, Any]:
    """What a role or a configuration was told, under the deprecated names where those were used."""
    fresh = type(role)(*([role.name] if hasattr(role, "name") else []))
    known = vars(fresh)
    shown = {name: value for name, value in vars(role).items() if name not in ("name", "old") and value != known[name]}
    shown |= {name: value for name, value in getattr(role, "old", {}).items() if value}
    for name in [name for name in shown if f"token_{name}" in shown]:
        del shown[f"token_{name}"]
    return shown
