"""A KDC of a few lines: it issues tickets for a service, and clients that present them.

Encryption is written out here in the other direction than in the package; both are tied to the vectors of the RFCs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from mockkms.crypto.encoding.der_write import oid, sequence, tlv
from mockkms.vault.auth.kerberos.encryption import derived, derived_sha2

SERVICE = ("HTTP", "vault.example.org")
REALM = "EXAMPLE.ORG"
NOW = 1767268800
_SIZES = {17: 16, 18: 32, 19: 16, 20: 32, 23: 16}


def steal(key: bytes, data: bytes) -> bytes:
    """Encrypt in CBC mode with ciphertext stealing, as RFC 3962 describes it."""
    padded = data + bytes(-len(data) % 16)
    context = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    blocks = context.update(padded)
    if len(blocks) <= 16:
        return blocks
    last = len(data) % 16 or 16
    return blocks[:-32] + blocks[-16:] + blocks[-32:-16][:last]


def encrypt(kind: int, key: bytes, usage: int, plain: bytes) -> bytes:
    if kind == 23:
        own = hmac.digest(key, usage.to_bytes(4, "little"), "md5")
        whole = os.urandom(8) + plain
        checksum = hmac.digest(own, whole, "md5")
        return checksum + rc4(hmac.digest(own, checksum, "md5"), whole)
    whole = os.urandom(16) + plain
    if kind in (17, 18):
        mac = hmac.digest(derived(key, usage, b"\x55"), whole, hashlib.sha1)[:12]
        return steal(derived(key, usage, b"\xaa"), whole) + mac
    digest, size = ("sha256", 16) if kind == 19 else ("sha384", 24)
    cipher = steal(derived_sha2(key, usage, b"\xaa", len(key)), whole)
    return cipher + hmac.digest(derived_sha2(key, usage, b"\x55", size), bytes(16) + cipher, digest)[:size]


def rc4(key: bytes, data: bytes) -> bytes:
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(max(1, (value.bit_length() + 8) // 8), "big"))


def text(value: str) -> bytes:
    return tlv(0x1B, value.encode())


def moment(seconds: float) -> bytes:
    return tlv(0x18, time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds)).encode())


def members(found: dict[int, bytes]) -> bytes:
    return sequence(*(tlv(0xA0 + number, value) for number, value in found.items()))


def name(parts: tuple[str, ...]) -> bytes:
    return members({0: integer(1), 1: sequence(*map(text, parts))})


def keytab(key: bytes, kind: int, service: tuple[str, ...] = SERVICE, version: int = 3) -> str:
    """Return a keytab with one entry, base64."""

    def counted(value: bytes) -> bytes:
        return len(value).to_bytes(2, "big") + value

    entry = len(service).to_bytes(2, "big") + counted(REALM.encode())
    entry += b"".join(counted(part.encode()) for part in service) + (1).to_bytes(4, "big")
    entry += NOW.to_bytes(4, "big") + bytes([version]) + kind.to_bytes(2, "big") + counted(key)
    deleted = (-4).to_bytes(4, "big", signed=True) + bytes(4)
    return base64.b64encode(b"\x05\x02" + deleted + len(entry).to_bytes(4, "big") + entry).decode()


@dataclass
class Ticket:
    """A ticket for the service, and what its client sends with it."""

    client: tuple[str, ...] = ("grace",)
    kind: int = 18
    key: bytes = field(default_factory=lambda: bytes(range(32)))
    start: float = NOW - 60
    end: float = NOW + 3600
    sent: float = NOW
    sender: tuple[str, ...] | None = None
    service: tuple[str, ...] = SERVICE
    addresses: tuple[bytes, ...] = ()
    flags: int = 0
    raw: bool = False

    def __post_init__(self) -> None:
        self.key = self.key[: _SIZES[self.kind]]
        self.session = os.urandom(_SIZES[self.kind])

    def keytab(self, **more: Any) -> str:
        return keytab(self.key, self.kind, **more)

    def ticket(self) -> bytes:
        opened = {
            0: tlv(0x03, b"\0" + self.flags.to_bytes(4, "big")),
            1: members({0: integer(self.kind), 1: tlv(0x04, self.session)}),
            2: text(REALM),
            3: name(self.client),
            4: members({0: integer(0), 1: tlv(0x04, b"")}),
            5: moment(self.start),
            6: moment(self.start),
            7: moment(self.end),
        }
        if self.addresses:
            opened[9] = sequence(*(members({0: integer(2), 1: tlv(0x04, one)}) for one in self.addresses))
        cipher = encrypt(self.kind, self.key, 2, tlv(0x63, members(opened)))
        part = members({0: integer(self.kind), 1: integer(3), 2: tlv(0x04, cipher)})
        return tlv(0x61, members({0: integer(5), 1: text(REALM), 2: name(self.service), 3: part}))

    def header(self) -> str:
        """Return the value of ``Authorization``."""
        plain = members(
            {
                0: integer(5),
                1: text(REALM),
                2: name(self.sender or self.client),
                4: integer(123),
                5: moment(self.sent),
            }
        )
        cipher = encrypt(self.kind, self.session, 11, tlv(0x62, plain))
        sealed = members({0: integer(self.kind), 2: tlv(0x04, cipher)})
        request = members({0: integer(5), 1: integer(14), 2: tlv(0x03, bytes(5)), 3: self.ticket(), 4: sealed})
        kerberos = oid("1.2.840.113554.1.2.2")
        token = tlv(0x60, kerberos + b"\x01\x00" + tlv(0x6E, request))
        if not self.raw:
            init = members({0: sequence(kerberos), 2: tlv(0x04, token)})
            token = tlv(0x60, oid("1.3.6.1.5.5.2") + tlv(0xA0, init))
        return f"Negotiate {base64.b64encode(token).decode()}"
