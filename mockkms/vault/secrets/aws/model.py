"""The AWS secrets engine: access keys for roles. The state of a mount.

Where the endpoints of the configuration are on this machine, such as those of moto, users and keys are created there.
AWS itself is never contacted: keys are made up, and AWS refuses them.

Source: HashiCorp Vault's API documentation and ``builtin/logical/aws``; no recording exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.amazon.query import AwsAccess
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products import Product
from mockkms.vault.secrets.peer import MADE_UP, is_offline
from mockkms.world.stored import stored

USER, ASSUMED, FEDERATION, SESSION = "iam_user", "assumed_role", "federation_token", "session_token"
TEMPLATE = (
    '{{ if (eq .Type "STS") }}{{ printf "vault-%s-%s"  (unix_time) (random 20) | truncate 32 }}{{ else }}'
    '{{ printf "vault-%s-%s-%s" (printf "%s-%s" (.DisplayName) (.PolicyName) | truncate 42) (unix_time) (random 20) | '
    "truncate 64 }}{{ end }}"
)
"""The template of user names without another one."""


@stored("aws.AwsRootConfig")
@dataclass
class AwsRootConfig(Record, AutomatedRotation):
    """The root credentials and where AWS is contacted."""

    access_key: Annotated[str, param(Kind.STRING, help="Id of the access key that creates the others.")] = ""
    region: Annotated[str, param(Kind.STRING, help="Region.")] = ""
    iam_endpoint: Annotated[str, param(Kind.STRING, help="Custom address of IAM.")] = ""
    sts_endpoint: Annotated[str, param(Kind.STRING, help="Custom address of STS.")] = ""
    sts_region: Annotated[str, param(Kind.STRING, help="Region of STS.")] = ""
    sts_fallback_endpoints: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Addresses of STS if the first one fails.")
    ] = field(default_factory=list)
    sts_fallback_regions: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Their regions.")] = field(
        default_factory=list
    )
    max_retries: Annotated[int, param(Kind.INT, help="Maximum number of retries of a request to AWS.")] = -1
    username_template: Annotated[str, param(Kind.STRING, default="", help="Template of user names.")] = TEMPLATE
    role_arn: Annotated[str, param(Kind.STRING, help="Role of workload identity federation.")] = ""
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0
    secret_key: Annotated[str, param(Kind.STRING, help="Secret of the access key.", show=Show.NEVER)] = ""

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        return {**super().shown(product), **self.shown_rotation(product)}

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, those of rotations included."""
        return super().changed() | self.changed_rotation()


@stored("aws.AwsRole")
@dataclass
class AwsRole(Record):
    """What keys of a role are created with. Durations in seconds. Lists and tags that were never sent are None."""

    legacy: bool = False
    """Whether it was written with ``policy`` or ``arn``: keys and temporary keys then have different paths."""
    credential_type: Annotated[
        str, param(Kind.STRING, help="iam_user, assumed_role, federation_token or session_token.")
    ] = ""
    """Two with a comma for a legacy role with a policy."""
    role_arns: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Roles that may be assumed.")] = None
    policy_arns: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Policies of the user.")] = None
    policy_document: Annotated[str, param(Kind.STRING, help="A policy in JSON.")] = ""
    iam_groups: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Groups of the user.")] = None
    iam_tags: Annotated[dict[str, str] | None, param(Kind.KV_PAIRS, help="Tags of the user.")] = None
    default_sts_ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of temporary keys in seconds.")] = 0
    max_sts_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of temporary keys in seconds.")] = 0
    user_path: Annotated[str, param(Kind.STRING, help="Path of the user.")] = ""
    permissions_boundary_arn: Annotated[str, param(Kind.STRING, help="Permissions boundary of the user.")] = ""
    external_id: Annotated[str, param(Kind.STRING, help="External id that is sent when a role is assumed.")] = ""
    session_tags: Annotated[dict[str, str] | None, param(Kind.KV_PAIRS, help="Tags of a session.")] = None
    mfa_serial_number: Annotated[str, param(Kind.STRING, help="MFA device of the session.")] = ""

    @property
    def kinds(self) -> list[str]:
        """The types of credentials."""
        return self.credential_type.split(",") if self.credential_type else []


@stored("aws.AwsLease")
@dataclass
class AwsLease:
    """Lifetimes of the keys of IAM users, in seconds."""

    lease: float = 0
    lease_max: float = 0

    @property
    def granted(self) -> tuple[int, int]:
        """Both as leases have them: whole seconds, and at least one if there is a lifetime, since 0 is the mount's."""
        return _whole(self.lease), _whole(self.lease_max)


def _whole(seconds: float) -> int:
    return max(1, int(seconds)) if seconds > 0 else 0


@stored("aws.StaticAwsRole")
@dataclass
class StaticAwsRole(Record):
    """A user of IAM whose access key is rotated. Durations in seconds, times in seconds since the epoch."""

    username: Annotated[str, param(Kind.STRING, help="The user of IAM.")] = ""
    rotation_period: Annotated[int, param(Kind.SECONDS, help="Seconds between rotations of the access key.")] = 0
    id: str = ""
    """Unique id of the user."""
    access_key: str = ""
    secret_key: str = ""
    expiration: float = 0
    """The end of the period in which the key was created, as reads show it."""
    due: float = 0
    """When the key is rotated."""


@stored("aws.AwsSecrets")
@dataclass
class AwsSecrets:
    """State of a mount."""

    root: AwsRootConfig | None = None
    lease: AwsLease | None = None
    roles: dict[str, AwsRole] = field(default_factory=dict)
    static_roles: dict[str, StaticAwsRole] = field(default_factory=dict)


def access(state: AwsSecrets, call: Call, service: str) -> AwsAccess | None:
    """Return the configured IAM or STS if it is on this machine. If not, the journal says that answers are made up."""
    config = state.root or AwsRootConfig()
    iam = service == "iam"
    region = (config.region if iam else config.sts_region or config.region) or "us-east-1"
    endpoint = config.iam_endpoint if iam else config.sts_endpoint
    found = AwsAccess(service, endpoint, config.access_key, config.secret_key, region)
    if not found.here or is_offline():
        call.request.trace.hint = MADE_UP.format("AWS")
        return None
    return found


engine = Engine("secret/aws", kind="secret", new_state=AwsSecrets, help="Access keys for roles.", waits=True)

load_endpoints(__name__, "config", "roles", "creds", "static_roles")
