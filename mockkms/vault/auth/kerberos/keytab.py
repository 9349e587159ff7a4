"""Keytabs: the keys of services. Source: the page "Keytab file format" of MIT Kerberos."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class KeytabEntry:
    """A key of a principal."""

    components: tuple[str, ...]
    """Of the principal: ``HTTP``, ``host.example.org``."""
    realm: str
    time: int
    """When it was written, in seconds since the epoch."""
    version: int
    kind: int
    """Number of the encryption type."""
    key: bytes


class _Bytes:
    """Numbers and texts one after the other."""

    def __init__(self, data: bytes, order: str) -> None:
        self.data, self.at = data, 0
        self._order = order

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int, word: str = "greater") -> bytes:
        """Return the next bytes. Raises ValueError with the text of the real server's library, contradictory as it is.

        Args:
            size: The number of bytes.
            word: How the text compares the data's length with the one that is needed.
        """
        if size < 0:
            raise ValueError(f"{size} cannot be less than zero")
        if size > self.left:
            raise too_short(self.data, self.at + size, word)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int, *, signed: bool = False) -> int:
        taken = self.take(size, "less")
        return int.from_bytes(taken, "little" if self._order == "little" else "big", signed=signed)

    def text(self) -> str:
        return self.take(self.number(2, signed=True)).decode("utf-8", "replace")


def too_short(data: bytes, needed: int, word: str = "less") -> ValueError:
    """Return the error for data that ends too early: it shows the data as text."""
    return ValueError(f"{data.decode('utf-8', 'replace')}'s length is {word} than {needed}")


def parse(data: bytes) -> list[KeytabEntry]:
    """Return the entries of a keytab. Raises ValueError."""
    if len(data) < 2:
        raise ValueError(f"byte array is less than 2 bytes: {len(data)}")
    if data[0] != 5:
        raise ValueError("invalid keytab data. First byte does not equal 5")
    if data[1] not in (1, 2):
        raise ValueError("invalid keytab data. Keytab version is neither 1 nor 2")
    # Version 1 has the byte order of the machine that wrote it.
    order = "big" if data[1] == 2 else "little"
    reader, found = _Bytes(data, order), []
    reader.take(2)
    size = reader.number(4, signed=True)
    while size:
        if size < 0:  # A deleted entry.
            reader.take(min(-size, reader.left))
        else:
            found.append(_entry(_Bytes(reader.take(size, "less"), order), first=data[1] == 1))
        size = reader.number(4, signed=True) if reader.left >= 4 else 0
    return found


def _entry(reader: _Bytes, *, first: bool) -> KeytabEntry:
    realm, components = "", []
    with suppress(ValueError):  # The library ignores that a principal is incomplete, and reads on.
        count = reader.number(2, signed=True) - (1 if first else 0)
        realm = reader.text()
        for _ in range(count):
            components.append(reader.text())
        if not first:
            reader.number(4)
    time, version, kind = reader.number(4), reader.number(1), reader.number(2)
    key = reader.take(reader.number(2))
    longer = reader.number(4) if reader.left >= 4 else 0
    return KeytabEntry(tuple(components), realm, time, longer or version, kind, key)


def key_for(entries: list[KeytabEntry], name: tuple[str, ...], realm: str, version: int, kind: int) -> bytes:
    """Return the newest key of a principal; ``version`` 0 is any. Raises ValueError."""
    known = [
        entry
        for entry in entries
        if (entry.components, entry.realm, entry.kind) == (name, realm, kind) and version in (0, entry.version)
    ]
    if not known:
        raise ValueError(
            f'matching key not found in keytab. Looking for "{"/".join(name)}" realm: {realm} kvno: {version} '
            f"etype: {kind}"
        )
    return max(known, key=lambda entry: entry.time).key
