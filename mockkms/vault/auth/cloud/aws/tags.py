"""``role/…/tag``: role tags, which restrict a role for the machines that have them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import parse_seconds

_FOREIGN = (
    "Policies on the tag are not a subset of the policies set on the role. Login will not be allowed with this tag "
    "unless the role policies are updated."
)
_UNMOVED = (
    "Role does not allow instance migration. Login will not be allowed with this tag unless the role value is updated."
)
_VERSION = "v1"
_LONGEST = 255
"""Characters of the value of a tag in EC2."""


@dataclass
class RoleTag:
    """A role tag. ``max_ttl`` is seconds."""

    nonce: str
    role: str = ""
    policies: list[str] = field(default_factory=list)
    max_ttl: int = 0
    instance_id: str = ""
    disallow_reauthentication: bool = False
    allow_instance_migration: bool = False

    @property
    def text(self) -> str:
        """The signed part of the value."""
        once, moves = (str(flag).lower() for flag in (self.disallow_reauthentication, self.allow_instance_migration))
        parts = [_VERSION, self.nonce, f"r={self.role}", f"d={once}", f"m={moves}"]
        if self.policies:
            parts.append("p=" + ",".join(self.policies))
        if self.instance_id:
            parts.append(f"i={self.instance_id}")
        if self.max_ttl > 0:
            parts.append(f"t={self.max_ttl}")
        return ":".join(parts)


tag = engine.path(
    "role/{role}/tag",
    {
        "role": Field(Kind.STRING, help="Name of the role."),
        "instance_id": Field(Kind.STRING, help="The one machine that may use the tag."),
        "policies": Field(Kind.COMMA_STRINGS, help="Policies of the login, among those of the role."),
        "max_ttl": Field(Kind.SECONDS, help="Maximum lifetime of the token in seconds."),
        "allow_instance_migration": Field(Kind.BOOL, help="A machine may log in again after a migration."),
        "disallow_reauthentication": Field(Kind.BOOL, help="A machine may log in only once."),
    },
    help="Create a tag.",
)


@tag.on(Operation.UPDATE)
def make_tag(
    state: AwsAuth,
    call: Call,
    *,
    role: str,
    policies: list[str],
    disallow_reauthentication: bool,
    allow_instance_migration: bool,
    max_ttl: int,
    instance_id: str,
) -> Response:
    """Return a new tag, signed with the key of the role. Raises ErrorResponse."""
    name = role.lower()
    found = state.roles.get(name)
    if found is None:
        raise ErrorResponse(f"entry not found for role {name}")
    if not found.role_tag:
        raise ErrorResponse("tag creation is not enabled for this role")
    once, moves = disallow_reauthentication, allow_instance_migration
    wanted = sorted({one.strip().lower() for one in policies if one.strip()})
    warnings = [] if set(wanted) <= set(found.token_policies or []) else [_FOREIGN]
    if moves and not found.allow_instance_migration:
        warnings.append(_UNMOVED)
    if once and moves:
        raise ErrorResponse("cannot set both disallow_reauthentication and allow_instance_migration")
    for kind, longest in (("mount", call.core.max_ttl(call.mount)), ("role", found.token_max_ttl)):
        if 0 < longest < max_ttl:
            warnings.append(
                f"Given max TTL of {max_ttl} is greater than the {kind} maximum of {longest} seconds, and will be "
                "capped at login time."
            )
    if max_ttl < 0:
        raise ErrorResponse("max_ttl cannot be negative")
    nonce = base64.b64encode(call.core.entropy.bytes(8)).decode()
    text = RoleTag(nonce, name, wanted, max_ttl, instance_id.lower(), once, moves).text
    value = f"{text}:{_signature(found, text)}"
    if len(value) > _LONGEST:
        raise BackendError(f"role tag 'value' exceeding the limit of {_LONGEST} characters")
    return Response(data={"tag_key": found.role_tag, "tag_value": value}, warnings=warnings)


def _signature(role: AwsAuthRole, text: str) -> str:
    return base64.b64encode(hmac.digest(role.hmac_key.encode(), text.encode(), hashlib.sha256)).decode()


def parsed(state: AwsAuth, text: str) -> RoleTag:
    """Return a tag whose role has signed it. Raises ValueError with the server's text."""
    plain, _, signature = text.rpartition(":")
    version, *members = plain.split(":")
    if len(members) < 2:
        raise ValueError("invalid tag")
    if version != _VERSION:
        raise ValueError("invalid role tag version")
    tag = RoleTag(members[0])
    for member in members[1:]:
        _set(tag, member)
    if not tag.role:
        raise ValueError("missing role name")
    role = state.roles.get(tag.role)
    if role is None:
        raise ValueError(f'entry not found for "{tag.role}"')
    if not hmac.compare_digest(_signature(role, tag.text).encode(), signature.encode()):
        raise ValueError("role tag signature verification failed")
    return tag


def _set(tag: RoleTag, member: str) -> None:
    """Set one ``name=value`` of a tag's text. Raises ValueError with the server's text."""
    name, separator, value = member.partition("=")
    if not separator or name not in "irpdmt" or len(name) != 1:
        raise ValueError(f'unrecognized item "{member}" in tag')
    if name == "i":
        tag.instance_id = value
    elif name == "r":
        tag.role = value
    elif name == "p":
        tag.policies = value.split(",")
    elif name == "t":
        tag.max_ttl = int(parse_seconds(f"{value}s"))
    elif value not in ("true", "false"):
        raise ValueError(f'strconv.ParseBool: parsing "{value}": invalid syntax')
    elif name == "d":
        tag.disallow_reauthentication = value == "true"
    else:
        tag.allow_instance_migration = value == "true"
