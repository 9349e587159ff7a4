"""OpenSSH's public keys: what is refused, in the words of ``golang.org/x/crypto/ssh`` 0.54 and, unbounded, 0.41."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockkms.crypto import CryptoError, ssh_public

_P256, _P384 = (
    ec.derive_private_key(7, curve).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for curve in (ec.SECP256R1(), ec.SECP384R1())
)
_ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
_DEVICE, _DEVICE_ECDSA = "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


def _line(name: str, *fields: bytes | int) -> str:
    raw = [
        one if isinstance(one, bytes) else one.to_bytes(one.bit_length() // 8 + 1, "big", signed=True) for one in fields
    ]
    return f"{name} {base64.b64encode(b''.join(map(_string, [name.encode(), *raw]))).decode()} a comment"


def _odd(bits: int) -> int:
    return (1 << (bits - 1)) + 1


@pytest.mark.parametrize(
    ("line", "kind", "bits"),
    [
        (_line("ssh-rsa", 65537, _odd(8192)), "rsa", 8192),
        (_line("ssh-dss", _odd(1024), _odd(160), 5, 7), "dsa", 1024),
        (_line("ecdsa-sha2-nistp384", b"nistp384", _P384), "ecdsa", 384),
        (_line(_DEVICE_ECDSA, b"nistp256", _P256, b"ssh:"), "ecdsa", 256),
        (_line("ssh-ed25519", _ED25519), "ed25519", 0),
        (_line(_DEVICE, _ED25519, b"ssh:"), "ed25519", 0),
    ],
)
def test_keys_have_a_kind_and_a_size(line: str, kind: str, bits: int) -> None:
    key = ssh_public.parse_public(line)
    assert (key.kind, key.bits, key.line.strip()) == (kind, bits, line.removesuffix(" a comment"))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("!", "illegal base64 data at input byte 0"),
        ("AAAA", "ssh: short read"),
        (_line("ssh-rsa"), "ssh: parse error in message type 0"),
        (_line("ssh-rsa", 65537), "ssh: short read"),
        (_line("ssh-rsa", 65537, _odd(2048), 1), "ssh: trailing junk in public key"),
        (_line("ssh-rsa", 1, _odd(2048)), "ssh: incorrect exponent"),
        (_line("ssh-rsa", 65536, _odd(2048)), "ssh: incorrect exponent"),
        (_line("ssh-rsa", _odd(26), _odd(2048)), "ssh: exponent too large"),
        (_line("ssh-dss", _odd(2048), _odd(160), 5, 7), "ssh: unsupported DSA key size 2048"),
        (_line("ecdsa-sha2-nistp256", b"nistp256", b""), "ssh: invalid curve point"),
        (_line("ecdsa-sha2-nistp256", b"nistp256", b"\2" + _P256[1:33]), "ssh: invalid curve point"),
        (_line(_DEVICE_ECDSA, b"nistp384", _P384, b"ssh:"), "ssh: unsupported curve"),
        (_line(_DEVICE, _ED25519), "ssh: unmarshal error for field Application of type "),
        (_line("ssh-ed25519", _ED25519[1:]), "invalid size 31 for Ed25519 public key"),
        (_line("ssh-foo", 3), "ssh: unknown key algorithm: ssh-foo"),
        (_line("ssh-rsa-cert-v01@openssh.com", 3),
         "ssh: unknown certificate type for key type ssh-rsa-cert-v01@openssh.com"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bounded", [True, False])
def test_what_is_no_key_is_refused(line: str, text: str, *, bounded: bool) -> None:
    with pytest.raises(CryptoError) as refused:
        ssh_public.parse_public(line, bounded=bounded)
    assert str(refused.value) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (_line("ssh-rsa", 65537, _odd(8193)), "ssh: rsa modulus too large"),
        (_line("ssh-dss", _odd(1024), _odd(200), 5, 7), "ssh: unsupported DSA sub-prime size 200"),
        (_line("ssh-dss", _odd(1024), _odd(160), _odd(1024), 7), "ssh: DSA generator larger than modulus"),
        (_line("ssh-dss", _odd(1024), _odd(160), 0, 7), "ssh: DSA generator must be positive"),
        (_line("ssh-dss", _odd(1024), _odd(160), 5, 0), "ssh: DSA public value Y out of range"),
        (_line("ecdsa-sha2-nistp256", b"nistp384", _P384),
         'ssh: algorithm type mismatch: expected "ecdsa-sha2-nistp256", found curve "nistp384" '
         '(type "ecdsa-sha2-nistp384")'),
    ],
)  # fmt: skip
def test_bounds_can_be_left_out(line: str, text: str) -> None:
    with pytest.raises(CryptoError) as refused:
        ssh_public.parse_public(line)
    assert str(refused.value) == text
    assert ssh_public.parse_public(line, bounded=False)


def test_a_name_of_signatures_is_no_name_of_keys() -> None:
    line = _line("rsa-sha2-256", 65537, _odd(2048))
    with pytest.raises(CryptoError, match=r'"rsa-sha2-256" isn.t a key format; .* re-encoded with type "ssh-rsa"$'):
        ssh_public.parse_public(line)
    with pytest.raises(CryptoError, match=r"^ssh: unknown key algorithm: rsa-sha2-256$"):
        ssh_public.parse_public(line, bounded=False)
