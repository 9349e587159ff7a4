"""What a world file says of secrets engines that hand out credentials: databases, SSH, second factors."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.shapes.collections import Json, Key, ListOf, MapOf, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount
from mockkms.worldfile.applying import Applier, Steps


def database() -> dict[str, Key]:
    """Connections and roles of a database mount."""
    details = Key(MapOf(Json()), "what the plugin connects with: connection_url, username, password and so on")
    connection = written("database", "config/x", connection_details=details)
    static = written("database", "static-roles/x", password=Key(Text(), "the present password; drawn when not given"))
    return {
        "config": Key(MapOf(connection), "connections by name"),
        "roles": Key(MapOf(written("database", "roles/x")), "roles by name, whose users are made on demand"),
        "static_roles": Key(MapOf(static), "roles by name, each with a user that is there already"),
    }


def ssh() -> dict[str, Key]:
    """Issuer and roles of an SSH mount."""
    return {
        "ca": Key(written("ssh", "config/ca"), "the default issuer's key; made when neither half is given"),
        "roles": Key(MapOf(written("ssh", "roles/x")), "roles by name"),
        "zero_address": Key(ListOf(Text()), "roles for which any address will do"),
    }


def aws() -> dict[str, Key]:
    """Settings and roles of an AWS mount."""
    return {
        "config": Key(written("secret/aws", "config/root"), "the root key"),
        "lease": Key(written("secret/aws", "config/lease"), "lifetimes of the keys of users"),
        "roles": Key(MapOf(written("secret/aws", "roles/x")), "roles by name"),
    }


def totp() -> dict[str, Key]:
    """Keys of a TOTP mount."""
    return {"keys": Key(MapOf(written("totp", "keys/x")), "keys by name")}


def fill_database(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    """Add connections, then the roles that use them."""
    from mockkms.vault.secrets.database import world as database_seed

    for word, add in (
        ("config", database_seed.connect),
        ("roles", database_seed.add_role),
        ("static_roles", database_seed.add_static_role),
    ):
        for name, one in (spec.get(word) or {}).items():
            with to.guard(*at, word, name):
                add(to.core, mount, name, one)


def fill_aws(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    """Take the settings, then the roles."""
    for word, path in (("config", "config/root"), ("lease", "config/lease")):
        if spec.get(word):
            with to.guard(*at, word):
                seeding.write(to.core, mount, path, spec[word])
    for name, role in (spec.get("roles") or {}).items():
        with to.guard(*at, "roles", name):
            seeding.write(to.core, mount, f"roles/{name}", role)


def fill_totp(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    """Take the keys."""
    for name, key in (spec.get("keys") or {}).items():
        with to.guard(*at, "keys", name):
            seeding.write(to.core, mount, f"keys/{name}", key)


def fill_ssh(to: Applier, mount: Mount, spec: dict[str, Any], at: Steps) -> None:
    """Take the issuer, then the roles."""
    if "ca" in spec:
        with to.guard(*at, "ca"):
            seeding.write(to.core, mount, "config/ca", spec["ca"] or {})
    for name, role in (spec.get("roles") or {}).items():
        with to.guard(*at, "roles", name):
            seeding.write(to.core, mount, f"roles/{name}", role)
    if spec.get("zero_address"):
        with to.guard(*at, "zero_address"):
            seeding.write(to.core, mount, "config/zeroaddress", {"roles": spec["zero_address"]})


def dump(mount: Mount) -> dict[str, Any] | None:
    """What of such a mount a world file can say; None for a mount of another kind."""
    if mount.engine == "database":
        from mockkms.vault.secrets.database import world as database_seed

        return database_seed.dump(mount.state)
    if mount.engine == "ssh":
        from mockkms.vault.secrets.ssh import world as ssh_seed

        return ssh_seed.dump(mount.state)
    if mount.engine == "secret/aws":
        state = mount.state
        roles = {name: {word: value for word, value in role.items() if value} for name, role in state.roles.items()}
        shown = {"config": state.root and {word: value for word, value in state.root.items() if value}, "roles": roles}
        lease = state.lease and {name: f"{seconds}s" for name, seconds in state.lease.items()}
        return {word: value for word, value in {**shown, "lease": lease}.items() if value}
    if mount.engine == "totp":
        return {"keys": {name: dict(vars(key)) for name, key in mount.state.keys.items()}}
    return None
