"""Google Cloud auth: logins with tokens of service accounts (iam) and machines (gce). The state of a mount.

Source: https://github.com/hashicorp/vault-plugin-auth-gcp, and the API page of the method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products import Product
from mockkms.world.stored import stored

_LIST = Kind.COMMA_STRINGS
_KEY_SHOWN = ("client_email", "client_id", "private_key_id", "project_id")
METADATA = {
    "iam_metadata": ("project_id", "role", "service_account_id", "service_account_email"),
    "gce_metadata": (
        "instance_creation_timestamp", "instance_id", "instance_name", "project_id", "project_number", "role",
        "service_account_id", "service_account_email", "zone",
    ),
}  # fmt: skip
"""The fields of metadata that can be chosen, all of them by default."""


@stored("auth.gcp.GcpConfig")
@dataclass
class GcpConfig(Record, AutomatedRotation):
    """How Google is contacted, and data of logins for the identity store."""

    key: dict[str, str] = field(default_factory=dict)
    """The members of the service account's key; empty without one."""
    iam_alias: Annotated[
        str, param(Kind.STRING, help="Source of the alias name of an iam login.", default="role_id", show=Show.SET)
    ] = ""
    gce_alias: Annotated[
        str, param(Kind.STRING, help="Source of the alias name of a gce login.", default="role_id", show=Show.SET)
    ] = ""
    iam_metadata: Annotated[
        list[str], param(_LIST, help="Fields of an iam login's metadata; `default` selects the default ones.")
    ] = field(default_factory=lambda: list(METADATA["iam_metadata"]))
    gce_metadata: Annotated[
        list[str], param(_LIST, help="Fields of a gce login's metadata; `default` selects the default ones.")
    ] = field(default_factory=lambda: list(METADATA["gce_metadata"]))
    custom_endpoint: Annotated[
        dict[str, str],
        param(Kind.KV_PAIRS, help="Other addresses of Google's services: api, iam, crm, compute.", show=Show.SET),
    ] = field(default_factory=dict)
    service_account_email: Annotated[
        str, param(Kind.STRING, help="Account of workload identity federation.", show=Show.SET)
    ] = ""
    google_certs_endpoint: Annotated[
        str, param(Kind.STRING, deprecated=True, help="Has no effect.", show=Show.NEVER)
    ] = ""
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows: everything except the secret of the key."""
        key = {name: self.key[name] for name in _KEY_SHOWN if self.key.get(name)}
        return {**key, **super().shown(product), **self.shown_rotation(product)}

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, those of rotations included."""
        return super().changed() | self.changed_rotation()


@stored("auth.gcp.GcpRole")
@dataclass
class GcpRole(CloudRole):
    """Who may log in: service accounts (iam) or machines (gce)."""

    role_id: str = ""
    type: Annotated[str, param(Kind.STRING, help="`iam` or `gce`.")] = ""
    bound_service_accounts: Annotated[
        list[str], param(_LIST, help="Accepted service accounts; `*` is any.", show=Show.SET)
    ] = field(default_factory=list)
    bound_projects: Annotated[list[str], param(_LIST, help="Accepted projects.", show=Show.SET)] = field(
        default_factory=list
    )
    add_group_aliases: Annotated[bool, param(Kind.BOOL, help="Groups by project and folder.")] = False
    max_jwt_exp: Annotated[
        int, param(Kind.SECONDS, help="Longest lifetime in seconds of a token that logs in (iam).", show=Show.NEVER)
    ] = 900
    allow_gce_inference: Annotated[
        bool, param(Kind.BOOL, help="Whether a machine's account may be inferred (iam).", show=Show.NEVER)
    ] = True
    bound_zones: Annotated[list[str], param(_LIST, help="Accepted zones (gce).", show=Show.SET)] = field(
        default_factory=list
    )
    bound_regions: Annotated[list[str], param(_LIST, help="Accepted regions (gce).", show=Show.SET)] = field(
        default_factory=list
    )
    bound_instance_groups: Annotated[list[str], param(_LIST, help="Accepted instance groups (gce).", show=Show.SET)] = (
        field(default_factory=list)
    )
    bound_labels: Annotated[
        list[str], param(_LIST, help="Labels that machines must have, `name:value` (gce).", show=Show.NEVER)
    ] = field(default_factory=list)

    @property
    def labels(self) -> dict[str, str]:
        """The required labels by name."""
        return dict(label.split(":", 1) for label in self.bound_labels)

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows: the parameters of the role's type."""
        own: dict[str, object] = {"bound_labels": self.labels} if self.bound_labels else {}
        if self.type == "iam":
            own = {"max_jwt_exp": self.max_jwt_exp, "allow_gce_inference": self.allow_gce_inference}
        return {**super().shown(product), **own, "role_id": self.role_id}


@stored("auth.gcp.GcpAccount")
@dataclass
class GcpAccount:
    """A service account of the world's Google Cloud."""

    email: str
    unique_id: str
    project_id: str
    keys: list[str] = field(default_factory=list)
    """Public keys or certificates that verify its tokens, PEM."""

    def __post_init__(self) -> None:
        """Check the keys. Raises ValueError."""
        for pem in self.keys:
            issuers.load_key(pem)


@stored("auth.gcp.GcpMachine")
@dataclass
class GcpMachine:
    """A machine of the world's Google Cloud."""

    name: str
    project_id: str
    zone: str
    instance_id: str
    status: str = "RUNNING"
    created: float = 0
    """Seconds since the epoch."""
    labels: dict[str, str] = field(default_factory=dict)
    groups: list[str] = field(default_factory=list)
    """Its instance groups, in its zone."""


@stored("auth.gcp.GcpProject")
@dataclass
class GcpProject:
    """A project of the world's Google Cloud, with its folders and organization."""

    id: str
    ancestors: list[str] = field(default_factory=list)
    """From the nearest on: ``folder-123``, ``organization-456``."""


@stored("auth.gcp.GcpAuth")
@dataclass
class GcpAuth:
    """State of a mount."""

    config: GcpConfig | None = None
    roles: dict[str, GcpRole] = field(default_factory=dict)
    issuer_keys: list[str] = field(default_factory=list)
    """Google's own keys, which sign tokens of machines, PEM."""
    accounts: list[GcpAccount] = field(default_factory=list)
    machines: list[GcpMachine] = field(default_factory=list)
    projects: list[GcpProject] = field(default_factory=list)


engine = Engine("auth/gcp", kind="auth", new_state=GcpAuth, help="Logins with tokens of Google.", waits=True)

load_endpoints(__name__, "config", "roles", "login")
