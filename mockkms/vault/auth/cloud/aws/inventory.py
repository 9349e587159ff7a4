"""The world's AWS: credentials of principals, and machines. No endpoint writes them; world files do.

Requests that Vault would send to AWS are answered from here, or by a substitute on this machine (``lookups``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.vault.auth.cloud.aws import arns
from mockkms.world.stored import stored


@stored("auth.aws.AwsCredential")
@dataclass
class AwsCredential:
    """An access key, and the principal that it belongs to."""

    access_key: str
    secret_key: str
    arn: str
    """As ``GetCallerIdentity`` returns it: of a user, or of the session of a role."""
    user_id: str = ""
    """Unique id of the user or role; made of the ARN if it is empty."""
    session_token: str = ""
    full_arn: str = ""
    """The ARN in IAM, with the path of the user or role; without a path if it is empty."""

    def __post_init__(self) -> None:
        """Check the ARNs. Raises ValueError."""
        for arn in filter(None, (self.arn, self.full_arn)):
            arns.parse(arn)

    @property
    def unique_id(self) -> str:
        """The id of the user or role."""
        return self.user_id or arns.made_up_id(arns.parse(self.arn))

    @property
    def canonical(self) -> str:
        """The ARN that roles are bound to."""
        return arns.parse(self.arn).canonical


@stored("auth.aws.AwsMachine")
@dataclass
class AwsMachine:
    """An EC2 instance, as ``DescribeInstances`` shows it."""

    instance_id: str
    account_id: str = ""
    region: str = ""
    ami_id: str = ""
    subnet_id: str = ""
    vpc_id: str = ""
    instance_profile_arn: str = ""
    role_arn: str = ""
    """The role of the instance profile."""
    private_dns_name: str = ""
    state: str = "running"
    tags: dict[str, str] = field(default_factory=dict)


@stored("auth.aws.KnownMachine")
@dataclass
class KnownMachine:
    """The entry of a machine that logged in: the identity access list. Times are seconds since the epoch."""

    role: str
    client_nonce: str
    created: float
    pending_time: str = ""
    """RFC 3339, of the identity document."""
    updated: float = 0
    expires: float = 0
    disallow_reauthentication: bool = False
