"""``certs/{name}``: trusted certificates."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from mockkms.vault.auth.cert.model import Cert, Role, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.tree import PAGE, page

_OWN = {
    "certificate": Field(Kind.STRING, help="The trusted certificate, PEM."),
    "display_name": Field(Kind.STRING, help="Name of the logins; the role's if absent."),
    "allowed_names": Field(Kind.COMMA_STRINGS, help="Accepted common names or alternative names."),
    "allowed_common_names": Field(Kind.COMMA_STRINGS, help="Accepted common names."),
    "allowed_dns_sans": Field(Kind.COMMA_STRINGS, help="Accepted DNS names."),
    "allowed_email_sans": Field(Kind.COMMA_STRINGS, help="Accepted mail addresses."),
    "allowed_uri_sans": Field(Kind.COMMA_STRINGS, help="Accepted URIs."),
    "allowed_organizational_units": Field(Kind.COMMA_STRINGS, help="Accepted organizational units."),
    "allowed_organizations": Field(
        Kind.COMMA_STRINGS, help="Accepted organizations.", needs=Feature.CERT_ORGANIZATIONS
    ),
    "required_extensions": Field(Kind.COMMA_STRINGS, help="Extensions that must be there, as oid:value."),
    "allowed_metadata_extensions": Field(Kind.COMMA_STRINGS, help="Extensions that become metadata."),
    "ocsp_enabled": Field(Kind.BOOL, help="Ask OCSP servers at login."),
    "ocsp_ca_certificates": Field(Kind.STRING, help="CA certificates for OCSP servers."),
    "ocsp_servers_override": Field(Kind.COMMA_STRINGS, help="OCSP servers to ask instead of the certificate's."),
    "ocsp_fail_open": Field(Kind.BOOL, help="No OCSP answer lets the login pass."),
    "ocsp_query_all_servers": Field(Kind.BOOL, help="All OCSP servers must agree."),
    "ocsp_max_retries": Field(
        Kind.INT, default=4, help="How often an OCSP server is asked again.", needs=Feature.CERT_CACHES
    ),
    "ocsp_this_update_max_age": Field(
        Kind.SECONDS, help="Greatest age of an OCSP answer; 0 is any.", needs=Feature.CERT_CACHES
    ),
}
_OLD = {
    "policies": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_policies."),
    "ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_ttl."),
    "max_ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_max_ttl."),
    "period": Field(Kind.SECONDS, deprecated=True, help="The former name of token_period."),
    "bound_cidrs": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_bound_cidrs."),
}
_LEASE = {"lease": Field(Kind.INT, deprecated=True, help="The oldest name of token_ttl, in seconds.")}
role = engine.path(
    "certs/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the certificate, in any case."),
        **_OWN,
        **_OLD,
        **_LEASE,
        **FIELDS,
    },
    help="A trusted certificate.",
)
listing = engine.path("certs[/]", fields=PAGE, help="The names of all trusted certificates.")


@listing.on(Operation.LIST)
def list_roles(state: Cert, call: Call) -> dict[str, Any]:
    """The names of all trusted certificates."""
    names = page(sorted(state.roles), call["after"], call["limit"])
    return {"keys": names} if names else {}


@role.on(Operation.READ)
def read(state: Cert, call: Call) -> dict[str, Any] | None:
    """A trusted certificate; deprecated names only where they are set."""
    found = state.roles.get(call["name"].lower())
    if found is None:
        return None
    product = call.core.product
    shown = {name: getattr(found, name) for name, declared in _OWN.items() if declared.known_to(product)}
    shown.update(found.shown(call.core.product))
    for old in _OLD:
        if found.old.get(old):
            shown[old] = shown[f"token_{old}"]
    return shown


@role.on(Operation.DELETE)
def delete(state: Cert, call: Call) -> None:
    """Trust a certificate no more."""
    state.roles.pop(call["name"].lower(), None)


@role.on(Operation.UPDATE)
def write(state: Cert, call: Call) -> Response | None:
    """Trust a certificate, or change what was sent of one. Raises ErrorResponse."""
    name = call["name"].lower()
    found = state.roles.get(name)
    made = replace(found, old=dict(found.old)) if found else Role()
    for own in _OWN:
        if own in call:
            setattr(made, own, call[own])
    try:
        made.parse(call)
        for old in _OLD:
            made.upgrade(call, old, f"token_{old}")
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    if "lease" in call and "token_ttl" not in call and "ttl" not in call:
        made.old["ttl"] = made.token_ttl = call["lease"]
    if made.token_max_ttl and made.token_ttl > made.token_max_ttl:
        raise ErrorResponse("ttl should be shorter than max_ttl")
    if made.ocsp_max_retries < 0:
        raise ErrorResponse("ocsp_max_retries can not be a negative number")
    made.display_name = made.display_name or name
    _check_certificate(made.certificate)
    state.roles[name] = made
    warnings = _warnings(made, call)
    return Response(warnings=warnings) if warnings else None


def _warnings(made: Role, call: Call) -> list[str]:
    default, largest = call.core.default_ttl(call.mount), call.core.max_ttl(call.mount)
    warnings = []
    for name, seconds, limit in (("ttl", made.token_ttl, default), ("max_ttl", made.token_max_ttl, largest)):
        if seconds > limit:
            warnings.append(
                f"Given {name} of {seconds} seconds is greater than current mount/system default of {limit} seconds"
            )
    if made.token_period > largest:
        warnings.append(
            f"Given period of {made.token_period} seconds is greater than the backend's maximum TTL "
            f"of {largest} seconds"
        )
    return warnings


_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def _check_certificate(pem: str) -> None:
    block = _BLOCK.search(pem.encode("utf-8", "replace"))
    try:
        certificate = x509.load_pem_x509_certificate(block.group()) if block else None
    except ValueError:
        certificate = None
    if certificate is None:
        raise ErrorResponse("failed to parse certificate")
    try:
        extensions = certificate.extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    try:
        authority = extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        authority = False
    accepted = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if not authority and not accepted & set(usages):
        raise ErrorResponse("nonCA certificates should have TLS client authentication set as an extended key usage")
