"""``import``, ``import_version``, ``wrapping_key``, ``export`` and ``byok-export``."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy
from tests.vault.driving import World

INPUT = b64encode(b"the input").decode()
EC_KEY = ec.derive_private_key(7, ec.SECP256R1())
OTHER_EC_KEY = ec.derive_private_key(8, ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def prepare(world: World) -> None:
    world.core.entropy = Entropy("import")
    world.core.mount("", "transit/", "transit")


pytestmark = pytest.mark.prepared(by=prepare)


def pkcs8(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def wrapped(world: World, target: bytes, hash: hashes.HashAlgorithm | None = None) -> str:
    """``target`` wrapped for the mount's wrapping key, as a client does it."""
    answer = world.ask("read", "transit/wrapping_key").data
    assert answer is not None
    public = load_pem_public_key(answer["public_key"].encode())
    assert isinstance(public, rsa.RSAPublicKey)
    assert public.key_size == 4096
    used = hash or hashes.SHA256()
    head = public.encrypt(bytes(32), padding.OAEP(padding.MGF1(used), used, None))
    return b64encode(head + keywrap.aes_key_wrap_with_padding(bytes(32), target)).decode()


def said(response: Response) -> tuple[int, str]:
    assert response.errors
    return response.status, response.errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def keys(world: World, path: str) -> dict[str, str]:
    response = world.ask("read", f"transit/{path}")
    assert response.errors is None
    assert response.data is not None
    found: dict[str, str] = response.data["keys"]
    return found


@pytest.mark.parametrize(
    ("type", "material", "what"),
    [
        ("aes128-gcm96", bytes(range(16)), "encryption-key"),
        ("XCHACHA20-poly1305", bytes(range(32)), "encryption-key"),
        ("hmac", bytes(range(40)), "hmac-key"),
    ],
)
def test_imported_symmetric_keys_are_exported_unchanged(world: World, type: str, material: bytes, what: str) -> None:
    data = {"type": type, "ciphertext": wrapped(world, material), "exportable": True}
    assert world.write("transit/keys/k/import", data).errors is None
    assert keys(world, f"export/{what}/k") == {"1": b64encode(material).decode()}


@pytest.mark.parametrize(("type", "key"), [("ecdsa-p256", EC_KEY), ("ed25519", ED_KEY)])
def test_imported_asymmetric_keys_are_exported_unchanged(world: World, type: str, key: Any) -> None:
    data = {"type": type, "ciphertext": wrapped(world, pkcs8(key)), "exportable": True}
    assert world.write("transit/keys/k/import", data).errors is None
    response = world.ask("read", "transit/export/signing-key/k", {"format": "der"})
    assert response.data is not None
    assert b64decode(response.data["keys"]["1"]) == pkcs8(key)
    response = world.ask("read", "transit/export/public-key/k/latest", {"format": "pem"})
    assert response.data is not None
    assert response.data["keys"]["1"] == spki(key).strip()


@pytest.mark.parametrize("name", ["SHA1", "sha224", "SHA384", "SHA512"])
def test_hashes_of_the_wrapping(world: World, name: str) -> None:
    text = wrapped(world, bytes(32), getattr(hashes, name.upper())())
    assert world.write("transit/keys/k/import", {"ciphertext": text, "hash_function": name}).errors is None


def test_a_public_key_verifies_and_gets_its_private_half_later(world: World) -> None:
    assert world.write("transit/keys/k/import", {"type": "ecdsa-p256", "public_key": spki(EC_KEY)}).errors is None
    text = "requested version for signing does not contain a private part"
    assert said(world.write("transit/sign/k", {"input": INPUT})) == (500, text)
    signature = b64encode(EC_KEY.sign(b"the input", ec.ECDSA(hashes.SHA256()))).decode()
    check = world.write("transit/verify/k", {"input": INPUT, "signature": f"vault:v1:{signature}"})
    assert check.data == {"valid": True}
    extend = "transit/keys/k/import_version"
    other = {"ciphertext": wrapped(world, pkcs8(OTHER_EC_KEY)), "version": 1}
    assert said(world.write(extend, other)) == (500, "cannot import key, key pair does not match")
    own = {"ciphertext": wrapped(world, pkcs8(EC_KEY))}
    assert world.write(extend, own).errors is None
    assert world.write("transit/sign/k", {"input": INPUT}).errors is None
    assert said(world.write(extend, {**own, "version": 1})) == (
        500,
        "private key imported, key version cannot be updated",
    )
    assert world.write(extend, {"public_key": spki(OTHER_EC_KEY)}).errors is None
    text = "cannot add a public key to a key version that already has a public key set"
    assert said(world.write(extend, {"public_key": spki(EC_KEY), "version": 2})) == (500, text)
    assert said(world.write(extend, {**own, "version": 9})) == (500, "no such key version")


def test_a_private_key_of_another_pair_becomes_a_new_version(world: World) -> None:
    world.write("transit/keys/k/import", {"type": "ecdsa-p256", "public_key": spki(EC_KEY)})
    data = {"ciphertext": wrapped(world, pkcs8(OTHER_EC_KEY))}
    assert world.write("transit/keys/k/import_version", data).errors is None
    shown = world.ask("read", "transit/keys/k").data
    assert shown is not None
    assert shown["latest_version"] == 2


@pytest.mark.parametrize(
    ("data", "status", "text"),
    [
        ({"type": "x"}, 400, "unknown key type: x"),
        ({}, 500, "provided type does not support public_key import"),
        ({"ciphertext": ""}, 500, "provided ciphertext is too short"),
        ({"ciphertext": "!"}, 500, "illegal base64 data at input byte 0"),
        ({"ciphertext": b64encode(bytes(600)).decode()}, 500, "crypto/rsa: decryption error"),
        ({"ciphertext": "", "hash_function": "MD5"}, 400, "unknown hash function: MD5"),
        ({"ciphertext": "", "publicKey": ""}, 500, "only one of the following fields, ciphertext and public_key, can "),
        ({"type": "rsa-2048", "public_key": "x"}, 500, "error importing key: error parsing public key: not in PEM for"),
        ({"type": "rsa-2048", "public_key": spki(EC_KEY)}, 500, "error importing key: invalid key type: expected rsa-"),
        ({"type": "ecdsa-p384", "public_key": spki(EC_KEY)}, 500, "error importing key: invalid curve: expected P-384"),
        ({"type": "ed25519", "public_key": spki(ED_KEY), "derived": True}, 500, "error importing key: unable to impo"),
        ({"convergent_encryption": False}, 500, "import cannot be used on keys with convergent encryption enabled"),
        ({"auto_rotate_period": "2h"}, 500, "allow_rotation must be set to true if auto-rotation is enabled"),
    ],
)
def test_imports_refused(world: World, data: dict[str, Any], status: int, text: str) -> None:
    got, words = said(world.write("transit/keys/k/import", data))
    assert got == status
    assert words.startswith(text)
    assert world.ask("read", "transit/keys/k").status == 404


def test_damaged_wrappings(world: World) -> None:
    good = b64decode(wrapped(world, bytes(32)))
    for bad, text in ((good[:-1], "multiple of 8 bytes"), (good[:-8] + bytes(8), "failed integrity check")):
        status, words = said(world.write("transit/keys/k/import", {"ciphertext": b64encode(bad).decode()}))
        assert status == 500
        assert text in words


@pytest.mark.parametrize(
    ("type", "what", "begin"),
    [
        ("rsa-2048", "encryption-key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("rsa-2048", "signing-key", "-----BEGIN RSA PRIVATE KEY-----"),
        ("ecdsa-p384", "signing-key", "-----BEGIN EC PRIVATE KEY-----"),
    ],
)
def test_exported_private_keys_load(world: World, type: str, what: str, begin: str) -> None:
    world.write("transit/keys/k", {"type": type, "exportable": True})
    world.write("transit/keys/k/rotate")
    found = keys(world, f"export/{what}/k")
    assert list(found) == ["1", "2"]
    publics = keys(world, "export/public-key/k")
    for number, text in found.items():
        assert text.startswith(begin)
        private = load_pem_private_key(text.encode(), None)
        assert private.public_key() == load_pem_public_key(publics[number].encode())
    assert keys(world, f"export/{what}/k/v2") == {"2": found["2"]}


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("bogus/k", {}, 400, "invalid export type: bogus"),
        ("signing-key/k", {"format": "x"}, 400, "invalid format: x"),
        ("encryption-key/hidden", {}, 400, "private key material is not exportable"),
        ("signing-key/k", {}, 400, "signing not supported for the key"),
        ("certificate-chain/k", {}, 400, "certificate chain not supported for keys that do not support signing"),
        ("public-key/k", {}, 500, "unknown key type aes256-gcm96 for export type public-key"),
        ("encryption-key/k", {"format": "pem"}, 500, "unknown format for HMAC key; supported values are `` or `raw`"),
        ("encryption-key/k/x", {}, 400, "invalid key version"),
        ("encryption-key/k/9", {}, 400, "version does not exist or cannot be found"),
        ("encryption-key/k/0", {}, 400, "version for export is below minimum decryption version"),
        ("certificate-chain/ec", {}, 500, "selected key version does not have a certificate chain imported"),
        ("signing-key/ec", {"format": "raw"}, 500, "unknown key format for ec key; supported values are ``, `der`, or"),
    ],
)
def test_exports_refused(world: World, path: str, data: dict[str, Any], status: int, text: str) -> None:
    world.write("transit/keys/k", {"exportable": True})
    world.write("transit/keys/hidden")
    world.write("transit/keys/ec", {"type": "ecdsa-p256", "exportable": True})
    got, words = said(world.ask("read", f"transit/export/{path}", data))
    assert got == status
    assert words.startswith(text)


def test_an_absent_key_is_not_found(world: World) -> None:
    assert world.ask("read", "transit/export/public-key/none").status == 404


@pytest.mark.parametrize("type", ["aes256-gcm96", "hmac", "rsa-2048", "ecdsa-p521", "ed25519"])
def test_a_key_moves_to_another_mount(world: World, type: str) -> None:
    world.core.mount("", "other/", "transit")
    key = world.ask("read", "other/wrapping_key").data
    assert key is not None
    public = {"type": "rsa-4096", "public_key": key["public_key"]}
    assert world.write("transit/keys/destination/import", public).errors is None
    size = {"key_size": 32} if type == "hmac" else {}
    world.write("transit/keys/source", {"type": type, "exportable": True, **size})
    for hash in ("SHA256", "sha512"):
        response = world.ask("read", "transit/byok-export/destination/source", {"hash": hash})
        assert response.data is not None
        data = {"type": type, "ciphertext": response.data["keys"]["1"], "hash_function": hash, "exportable": True}
        assert world.write(f"other/keys/moved-{hash}/import", data).errors is None
        what = {"aes256-gcm96": "encryption-key", "hmac": "hmac-key"}.get(type, "signing-key")
        moved = world.ask("read", f"other/export/{what}/moved-{hash}").data
        assert moved is not None
        assert moved["keys"] == keys(world, f"export/{what}/source")


def test_der_exports_load(world: World) -> None:
    world.write("transit/keys/k", {"type": "rsa-2048", "exportable": True})
    private = world.ask("read", "transit/export/signing-key/k", {"format": "der"}).data
    public = world.ask("read", "transit/export/public-key/k", {"format": "der"}).data
    assert private is not None
    assert public is not None
    loaded = load_der_private_key(b64decode(private["keys"]["1"]), None)
    assert loaded.public_key() == load_der_public_key(b64decode(public["keys"]["1"]))


def test_seeded_worlds_repeat_their_keys_and_never_repeat_one_within() -> None:
    def texts() -> list[str]:
        core = Core(entropy=Entropy("a seed"), flavor="openbao")
        core.clock.freeze(1_800_000_000)
        core.bootstrap("root")
        core.mount("", "transit/", "transit")
        found = []
        for at in range(12):
            type = ("rsa-2048", "ecdsa-p256", "ed25519")[at % 3]
            path = f"transit/keys/k{at}"
            made = core.handle(Request(Operation.UPDATE, path, data={"type": type}, token="root"))
            assert made.data is not None
            found.append(made.data["keys"]["1"]["public_key"])
        return found

    first = texts()
    assert first == texts()
    assert len(set(first)) == 12
