"""Signed data in PKCS#7: messages that ``cryptography`` and ``openssl`` make."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7 as made_by

from mockkms.crypto import CryptoError, pkcs7
from mockkms.crypto.encoding.der_write import tlv
from tests.vault.auth.cloud.clouds import KEY, certificate, certificate_pem

_CONTENT = b"content\n"


def message(key: Any = KEY, algorithm: Any = None, options: Any = ()) -> bytes:
    builder = made_by.PKCS7SignatureBuilder().set_data(_CONTENT)
    signed = builder.add_signer(certificate(key), key, algorithm or hashes.SHA256())
    chosen: list[made_by.PKCS7Options] = [made_by.PKCS7Options.Binary, *options]
    return signed.sign(serialization.Encoding.DER, chosen)


@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
@pytest.mark.parametrize("options", [(), (made_by.PKCS7Options.NoAttributes,), (made_by.PKCS7Options.NoCerts,)])
def test_messages_of_rsa(algorithm: hashes.HashAlgorithm, options: tuple[made_by.PKCS7Options, ...]) -> None:
    assert pkcs7.verified_content(message(KEY, algorithm, options), [certificate()]) == _CONTENT


def test_messages_of_elliptic_curves() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert pkcs7.verified_content(message(key), [certificate(key)]) == _CONTENT


def test_messages_of_dsa_by_openssl(tmp_path: Path) -> None:
    """AWS signs its documents with DSA."""
    key = dsa.generate_private_key(2048)
    signer = certificate(key)
    (tmp_path / "cert.pem").write_text(certificate_pem(signer), encoding="utf-8")
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "content").write_bytes(_CONTENT)
    command = (
        "openssl smime -sign -binary -nodetach -outform DER -signer cert.pem -inkey key.pem -in content -md sha256"
    )
    made = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout
    assert pkcs7.verified_content(made, [signer]) == _CONTENT
    streamed = subprocess.run([*command.split(), "-stream"], cwd=tmp_path, capture_output=True, check=True, timeout=60)
    assert streamed.stdout[1] == 0x80, "of indefinite length"
    assert pkcs7.verified_content(streamed.stdout, [signer]) == _CONTENT


def test_messages_that_are_refused() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(CryptoError, match="failed to verify the signature: pkcs7: No certificate for signer"):
        pkcs7.verified_content(message(), [certificate(KEY, "other")])
    with pytest.raises(CryptoError, match="failed to verify the signature: x509: signature is not valid"):
        pkcs7.verified_content(message(), [certificate(other)])
    changed = message().replace(b"content", b"CONTENT")
    with pytest.raises(CryptoError, match="pkcs7: Message digest mismatch"):
        pkcs7.verified_content(changed, [certificate()])
    for odd in (b"", b"\x30", b"\x30\x05", tlv(0x30, tlv(0x06, b"\x2a")), b"\x30\x80" * 500, message()[:-5]):
        with pytest.raises(CryptoError, match="failed to parse the BER encoded PKCS#7 signature: "):
            pkcs7.verified_content(odd, [certificate()])
