"""Certificate requests as programs see them, in ``parsed_csr``.

Source: ``csrToMap`` in OpenBao's ``path_issue_sign.go``. Values that are objects of Go are left out.
"""

from __future__ import annotations

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import certificates, keys, read

_PARTS = {
    "2.5.4.6": "Country", "2.5.4.10": "Organization", "2.5.4.11": "OrganizationalUnit", "2.5.4.7": "Locality",
    "2.5.4.8": "Province", "2.5.4.9": "StreetAddress", "2.5.4.17": "PostalCode",
}  # fmt: skip
_SINGLE = {"2.5.4.3": "CommonName", "2.5.4.5": "SerialNumber"}
_ALGORITHMS = {"rsa": "RSA", "ec": "ECDSA", "ed25519": "Ed25519"}
_SIGNATURES = {
    "1.2.840.113549.1.1.5": "SHA1-RSA", "1.2.840.113549.1.1.11": "SHA256-RSA", "1.2.840.113549.1.1.12": "SHA384-RSA",
    "1.2.840.113549.1.1.13": "SHA512-RSA", "1.2.840.10045.4.1": "ECDSA-SHA1", "1.2.840.10045.4.3.2": "ECDSA-SHA256",
    "1.2.840.10045.4.3.3": "ECDSA-SHA384", "1.2.840.10045.4.3.4": "ECDSA-SHA512", "1.3.101.112": "Ed25519",
}  # fmt: skip


def described(text: str) -> dict[str, object]:
    """Return a request in PEM as a map. Raises ValueError with the server's text."""
    decoded = pem.decode(text)
    if decoded is None or "CERTIFICATE REQUEST" not in text.partition("-----BEGIN ")[2].partition("-----")[0]:
        raise ValueError("invalid CSR format")
    try:
        found, loaded = read.parse_request(text), certificates.load_request(text)
    except CryptoError:
        raise ValueError("failed to parse CSR") from None
    kind = keys.describe(found.public)[0] if found.public else ""
    return {
        "Version": 0,
        "SignatureAlgorithm": _SIGNATURES.get(loaded.signature_algorithm_oid.dotted_string, "0") if loaded else "0",
        "PublicKeyAlgorithm": _ALGORITHMS.get(kind, "0"),
        "Subject": _subject(found.subject),
        "Extensions": {one.oid: one.value for one in found.extensions},
        "DNSNames": found.names.dns,
        "EmailAddresses": found.names.email,
        "IPAddresses": found.names.ip,
        "URIs": found.names.uri,
        "RawSubject": found.subject,
        "RawSubjectPublicKeyInfo": found.public,
    }


def _subject(name: bytes) -> dict[str, object]:
    """Return the parts of a subject; single ones are texts, the others lists."""
    parts: dict[str, object] = dict.fromkeys(_SINGLE.values(), "")
    lists: dict[str, list[str]] = {one: [] for one in _PARTS.values()}
    for oid, value in read.attributes(name):
        if oid in _SINGLE:
            parts[_SINGLE[oid]] = value
        elif oid in _PARTS:
            lists[_PARTS[oid]].append(value)
    return {**parts, **lists, "ExtraNames": []}
