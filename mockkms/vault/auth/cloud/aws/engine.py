"""The auth method ``aws``: settings, roles, role tags and lists, and logins, as in Vault; the state of a mount.

Rules: the API pages of the method, its published source, and recordings of roles and of logins without credentials.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.cloud.aws.inventory import AwsCredential, AwsMachine, KnownMachine
from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products import Product
from mockkms.world.stored import stored

_BOUND = param(Kind.COMMA_STRINGS, help="Required property of the caller.")
_SWITCH = param(Kind.BOOL, help="Whether a machine may log in again, or after a migration.")
_ALIAS = param(Kind.STRING, help="Source of the alias name of such a login.")
_METADATA = param(Kind.COMMA_STRINGS, help="Fields of its metadata; `default` selects the default ones.")


@stored("auth.aws.AwsAuthRole")
@dataclass
class AwsAuthRole(TokenParams):
    """One role."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "period")

    role_id: str = ""
    hmac_key: str = ""
    """Signs the tags of the role."""
    principal_ids: list[str] = field(default_factory=list)
    auth_type: Annotated[str, param(Kind.STRING, help="Kind of its logins: `iam` or `ec2`; `iam` if missing.")] = ""
    """``iam`` or ``ec2``; fixed when the role is created."""
    bound_account_id: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_region: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_ami_id: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_iam_instance_profile_arn: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_ec2_instance_id: Annotated[list[str] | None, _BOUND] = None
    bound_iam_role_arn: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_iam_principal_arn: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_vpc_id: Annotated[list[str], _BOUND] = field(default_factory=list)
    bound_subnet_id: Annotated[list[str], _BOUND] = field(default_factory=list)
    resolve_aws_unique_ids: Annotated[bool, param(Kind.BOOL, help="Bind to the ids of principals, not to names.")] = (
        True
    )
    inferred_entity_type: Annotated[
        str, param(Kind.STRING, help="`ec2_instance`, to infer the machine of the caller.")
    ] = ""
    inferred_aws_region: Annotated[str, param(Kind.STRING, help="Region of that machine.")] = ""
    role_tag: Annotated[str, param(Kind.STRING, help="Key of the tag that can bound logins of machines further.")] = ""
    allow_instance_migration: Annotated[bool, _SWITCH] = False
    disallow_reauthentication: Annotated[bool, _SWITCH] = False

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        # Recorded: the ids of machines are null if they were never sent, the other bounds empty lists.
        return {
            **super().shown(product), "bound_iam_principal_id": list(self.principal_ids), "role_id": self.role_id,
        }  # fmt: skip


@stored("auth.aws.AwsClientConfig")
@dataclass
class AwsClientConfig(Record, AutomatedRotation):
    """How AWS is contacted. Times are seconds."""

    access_key: Annotated[str, param(Kind.STRING, help="Access key for requests to AWS.")] = ""
    secret_key: Annotated[str, param(Kind.STRING, help="Its secret.", show=Show.NEVER)] = ""
    endpoint: Annotated[str, param(Kind.STRING, help="Another address of EC2.")] = ""
    iam_endpoint: Annotated[str, param(Kind.STRING, help="Another address of IAM.")] = ""
    sts_endpoint: Annotated[str, param(Kind.STRING, help="Another address of STS.")] = ""
    sts_region: Annotated[str, param(Kind.STRING, help="Region of STS.")] = ""
    use_sts_region_from_client: Annotated[bool, param(Kind.BOOL, help="The region is that of the signed request.")] = (
        False
    )
    iam_server_id_header_value: Annotated[str, param(Kind.STRING, help="Value that signed requests must carry.")] = ""
    allowed_sts_header_values: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Further headers that they may carry.")
    ] = None
    max_retries: Annotated[int, param(Kind.INT, help="Number of retries of a request to AWS.")] = -1
    role_arn: Annotated[str, param(Kind.STRING, help="Role of workload identity federation.")] = ""
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of its tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of its tokens in seconds.")] = 0

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, those of rotations included."""
        return super().changed() | self.changed_rotation()


@stored("auth.aws.AwsIdentity")
@dataclass
class AwsIdentity(Record):
    """Data of logins for the identity store."""

    iam_alias: Annotated[str, _ALIAS] = "role_id"
    ec2_alias: Annotated[str, _ALIAS] = "role_id"
    iam_metadata: Annotated[list[str], _METADATA] = field(default_factory=lambda: ["account_id", "auth_type"])
    ec2_metadata: Annotated[list[str], _METADATA] = field(default_factory=lambda: ["account_id", "auth_type"])


@stored("auth.aws.AwsAccount")
@dataclass
class AwsAccount(Record):
    """How the machines of another account are looked up."""

    sts_role: Annotated[str, param(Kind.STRING, help="ARN of the role to assume.")] = ""
    external_id: Annotated[str, param(Kind.STRING, help="External id of that role.")] = ""


@stored("auth.aws.AwsCertificate")
@dataclass
class AwsCertificate(Record):
    """A certificate that verifies instance identity documents."""

    aws_public_cert: Annotated[str, param(Kind.STRING, help="The certificate: PEM in base64, or PEM.")] = ""
    type: Annotated[str, param(Kind.STRING, help="What it signs: `pkcs7` or `identity` documents.")] = "pkcs7"


@stored("auth.aws.AwsTidy")
@dataclass
class AwsTidy(Record):
    """The settings of the periodic tidy of a list."""

    safety_buffer: Annotated[int, param(Kind.SECONDS, help="Seconds for which entries stay after they expired.")] = (
        72 * 3600
    )
    disable_periodic_tidy: Annotated[bool, param(Kind.BOOL, help="Tidy on request only.")] = False


@stored("auth.aws.DeniedTag")
@dataclass
class DeniedTag:
    """A role tag that no machine can log in with. Times are seconds since the epoch."""

    created: float
    expires: float


@stored("auth.aws.AwsAuth")
@dataclass
class AwsAuth:
    """State of a mount."""

    config: AwsClientConfig | None = None
    identity: AwsIdentity = field(default_factory=AwsIdentity)
    roles: dict[str, AwsAuthRole] = field(default_factory=dict)
    accounts: dict[str, AwsAccount] = field(default_factory=dict)
    certificates: dict[str, AwsCertificate] = field(default_factory=dict)
    tidies: dict[str, AwsTidy] = field(default_factory=dict)
    """By list: ``identity-accesslist``, ``roletag-denylist``."""
    denied_tags: dict[str, DeniedTag] = field(default_factory=dict)
    known_machines: dict[str, KnownMachine] = field(default_factory=dict)
    """The identity access list, by instance id."""
    principals: list[AwsCredential] = field(default_factory=list)
    """Access keys of the world's AWS."""
    machines: list[AwsMachine] = field(default_factory=list)
    """Machines of the world's AWS."""


engine = Engine(
    "auth/aws",
    kind="auth",
    new_state=AwsAuth,
    help="Logins with requests signed for AWS, or from its machines.",
    waits=True,
)

load_endpoints(__name__, "config", "lists", "login", "roles", "tags")
