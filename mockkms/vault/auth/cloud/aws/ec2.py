"""Logins of machines with their identity documents (``ec2``), and their renewal.

Source: ``path_login.go`` of Vault's ``builtin/credential/aws``.
"""

from __future__ import annotations

import hmac

from mockkms.vault.auth.cloud.aws import bounds, lookups
from mockkms.vault.auth.cloud.aws.documents import IdentityDocument
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole
from mockkms.vault.auth.cloud.aws.iam import kept
from mockkms.vault.auth.cloud.aws.inventory import AwsMachine, KnownMachine
from mockkms.vault.auth.cloud.aws.tags import RoleTag, parsed
from mockkms.vault.auth.cloud.metadata import selected
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.tokens import cidr
from mockkms.world.clock import parse_rfc3339

_NO_REAUTHENTICATION = "reauthentication-disabled-nonce"
_LONGEST_NONCE = 128


def log_in(state: AwsAuth, call: Call, name: str, document: IdentityDocument, nonce: str | None) -> Response:
    """Return the token of a machine. ``nonce`` is None if none was sent. Raises ErrorResponse and BackendError."""
    name = name or document.ami_id
    if not name:
        raise BackendError("missing role name")
    role = state.roles.get(name.lower())
    if role is None:
        raise ErrorResponse(f"entry for role {quote(name)} not found")
    if role.token_bound_cidrs and not cidr.contains(role.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    if role.auth_type != "ec2":
        raise ErrorResponse(f"auth method ec2 not allowed for role {name}")
    with refusing("failed to verify instance ID: "):
        machine = lookups.machine(state, call, document.instance_id, document.region)
    if role.bound_region and document.region not in role.bound_region:
        raise ErrorResponse(f'Region "{document.region}" does not satisfy the constraint on role "{name}"')
    with refusing("Error validating instance: "):
        bounds.check(state, call, machine, role, name, document.account_id)
    once = role.disallow_reauthentication or nonce == ""
    given = _NO_REAUTHENTICATION if nonce == "" else nonce or ""
    known = state.known_machines.get(document.instance_id)
    if known is not None:
        with refusing():
            _check_return(given, document.pending_time, known, role)
        once = once or known.disallow_reauthentication
    if nonce is None:
        given = call.core.entropy.uuid()
    tag = _tag(state, role, name, machine) if role.role_tag else None
    policies = list(role.token_policies or [])
    if tag is not None:
        policies = tag.policies or policies
        once = once or tag.disallow_reauthentication
    tag_ttl = tag.max_ttl if tag is not None else 0
    shortest, longest = _limits(call, role, tag_ttl)
    if len(given) > _LONGEST_NONCE and not once:
        raise ErrorResponse(f"client nonce exceeding the limit of {_LONGEST_NONCE} characters")
    now = call.now()
    entry = known or KnownMachine(name, given, now)
    entry.updated, entry.expires = now, now + longest
    entry.pending_time, entry.disallow_reauthentication = document.pending_time, once
    if once:
        entry.client_nonce = ""
    state.known_machines[document.instance_id] = entry
    auth = _auth(state, role, name, document, tag_ttl)
    if not once and nonce is None:
        auth.metadata = {**(auth.metadata or {}), "nonce": given}
    role.apply(auth, call.request)
    auth.policies, auth.max_ttl = policies, shortest
    return Response(auth=auth)


def _auth(state: AwsAuth, role: AwsAuthRole, name: str, document: IdentityDocument, tag_ttl: int) -> Auth:
    internal = {"instance_id": document.instance_id, "region": document.region, "account_id": document.account_id}
    about = {**internal, "ami_id": document.ami_id, "auth_type": "ec2"}
    metadata = selected(state.identity.ec2_metadata, about)
    alias = {"role_id": role.role_id, "instance_id": document.instance_id, "image_id": document.ami_id}
    return Auth(
        metadata={"role_tag_max_ttl": go_duration(tag_ttl), "role": name, **metadata},
        internal=dict(internal),
        alias={"name": alias[state.identity.ec2_alias], "metadata": metadata},
    )


def _limits(call: Call, role: AwsAuthRole, tag_ttl: int) -> tuple[int, int]:
    """Return the shortest and the longest of the maximum lifetimes, in seconds."""
    every = [ttl for ttl in (call.core.max_ttl(call.mount), role.token_max_ttl, tag_ttl) if ttl > 0]
    return min(every), max(every)


def _check_return(nonce: str, pending: str, known: KnownMachine, role: AwsAuthRole) -> None:
    """Check that a machine that logged in before may do so again. Raises ValueError with the server's text."""
    if not known.disallow_reauthentication and not known.client_nonce:
        raise ValueError("client nonce missing in stored identity")
    if known.disallow_reauthentication or nonce == _NO_REAUTHENTICATION:
        raise ValueError("reauthentication is disabled")
    given, before = _moment(pending), _moment(known.pending_time)
    if not hmac.compare_digest(nonce.encode(), known.client_nonce.encode()):
        if not role.allow_instance_migration:
            raise ValueError("client nonce mismatch")
        if given <= before:
            raise ValueError("client nonce mismatch and instance meta-data incorrect")
    if given < before:
        raise ValueError("instance meta-data is older than the one used for previous login")


def _moment(text: str) -> float:
    try:
        return parse_rfc3339(text)
    except ValueError:
        layout = "2006-01-02T15:04:05Z07:00"
        raise ValueError(f'parsing time "{text}" as "{layout}": cannot parse "{text}" as "2006"') from None


def _tag(state: AwsAuth, role: AwsAuthRole, name: str, machine: AwsMachine) -> RoleTag:
    """Return the role tag of a machine. Raises BackendError."""
    text = machine.tags.get(role.role_tag, "")
    if not text:
        raise BackendError(f'missing tag with key "{role.role_tag}" on the instance')
    with refusing(error=BackendError):
        tag = parsed(state, text)
    if tag.role != name:
        raise BackendError("role on the tag is not matching the role supplied")
    if tag.instance_id and tag.instance_id != machine.instance_id:
        raise BackendError("role tag is being used by an unauthorized instance")
    if text in state.denied_tags:
        raise BackendError("role tag is deny listed")
    if not set(tag.policies) <= set(role.token_policies or []):
        raise BackendError("policies on the role tag must be subset of policies on the role")
    return tag


def renew(state: AwsAuth, call: Call) -> Response:
    """Renew the login of a machine that still runs, and its entry in the access list. Raises BackendError."""
    auth = call.login
    instance_id, region = kept(call, "instance_id"), kept(call, "region")
    with refusing(f'failed to verify instance ID "{instance_id}": ', BackendError):
        lookups.machine(state, call, instance_id, region)
    known = state.known_machines.get(instance_id)
    if known is None:
        raise BackendError(f'failed to verify the access list identity entry for instance ID: "{instance_id}"')
    role = state.roles.get(known.role.lower())
    if role is None:
        raise BackendError("role entry not found")
    tag_ttl = int(parse_seconds((auth.metadata or {}).get("role_tag_max_ttl", "0")))
    shortest, longest = _limits(call, role, tag_ttl)
    now = call.now()
    known.updated, known.expires = now, now + longest
    role.renewed(auth)
    auth.max_ttl = shortest
    return Response(auth=auth)
