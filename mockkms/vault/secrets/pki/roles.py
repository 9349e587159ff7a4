"""``roles/``: contents and lifetimes of certificates."""

from __future__ import annotations

from mockkms.crypto.x509 import keys
from mockkms.crypto.x509 import read as x509_read
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang import name_constraints
from mockkms.vault.golang import time as go_time
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import names, policy_identifiers
from mockkms.vault.secrets.pki.issuers import key_sizes, references
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, engine
from mockkms.vault.secrets.pki.role import PkiRole

listing = engine.path("roles[/]", fields=PAGE, help="The names of the roles.")
one = engine.path(
    "roles/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the role."),
        "backend": Field(Kind.STRING, help="Has no effect."),
        **PkiRole.fields(),
    },
    help="A role.",
    go_errors=True,
)

_NO_STORE = (
    "mutually exclusive values no_store=true and generate_lease=true were both specified; no_store=true takes priority"
)
_LEASES = (
    "it is encouraged to disable generate_lease and rely on PKI's native capabilities when possible; this option can "
    "cause {0}-wide issues with large numbers of issued certificates"
)


def _shown(call: Call, role: PkiRole) -> dict[str, object]:
    return {**role.shown(call.core.product), "allow_token_displayname": False}


@listing.on(Operation.LIST)
def list_roles(state: PKI, call: Call) -> Reply:
    """Return the names, sorted."""
    return {"keys": page(sorted(state.roles), call["after"], call["limit"])}


@one.on(Operation.READ)
def read(state: PKI, call: Call, *, name: str) -> Reply:
    """Return the role, with defaults."""
    role = state.roles.get(name)
    return _shown(call, role) if role is not None else None


@one.on(Operation.DELETE)
def delete(state: PKI, _call: Call, *, name: str) -> None:
    """Delete a role, if it exists."""
    state.roles.pop(name, None)


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: PKI, call: Call) -> Response:
    """Replace a role: parameters that are not sent get their defaults."""
    role = PkiRole.from_call(call)
    role.policy_identifiers = policy_identifiers.from_field(
        call.raw.get("policy_identifiers"), call["policy_identifiers"]
    )
    return _keep(state, call, role, leases=role.generate_lease)


@one.on(Operation.PATCH)
def patch(state: PKI, call: Call, *, name: str) -> Response:
    """Change the parameters that are sent."""
    old = state.roles.get(name)
    if old is None:
        raise ErrorResponse("Unable to fetch role entry to patch")
    role = old.copy()
    role.update_from(call)
    if "policy_identifiers" in call:
        role.policy_identifiers = policy_identifiers.from_field(
            call.raw.get("policy_identifiers"), call["policy_identifiers"]
        )
    return _keep(state, call, role, leases=role.generate_lease)


def _keep(state: PKI, call: Call, role: PkiRole, *, leases: bool) -> Response:
    if role.allowed_other_sans not in ([], ["*"]):
        with refusing("error parsing allowed_other_sans: "):
            names.parse_other(role.allowed_other_sans)
    role.allowed_ip_sans_cidr = [_network(text) for text in role.allowed_ip_sans_cidr]
    note = ""
    if role.no_store:
        role.generate_lease = False
        note = _NO_STORE if leases else ""
    elif leases:
        note = _LEASES.format("Vault" if call.core.product.has(Feature.PKI_LATER) else "instance")
    _check_bounds(call)
    warnings = _settle(state, call, role)
    if note:
        warnings.insert(0 if call.core.product.has(Feature.PKI_ISSUER_HASH) else len(warnings), note)
    state.roles[call["name"]] = role
    return Response(data=_shown(call, role), warnings=warnings)


def _network(text: str) -> str:
    with refusing("error parsing allowed_ip_sans_cidr: "):
        return name_constraints.network(text)


def _check_bounds(call: Call) -> None:
    """Raise ErrorResponse for an invalid bound."""
    after = call.get("not_after_bound", "permit")
    if after not in ("permit", "forbid", "ttl-limited"):
        explanation = (
            "Unknown value for field `not_after_bound`. Possible values are `permit`, `ttl-limited`, `forbid`, or an "
            "explicit timestamp."
        )
        with refusing(text=explanation):
            go_time.parse(after)
    if call.get("not_before_bound", "permit") not in ("permit", "forbid", "duration"):
        raise ErrorResponse(
            "Unknown value for field `not_before_bound`. Possible values are `permit` `duration` or `forbid`"
        )


def _settle(state: PKI, call: Call, role: PkiRole) -> list[str]:
    """Apply defaults and check. Returns warnings; raises ErrorResponse and BackendError."""
    if role.max_ttl > 0 and role.ttl > role.max_ttl:
        raise ErrorResponse('"ttl" value must be less than "max_ttl" value')
    _settle_key(call, role)
    source = role.serial_number_source
    if source not in ("", "json", "json-csr"):
        raise ErrorResponse(f"unknown serial_number_source {source}")
    for number in role.ext_key_usage_oids:
        if not names.is_oid(number):
            raise ErrorResponse(f"{quote(number)} could not be parsed as a valid oid for an extended key usage")
    try:
        policy_identifiers.extension(role.policy_identifiers)
    except ValueError as error:
        text = str(error)
        if call.core.product.has(Feature.PKI_LATER):
            text = text.replace("policy identifier", "Policy Identifier", 1)
        raise BackendError(text) from None
    by_issuer = call.core.product.has(Feature.PKI_ISSUER_HASH)
    warnings = _countries(role) if by_issuer else []
    asked, role.issuer_ref = role.issuer_ref, role.issuer_ref or references.DEFAULT
    try:
        issuer = references.issuer(state, role.issuer_ref)
    except BackendError:
        issuer = None
        # What was sent decides between the texts in products that settle the reference after that.
        warnings.append(
            "Issuing Certificate was set to default, but no default issuing certificate (configurable at "
            "/config/issuers) is currently set"
            if references.DEFAULT in (asked, None if by_issuer else role.issuer_ref)
            else f"Issuing Certificate was set to {role.issuer_ref} but no issuing certificate currently has that name"
        )
    if by_issuer:
        role.signature_bits = _hash_of(call, role.signature_bits, issuer)
    try:
        role.cn_validations = _validations(role.cn_validations)
    except ValueError as error:
        text = f"cn_validations value incorrect: {error}"
        raise ErrorResponse(text) if by_issuer else BackendError(text) from None
    return warnings


def _settle_key(call: Call, role: PkiRole) -> None:
    """Apply the default size of the key, and of the hash if it depends on the key. Raises ErrorResponse."""
    kind, bits = role.key_type, role.key_bits
    try:
        if call.core.product.has(Feature.PKI_ISSUER_HASH):
            role.key_bits = key_sizes.settle_key(kind, bits)
        else:
            role.key_bits, role.signature_bits = key_sizes.settle(call, kind, bits, role.signature_bits)
    except ValueError as error:
        if call.core.product.has(Feature.PKI_ISSUER_HASH):
            raise ErrorResponse(f"error setting keyBits {bits} on role for keyType {kind}: {error}") from None
        raise ErrorResponse(str(error)) from None


def _hash_of(call: Call, bits: int, issuer: PkiIssuer | None) -> int:
    """Return the size of the hash in bits, which depends on the key of a role's issuer. Raises ErrorResponse."""
    if issuer is None:
        return key_sizes.DEFAULT_HASH
    kind = keys.describe(x509_read.load(issuer.certificate).public)[0]
    with refusing():
        return key_sizes.settle_hash(call, kind, bits)


def _countries(role: PkiRole) -> list[str]:
    return [
        f"country must be a 2 character ISO 3166 code, have: {country}" for country in role.country if len(country) != 2
    ]


def _validations(wanted: list[str]) -> list[str]:
    """Return the kinds. Raises ValueError for unknown and repeated kinds, and kinds that exclude each other."""
    found: list[str] = []
    for kind in wanted:
        lower = kind.lower()
        if lower not in ("disabled", "email", "hostname"):
            raise ValueError(f"unknown type: `{kind}`")
        if lower in found:
            raise ValueError(f"`{lower}` specified multiple times")
        found.append(lower)
    if "disabled" in found and len(found) > 1:
        raise ValueError("cannot specify `disabled` along with `email` or `hostname`")
    return found or ["email", "hostname"]
