"""Placeholders: what stands for a secret has its form, and says nothing else of it."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from mockkms.recording.placeholders import PLACEHOLDER, form_of, placeholder, read_form, usable
from mockkms.recording.secrets import Secrets
from mockkms.vault.golang.number import Number


def stands_for(secret: str, name: str = "") -> str:
    return str(usable(form_of(secret, name), 7))


@pytest.mark.parametrize("secret", [f"hvs.{'a' * 91}", f"hvb.{'B_-' * 40}", f"s.{'x' * 24}", f"hvs.{'a' * 24}.Zl3Tu"])
def test_a_token_keeps_start_namespace_and_length(secret: str) -> None:
    shown = stands_for(secret)
    assert len(shown) == len(secret)
    assert (shown.partition(".")[0], shown.count(".")) == (secret.partition(".")[0], secret.count("."))
    assert form_of(shown, "").kind == "token"
    assert secret[5:20] not in shown


@pytest.mark.parametrize("size", [16, 32, 64])
def test_key_material_in_base64_and_hex_keeps_its_length(size: int) -> None:
    key = bytes(range(200, 200 + size % 56)) * 2
    key = (key * size)[:size]
    assert len(base64.b64decode(stands_for(base64.b64encode(key).decode()), validate=True)) == size
    assert len(bytes.fromhex(stands_for(key.hex()))) == size


def test_the_length_of_other_base64_is_not_kept() -> None:
    shown = {stands_for(base64.b64encode(b"x" * size).decode(), "plaintext") for size in (1, 3, 4, 20, 21, 2000)}
    assert {base64.b64decode(text) for text in shown} == {b"mockkms-redacted-7"}


def test_other_forms() -> None:
    UUID(stands_for("6d5c1c02-5aa3-4f9c-8f5f-3c5a2d1e0b9a"))
    header, claims, _ = stands_for("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2ln").split(".")
    assert b'"exp"' in base64.urlsafe_b64decode(claims + "==")
    assert header.startswith("eyJ")
    assert len(base64.b32decode(stands_for("JBSWY3DPEHPK3PXP"))) == 10
    assert (
        Secrets().show("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP", "")
        == "otpauth://totp/a:b?secret=(mockkms:base32:1)"
    )
    assert stands_for("123456") == "000007"
    assert stands_for("hunter2") == "mockkms-redacted-7"
    assert usable(form_of(4711, ""), 7) == 1007
    assert usable(form_of(Number("1.5"), ""), 7) == Number("8.5")


KEYS = {
    "rsa": (lambda: rsa.generate_private_key(65537, 2048), (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)),
    "ec": (lambda: ec.generate_private_key(ec.SECP384R1()), (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL)),
    "ed25519": (ed25519.Ed25519PrivateKey.generate, (PrivateFormat.PKCS8, PrivateFormat.OpenSSH)),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_private_key_stays_one_of_its_type_and_format(kind: str) -> None:
    make, formats = KEYS[kind]
    key = make()
    for one in formats:
        pem = key.private_bytes(Encoding.PEM, one, NoEncryption()).decode()
        shown = stands_for(pem)
        assert shown.splitlines()[0] == pem.splitlines()[0]
        load = load_ssh_private_key if one is PrivateFormat.OpenSSH else load_pem_private_key
        assert type(load(shown.encode(), None)) is type(key)
        # OpenSSH's format has random numbers beside the key.
        assert one is PrivateFormat.OpenSSH or shown == stands_for(pem)


def test_a_bundle_keeps_its_certificates() -> None:
    key = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )
    certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
    assert Secrets().show(f"{key}{certificate}\n", "pem_bundle") == f"(mockkms:pem:1)\n{certificate}\n"
    assert Secrets().show(f"remark\n{certificate}", "pem_bundle") == "(mockkms:text:1)"


def test_the_same_secret_has_one_placeholder_and_is_not_kept() -> None:
    secrets = Secrets()
    first, second = secrets.show("correct-horse-battery", "password"), secrets.show("staple", "password")
    assert (first, second) == ("(mockkms:text:1)", "(mockkms:text:2)")
    assert secrets.show("correct-horse-battery", "other") == first
    assert secrets.show(first, "password") == first
    assert secrets.known("correct-horse-battery")
    assert not secrets.known("staple"), "a short one may be a usual word"
    assert "horse" not in repr(vars(secrets))
    assert [number for number, _ in secrets.taken()] == [1, 2]
    assert secrets.taken() == []
    assert PLACEHOLDER.fullmatch(first)


def test_a_form_is_read_as_it_was_written() -> None:
    form = form_of("hvs." + "a" * 91, "")
    assert read_form(form.data()) == form
    assert placeholder(form, 3) == "(mockkms:token:3)"
    with pytest.raises(ValueError, match="expected one of token, jwt"):
        read_form({"kind": "tokn"})
