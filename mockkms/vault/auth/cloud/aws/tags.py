"""``role/…/tag``: role tags, which restrict a role for the machines that have them."""

from __future__ import annotations

import base64
import hashlib
import hmac

from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import parse_seconds

_FOREIGN = (
    "Policies on the tag are not a subset of the policies set on the role. Login will not be allowed with this tag "
    "unless the role policies are updated."
)

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
    if once and moves:
        raise ErrorResponse("cannot set both disallow_reauthentication and allow_instance_migration")
    if max_ttl < 0:
        raise ErrorResponse("max_ttl cannot be negative")
    allowed = found.token_policies or []
    wanted = sorted({one.strip().lower() for one in policies if one.strip()})
    warnings = [] if set(wanted) <= set(allowed) else [_FOREIGN]
    nonce = base64.b64encode(call.core.entropy.bytes(8)).decode()
    parts = [f"v1:{nonce}:r={name}"]
    if wanted:
        parts.append("p=" + ",".join(wanted))
    parts += [f"d={str(once).lower()}", f"m={str(moves).lower()}"]
    if max_ttl:
        parts.append(f"t={max_ttl}s")
    if instance_id:
        parts.append(f"i={instance_id}")
    text = ":".join(parts)
    value = f"{text}:{_signature(found, text)}"
    return Response(data={"tag_key": found.role_tag, "tag_value": value}, warnings=warnings)


def _signature(role: AwsAuthRole, text: str) -> str:
    return base64.b64encode(hmac.digest(role.hmac_key.encode(), text.encode(), hashlib.sha256)).decode()


def parsed(state: AwsAuth, text: str) -> tuple[AwsAuthRole, int]:
    """Return the role of a tag, and the tag's maximum lifetime in seconds, 0 without one. Raises ErrorResponse."""
    plain, _, signature = text.rpartition(":")
    members = dict(part.split("=", 1) for part in plain.split(":")[2:] if "=" in part)
    role = state.roles.get(members.get("r", ""))
    if not plain.startswith("v1:"):
        raise ErrorResponse("failed to verify the role tag: invalid role tag version")
    if role is None:
        raise ErrorResponse(f'entry not found for "{members.get("r", "")}"')
    if not hmac.compare_digest(_signature(role, plain).encode(), signature.encode()):
        raise ErrorResponse("role tag signature verification failed")
    with refusing("failed to parse the role tag: "):
        return role, int(parse_seconds(members.get("t", "0")))
