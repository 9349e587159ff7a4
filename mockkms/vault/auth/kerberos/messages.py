"""SPNEGO tokens and Kerberos AP requests: who presents a ticket for a service.

Sources: RFC 4178 (SPNEGO), RFC 4121 (GSS-API), RFC 4120 (Kerberos); the order of the checks is that of
``messages/APReq.go`` of github.com/jcmturner/gokrb5.
"""

from __future__ import annotations

import hashlib
import time
from calendar import timegm
from dataclasses import dataclass
from ipaddress import ip_address

from mockkms.crypto.encoding.der import INTEGER, OCTETS, OID, DerReader, oid
from mockkms.vault.auth.kerberos.encryption import decrypt
from mockkms.vault.auth.kerberos.keytab import KeytabEntry, key_for

SKEW = 5 * 60
"""Seconds by which the clock of a client may differ."""
_SPNEGO = "1.3.6.1.5.5.2"
_KERBEROS = ("1.2.840.113554.1.2.2", "1.2.840.48018.1.2.2")
_TOKEN, _TICKET, _AUTHENTICATOR, _ENC_TICKET, _AP_REQ = 0x60, 0x61, 0x62, 0x63, 0x6E
_CONTEXT, _TEXT, _TIME, _BITS = 0xA0, 0x1B, 0x18, 0x03
_FOR_TICKETS, _FOR_AUTHENTICATORS = 2, 11
"""Uses of keys (RFC 4120, section 7.5.1)."""
_INVALID = 0x01000000
"""The flag of a ticket that the KDC has yet to validate."""
_IPV4, _IPV6 = 2, 24


@dataclass(frozen=True)
class KerberosClient:
    """Who sent a request, and what identifies the request."""

    name: str
    """Components with slashes."""
    realm: str
    request: str
    """The same for a request that is sent again."""


def accept(token: bytes, entries: list[KeytabEntry], service: str, address: str, now: float) -> KerberosClient:
    """Return the client of a token, verified with the keys of a service. Raises ValueError.

    Args:
        token: The token of an ``Authorization: Negotiate`` header, decoded.
        entries: The keytab.
        service: The principal whose keys are used, without a realm; empty: the one in the ticket.
        address: The address of the client.
        now: Seconds since the epoch.
    """
    request = _fields(DerReader(_ap_request(token)).read(_AP_REQ))
    ticket = _fields(DerReader(request[3]).read(_TICKET))
    realm, part = _string(ticket[1]), _encrypted(ticket[3])
    name = tuple(service.split("@")[0].split("/")) if service else _name(ticket[2])
    key = key_for(entries, name, realm, part.version, part.kind)
    opened = _fields(DerReader(decrypt(part.kind, key, _FOR_TICKETS, part.cipher)).read(_ENC_TICKET))
    _check_times(opened, now)
    _check_address(opened, address)
    session = _fields(opened[1])
    kind, session_key = _integer(session[0]), DerReader(session[1]).read(OCTETS)
    sent = _encrypted(request[4])
    try:
        plain = decrypt(sent.kind if sent.kind else kind, session_key, _FOR_AUTHENTICATORS, sent.cipher)
    except ValueError:
        raise ValueError("could not decrypt authenticator") from None
    authenticator = _fields(DerReader(plain).read(_AUTHENTICATOR))
    client = _name(authenticator[2])
    if client != _name(opened[3]):
        raise ValueError("CName in Authenticator does not match that in service ticket")
    if abs(now - _moment(authenticator[5]) - _integer(authenticator[4]) / 1e6) > SKEW:
        raise ValueError(f"clock skew with client too large. greater than {SKEW} seconds")
    return KerberosClient("/".join(client), _string(authenticator[1]), hashlib.sha256(plain).hexdigest())


@dataclass(frozen=True)
class _Encrypted:
    kind: int
    version: int
    cipher: bytes


def _ap_request(token: bytes) -> bytes:
    """Return the AP request in a token of SPNEGO, or of Kerberos itself."""
    reader = DerReader(DerReader(token).read(_TOKEN))
    mechanism = oid(reader.read(OID))
    if mechanism == _SPNEGO:
        init = _fields(reader.read(_CONTEXT))
        offered = DerReader(init[0]).enter()
        if oid(offered.read(OID)) not in _KERBEROS:
            raise ValueError("SPNEGO OID of MechToken is not of type KRB5")
        reader = DerReader(DerReader(DerReader(init[2]).read(OCTETS)).read(_TOKEN))
        mechanism = oid(reader.read(OID))
    if mechanism not in _KERBEROS:
        raise ValueError("the token is neither one of SPNEGO nor of Kerberos")
    if reader.rest[:2] != b"\x01\x00":
        raise ValueError("the token of Kerberos has no AP request")
    return reader.rest[2:]


def _check_times(ticket: dict[int, bytes], now: float) -> None:
    start = _moment(ticket[6]) if 6 in ticket else _moment(ticket[5])
    flags = int.from_bytes(DerReader(ticket[0]).read(_BITS)[1:5], "big")
    if start - now > SKEW or flags & _INVALID:
        raise ValueError("service ticket provided is not yet valid")
    if now - _moment(ticket[7]) > SKEW:
        raise ValueError("service ticket provided has expired")


def _check_address(ticket: dict[int, bytes], address: str) -> None:
    """Refuse a client whose address is not among those of its ticket, if there are any."""
    if 9 not in ticket:
        return
    reader, accepted = DerReader(ticket[9]).enter(), []
    while reader.more:
        host = _fields(reader.skip())
        accepted.append((_integer(host[0]), DerReader(host[1]).read(OCTETS)))
    own = ip_address(address)
    if accepted and (_IPV4 if own.version == 4 else _IPV6, own.packed) not in accepted:
        raise ValueError("client address not within the list contained in the service ticket")


def _fields(sequence: bytes) -> dict[int, bytes]:
    """Return the members of a SEQUENCE, whose tags are numbers, without their tags."""
    reader, found = DerReader(sequence).enter(), {}
    while reader.more:
        element = reader.skip()
        found[element[0] & 0x1F] = DerReader(element).read(element[0])
    return _Fields(found)


class _Fields(dict[int, bytes]):
    """Members by number; one that is missing is a ValueError."""

    def __missing__(self, number: int) -> bytes:
        raise ValueError(f"asn1: structure error: member {number} is missing")


def _encrypted(element: bytes) -> _Encrypted:
    members = _fields(element)
    version = _integer(members[1]) if 1 in members else 0
    return _Encrypted(_integer(members[0]), version, DerReader(members[2]).read(OCTETS))


def _name(element: bytes) -> tuple[str, ...]:
    """Return the components of a principal."""
    reader, parts = DerReader(_fields(element)[1]).enter(), []
    while reader.more:
        parts.append(reader.read(_TEXT).decode("utf-8", "replace"))
    return tuple(parts)


def _string(element: bytes) -> str:
    return DerReader(element).read(_TEXT).decode("utf-8", "replace")


def _integer(element: bytes) -> int:
    return int.from_bytes(DerReader(element).read(INTEGER), "big", signed=True)


def _moment(element: bytes) -> int:
    text = DerReader(element).read(_TIME).decode("ascii", "replace")
    return timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))
