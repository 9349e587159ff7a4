"""The Google Cloud KMS engine. Source of the rules: ``vault-plugin-secrets-gcpkms`` and its API documentation."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from mockkms.worldfile import SeedError
from tests.vault.driving import START, World
from tests.vault.secrets.standin import data_of, mounted, round_trip

pytestmark = pytest.mark.flavors("vault")
_RING = "projects/p/locations/global/keyRings/r"
_DIGEST = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()


def go_error(answer: Response, status: int = 500) -> str:
    assert answer.status == status, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def test_settings(world: World) -> None:
    write = mounted(world, "gcpkms")
    scope = "https://www.googleapis.com/auth/cloudkms"
    assert data_of(world.ask("read", "e/config")) == {"scopes": [scope]}
    write("config", credentials="{}", scopes="B,a")
    assert data_of(world.ask("read", "e/config")) == {"scopes": ["a", "b"]}
    assert go_error(write("config", odd="x", more="y"), 400) == "unknown fields: more,odd"


def test_a_symmetric_key_encrypts_and_decrypts(world: World) -> None:
    write = mounted(world, "gcpkms")
    write("keys/k", key_ring=_RING, labels={"a": "b"}, rotation_period="72h")
    assert data_of(world.ask("read", "e/keys/k")) == {
        "algorithm": "symmetric_encryption", "id": f"{_RING}/cryptoKeys/k", "labels": {"a": "b"},
        "next_rotation_time_seconds": int(START) + 259200, "primary_version": "1", "protection_level": "software",
        "purpose": "encrypt_decrypt", "rotation_schedule_seconds": 259200, "state": "enabled",
    }  # fmt: skip
    sealed = data_of(write("encrypt/k", plaintext="hello", additional_authenticated_data="x"))
    assert sealed["key_version"] == "1"
    opened = write("decrypt/k", ciphertext=sealed["ciphertext"], additional_authenticated_data="x")
    assert data_of(opened) == {"plaintext": "hello"}
    assert go_error(write("decrypt/k", ciphertext=sealed["ciphertext"])) == (
        "failed to decrypt ciphertext (symmetric): rpc error: code = InvalidArgument desc = Decryption failed: the "
        "ciphertext is invalid."
    )
    assert go_error(write("decrypt/k", ciphertext="*")) == (
        "failed to base64 decode ciphtertext: illegal base64 data at input byte 0"
    )


def test_keys_rotate_by_hand_and_by_the_clock(world: World) -> None:
    write = mounted(world, "gcpkms")
    write("keys/k", key_ring=_RING, rotation_period="24h")
    old = data_of(write("encrypt/k", plaintext="hello"))["ciphertext"]
    rotated = write("keys/rotate/k")
    assert data_of(rotated) == {"key_version": "2"}
    assert "rotated successfully" in rotated.warnings[0]
    new = data_of(write("reencrypt/k", ciphertext=old))
    assert new["key_version"] == "2"
    assert data_of(write("decrypt/k", ciphertext=new["ciphertext"])) == {"plaintext": "hello"}
    world.later(86400)
    assert data_of(world.ask("read", "e/keys/k"))["primary_version"] == "3"
    assert data_of(write("decrypt/k", ciphertext=old)) == {"plaintext": "hello"}


def test_versions_are_limited_and_trimmed(world: World) -> None:
    write = mounted(world, "gcpkms")
    write("keys/k", key_ring=_RING)
    old = data_of(write("encrypt/k", plaintext="hello"))["ciphertext"]
    write("keys/rotate/k")
    write("keys/config/k", min_version=2)
    assert data_of(world.ask("read", "e/keys/config/k")) == {
        "crypto_key": f"{_RING}/cryptoKeys/k", "min_version": 2, "name": "k",
    }  # fmt: skip
    refused = write("encrypt/k", plaintext="x", key_version=1)
    assert (refused.status, refused.errors) == (
        403, ["requested version 1 is less than minimum allowed version of 2"],
    )  # fmt: skip
    write("keys/trim/k")
    assert "cryptoKeyVersions/1 is not enabled, current state is: DESTROY_SCHEDULED" in go_error(
        write("decrypt/k", ciphertext=old)
    )


def test_rsa_keys_sign_and_verify(world: World) -> None:
    write = mounted(world, "gcpkms")
    for form in ("pss", "pkcs1"):
        write(f"keys/{form}", key_ring=_RING, purpose="asymmetric_sign", algorithm=f"rsa_sign_{form}_2048_sha256")
        signature = data_of(write(f"sign/{form}", digest=_DIGEST, key_version=1))["signature"]
        checked = {"digest": _DIGEST, "key_version": 1, "signature": signature}
        assert data_of(write(f"verify/{form}", **checked)) == {"valid": True}
        other = base64.b64encode(bytes(32)).decode()
        assert data_of(write(f"verify/{form}", **{**checked, "digest": other})) == {"valid": False}
        shown = data_of(world.ask("read", f"e/pubkey/{form}", {"key_version": 1}))
        public = load_pem_public_key(shown["pem"].encode())
        assert isinstance(public, rsa.RSAPublicKey)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        public.verify(
            base64.b64decode(signature), b"hello", pss if form == "pss" else padding.PKCS1v15(), hashes.SHA256()
        )


def test_curves_sign_and_verify(world: World) -> None:
    write = mounted(world, "gcpkms")
    for curve, size in (("ec_sign_p256_sha256", 256), ("ec_sign_p384_sha384", 384)):
        write(f"keys/{size}", key_ring=_RING, purpose="asymmetric_sign", algorithm=curve)
        digest = hashlib.new(f"sha{size}", b"hello").digest()
        encoded = base64.b64encode(digest).decode()
        signature = data_of(write(f"sign/{size}", digest=encoded, key_version=1))["signature"]
        checked = write(f"verify/{size}", digest=encoded, key_version=1, signature=signature)
        assert data_of(checked) == {"valid": True}
        public = load_pem_public_key(data_of(world.ask("read", f"e/pubkey/{size}", {"key_version": 1}))["pem"].encode())
        assert isinstance(public, ec.EllipticCurvePublicKey)
        kind = hashes.SHA256() if size == 256 else hashes.SHA384()
        public.verify(base64.b64decode(signature), digest, ec.ECDSA(utils.Prehashed(kind)))


def test_asymmetric_keys_decrypt(world: World) -> None:
    write = mounted(world, "gcpkms")
    write("keys/k", key_ring=_RING, purpose="asymmetric_decrypt", algorithm="rsa_decrypt_oaep_2048_sha256")
    public = load_pem_public_key(data_of(world.ask("read", "e/pubkey/k", {"key_version": 1}))["pem"].encode())
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    sealed = base64.b64encode(public.encrypt(b"hello", oaep)).decode()
    assert data_of(write("decrypt/k", ciphertext=sealed, key_version=1)) == {"plaintext": "hello"}
    assert go_error(write("decrypt/k", ciphertext=sealed), 400) == 'missing required field(s): ["key_version"]'
    assert "requires ENCRYPT_DECRYPT" in go_error(write("encrypt/k", plaintext="x"))


def test_keys_are_registered_and_forgotten(world: World) -> None:
    write = mounted(world, "gcpkms")
    missing = world.ask("read", "e/keys/k")
    assert (missing.status, missing.errors) == (400, ["encryption key not found"])
    write("keys/register/k", crypto_key=f"{_RING}/cryptoKeys/old")
    sealed = data_of(write("encrypt/k", plaintext="hello"))["ciphertext"]
    assert data_of(world.ask("list", "e/keys/")) == {"keys": ["k"]}
    write("keys/deregister/k")
    assert world.ask("list", "e/keys/").status == 404
    again = write("keys/k", key_ring=_RING, crypto_key="old")
    assert again.status == 403
    assert "register the key first" in (again.errors or [""])[0]
    write("keys/register/other", crypto_key=f"{_RING}/cryptoKeys/old")
    assert data_of(write("decrypt/other", ciphertext=sealed)) == {"plaintext": "hello"}
    world.ask("delete", "e/keys/other")
    assert world.ask("read", "e/keys/other").status == 400


@pytest.mark.parametrize(
    ("settings", "status", "text"),
    [
        ({"purpose": "odd"}, 400, 'unknown purpose "odd", valid purposes are ["asymmetric_decrypt" "asymmetric_sign"'),
        ({"purpose": "asymmetric_sign"}, 400, 'missing required field(s): ["algorithm"]'),
        ({"algorithm": "odd"}, 400, 'unknown algorithm "odd", valid algorithms are ["ec_sign_p256_sha256"'),
        (
            {"protection_level": "x"},
            400,
            'unknown protection level "x", valid protection levels are ["hsm" "software"]',
        ),
        ({"key_ring": "x"}, 500, "failed to check if key ring exists: rpc error: code = InvalidArgument"),
        ({"key_ring": _RING + "!"}, 500, "failed to check if key ring exists: rpc error: code = InvalidArgument"),
        ({"crypto_key": "a.b"}, 500, "failed to create crypto key: rpc error: code = InvalidArgument"),
        ({"algorithm": "ec_sign_p256_sha256"}, 500, "failed to create crypto key: rpc error: code = InvalidArgument"),
    ],
)
def test_keys_are_checked(world: World, settings: dict[str, Any], status: int, text: str) -> None:
    answer = mounted(world, "gcpkms")("keys/k", **{"key_ring": _RING, **settings})
    assert go_error(answer, status).startswith(text)


def test_what_cannot_be_changed(world: World) -> None:
    write = mounted(world, "gcpkms")
    write("keys/k", key_ring=_RING)
    changed = write("keys/k", key_ring=_RING, purpose="encrypt_decrypt")
    assert go_error(changed, 400) == "cannot change purpose after key creation"
    assert write("keys/k", key_ring=_RING, labels={"x": "y"}).errors is None
    assert data_of(world.ask("read", "e/keys/k"))["labels"] == {"x": "y"}


def test_worlds_and_dumps_keep_it() -> None:
    material = base64.b64encode(bytes(range(32))).decode()
    mount = {
        "type": "gcpkms",
        "config": {"credentials": "{}"},
        "crypto_keys": {f"{_RING}/cryptoKeys/k": {"labels": {"a": "b"}, "versions": [{"material": material}]}},
        "keys": {"k": {"crypto_key": f"{_RING}/cryptoKeys/k", "min_version": 1}},
    }
    assert round_trip(mount) == mount


@pytest.mark.parametrize(
    "mount",
    [
        {"crypto_keys": {"odd": {}}},
        {"crypto_keys": {_RING + "/cryptoKeys/a.b": {}}},
        {"crypto_keys": {_RING + "/cryptoKeys/" + "k" * 64: {}}},
        {"keys": {"k": {"crypto_key": "projects/p/cryptoKeys/k"}}},
    ],
)
def test_ids_in_worlds_are_checked(mount: dict[str, Any]) -> None:
    """Source: the resource names of the Cloud KMS API, which ``path_keys.go`` and ``path_keys_register.go`` ask for."""
    with pytest.raises(SeedError, match="is not the resource id of a crypto key: the form is projects/<project>/"):
        MockKMS(seed={"vault": {"mounts": {"e/": {"type": "gcpkms", **mount}}}})


def test_a_key_may_be_registered_without_verification(world: World) -> None:
    """Source: ``path_keys_register.go``: with ``verify=false`` the text is kept as it is."""
    write = mounted(world, "gcpkms")
    refused = go_error(write("keys/register/k", crypto_key="odd"))
    assert refused.startswith("failed to read crypto key: rpc error: code = InvalidArgument")
    assert write("keys/register/k", crypto_key="odd", verify=False).errors is None
    assert data_of(world.ask("read", "e/keys/config/k"))["crypto_key"] == "odd"
    assert go_error(write("encrypt/k", plaintext="eA==")).startswith("failed to encrypt")
    mount = {"type": "gcpkms", "keys": {"k": {"crypto_key": "odd", "verify": False}}}
    assert round_trip(mount) == mount
