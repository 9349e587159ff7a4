"""``roles/``: what certificates may say and how long they live."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from mockkms.vault.endpoint import Call, Field
from mockkms.vault.engines.pki import gotime, keysizes, names, policies_ext, refs
from mockkms.vault.engines.pki.engine import engine
from mockkms.vault.engines.pki.model import PKI
from mockkms.vault.engines.pki.rolefields import PAGE, ROLE, page, told
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation, Response

listing = engine.path("roles[/]", fields=PAGE, help="The names of the roles.")
one = engine.path(
    "roles/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the role."),
        "backend": Field(Kind.STRING, help="Has no effect."),
        **ROLE,
    },
    help="A role.",
)

_CIDR = re.compile(r"[0-9a-fA-F.:]+/[0-9]{1,3}")
_NO_STORE = (
    "mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority"
)
_LEASES = (
    "it is encouraged to disable generate_lease and rely on PKI's native capabilities when possible; this option can "
    "cause instance-wide issues with large numbers of issued certificates"
)


@listing.on(Operation.LIST)
def list_roles(state: PKI, call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": page(call, list(state.roles))}


@one.on(Operation.READ)
def read(state: PKI, call: Call) -> dict[str, Any] | None:
    """The role as it was written, defaults put in."""
    role = state.roles.get(call["name"])
    return told(call.core.product, ROLE, role) if role is not None else None


@one.on(Operation.DELETE)
def delete(state: PKI, call: Call) -> None:
    """Delete; nothing happens where there is none."""
    state.roles.pop(call["name"], None)


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: PKI, call: Call) -> Response:
    """Write the role anew: what is not sent gets its default."""
    role = {name: call[name] for name in ROLE}
    role["allow_token_displayname"] = False
    role["policy_identifiers"] = policies_ext.from_field(call.raw.get("policy_identifiers"), call["policy_identifiers"])
    return _keep(state, call, role, bool(role["generate_lease"]))


@one.on(Operation.PATCH)
def patch(state: PKI, call: Call) -> Response:
    """Change what is sent."""
    old = state.roles.get(call["name"])
    if old is None:
        raise ErrorResponse("Unable to fetch role entry to patch")
    role = dict(old) | {name: call[name] for name in ROLE if name in call}
    if "policy_identifiers" in call:
        role["policy_identifiers"] = policies_ext.from_field(
            call.raw.get("policy_identifiers"), call["policy_identifiers"]
        )
    return _keep(state, call, role, bool(role["generate_lease"]))


def _keep(state: PKI, call: Call, role: dict[str, Any], leases: bool) -> Response:
    if role["allowed_other_sans"] not in ([], ["*"]):
        try:
            names.parse_other(role["allowed_other_sans"])
        except ValueError as error:
            raise ErrorResponse(f"error parsing allowed_other_sans: {error}") from None
    role["allowed_ip_sans_cidr"] = [_network(text) for text in role["allowed_ip_sans_cidr"]]
    note = ""
    if role["no_store"]:
        role["generate_lease"] = False
        note = _NO_STORE if leases else ""
    elif leases:
        note = _LEASES
    _check_bounds(call)
    warnings = _settle(state, role)
    if note:
        warnings.append(note)
    state.roles[call["name"]] = role
    return Response(data=told(call.core.product, ROLE, role), warnings=warnings)


def _network(text: str) -> str:
    try:
        if not _CIDR.fullmatch(text):
            raise ValueError(text)
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ErrorResponse(f"error parsing allowed_ip_sans_cidr: invalid CIDR address: {text}") from None


def _check_bounds(call: Call) -> None:
    """Raises BackendError for a bound that is none."""
    after = call.get("not_after_bound", "permit")
    if after not in ("permit", "forbid", "ttl-limited"):
        try:
            gotime.parse(after)
        except ValueError as error:
            raise _unknown(
                "Unknown value for field `not_after_bound`. Possible values are `permit`, `ttl-limited`, `forbid`, or "
                "an explicit timestamp.", error
            ) from None  # fmt: skip
    if call.get("not_before_bound", "permit") not in ("permit", "forbid", "duration"):
        raise _unknown(
            "Unknown value for field `not_before_bound`. Possible values are `permit` `duration` or `forbid`",
            ValueError("unknown value"),
        )


def _unknown(text: str, error: ValueError) -> BackendError:
    """The real server answers with both, the explanation and the Go error."""
    return BackendError(text, str(error), status=500)


def _settle(state: PKI, role: dict[str, Any]) -> list[str]:
    """Put in the defaults and check. Returns warnings; raises ErrorResponse and BackendError."""
    if role["max_ttl"] > 0 and role["ttl"] > role["max_ttl"]:
        raise ErrorResponse('"ttl" value must be less than "max_ttl" value')
    try:
        role["key_bits"], role["signature_bits"] = keysizes.settle(
            role["key_type"], role["key_bits"], role["signature_bits"]
        )
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    for number in role["ext_key_usage_oids"]:
        if not names.is_oid(number):
            raise ErrorResponse(f'"{number}" could not be parsed as a valid oid for an extended key usage')
    try:
        policies_ext.extension(role["policy_identifiers"])
    except ValueError as error:
        raise BackendError(str(error)) from None
    role["issuer_ref"] = role["issuer_ref"] or refs.DEFAULT
    warnings = []
    try:
        refs.issuer(state, role["issuer_ref"])
    except refs.Unresolved:
        warnings.append(
            "Issuing Certificate was set to default, but no default issuing certificate (configurable at "
            "/config/issuers) is currently set"
            if role["issuer_ref"] == refs.DEFAULT
            else f"Issuing Certificate was set to {role['issuer_ref']} but no issuing certificate currently has that "
            "name"
        )
    role["cn_validations"] = _validations(role["cn_validations"])
    return warnings


def _validations(wanted: list[str]) -> list[str]:
    """Raises BackendError for kinds that are unknown, doubled, or exclude each other."""
    found: list[str] = []
    for kind in wanted:
        lower = kind.lower()
        if lower not in ("disabled", "email", "hostname"):
            raise BackendError(f"cn_validations value incorrect: unknown type: `{kind}`")
        if lower in found:
            raise BackendError(f"cn_validations value incorrect: `{lower}` specified multiple times")
        found.append(lower)
    if "disabled" in found and len(found) > 1:
        raise BackendError("cn_validations value incorrect: cannot specify `disabled` along with `email` or `hostname`")
    return found or ["email", "hostname"]
