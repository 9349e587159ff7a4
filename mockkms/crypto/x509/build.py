"""Certificates, requests and revocation lists as DER, encoded as by Go's ``crypto/x509``, byte for byte."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mockkms.crypto.encoding import der_write as w
from mockkms.crypto.x509 import keys
from mockkms.error_context import error_context

KEY_USAGES: Final = (
    "digitalsignature", "contentcommitment", "keyencipherment", "dataencipherment", "keyagreement", "certsign",
    "crlsign", "encipheronly", "decipheronly",
)  # fmt: skip
"""Names of key usages, in the order of their bits."""
DIGITAL_SIGNATURE, CERT_SIGN, CRL_SIGN = 1, 1 << 5, 1 << 6
"""Bits of three of them."""

EXTENDED_USAGES: Final = {
    "any": "2.5.29.37.0",
    "serverauth": "1.3.6.1.5.5.7.3.1",
    "clientauth": "1.3.6.1.5.5.7.3.2",
    "codesigning": "1.3.6.1.5.5.7.3.3",
    "emailprotection": "1.3.6.1.5.5.7.3.4",
    "ipsecendsystem": "1.3.6.1.5.5.7.3.5",
    "ipsectunnel": "1.3.6.1.5.5.7.3.6",
    "ipsecuser": "1.3.6.1.5.5.7.3.7",
    "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocspsigning": "1.3.6.1.5.5.7.3.9",
    "microsoftservergatedcrypto": "1.3.6.1.4.1.311.10.3.3",
    "netscapeservergatedcrypto": "2.16.840.1.113730.4.1",
}
"""Extended key usages by name, in the order in which they are written."""

SUBJECT_ORDER: Final = {
    "country": "2.5.4.6", "province": "2.5.4.8", "locality": "2.5.4.7", "street_address": "2.5.4.9",
    "postal_code": "2.5.4.17", "organization": "2.5.4.10", "ou": "2.5.4.11", "common_name": "2.5.4.3",
    "serial_number": "2.5.4.5", "user_id": "0.9.2342.19200300.100.1.1",
}  # fmt: skip
"""Parts of a subject in the order in which they are written."""

BASIC_CONSTRAINTS: Final = "2.5.29.19"
ALT_NAMES: Final = "2.5.29.17"


@dataclass
class Names:
    """Subject alternative names; ``other`` are pairs of OID and UTF-8 text."""

    dns: list[str] = field(default_factory=list)
    email: list[str] = field(default_factory=list)
    ip: list[str] = field(default_factory=list)
    uri: list[str] = field(default_factory=list)
    other: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.dns or self.email or self.ip or self.uri or self.other)


@dataclass
class Extension:
    """One finished extension."""

    oid: str
    value: bytes
    critical: bool = False

    def der(self) -> bytes:
        """Return the extension in DER."""
        critical = (w.boolean(True),) if self.critical else ()
        return w.sequence(w.oid(self.oid), *critical, w.octets(self.value))


@dataclass
class Listed:
    """An entry of a CRL: serial number, when it was revoked (seconds since the epoch), and further extensions."""

    serial: int
    at: float
    extensions: Sequence[Extension] = ()

    def der(self) -> bytes:
        """Return the entry in DER."""
        more = (w.sequence(*[item.der() for item in self.extensions]),) if self.extensions else ()
        return w.sequence(w.integer(self.serial), w.moment(self.at), *more)


@dataclass
class Template:
    """The content of a certificate to issue. Times are seconds since the epoch; a path length of None is unlimited."""

    serial: int
    subject: bytes
    not_before: float
    not_after: float
    public: bytes
    subject_key_id: bytes
    authority_key_id: bytes = b""
    names: Names = field(default_factory=Names)
    key_usage: int = 0
    """Bit set of ``KEY_USAGES``."""
    extended: list[str] = field(default_factory=list)
    """OIDs."""
    basic: bool = False
    """Basic constraints are written."""
    ca: bool = False
    path_length: int | None = None
    issuing: list[str] = field(default_factory=list)
    crl_points: list[str] = field(default_factory=list)
    delta_points: list[str] = field(default_factory=list)
    ocsp: list[str] = field(default_factory=list)
    policies: bytes = b""
    """Finished value of the policies extension."""
    permitted: Names = field(default_factory=Names)
    excluded: Names = field(default_factory=Names)
    """Name constraints: domains, networks, mail addresses and their domains, hosts of URIs."""
    constraints_critical: bool = True
    extra: list[Extension] = field(default_factory=list)
    """They replace ours with the same OID."""


def subject(parts: Mapping[str, Sequence[str]]) -> bytes:
    """Return the DER of a subject.

    Each part is one relative name with all of its values; only user ids have a relative name each.
    """
    found = []
    for name, number in SUBJECT_ORDER.items():
        values = [w.sequence(w.oid(number), w.text(value)) for value in parts.get(name, ())]
        if values:
            found += [w.set_of([value]) for value in values] if name == "user_id" else [w.set_of(values)]
    return w.sequence(*found)


def usage_bits(names: Iterable[str]) -> int:
    """Return the bit set of key usages by name; unknown names are ignored."""
    wanted = {name.strip().lower() for name in names}
    return sum(1 << at for at, name in enumerate(KEY_USAGES) if name in wanted)


def key_usage(names: Iterable[str]) -> Extension:
    """Return the key usage extension."""
    return Extension("2.5.29.15", _usage(usage_bits(names)), critical=True)


def certificate(template: Template, issuer: bytes, private: bytes, signature: str) -> bytes:
    """Return the certificate of a template in the name of ``issuer`` (DER of a name), signed with ``private``.

    Raises ValueError with Go's text for a time after the year 9999.
    """
    body = w.sequence(
        w.context(0, w.integer(2)),
        w.integer(template.serial),
        keys.algorithm(signature),
        issuer,
        w.sequence(w.moment(template.not_before), w.moment(template.not_after)),
        template.subject,
        template.public,
        w.context(3, w.sequence(*[item.der() for item in _extensions(template)])),
    )
    return _signed(body, private, signature)


def request(
    subject_name: bytes, names: Names, private: bytes, signature: str, extra: Sequence[Extension] = ()
) -> bytes:
    """Return a certificate request for the key that signs it."""
    wanted = ([Extension(ALT_NAMES, alt_names(names))] if names else []) + list(extra)
    attributes = b""
    if wanted:
        listed = w.sequence(*[item.der() for item in wanted])
        attributes = w.sequence(w.oid("1.2.840.113549.1.9.14"), w.set_of([listed]))
    body = w.sequence(w.integer(0), subject_name, keys.public_of(private), w.context(0, attributes))
    return _signed(body, private, signature)


def revocation_list(
    issuer: bytes,
    key_id: bytes,
    revoked: Iterable[bytes],
    this_update: float,
    next_update: float,
    number: int,
    private: bytes,
    signature: str,
    extra: Sequence[Extension] = (),
) -> bytes:
    """Return a CRL in DER; ``revoked`` has its entries in DER.

    Raises ValueError with Go's text if it ends before now or cannot refer to its issuer.
    """
    if not key_id:
        raise ValueError("x509: issuer certificate doesn't contain a subject key identifier")
    if this_update > next_update:
        raise ValueError("x509: template.ThisUpdate is after template.NextUpdate")
    entries = list(revoked)
    extensions = [authority(key_id), Extension("2.5.29.20", w.integer(number)), *extra]
    body = w.sequence(
        w.integer(1),
        keys.algorithm(signature),
        issuer,
        w.moment(this_update),
        w.moment(next_update),
        *([w.sequence(*entries)] if entries else []),
        w.context(0, w.sequence(*[item.der() for item in extensions])),
    )
    return _signed(body, private, signature)


def _signed(body: bytes, private: bytes, signature: str) -> bytes:
    return w.sequence(body, keys.algorithm(signature), w.bits(keys.sign(private, signature, body)))


def authority(key_id: bytes) -> Extension:
    """Return the extension that identifies the issuer's key."""
    return Extension("2.5.29.35", w.sequence(w.context(0, key_id, constructed=False)))


def _extensions(template: Template) -> list[Extension]:
    taken = {item.oid for item in template.extra}
    own: list[Extension] = []
    if template.key_usage:
        own.append(Extension("2.5.29.15", _usage(template.key_usage), critical=True))
    if template.extended:
        own.append(Extension("2.5.29.37", w.sequence(*[w.oid(number) for number in template.extended])))
    if template.basic:
        length = (w.integer(template.path_length),) if template.path_length is not None and template.ca else ()
        constraints = w.sequence(*((w.boolean(True), *length) if template.ca else ()))
        own.append(Extension(BASIC_CONSTRAINTS, constraints, critical=True))
    if template.subject_key_id:
        own.append(Extension("2.5.29.14", w.octets(template.subject_key_id)))
    if template.authority_key_id:
        own.append(authority(template.authority_key_id))
    addresses = access(template.ocsp, template.issuing)
    if addresses is not None:
        own.append(addresses)
    if template.names:
        # Go makes the extension critical below an empty subject, but leaves one with other names to the server.
        critical = template.subject == w.sequence() and not template.names.other
        own.append(Extension(ALT_NAMES, alt_names(template.names), critical))
    if template.policies:
        own.append(Extension("2.5.29.32", template.policies))
    if template.permitted or template.excluded:
        trees = [
            w.context(at, _subtrees(names)) for at, names in enumerate((template.permitted, template.excluded)) if names
        ]
        own.append(Extension("2.5.29.30", w.sequence(*trees), template.constraints_critical))
    lists = points(template.crl_points)
    if lists is not None:
        own.append(lists)
    if template.delta_points:
        own.append(freshest(template.delta_points))
    return [item for item in own if item.oid not in taken] + template.extra


def _subtrees(names: Names) -> bytes:
    networks = [ipaddress.ip_network(text) for text in names.ip]
    found = [w.tlv(0x82, name.encode()) for name in names.dns]
    found += [w.tlv(0x87, block.network_address.packed + block.netmask.packed) for block in networks]
    found += [w.tlv(0x81, name.encode()) for name in names.email]
    found += [_uri(name) for name in names.uri]
    return b"".join(w.sequence(name) for name in found)


def freshest(urls: Sequence[str]) -> Extension:
    """Return the extension with the addresses of delta CRLs."""
    return Extension("2.5.29.46", _points([list(urls)]))


def delta_indicator(base: int) -> Extension:
    """Return the extension that marks a CRL as the difference to the complete CRL with number ``base``."""
    return Extension("2.5.29.27", w.integer(base), critical=True)


def _usage(bit_set: int) -> bytes:
    content = bytearray(2 if bit_set >> 8 else 1)
    last = 0
    for at in range(9):
        if bit_set >> at & 1:
            content[at // 8] |= 0x80 >> at % 8
            last = at
    return w.bits(bytes(content), 7 - last % 8)


def _uri(url: str) -> bytes:
    return w.tlv(0x86, url.encode())


def access(ocsp: Sequence[str], issuing: Sequence[str]) -> Extension | None:
    """Return the extension with the addresses of OCSP servers and the issuer's certificate; None without any."""
    if not ocsp and not issuing:
        return None
    servers = [w.sequence(w.oid("1.3.6.1.5.5.7.48.1"), _uri(url)) for url in ocsp]
    issuers = [w.sequence(w.oid("1.3.6.1.5.5.7.48.2"), _uri(url)) for url in issuing]
    return Extension("1.3.6.1.5.5.7.1.1", w.sequence(*servers, *issuers))


def points(urls: Sequence[str]) -> Extension | None:
    """Return the extension with the addresses of CRLs; None without any."""
    return Extension("2.5.29.31", _points([[url] for url in urls])) if urls else None


def _points(groups: list[list[str]]) -> bytes:
    found = []
    for urls in groups:
        name = w.context(0, b"".join(_uri(url) for url in urls))
        found.append(w.sequence(w.context(0, name)))
    return w.sequence(*found)


def check_other_name(number: str) -> None:
    """Check the object identifier of another kind of alternative name. Raises ValueError with Go's text."""
    arcs = w.parse_oid(number)
    with error_context(text=f"cryptobyte: invalid OID: {number}"):
        w.oid_of(arcs)


def alt_names(names: Names) -> bytes:
    """Return the value of the subject alternative names extension."""
    found = []
    for number, value in names.other:
        found.append(w.context(0, w.oid(number) + w.context(0, w.utf8(value))))
    found += [w.tlv(0x82, name.encode()) for name in names.dns]
    found += [w.tlv(0x81, name.encode()) for name in names.email]
    found += [w.tlv(0x87, ipaddress.ip_address(address).packed) for address in names.ip]
    found += [_uri(uri) for uri in names.uri]
    return w.sequence(*found)
