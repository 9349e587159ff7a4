"""Google Cloud auth in world files: settings, roles, and the world's Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.gcp.config import config
from mockkms.vault.auth.cloud.gcp.model import GcpAccount, GcpConfig, GcpMachine, GcpProject, GcpRole
from mockkms.vault.auth.cloud.gcp.roles import roles
from mockkms.vault.auth.cloud.parts import NAMES, TEXTS, listed, text
from mockkms.vault.framework.shapes.collections import Key
from mockkms.vault.framework.shapes.scalars import Moment
from mockkms.vault.framework.world_section import Filling, list_at, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.kernel.mounts import Mount


def _key_more() -> dict[str, Key]:
    return {"key": text("members of the service account's key, in place of `credentials`", shape=TEXTS)}


def _configure(core: Context, mount: Mount, spec: Mapping[str, object]) -> None:
    seeding.write(core, mount, "config", {name: value for name, value in spec.items() if name != "key"})
    if "key" in spec:
        mount.state.config.key = dict(mapping_at(spec, "key"))


def _config(_core: Context, _mount: Mount, found: GcpConfig) -> dict[str, object]:
    return {**found.changed(), **({"key": found.key} if found.key else {})}


def _role_more() -> dict[str, Key]:
    return {"role_id": text("id of the role; default: a new one")}


def _add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    data = {key: value for key, value in spec.items() if key != "role_id"}
    seeding.write(core, mount, f"{roles.folder}/{name}", data)
    if spec.get("role_id"):
        roles.records(mount.state)[name.lower()].role_id = str(spec["role_id"])


def _role(_core: Context, _mount: Mount, role: GcpRole) -> dict[str, object]:
    return {**role.changed(), "role_id": role.role_id}


def _fill_keys(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    for at, pem in enumerate(list_at(spec, "issuer_keys")):
        with to.guard("issuer_keys", at):
            issuers.load_key(str(pem))
            mount.state.issuer_keys.append(str(pem))


section = record_section(
    one(
        "config",
        "how Google is contacted",
        config,
        lambda state: state.config,
        more=_key_more,
        add=_configure,
        describe=_config,
    ),
    named("roles", "roles by name", roles, more=_role_more, add=_add_role, describe=_role),
    Part(
        "issuer_keys",
        lambda: Key(NAMES, "Google's public keys or certificates, which verify tokens of machines, PEM"),
        _fill_keys,
        lambda _core, mount: mount.state.issuer_keys,
    ),
    listed(
        "service_accounts",
        "service accounts of the world's Google Cloud",
        GcpAccount,
        {
            "email": text("email address", required=True),
            "unique_id": text("unique id", required=True),
            "project_id": text("project of the account", required=True),
            "keys": text("public keys or certificates that verify its tokens, PEM", shape=NAMES),
        },
        lambda state: state.accounts,
    ),
    listed(
        "instances",
        "machines of the world's Google Cloud",
        GcpMachine,
        {
            "name": text("name", required=True),
            "project_id": text("project of the machine", required=True),
            "zone": text("its zone, such as `europe-west1-b`", required=True),
            "instance_id": text("its id", required=True),
            "status": text("its status; default: `RUNNING`"),
            "created": text("when it was made", shape=Moment()),
            "labels": text("its labels", shape=TEXTS),
            "groups": text("its instance groups", shape=NAMES),
        },
        lambda state: state.machines,
    ),
    listed(
        "projects",
        "projects with folders or an organization, for group aliases",
        GcpProject,
        {
            "id": text("id of the project", required=True),
            "ancestors": text("what it is part of, from the nearest on: `folder-1`, `organization-2`", shape=NAMES),
        },
        lambda state: state.projects,
    ),
)
