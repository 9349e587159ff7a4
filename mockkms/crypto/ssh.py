"""OpenSSH keys and certificates on the wire (RFC 4251, RFC 4253, OpenSSH's PROTOCOL.certkeys).

Certificates are encoded here because ``cryptography`` does not let callers choose the hash of the signature.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from mockkms.crypto import CryptoError
from mockkms.crypto.asymmetric import check_rsa
from mockkms.crypto.ssh_public import PublicKey, read_string
from mockkms.error_context import error_context

USER, HOST = 1, 2
_SKIP = "unsafe_skip_rsa_key_validation"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "ssh-rsa": hashes.SHA1(),
    "rsa-sha2-256": hashes.SHA256(),
    "rsa-sha2-512": hashes.SHA512(),
}
_BY_CURVE: dict[str, hashes.HashAlgorithm] = {
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}
_CERTIFICATE = "-cert-v01@openssh.com"

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def load_private(text: str) -> Private:
    """Return a private key in PEM or OpenSSH's form, not encrypted. Raises CryptoError."""
    unreadable = (ValueError, TypeError, UnsupportedAlgorithm)
    with error_context(raised=CryptoError, of=unreadable, text="ssh: no key found"):
        key: object = _loaded(text)
        check_rsa(key)
    if not isinstance(key, Private):
        raise CryptoError(f"ssh: unsupported key type {type(key).__name__}")
    return key


def _loaded(text: str) -> object:
    if "OPENSSH PRIVATE KEY" not in text:
        return load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
    # Older releases of the library have no such parameter here, and check RSA keys for a second.
    skip = {_SKIP: True} if _SKIP in signature(load_ssh_private_key).parameters else {}
    return load_ssh_private_key(text.encode(), None, **skip)


def public_of(private: Private) -> PublicKey:
    """Return the public half."""
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return PublicKey(base64.b64decode(line.split(b" ")[1]))


def openssh_pem(private: Private) -> str:
    """Return the key in OpenSSH's own form."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@dataclass
class SshCertificate:
    """The content of a certificate. Times are seconds since the epoch."""

    key: PublicKey
    serial: int
    kind: int
    key_id: str
    principals: Sequence[str]
    valid_after: int
    valid_before: int
    nonce: bytes
    critical_options: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)

    def signed(self, private: Private, algorithm: str = "") -> str:
        """Return the certificate as a line of ``authorized_keys``. Raises CryptoError for an algorithm of other keys.

        ``algorithm`` is for RSA keys alone: ``ssh-rsa``, ``rsa-sha2-256`` or ``rsa-sha2-512``.
        """
        name, rest = read_string(self.key.blob)
        certificate_name = name.replace(b"@openssh.com", b"") + _CERTIFICATE.encode()
        body = b"".join((
            _string(certificate_name), _string(self.nonce), rest, struct.pack(">QI", self.serial, self.kind),
            _string(self.key_id.encode()), _string(b"".join(_string(one.encode()) for one in self.principals)),
            struct.pack(">QQ", self.valid_after % (1 << 64), self.valid_before % (1 << 64)),
            _options(self.critical_options), _options(self.extensions), _string(b""),
            _string(public_of(private).blob),
        ))  # fmt: skip
        whole = body + _string(_signature(private, algorithm, body))
        return f"{certificate_name.decode()} {base64.b64encode(whole).decode()}\n"


def _signature(private: Private, algorithm: str, data: bytes) -> bytes:
    name = public_of(private).name
    if isinstance(private, rsa.RSAPrivateKey):
        chosen = algorithm or "ssh-rsa"
        return _string(chosen.encode()) + _string(private.sign(data, padding.PKCS1v15(), _HASHES[chosen]))
    if algorithm and algorithm != name:
        raise CryptoError(f'ssh: unsupported signature algorithm "{algorithm}" for key format "{name}"')
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return _string(name.encode()) + _string(private.sign(data))
    r, s = decode_dss_signature(private.sign(data, ec.ECDSA(_BY_CURVE[name])))
    return _string(name.encode()) + _string(_number(r) + _number(s))


def _options(options: Mapping[str, str]) -> bytes:
    written = []
    for name in sorted(options):
        value = options[name].encode()
        written.append(_string(name.encode()) + _string(_string(value) if value else b""))
    return _string(b"".join(written))


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _number(value: int) -> bytes:
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))
