"""OpenSSH's public keys on the wire (RFC 4253, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f), with the errors of Go.

The texts of the errors, and what is refused, are those of ``golang.org/x/crypto/ssh``, by which Vault reads keys.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context

_CURVES: dict[bytes, ec.EllipticCurve] = {
    b"nistp256": ec.SECP256R1(),
    b"nistp384": ec.SECP384R1(),
    b"nistp521": ec.SECP521R1(),
}
_KINDS = {
    "ssh-rsa": "rsa",
    "ssh-dss": "dsa",
    "ssh-ed25519": "ed25519",
    "sk-ssh-ed25519@openssh.com": "ed25519",
    "sk-ecdsa-sha2-nistp256@openssh.com": "ecdsa",
    **{f"ecdsa-sha2-{curve.decode()}": "ecdsa" for curve in _CURVES},
}
_CERTIFICATE = "-cert-v01@openssh.com"
_CERTIFIED = {name.removesuffix("@openssh.com") + _CERTIFICATE for name in _KINDS}
_FORMATS = {f"rsa-sha2-{size}{suffix}": f"ssh-rsa{suffix}" for size in (256, 512) for suffix in ("", _CERTIFICATE)}
_MAX_MODULUS = 8192
_MAX_EXPONENT = 24


@dataclass(frozen=True)
class PublicKey:
    """A public key by its wire form."""

    blob: bytes

    @property
    def name(self) -> str:
        """The key's algorithm, such as ``ssh-ed25519``."""
        return read_string(self.blob)[0].decode("ascii", "replace")

    @property
    def kind(self) -> str:
        """``rsa``, ``dsa``, ``ecdsa``, ``ed25519``, or the algorithm's name for others."""
        return _KINDS.get(self.name, self.name)

    @property
    def bits(self) -> int:
        """Size of an RSA or DSA key, or of the curve; 0 for others."""
        parts = _WireFields(read_string(self.blob)[1])
        if self.kind == "rsa":
            parts.number()
            return parts.number().bit_length()
        if self.kind == "dsa":
            return parts.number().bit_length()
        return _CURVES[parts.string()].key_size if self.kind == "ecdsa" else 0

    @property
    def line(self) -> str:
        """The key as a line of ``authorized_keys``, with a line break."""
        return f"{self.name} {base64.b64encode(self.blob).decode()}\n"


def read_string(blob: bytes) -> tuple[bytes, bytes]:
    """Return the first string of a wire form, and what follows. Raises CryptoError."""
    if len(blob) < 4:
        raise CryptoError("ssh: short read")
    size = struct.unpack(">I", blob[:4])[0]
    if len(blob) < 4 + size:
        raise CryptoError("ssh: short read")
    return blob[4 : 4 + size], blob[4 + size :]


def parse_public(text: str, *, bounded: bool = True) -> PublicKey:
    """Return a public key: a line of ``authorized_keys``, or only its base64. Raises CryptoError.

    Args:
        text: The line. Its second word is the key; the algorithm is that of the wire form.
        bounded: Whether all that costs time to verify is bounded (RSA keys of at most 8192 bits, the parameters of
            DSA), and an ECDSA key's algorithm has to be that of its curve, as since ``x/crypto`` 0.52.
    """
    words = text.split(" ")
    with error_context(raised=CryptoError):
        blob = b64.decode(words[1] if len(words) > 1 else text)
    encoded, rest = read_string(blob)
    name = encoded.decode("utf-8", "replace")
    fields = _WireFields(rest)
    kind = _KINDS.get(name)
    if kind is None:
        raise CryptoError(_unknown(name, bounded=bounded))
    if not rest:
        raise CryptoError("ssh: parse error in message type 0")
    if kind == "rsa":
        _check_rsa(fields, bounded=bounded)
    elif kind == "dsa":
        _check_dsa(fields, bounded=bounded)
    elif kind == "ecdsa":
        _check_ecdsa(fields, name, bounded=bounded)
    else:
        _check_ed25519(fields, key_of_device=name.startswith("sk-"))
    if fields.rest:
        raise CryptoError("ssh: trailing junk in public key")
    return PublicKey(blob)


class _WireFields:
    """Reads one field after the other of a wire form; each may raise CryptoError."""

    def __init__(self, blob: bytes) -> None:
        self.rest = blob

    def string(self) -> bytes:
        found, self.rest = read_string(self.rest)
        return found

    def text(self, name: str) -> bytes:
        """Return the next field, of which errors say the name."""
        with error_context(raised=CryptoError, text=f"ssh: unmarshal error for field {name} of type "):
            return self.string()

    def number(self) -> int:
        return int.from_bytes(self.string(), "big", signed=True)


def _unknown(name: str, *, bounded: bool) -> str:
    """Return why the name is not that of a public key."""
    if name in _CERTIFIED:
        # Go reads certificates as keys too, and panics when one is to be certified, with this text.
        return f"ssh: unknown certificate type for key type {name}"
    if bounded and name in _FORMATS:
        return (
            f'ssh: signature algorithm "{name}" isn\'t a key format; key is malformed and should be re-encoded '
            f'with type "{_FORMATS[name]}"'
        )
    return f"ssh: unknown key algorithm: {name}"


def _check_rsa(fields: _WireFields, *, bounded: bool) -> None:
    exponent, modulus = fields.number(), fields.number()
    if bounded and modulus.bit_length() > _MAX_MODULUS:
        raise CryptoError("ssh: rsa modulus too large")
    if exponent.bit_length() > _MAX_EXPONENT:
        raise CryptoError("ssh: exponent too large")
    if exponent < 3 or exponent % 2 == 0:
        raise CryptoError("ssh: incorrect exponent")


def _check_dsa(fields: _WireFields, *, bounded: bool) -> None:
    prime, divisor, generator, public = (fields.number() for _ in range(4))
    if prime.bit_length() != 1024:
        raise CryptoError(f"ssh: unsupported DSA key size {prime.bit_length()}")
    if not bounded:
        return
    if divisor.bit_length() != 160:
        raise CryptoError(f"ssh: unsupported DSA sub-prime size {divisor.bit_length()}")
    if generator >= prime:
        raise CryptoError("ssh: DSA generator larger than modulus")
    if generator <= 0:
        raise CryptoError("ssh: DSA generator must be positive")
    if not 0 < public < prime:
        raise CryptoError("ssh: DSA public value Y out of range")


def _check_ecdsa(fields: _WireFields, name: str, *, bounded: bool) -> None:
    curve_name, point = fields.text("Curve"), fields.string()
    shown = curve_name.decode("utf-8", "replace")
    allowed = [*_CURVES]
    if name.startswith("sk-"):
        fields.text("Application")
        allowed = [b"nistp256"]
    elif bounded and name != f"ecdsa-sha2-{shown}":
        raise CryptoError(
            f'ssh: algorithm type mismatch: expected "{name}", found curve "{shown}" (type "ecdsa-sha2-{shown}")'
        )
    if curve_name not in allowed:
        raise CryptoError("ssh: unsupported curve")
    with error_context(raised=CryptoError, text="ssh: invalid curve point"):
        if not point.startswith(b"\4"):
            raise ValueError
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve_name], point)


def _check_ed25519(fields: _WireFields, *, key_of_device: bool) -> None:
    size = len(fields.string())
    if key_of_device:
        fields.text("Application")
    if size != 32:
        raise CryptoError(f"invalid size {size} for Ed25519 public key")
