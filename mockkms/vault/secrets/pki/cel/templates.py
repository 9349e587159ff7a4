"""Certificates as programs describe them: ``CertTemplate`` as the template that is signed.

Source: OpenBao's ``translate_cert.go``, and what Go's ``x509.CreateCertificate`` makes of its result.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote as escaped

from mockkms.crypto.encoding import der_write as w
from mockkms.crypto.x509 import build
from mockkms.crypto.x509.build import Extension, Names, Template
from mockkms.vault.secrets.pki.cel.messages import EXTENDED

_SUBJECT = {
    "Country": "country", "Province": "province", "Locality": "locality", "StreetAddress": "street_address",
    "PostalCode": "postal_code", "Organization": "organization", "OrganizationUnit": "ou",
}  # fmt: skip
_OIDS = tuple(EXTENDED.values())
_IPV4, _IPV6 = 4, 16
_UNREADABLE = "unable to parse created certificate: x509: "
_LARGEST = (1 << 31) - 1
"""The largest part of an identifier that Go reads."""
_USAGES = (1 << 9) - 1


def template_of(described: Mapping[str, object], serial: int, public: bytes, key_id: bytes) -> Template:
    """Return the template of a certificate for a key. Raises ValueError with the text of the real server."""
    ca = bool(described.get("IsCA"))
    length = _number(described.get("MaxPathLen"))
    if described.get("BasicConstraintsValid") and length < -1:
        raise ValueError("unable to create certificate: x509: invalid MaxPathLen, must be greater or equal to -1")
    limited = length > 0 or (length == 0 and bool(described.get("MaxPathLenZero")))
    policies = [_policy(one) for one in _items(described, "Policies")]
    extra = [_extension(one) for one in _items(described, "ExtraExtensions")]
    made = Template(
        serial=serial,
        subject=_subject(_message(described.get("Subject"))),
        not_before=_moment(described.get("NotBefore")),
        not_after=_moment(described.get("NotAfter")),
        public=public,
        subject_key_id=key_id,
        names=Names(
            _texts(described, "DNSNames"),
            _texts(described, "EmailAddresses"),
            [_address(one) for one in _items(described, "IPAddresses") if _bytes(_message(one).get("IP"))],
            [_url(one) for one in _items(described, "URIs")],
        ),
        key_usage=_number(described.get("KeyUsage")) & _USAGES,
        extended=[_usage(_number(one)) for one in _items(described, "ExtKeyUsage")],
        basic=bool(described.get("BasicConstraintsValid")),
        ca=ca,
        path_length=length if ca and limited else None,
        extra=extra,
    )
    for one in map(_message, _items(described, "UnknownExtKeyUsage")):
        made.extended.append(_identifier(one, "arc"))
        if max(_arcs(one, "arc")) > _LARGEST:
            raise ValueError(f"{_UNREADABLE}invalid extended key usages")
    if policies:
        made.policies = w.sequence(*[w.sequence(number) for number in policies])
    made.constraints_critical = bool(described.get("PermittedDNSDomainsCritical"))
    made.permitted, made.excluded = (
        Names(
            _texts(described, f"{verb}DNSDomains"),
            _texts(described, f"{verb}EmailAddresses"),
            [_network(one) for one in _items(described, f"{verb}IPRanges")],
            _texts(described, f"{verb}URIDomains"),
        )
        for verb in ("Permitted", "Excluded")
    )
    return made


def _usage(number: int) -> str:
    if not 0 <= number < len(_OIDS):
        raise ValueError("unable to create certificate: x509: unknown extended key usage")
    return _OIDS[number]


def _subject(given: Mapping[str, object]) -> bytes:
    parts = {name: _texts(given, field) for field, name in _SUBJECT.items()}
    for field, name in (("CommonName", "common_name"), ("SerialNumber", "serial_number")):
        parts[name] = [str(given[field])] if given.get(field) else []
    return build.subject(parts)


def _moment(value: object) -> float:
    return float(int(value.timestamp())) if isinstance(value, datetime) else 0.0


def _address(one: object) -> str:
    raw = _bytes(_message(one).get("IP"))
    if len(raw) not in (_IPV4, _IPV6):
        raise ValueError(f"bad IP address: invalid IP bytes: {raw.hex()}")
    found = ipaddress.ip_address(raw)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def _network(one: object) -> str:
    given = _message(one)
    raw, mask = _bytes(_message(given.get("IP")).get("IP")), _bytes(_message(given.get("Mask")).get("IPMask"))
    if not raw or not mask:
        raise ValueError("bad permitted IP range: empty ip or mask")
    if len(raw) not in (_IPV4, _IPV6):
        raise ValueError(f"bad permitted IP range: invalid IP bytes: {raw.hex()}")
    if len(raw) != len(mask):
        raise ValueError(f"{_UNREADABLE}IP constraint contained value of length {len(mask)}")
    bits = f"{int.from_bytes(mask, 'big'):b}".zfill(len(mask) * 8)
    if "01" in bits:
        raise ValueError(f"{_UNREADABLE}IP constraint contained invalid mask {mask.hex()}")
    return str(ipaddress.ip_network((raw, bits.count("1")), strict=False))


def _url(one: object) -> str:
    """Return a URL as Go's ``url.URL`` writes it."""
    given = {name: str(value) for name, value in _message(one).items() if isinstance(value, str)}
    user, flags = _message(_message(one).get("User")), _message(one)
    scheme, opaque, host = given.get("Scheme", ""), given.get("Opaque", ""), given.get("Host", "")
    text = f"{scheme}:" if scheme else ""
    path = given.get("RawPath") or escaped(given.get("Path", ""), safe="/:@!$&'()*+,;=-._~")
    if opaque:
        text += opaque
    else:
        if scheme or host or user:
            named = ""
            if user:
                named = escaped(str(user.get("username", "")), safe="-_.~$&+,;=")
                if user.get("password_set"):
                    named += ":" + escaped(str(user.get("password", "")), safe="-_.~$&+,;=")
                named += "@"
            if host or path or user:
                text += f"//{named}{host}" if host or user else ""
        if path and not path.startswith("/") and host:
            text += "/"
        text += path
    if flags.get("ForceQuery") or given.get("RawQuery"):
        text += f"?{given.get('RawQuery', '')}"
    if given.get("Fragment"):
        text += "#" + (given.get("RawFragment") or escaped(given["Fragment"], safe="/:@!$&'()*+,;=?-._~"))
    return text


def _extension(one: object) -> Extension:
    given = _message(one)
    number = _identifier(given, "Id")
    # Go writes no byte for a negative number, and reads none above 31 bits.
    if w.oid(number) == w.tlv(0x06, b"") or max(_arcs(given, "Id")) > _LARGEST:
        raise ValueError(f"{_UNREADABLE}malformed extension OID field")
    return Extension(number, _bytes(given.get("Value")), bool(given.get("Critical")))


def _policy(one: object) -> bytes:
    arcs = _arcs(_message(one), "arc")
    if _invalid(arcs):
        raise ValueError("bad policy OID: invalid oid")
    return w.oid_of(arcs)


def _identifier(given: Mapping[str, object], name: str) -> str:
    found = _arcs(given, name)
    if _invalid(found):
        raise ValueError("unable to create certificate: asn1: structure error: invalid object identifier")
    return ".".join(map(str, found))


def _invalid(arcs: list[int]) -> bool:
    return len(arcs) < 2 or arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39)


def _arcs(given: Mapping[str, object], name: str) -> list[int]:
    return [_number(arc) for arc in _items(given, name)]


def _message(value: object) -> dict[str, object]:
    return {str(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _items(given: Mapping[str, object], name: str) -> list[object]:
    found = given.get(name)
    return [*found] if isinstance(found, list) else []


def _texts(given: Mapping[str, object], name: str) -> list[str]:
    return [str(item) for item in _items(given, name)]


def _number(value: object) -> int:
    return int(value) if isinstance(value, int) else 0


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes) else b""
