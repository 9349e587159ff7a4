"""A small LDAP directory on a real socket: binds by password, searches with and, or and equality, changes entries."""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mockkms.outside import ber
from mockkms.outside.ldap import BASE

Entries = dict[str, dict[str, list[str]]]


class Directory(socketserver.ThreadingTCPServer):
    """``entries``: attributes by DN; ``userpassword`` is what binds. ``seen``: every bind and search."""

    daemon_threads = True

    def __init__(self, entries: Entries, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tls = tls
        self.entries = {dn: dict(attributes) for dn, attributes in entries.items()}
        self.seen: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"ldap{'s' if self.tls else ''}://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> tuple[socket.socket, Any]:
        accepted, address = super().get_request()
        if self.tls is not None:
            accepted = self.tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        return accepted, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that mistrust the certificate go away; that is theirs to tell."""


class _Handler(socketserver.BaseRequestHandler):
    server: Directory

    def handle(self) -> None:
        kept = b""
        while more := self.request.recv(65536):
            kept += more
            while len(kept) > 1 and len(kept) >= (end := ber.head(kept)[2]):
                message, kept = kept[:end], kept[end:]
                [(_, body)] = ber.elements(message)
                (_, number), (tag, value), *_ = ber.elements(body)
                for answer in self.answers(tag, value):
                    whole = ber.tlv(ber.SEQUENCE, ber.tlv(ber.INTEGER, number), answer)
                    # In two pieces, as a network may hand them over.
                    self.request.sendall(whole[:5])
                    self.request.sendall(whole[5:])

    def answers(self, tag: int, value: bytes) -> Iterator[bytes]:
        parts = [part for _, part in ber.elements(value)] if tag != 0x4A else []
        if tag == 0x60:
            dn, password = parts[1].decode(), parts[2].decode()
            self.server.seen.append(("bind", dn))
            known = self.server.entries.get(dn, {}).get("userpassword")
            yield _done(0x61, 0 if not password or known == [password] else 49)
        elif tag == 0x63:
            base, filter, limit = parts[0].decode(), value_after(value, 6), int.from_bytes(parts[3], "big")
            self.server.seen.append(("search", base))
            wanted = [name.decode() for _, name in ber.elements(parts[7])]
            whole = int.from_bytes(parts[1], "big") != BASE
            below = [
                item for item in self.server.entries.items() if item[0] == base or (whole and item[0].endswith(base))
            ]
            found = [item for item in below if fits(filter, *item)]
            for dn, attributes in found[: limit or None]:
                shown = {name: values for name, values in attributes.items() if not wanted or name in wanted}
                yield ber.tlv(0x64, ber.text(dn), ber.tlv(ber.SEQUENCE, *map(_attribute, shown.items())))
            yield _done(0x65, 0 if base else 32)
        elif tag == 0x66:
            dn = parts[0].decode()
            self.server.seen.append(("modify", dn))
            for _, change in ber.elements(parts[1]):
                (_, kind), (_, attribute) = ber.elements(change)
                name, new = attribute_of(attribute)
                old = self.server.entries[dn].get(name, []) if kind == bytes([0]) else []
                self.server.entries[dn][name] = [*old, *new]
            yield _done(0x67, 0)
        elif tag == 0x68:
            dn = parts[0].decode()
            self.server.seen.append(("add", dn))
            known = dn in self.server.entries
            if not known:
                self.server.entries[dn] = dict(attribute_of(one) for _, one in ber.elements(parts[1]))
            yield _done(0x69, 68 if known else 0)
        elif tag == 0x4A:
            dn = value.decode()
            self.server.seen.append(("delete", dn))
            yield _done(0x6B, 0 if self.server.entries.pop(dn, None) is not None else 32)
        elif tag == 0x77:
            yield _done(0x78, 2)


def value_after(value: bytes, count: int) -> tuple[int, bytes]:
    return list(ber.elements(value))[count]


def attribute_of(attribute: bytes) -> tuple[str, list[str]]:
    (_, name), (_, values) = ber.elements(attribute)
    return name.decode().lower(), [value.decode("utf-8", "surrogateescape") for _, value in ber.elements(values)]


def fits(filter: tuple[int, bytes], dn: str, attributes: dict[str, list[str]]) -> bool:
    tag, value = filter
    if tag == 0x87:
        return True
    if tag in (0xA0, 0xA1):
        return (all if tag == 0xA0 else any)(fits(part, dn, attributes) for part in ber.elements(value))
    assert tag == 0xA3, "the filters of these tests compare"
    (_, name), (_, wanted) = ber.elements(value)
    return wanted.decode() in attributes.get(name.decode().lower(), [])


def _attribute(item: tuple[str, list[str]]) -> bytes:
    return ber.tlv(ber.SEQUENCE, ber.text(item[0]), ber.tlv(ber.SET, *map(ber.text, item[1])))


def _done(tag: int, code: int) -> bytes:
    return ber.tlv(tag, ber.integer(code, ber.ENUM), ber.text(""), ber.text("said so" if code else ""))


@contextmanager
def running(entries: Entries, tls: ssl.SSLContext | None = None) -> Iterator[Directory]:
    """A directory that answers until the end of the block."""
    with Directory(entries, tls) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def entry(dn: str, **attributes: Any) -> Entries:
    """One entry; its naming attribute is told by the DN."""
    found = re.match(r"(\w+)=([^,]+)", dn)
    assert found
    named = {found[1]: [found[2]]}
    return {
        dn: named | {name: [value] if isinstance(value, str) else list(value) for name, value in attributes.items()}
    }
