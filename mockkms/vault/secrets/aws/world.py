"""AWS mounts in world files: root credentials, lifetimes, roles and static roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework.shapes.collections import Key, Text
from mockkms.vault.framework.shapes.scalars import Moment
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, one, record_section
from mockkms.vault.secrets.aws.config import lease, root
from mockkms.vault.secrets.aws.model import AwsLease, AwsRole, StaticAwsRole
from mockkms.vault.secrets.aws.roles import roles
from mockkms.vault.secrets.aws.static_roles import roles as static_roles
from mockkms.vault.secrets.issuing import offline_part

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount

_KEY = ("id", "access_key", "secret_key", "expiration", "due")


def _lifetimes(_core: Context, _mount: Mount, found: AwsLease) -> object:
    if found == AwsLease():
        return None
    return {"lease": go_duration(found.lease), "lease_max": go_duration(found.lease_max)}


def _role(_core: Context, _mount: Mount, role: AwsRole) -> dict[str, object]:
    """Return the parameters of a role; those of a legacy one are deprecated."""
    if not role.legacy:
        return role.changed()
    arns = [*(role.role_arns or ()), *(role.policy_arns or ())]
    return {"arn": arns[0]} if arns else {"policy": role.policy_document}


def _more() -> dict[str, Key]:
    return {
        "id": Key(Text(), "unique id of the user"),
        "access_key": Key(Text(), "present access key; default: a new one"),
        "secret_key": Key(Text(), "its secret"),
        "expiration": Key(Moment(), "end of its period"),
        "due": Key(Moment(), "when it is rotated"),
    }


def _add_static(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    data = {key: value for key, value in spec.items() if key not in _KEY}
    seeding.write(core, mount, f"{static_roles.folder}/{name}", data)
    for key in _KEY:
        if spec.get(key):
            setattr(static_roles.records(mount.state)[name], key, spec[key])


def _static(_core: Context, _mount: Mount, role: StaticAwsRole) -> dict[str, object]:
    return {**role.changed(), **{key: getattr(role, key) for key in _KEY}}


section = record_section(
    one("config", "the root credentials", root, lambda state: state.root),
    one("lease", "lifetimes of the keys of IAM users", lease, lambda state: state.lease, describe=_lifetimes),
    named("roles", "roles by name", roles, describe=_role),
    offline_part(
        named(
            "static_roles",
            "users of IAM whose access keys are rotated, by name",
            static_roles,
            more=_more,
            add=_add_static,
            describe=_static,
        )
    ),
)
