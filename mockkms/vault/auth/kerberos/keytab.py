"""Keytabs: the keys of services. Source: the page "Keytab file format" of MIT Kerberos."""

from __future__ import annotations

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

    def take(self, size: int) -> bytes:
        if size < 0 or size > self.left:
            raise ValueError(f"could not read {size} bytes at {self.at} of {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little" if self._order == "little" else "big", signed=signed)

    def text(self) -> str:
        return self.take(self.number(2)).decode("utf-8", "replace")


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
    while reader.left >= 4:
        size = reader.number(4, signed=True)
        if size == 0:
            break
        if size < 0:  # A deleted entry.
            reader.take(min(-size, reader.left))
        else:
            found.append(_entry(_Bytes(reader.take(size), order), first=data[1] == 1))
    return found


def _entry(reader: _Bytes, *, first: bool) -> KeytabEntry:
    count = reader.number(2) - (1 if first else 0)
    realm = reader.text()
    components = tuple(reader.text() for _ in range(count))
    if not first:
        reader.number(4)
    time, version, kind = reader.number(4), reader.number(1), reader.number(2)
    key = reader.take(reader.number(2))
    longer = reader.number(4) if reader.left >= 4 else 0
    return KeytabEntry(components, realm, time, longer or version, kind, key)


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
