"""``roles/{name}``: what keys of a role are created with."""

from __future__ import annotations

import re

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Response, refusing
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.golang.json import decode
from mockkms.vault.secrets.aws.model import ASSUMED, FEDERATION, SESSION, USER, AwsRole, AwsSecrets, engine

_KINDS = (USER, ASSUMED, FEDERATION, SESSION)
_TEMPORARY = (ASSUMED, FEDERATION, SESSION)
_BLANKS = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
"""Blanks of a JSON text, and its strings, to keep them."""
_USER_PATH = r"^\/([\x21-\x7F]{0,510}\/)?$"
_EXCLUSIVE = (
    "role_arns", "policy_arns", "policy_document", "default_sts_ttl", "max_sts_ttl", "user_path",
    "permissions_boundary_arn",
)  # fmt: skip
_WARNING = "Detected use of legacy role or policy parameter. Please upgrade to use the new parameters."

roles = Collection[AwsSecrets, AwsRole](
    engine, "roles/{name:at}", AwsRole, lambda state: state.roles, paged=False, existence=False, go_errors=True,
    extra={
        "policy": Field(Kind.STRING, deprecated=True, help="A policy in JSON."),
        "arn": Field(Kind.STRING, deprecated=True, help="ARN of a policy, or of a role to assume."),
    },
    name=Field(Kind.STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
)  # fmt: skip


@roles.write
def write_role(_state: AwsSecrets, call: Call, _name: str, role: AwsRole, *, policy: str, arn: str) -> Response | None:
    """Create or update a role. Raises ErrorResponse and BackendError."""
    if policy and arn:
        raise BackendError("only one of policy or arn should be provided")
    given = policy or arn
    if given:
        _check_exclusive(call)
        vars(role).update(vars(_legacy(given)))
    else:
        role.update_from(call)
        role.legacy = False
        if role.policy_document:
            with refusing(text=f"cannot parse policy document: {quote(role.policy_document)}"):
                role.policy_document = _compact(role.policy_document)
    faults = _faults(role)
    if faults:
        raise ErrorResponse(f"error(s) validating supplied role data: {quote(error_list(faults))}")
    return Response(warnings=[_WARNING]) if given else None


def _check_exclusive(call: Call) -> None:
    if "credential_type" in call:
        raise ErrorResponse("cannot supply deprecated role or policy parameters with an explicit credential_type")
    for name in _EXCLUSIVE:
        if name in call:
            raise ErrorResponse(f"cannot supply deprecated role or policy parameters with {name}")


def _compact(text: str) -> str:
    """Return JSON without the blanks between its tokens, otherwise as it was written. Raises ValueError."""
    decode(text.encode(), any_number=True, whole=True)
    return _BLANKS.sub(r"\1", text)


def _legacy(text: str) -> AwsRole:
    """Return the role that a deprecated parameter describes. Raises ErrorResponse."""
    if text.startswith("arn:"):
        parts = text.split(":", 5)
        kind = parts[5].partition("/")[0] if len(parts) == 6 else ""
        if kind == "role":
            return AwsRole(legacy=True, credential_type=ASSUMED, role_arns=[text])
        if kind == "policy":
            return AwsRole(legacy=True, credential_type=USER, policy_arns=[text])
        raise ErrorResponse(f"unable to parse supplied data: {quote(text)}")
    with refusing(text=f"unable to parse supplied data: {quote(text)}"):
        return AwsRole(legacy=True, credential_type=f"{USER},{FEDERATION}", policy_document=_compact(text))


def _faults(role: AwsRole) -> list[str]:
    """Return what is wrong with a role, in the order in which the server lists it."""
    kinds, temporary = role.kinds, set(role.kinds) & set(_TEMPORARY)
    found = [] if kinds else ["did not supply credential_type"]
    found += [f"unrecognized credential type: {kind}" for kind in kinds if kind not in _KINDS]
    for name, value in (("default_sts_ttl", role.default_sts_ttl), ("max_sts_ttl", role.max_sts_ttl)):
        if value and not temporary:
            found.append(f"{name} parameter only valid for {ASSUMED}, {FEDERATION}, and {SESSION} credential types")
    if 0 < role.max_sts_ttl < role.default_sts_ttl:
        found.append('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value')
    if role.user_path:
        if USER not in kinds:
            found.append(f"user_path parameter only valid for {USER} credential type")
        if not re.search(_USER_PATH, role.user_path):
            found.append(f"the specified value for user_path is invalid. It must match {quote(_USER_PATH)} regexp")
    if role.permissions_boundary_arn:
        if USER not in kinds:
            found.append(f"cannot supply permissions_boundary_arn when credential_type isn't {USER}")
        fault = _policy_fault(role.permissions_boundary_arn)
        if fault:
            found = [f"invalid permissions_boundary_arn parameter: {fault}"]
    if SESSION in kinds and (role.policy_document or role.policy_arns):
        found.append(f"cannot supply a policy or role when using credential_type {SESSION}")
    for name in ("role_arns", "session_tags", "external_id"):
        if getattr(role, name) and ASSUMED not in kinds:
            found.append(f"cannot supply {name} when credential_type isn't {ASSUMED}")
    return found


def _policy_fault(arn: str) -> str:
    """Return why an ARN is not that of a policy; empty for one that is."""
    if not arn.startswith("arn:"):
        return "arn: invalid prefix"
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return "arn: not enough sections"
    if parts[2] != "iam":
        return f"expected a service of iam but got {parts[2]}"
    return "" if parts[5].startswith("policy/") else f"expected a resource type of policy but got {parts[5]}"
