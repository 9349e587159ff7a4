"""Parsed certificates, requests and revocation lists; results are cached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from mockkms.crypto import CryptoError
from mockkms.crypto.bounded_cache import remembered
from mockkms.crypto.encoding import der, pem
from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509 import certificate_extensions as known
from mockkms.crypto.x509 import keys, request_parser
from mockkms.crypto.x509.build import CERT_SIGN, SUBJECT_ORDER, Extension, Names
from mockkms.crypto.x509.certificate_parser import parse
from mockkms.error_context import error_context

_PARTS: Final = {number: name for name, number in SUBJECT_ORDER.items()}
_OCSP: Final = "1.3.6.1.5.5.7.48.1"


@dataclass
class Certificate:
    """The parsed fields of a certificate; times are seconds since the epoch."""

    der: bytes
    serial: int
    subject: bytes
    issuer: bytes
    not_before: float
    not_after: float
    public: bytes
    subject_key_id: bytes = b""
    authority_key_id: bytes = b""
    basic: bool = False
    ca: bool = False
    path_length: int | None = None
    key_usage: int = 0
    """Bit set of ``build.KEY_USAGES``; 0: the certificate does not restrict it."""
    names: list[tuple[int, bytes]] = field(default_factory=list)
    """Tags and contents of the alternative names."""
    usages: list[str] = field(default_factory=list)
    """Extended usages of the key, by OID."""
    urls: bool = False
    """Whether it has addresses of issuers, CRLs or OCSP servers."""
    ocsp: list[str] = field(default_factory=list)
    """Addresses of OCSP servers."""
    extensions: list[Extension] = field(default_factory=list)

    def named(self, tag: int) -> list[str]:
        """Return the alternative names of a kind that is text, by its tag."""
        return [content.decode() for kind, content in self.names if kind == tag]

    @property
    def common_name(self) -> str:
        """The last common name of the subject."""
        return "".join(parts(self.subject).get("common_name", [])[-1:])

    @property
    def serial_text(self) -> str:
        """The serial number in hex, byte by byte, with colons."""
        return serial_text(self.serial)

    def signed_by(self, other: Certificate) -> bool:
        """Return whether ``other`` may sign certificates and has signed this one."""
        may = not other.basic or other.ca
        if other.key_usage and not other.key_usage & CERT_SIGN:
            may = False
        return may and keys.verifies(other.public, self.der)


@dataclass
class CertificateRequest:
    """The parsed fields of a certificate request."""

    subject: bytes
    public: bytes
    names: Names
    extensions: list[Extension]
    signed: bool
    """Its signature is right."""


@dataclass
class RevocationList:
    """A CRL: its DER, and serial numbers with the moments (seconds since the epoch) of their revocations."""

    der: bytes
    entries: list[tuple[int, float]]


def parse_list(data: bytes) -> RevocationList:
    """Return a CRL in DER. Raises ValueError with Go's text."""
    with error_context(of=(ValueError, UnsupportedAlgorithm), text="x509: malformed crl"):
        loaded = x509.load_der_x509_crl(data)
        entries = [(item.serial_number, item.revocation_date_utc.timestamp()) for item in loaded]
    return RevocationList(data, entries)


def serial_text(serial: int) -> str:
    """Return a serial number in hex, byte by byte, with colons."""
    return colons(serial.to_bytes(max(1, (serial.bit_length() + 7) // 8), "big"))


def colons(data: bytes) -> str:
    """Return bytes in hex with colons between."""
    return data.hex(":")


@remembered(512, 8192)
def load(data: bytes) -> Certificate:
    """Return a certificate in DER. Raises ValueError with Go's text."""
    loaded, _, _, extensions = parse(data)
    with error_context(of=(ValueError, UnsupportedAlgorithm), text="x509: malformed certificate"):
        body = DerReader(loaded.tbs_certificate_bytes).enter()
        body.skip(), body.skip(), body.skip()
        issuer, _, subject, public = body.skip(), body.skip(), body.skip(), body.skip()
        found = Certificate(
            data,
            loaded.serial_number,
            subject,
            issuer,
            loaded.not_valid_before_utc.timestamp(),
            loaded.not_valid_after_utc.timestamp(),
            public,
            extensions=extensions,
        )
    for extension in extensions:
        _note(found, extension.oid, DerReader(extension.value))
    return found


def _note(found: Certificate, number: str, value: DerReader) -> None:
    if number == known.BASIC:
        found.basic, (found.ca, found.path_length) = True, known.basic_constraints(value)
    elif number == known.KEY_USAGE:
        found.key_usage = known.key_usage(value)
    elif number == known.SUBJECT_KEY:
        found.subject_key_id = known.subject_key(value)
    elif number == known.AUTHORITY_KEY:
        found.authority_key_id = known.authority_key(value)
    elif number == known.NAMES:
        found.names = known.alternative_names(value)
    elif number == known.EXTENDED_USAGES:
        found.usages = known.extended_usages(value)
    elif number == known.INFORMATION:
        found.urls, found.ocsp = True, [url for method, url in known.information(value) if method == _OCSP]
    elif number == known.POINTS:
        found.urls = True


def parsed(certificate: x509.Certificate) -> Certificate:
    """Return the parsed fields of one that the library has loaded. Raises ValueError with Go's text."""
    return load(certificate.public_bytes(Encoding.DER))


def parts(name: bytes) -> dict[str, list[str]]:
    """Return the parts of a subject that ``build`` knows, by their names there."""
    found: dict[str, list[str]] = {}
    for number, value in attributes(name):
        if number in _PARTS:
            found.setdefault(_PARTS[number], []).append(value)
    return found


def attributes(name: bytes) -> list[tuple[str, str]]:
    """Return every attribute of a name: OID and text."""
    found = []
    relative = DerReader(name).enter()
    while relative.rest:
        entries = DerReader(relative.read(0x31))
        while entries.rest:
            pair = entries.enter()
            number, value = der.oid(pair.read(der.OID)), pair.skip()
            encoding = "utf-16-be" if value[0] == 0x1E else "utf-8"
            found.append((number, DerReader(value).read(value[0]).decode(encoding, "replace")))
    return found


def parse_request(text: str) -> CertificateRequest:
    """Return a request in PEM. Raises CryptoError with Go's text."""
    block = pem.decode(text)
    if block is None:
        raise CryptoError("could not decode PEM CSR")
    found = request_parser.parse(block.der)
    public = found.public
    try:
        keys.load_public(public)
    except (ValueError, UnsupportedAlgorithm):
        public = b""
    signed = bool(public) and keys.verifies(public, block.der)
    return CertificateRequest(found.subject, public, found.names, found.extensions, signed)


_SHORT: Final = {
    "2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.17": "POSTALCODE",
}  # fmt: skip


def readable(name: bytes) -> str:
    """Return a name as Go writes it: the last part first."""
    relative, found = DerReader(name).enter(), []
    while relative.rest:
        entries, pairs = DerReader(relative.read(0x31)), []
        while entries.rest:
            pair = entries.enter()
            number, value = der.oid(pair.read(der.OID)), pair.skip()
            text = DerReader(value).read(value[0]).decode("utf-8", "replace")
            escaped = "".join("\\" + char if char in ',+"\\<>;' else char for char in text)
            pairs.append(f"{_SHORT.get(number, number)}={escaped}")
        found.append("+".join(pairs))
    return ",".join(reversed(found))


def says_authority(constraints: bytes) -> bool:
    """Return whether the value of a Basic Constraints extension marks a CA. Raises ValueError if it is malformed."""
    body = DerReader(constraints).enter()
    return body.rest[:1] == b"\x01" and body.read(0x01) != b"\0"
