"""Google Cloud auth in world files: settings, roles, and the world's Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.gcp.config import config
from mockkms.vault.auth.cloud.gcp.model import GcpAccount, GcpMachine, GcpProject
from mockkms.vault.auth.cloud.gcp.roles import roles
from mockkms.vault.framework.shapes.collections import Key
from mockkms.vault.framework.shapes.scalars import Moment
from mockkms.vault.framework.world_section import Filling, list_at
from mockkms.vault.kernel.plain_records import NAMES, TEXTS, listed, more_of_named, more_of_one, text
from mockkms.vault.kernel.record_section import Part, named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.mounts.table import Mount


_KEY = {"key": text("members of the service account's key, in place of `credentials`", shape=TEXTS)}
_ROLE_ID = {"role_id": text("id of the role; default: a new one")}


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
        **more_of_one(config, lambda state: state.config, _KEY),
    ),
    named("roles", "roles by name", roles, **more_of_named(roles, _ROLE_ID)),
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
            "email": text("email address"),
            "unique_id": text("unique id"),
            "project_id": text("project of the account"),
            "keys": text("public keys or certificates that verify its tokens, PEM", shape=NAMES),
        },
        lambda state: state.accounts,
    ),
    listed(
        "instances",
        "machines of the world's Google Cloud",
        GcpMachine,
        {
            "name": text("name"),
            "project_id": text("project of the machine"),
            "zone": text("its zone, such as `europe-west1-b`"),
            "instance_id": text("its id"),
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
            "id": text("id of the project"),
            "ancestors": text("folders and organization, the nearest first: `folder-1`, `organization-2`", shape=NAMES),
        },
        lambda state: state.projects,
    ),
)
