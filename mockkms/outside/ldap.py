"""A client for the LDAP directory that a test started on this machine: bind, search and change, plain or over TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Self

from mockkms.error_context import error_context
from mockkms.outside import PATIENCE, ber, filters, remaining
from mockkms.outside.turn import waiting

BASE, SUBTREE = 0, 2
"""Scopes of a search."""
_REPLACE = 2
_CHANGES = {"add": 0, "delete": 1, "replace": _REPLACE}
Attributes = Sequence[tuple[str, Sequence[bytes]]]
"""Names with their values."""
_NAMES = {
    1: "Operations Error", 2: "Protocol Error", 4: "Size Limit Exceeded", 8: "Strong Auth Required",
    10: "Referral", 12: "Unavailable Critical Extension", 16: "No Such Attribute", 17: "Undefined Attribute Type",
    19: "Constraint Violation", 20: "Attribute Or Value Exists", 21: "Invalid Attribute Syntax", 32: "No Such Object",
    34: "Invalid DN Syntax", 48: "Inappropriate Authentication", 49: "Invalid Credentials",
    50: "Insufficient Access Rights", 51: "Busy", 52: "Unavailable", 53: "Unwilling To Perform",
    64: "Naming Violation", 65: "Object Class Violation", 66: "Not Allowed On Non Leaf", 68: "Entry Already Exists",
    80: "Other",
    200: "Network Error", 201: "Filter Compile Error",
}  # fmt: skip
_START_TLS = "1.3.6.1.4.1.1466.20037"
_LARGEST = 1 << 24
_LATE = "ldap: connection timed out"
_UNREAD = "unable to read LDAP response packet: "


class LdapError(Exception):
    """An error of the directory or the connection, with the text of Go's LDAP client; ``code`` 0: of its transport."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f'LDAP Result Code {code} "{_NAMES.get(code, "")}": {text}' if code else text)
        self.code = code


@dataclass
class LdapEntry:
    """One result of a search."""

    dn: str
    attributes: dict[str, list[str]] = field(default_factory=dict)
    """Values by name, in lower case."""


class LdapConnection:
    """A connection to a directory. Every method raises LdapError."""

    def __init__(
        self,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        connect_seconds: float = PATIENCE,
        request_seconds: float = PATIENCE,
    ) -> None:
        """Connect, over TLS if a context is given. Raises OSError.

        ``request_seconds`` are for all requests on this connection together, with their whole answers. Neither limit
        is above ``PATIENCE``.
        """
        self.host, self._number, self._kept = host, 0, b""
        self._until = monotonic() + min(request_seconds, PATIENCE)
        with waiting():
            self._socket = socket.create_connection((host, port), timeout=min(connect_seconds, PATIENCE))
        here, there = map(_address, (self._socket.getsockname(), self._socket.getpeername()))
        self._reset = f"{_UNREAD}read tcp {here}->{there}: read: connection reset by peer"
        if tls is not None:
            self._secure(tls)

    def _secure(self, tls: ssl.SSLContext) -> None:
        try:
            with waiting():
                self._socket = tls.wrap_socket(self._socket, server_hostname=self.host)
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def start_tls(self, tls: ssl.SSLContext) -> None:
        """Start TLS. Raises OSError too."""
        self._send(ber.tlv(0x77, ber.text(_START_TLS, 0x80)))
        _check(self._received()[1])
        self._secure(tls)

    def bind(self, dn: str, password: str) -> None:
        """Bind as ``dn``; with an empty password without authentication."""
        self._send(ber.tlv(0x60, ber.integer(3), ber.text(dn), ber.text(password, 0x80)))
        _check(self._received()[1])

    def search(
        self, base: str, search_filter: str, attributes: list[str], scope: int = SUBTREE, limit: int = 0
    ) -> list[LdapEntry]:
        """Return the entries below ``base`` that match the filter, with these attributes; an empty list: all."""
        with error_context("ldap: ", partial(LdapError, 201)):
            wanted = filters.encoded(search_filter)
        names = ber.tlv(ber.SEQUENCE, *map(ber.text, attributes))
        numbers = (ber.integer(scope, ber.ENUM), ber.integer(0, ber.ENUM), ber.integer(limit), ber.integer(0))
        self._send(ber.tlv(0x63, ber.text(base), *numbers, ber.tlv(ber.BOOLEAN, b"\0"), wanted, names))
        found: list[LdapEntry] = []
        size = 0
        while True:
            tag, value = self._received()
            if tag == 0x64:
                size += len(value)
                if size > _LARGEST:
                    raise LdapError(200, "response too large")
                found.append(_entry(value))
            elif tag == 0x65:
                _check(value)
                return found

    def replace(self, dn: str, attribute: str, value: bytes) -> None:
        """Replace the values of an entry's attribute by one value."""
        self.modify(dn, [("replace", attribute, [value])])

    def modify(self, dn: str, changes: Sequence[tuple[str, str, Sequence[bytes]]]) -> None:
        """Change an entry. Each change is ``add``, ``delete`` or ``replace``, with an attribute and values."""
        listed = [
            ber.tlv(ber.SEQUENCE, ber.integer(_CHANGES[kind], ber.ENUM), _attribute(name, values))
            for kind, name, values in changes
        ]
        self._send(ber.tlv(0x66, ber.text(dn), ber.tlv(ber.SEQUENCE, *listed)))
        _check(self._received()[1])

    def add(self, dn: str, attributes: Attributes) -> None:
        """Add an entry."""
        listed = [_attribute(name, values) for name, values in attributes]
        self._send(ber.tlv(0x68, ber.text(dn), ber.tlv(ber.SEQUENCE, *listed)))
        _check(self._received()[1])

    def delete(self, dn: str) -> None:
        """Delete an entry."""
        self._send(ber.text(dn, 0x4A))
        _check(self._received()[1])

    def _send(self, operation: bytes) -> None:
        self._number += 1
        with (
            error_context(raised=partial(LdapError, 200), of=OSError),
            error_context(raised=OSError, of=TimeoutError, text=_LATE),
            error_context(raised=ConnectionResetError, of=ConnectionError, text="ldap: connection closed"),
        ):
            self._socket.settimeout(remaining(self._until))
            self._socket.sendall(ber.tlv(ber.SEQUENCE, ber.integer(self._number), operation))

    def _received(self) -> tuple[int, bytes]:
        """Return tag and value of the next response."""
        with (
            error_context(raised=partial(LdapError, 200), of=(OSError, ValueError)),
            error_context(raised=partial(LdapError, 0), of=ConnectionError, text=self._reset),
            error_context(raised=partial(LdapError, 200), of=TimeoutError, text=_LATE),
        ):
            while True:
                message = self._taken()
                if message is not None:
                    (_, number), (tag, value), *_ = ber.elements(message)
                    if int.from_bytes(number, "big") == self._number:
                        return tag, value
                    continue
                self._socket.settimeout(remaining(self._until))
                with waiting():
                    more = self._socket.recv(65536)
                if not more:
                    raise LdapError(0, f"{_UNREAD}{'unexpected EOF' if self._kept else 'EOF'}")
                if len(self._kept) > _LARGEST:
                    raise LdapError(200, "ldap: connection closed")
                self._kept += more

    def _taken(self) -> bytes | None:
        """Return the next complete message received, or None."""
        if len(self._kept) < 2 or (self._kept[1] & 0x80 and len(self._kept) < 2 + (self._kept[1] & 0x7F)):
            return None
        _, start, end = ber.head(self._kept)
        if len(self._kept) < end:
            return None
        message, self._kept = self._kept[start:end], self._kept[end:]
        return message


def _address(name: tuple[object, ...]) -> str:
    """Return an address of a socket as Go writes it."""
    host, port, *_ = name
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def _attribute(name: str, values: Sequence[bytes]) -> bytes:
    return ber.tlv(ber.SEQUENCE, ber.text(name), ber.tlv(ber.SET, *map(ber.text, values)))


def _check(result: bytes) -> None:
    with error_context("ldap: ", partial(LdapError, 2)):
        (_, code), _, (_, text), *_ = ber.elements(result)
    number = int.from_bytes(code, "big")
    if number:
        raise LdapError(number, text.decode("utf-8", "replace"))


def _entry(value: bytes) -> LdapEntry:
    with error_context("ldap: ", partial(LdapError, 2)):
        (_, dn), (_, attributes) = ber.elements(value)
        found = LdapEntry(dn.decode("utf-8", "replace"))
        for _, attribute in ber.elements(attributes):
            (_, name), (_, values) = ber.elements(attribute)
            texts = [text.decode("utf-8", "replace") for _, text in ber.elements(values)]
            found.attributes[name.decode("utf-8", "replace").lower()] = texts
    return found
