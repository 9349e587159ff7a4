"""The contents of a certificate, from a request and a role."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from mockkms.crypto.x509 import build, read
from mockkms.crypto.x509.build import EXTENDED_USAGES, Extension, Names
from mockkms.crypto.x509.request_parser import other_names
from mockkms.go_urls import parse_fault, shown
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.addresses import Address, parse_ip
from mockkms.vault.golang.fmt import quote, unhex
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import names, policy_identifiers, validity
from mockkms.vault.secrets.pki.issuers.signer import Signer
from mockkms.vault.secrets.pki.role import PkiRole

_SUBJECT = ("country", "organization", "ou", "locality", "province", "street_address", "postal_code")
SERIAL_BITS = 159


@dataclass
class CertificateContents:
    """The contents of a certificate or of a request, checked against the role. Times are seconds since the epoch."""

    subject: dict[str, list[str]]
    names: Names
    not_before: float
    not_after: float
    key_usage: int
    extended: list[str]
    policies: bytes
    key_id: bytes = b""
    path_length: int | None = None
    warnings: list[str] = field(default_factory=list)


def unique(values: Iterable[str]) -> list[str]:
    """Return the values trimmed, without empty and repeated ones."""
    return list(dict.fromkeys(value.strip() for value in values if value.strip()))


def contents_of(
    call: Call, role: PkiRole, signer: Signer | None, csr: read.CertificateRequest | None
) -> CertificateContents:
    """Return the contents that the call requests, checked. Raises ErrorResponse."""
    csr_parts = read.parts(csr.subject) if csr is not None else {}
    common_name = _common_name(call, role, csr_parts)
    serial = call["serial_number"] or _serial_of(role, csr_parts)
    from_csr = csr is not None and role.use_csr_sans
    found = _host_names(call, common_name, csr.names if csr is not None and from_csr else None)
    _check_names(call, role, common_name, serial, found)
    found.other = _other_names(call, role, csr.extensions if csr is not None and from_csr else [])
    found.ip = _addresses(call, role, csr.names.ip if csr is not None and from_csr else None)
    found.uri = _uris(call, role, csr.names.uri if csr is not None and from_csr else None)
    subject = {name: unique(getattr(role, name)) for name in _SUBJECT}
    subject |= {"common_name": [common_name] if common_name else [], "serial_number": [serial] if serial else []}
    warnings: list[str] = []
    begin = validity.not_before(role, call)
    behavior = role.leaf_not_after or (signer.issuer.leaf_not_after if signer is not None else "")
    end = validity.not_after(role, call, signer.certificate if signer is not None else None, behavior, warnings)
    validity.check_order(role, call, signer.certificate if signer is not None else None, end)
    key_id = _key_id(call)
    subject["user_id"] = _user_ids(call, role, csr_parts)
    found.dns, found.email = unique(found.dns), sorted(unique(found.email))
    if call.core.product.has(Feature.PKI_LATER):
        found.dns.sort()
    return CertificateContents(
        subject, found, begin, end, build.usage_bits(role.key_usage), extended_usages(role),
        _policies(role), key_id, _path_length(role, signer), warnings,
    )  # fmt: skip


def _common_name(call: Call, role: PkiRole, csr_parts: dict[str, list[str]]) -> str:
    name = "".join(csr_parts.get("common_name", [])[-1:]) if role.use_csr_common_name else ""
    name = name or call["common_name"]
    if not name and role.require_cn:
        raise ErrorResponse(
            'the common_name field is required, or must be provided in a CSR with "use_csr_common_name" set to true, '
            'unless "require_cn" is set to false'
        )
    return name


def _serial_of(role: PkiRole, csr_parts: dict[str, list[str]]) -> str:
    """Return the serial number in a request's subject, if the role accepts it. Raises ErrorResponse."""
    source = role.serial_number_source
    if source not in ("", "json-csr", "json"):
        raise ErrorResponse("invalid value for serial_number_source")
    return "".join(csr_parts.get("serial_number", [])[-1:]) if source != "json" else ""


def _host_names(call: Call, common_name: str, given: Names | None) -> Names:
    """Return host names and mail addresses; ``given`` are those of a request that is used. Raises ErrorResponse."""
    found = Names(list(given.dns), list(given.email)) if given is not None else Names()
    own = [common_name] if common_name and not call["exclude_cn_from_sans"] else []
    others: list[str] = []
    if given is None and "alt_names" in call and call["alt_names"].strip():
        listed = call["alt_names"].strip().split(",")
        if call.core.product.has(Feature.PKI_LATER):
            others = sorted(unique(listed))
        else:
            # Names are compared without the spaces around them, but keep them: they are no host names then.
            for name in listed:
                if name.strip() and name.strip() not in map(str.strip, others):
                    others.append(name)
    for at, name in enumerate(own + others):
        if "@" in name:
            found.email.append(name)
            continue
        with refusing():
            written = names.written_as_host(call, name)
        if written:
            found.dns.append(written)
        elif at >= len(own) and call.core.product.has(Feature.PKI_STRICTER):
            raise ErrorResponse(
                f"subject alternate name {name} is not a valid DNS name and cannot be included as a SAN"
            )
    return found


def _check_names(call: Call, role: PkiRole, common_name: str, serial: str, found: Names) -> None:
    if common_name and names.refused_common_name(role, call, common_name):
        raise ErrorResponse(f"common name {common_name} not allowed by this role")
    if serial and not names.allowed_serial(role, serial):
        raise ErrorResponse(f"serial_number {serial} not allowed by this role")
    refused = names.first_refused(role, call, found.dns)
    if refused:
        raise ErrorResponse(f"subject alternate name {refused} not allowed by this role")
    refused = names.first_refused(role, call, found.email)
    if refused:
        raise ErrorResponse(f"email address {refused} not allowed by this role")


def _other_names(call: Call, role: PkiRole, given: list[Extension]) -> list[tuple[str, str]]:
    with refusing("could not parse requested other SAN: "):
        requested = names.parse_other(call["other_sans"]) + other_names(given)
    if requested:
        with refusing():
            refused = names.refused_other(role, requested)
        if refused:
            raise ErrorResponse(refused)
    return requested


def _addresses(call: Call, role: PkiRole, given: list[str] | None) -> list[str]:
    found: list[Address] = []
    later = call.core.product.has(Feature.PKI_LATER)
    if later and not role.allow_ip_sans:
        _refuse_addresses(call, given)
    for value in call["ip_sans"] if given is None else given:
        with refusing(text=f"the value {quote(value)} is not a valid IP address"):
            found.append(parse_ip(value))
    if found and not role.allow_ip_sans:
        source = "the API" if given is None else "CSR"
        raise ErrorResponse(f"IP Subject Alternative Names are not allowed in this role, but was provided via {source}")
    networks = [ipaddress.ip_network(text, strict=False) for text in role.allowed_ip_sans_cidr]
    for address in found:
        if networks and not any(address in network for network in networks):
            raise ErrorResponse(f'the IP address "{address}" is not allowed in this role')
    return [str(address) for address in found]


def _refuse_addresses(call: Call, given: list[str] | None) -> None:
    asked = f"[{' '.join(call['ip_sans'])}]" if given is None else "some via CSR"
    if call["ip_sans"] if given is None else given:
        raise ErrorResponse(f"IP Subject Alternative Names are not allowed in this role, but was provided {asked}")


def _uris(call: Call, role: PkiRole, given: list[str] | None) -> list[str]:
    uris: list[str] = call["uri_sans"] if given is None else given
    source = "the API" if given is None else "CSR"
    if uris and not role.allowed_uri_sans:
        raise ErrorResponse(
            f"URI Subject Alternative Names are not allowed in this role, but were provided via {source}"
        )
    for uri in uris:
        if not names.allowed_uri(role, call, uri):
            raise ErrorResponse(
                f"URI Subject Alternative Names were provided via {source} which are not valid for this role"
            )
        if parse_fault(uri):
            raise ErrorResponse(f"the provided URI Subject Alternative Name {quote(uri)} is not a valid URI")
    return [shown(uri) for uri in uris] if given is None else list(uris)


def _key_id(call: Call) -> bytes:
    """Return the requested subject key identifier; empty without one. Raises ErrorResponse."""
    if "skid" not in call.endpoint.fields or "skid" not in call:
        return b""
    text = call["skid"]
    for separator in ":- ":
        text = text.replace(separator, "")
    with refusing("cannot parse requested SKID value as hex: "):
        return unhex(text)


def _user_ids(call: Call, role: PkiRole, csr_parts: dict[str, list[str]]) -> list[str]:
    if "user_ids" not in call.endpoint.fields:
        return []
    found: list[str] = call["user_ids"] or csr_parts.get("user_id", [])
    for value in found:
        if not names.allowed_user_id(role, value):
            raise ErrorResponse(f"user_id {value} is not allowed by this role")
    return list(found)


def extended_usages(role: PkiRole) -> list[str]:
    """Return the OIDs of a role's extended key usages."""
    chosen = {name.strip().lower() for name in role.ext_key_usage}
    for flag, name in (
        ("server_flag", "serverauth"), ("client_flag", "clientauth"), ("code_signing_flag", "codesigning"),
        ("email_protection_flag", "emailprotection"),
    ):  # fmt: skip
        if getattr(role, flag):
            chosen.add(name)
    own = [number for name, number in EXTENDED_USAGES.items() if name in chosen]
    return own + [number for number in role.ext_key_usage_oids if names.is_oid(number)]


def _policies(role: PkiRole) -> bytes:
    try:
        return policy_identifiers.extension(role.policy_identifiers)
    except ValueError:
        return b""


def _path_length(role: PkiRole, signer: Signer | None) -> int | None:
    """Return the path length: the requested one, else one less than the issuer's. None for no limit."""
    asked = role.max_path_length
    if asked is not None:
        return asked if asked != -1 else None
    most = signer.certificate.path_length if signer is not None else None
    return max(most - 1, 0) if most is not None else None
