"""``sign`` and ``verify``, compared with other libraries and the real server's texts."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64decode
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from nacl.signing import VerifyKey

from mockkms.vault.framework.message import Response
from mockkms.world.entropy import Entropy
from tests.vault.driving import World

INPUT = b64encode(b"the input").decode()
CONTEXT = b64encode(b"a context").decode()


def prepare(world: World) -> None:
    world.core.entropy = Entropy("signing")
    world.core.mount("", "transit/", "transit")
    for type in ("rsa-2048", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "aes256-gcm96"):
        world.write(f"transit/keys/{type}", {"type": type, "exportable": True})
    world.write("transit/keys/derived", {"type": "ed25519", "derived": True})
    world.write("transit/keys/ecdsa-p256/rotate")


pytestmark = pytest.mark.prepared(by=prepare)


def ask(world: World, path: str, **data: Any) -> dict[str, Any]:
    response = world.write(f"transit/{path}", {"input": INPUT, **data})
    assert response.errors is None
    assert response.data is not None
    return response.data


def refused(response: Response) -> tuple[int, str]:
    assert response.errors
    return response.status, response.errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def public(world: World, name: str, version: str = "1") -> Any:
    return load_pem_public_key(shown(world, name, version).encode())


def shown(world: World, name: str, version: str = "1", **data: Any) -> str:
    answer = world.ask("read", f"transit/keys/{name}", data).data
    assert answer is not None
    text: str = answer["keys"][version]["public_key"]
    return text


@pytest.mark.parametrize("hash", ["sha1", "sha2-224", "sha2-256", "sha2-384", "sha2-512", "sha3-256", "sha3-512"])
@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("rsa-2048", {}),
        ("rsa-2048", {"signature_algorithm": "pkcs1v15"}),
        ("rsa-2048", {"salt_length": "hash"}),
        ("rsa-2048", {"salt_length": "17"}),
        ("ecdsa-p256", {}),
        ("ecdsa-p384", {"marshaling_algorithm": "jws"}),
        ("ecdsa-p521", {"prehashed": True}),
        ("ed25519", {}),
    ],
)
def test_signatures_verify(world: World, key: str, options: dict[str, Any], hash: str) -> None:
    signature = ask(world, f"sign/{key}/{hash}", **options)["signature"]
    assert ask(world, f"verify/{key}", hash_algorithm=hash, signature=signature, **options) == {"valid": True}
    other = b64encode(b"another input").decode()
    answer = world.write(f"transit/verify/{key}/{hash}", {"input": other, "signature": signature, **options})
    assert answer.data == {"valid": False}


def test_other_libraries_agree(world: World) -> None:
    signature = b64decode(ask(world, "sign/rsa-2048", salt_length="hash")["signature"].split(":")[2])
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key = public(world, "rsa-2048")
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(signature, b"the input", pss, hashes.SHA256())
    signature = b64decode(ask(world, "sign/ecdsa-p256", hash_algorithm="sha2-512")["signature"].split(":")[2])
    public(world, "ecdsa-p256", "2").verify(signature, b"the input", ec.ECDSA(hashes.SHA512()))
    signature = b64decode(ask(world, "sign/ed25519")["signature"].split(":")[2])
    VerifyKey(b64decode(shown(world, "ed25519"))).verify(b"the input", signature)


def test_jws_marshalling_makes_a_token(world: World) -> None:
    head = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJtZSJ9"
    made = ask(world, "sign/ecdsa-p256", input=b64encode(head.encode()).decode(), marshaling_algorithm="jws")
    signature = made["signature"].removeprefix("vault:v2:")
    assert len(urlsafe_b64decode(signature + "==")) == 64
    assert jwt.decode(f"{head}.{signature}", public(world, "ecdsa-p256", "2"), algorithms=["ES256"]) == {"sub": "me"}


def test_versions(world: World) -> None:
    old = ask(world, "sign/ecdsa-p256", key_version=1)
    assert old["signature"].startswith("vault:v1:")
    assert old["key_version"] == 1
    assert ask(world, "verify/ecdsa-p256", signature=old["signature"]) == {"valid": True}
    moved = "vault:v2:" + old["signature"].split(":")[2]
    assert ask(world, "verify/ecdsa-p256", signature=moved) == {"valid": False}


def test_a_derived_key_signs_by_context(world: World) -> None:
    made = ask(world, "sign/derived", context=CONTEXT)
    VerifyKey(b64decode(made["public_key"])).verify(b"the input", b64decode(made["signature"].split(":")[2]))
    assert ask(world, "verify/derived", context=CONTEXT, signature=made["signature"]) == {"valid": True}
    other = b64encode(b"other").decode()
    assert ask(world, "verify/derived", context=other, signature=made["signature"]) == {"valid": False}
    assert shown(world, "derived", context=CONTEXT) == made["public_key"]


def test_batches_keep_order_and_references(world: World) -> None:
    items = [{"input": INPUT, "reference": "a"}, {"input": "!"}, {}, {"input": 12345678, "context": "!"}, None]
    results = ask(world, "sign/ed25519", batch_input=items)["batch_results"]
    assert results[0]["signature"] == ask(world, "sign/ed25519")["signature"]
    assert [result["reference"] for result in results] == ["a", "", "", "", ""]
    assert results[1] == {
        "key_version": 0,
        "error": "unable to decode input as base64: illegal base64 data at input byte 0",
        "reference": "",
    }
    assert results[2]["error"] == results[4]["error"] == "missing input"
    assert results[3]["error"] == "failed to base64-decode context"
    checks = [{"input": INPUT, "signature": results[0]["signature"]}, {"input": INPUT, "signature": "vault:v1:!"}]
    assert ask(world, "verify/ed25519", batch_input=checks)["batch_results"] == [
        {"valid": True, "reference": ""},
        {"valid": False, "error": "invalid base64 signature value", "reference": ""},
    ]


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("sign/none", {}, 400, "signing key not found"),
        ("sign/aes256-gcm96", {}, 400, "key type aes256-gcm96 does not support signing"),
        ("sign/rsa-2048/md5", {}, 400, 'invalid hash algorithm "md5"'),
        ("sign/rsa-2048", {"hash_algorithm": "none"}, 400, "hash_algorithm=none requires both prehashed=true and sig"),
        ("sign/rsa-2048", {"marshaling_algorithm": "x\n"}, 400, 'invalid marshaling type "x\\n"'),
        ("sign/rsa-2048", {"salt_length": "223"}, 500, "requested salt length 223 is invalid"),
        ("sign/rsa-2048", {"salt_length": "-2"}, 400, "salt length is invalid: -2"),
        ("sign/rsa-2048", {"salt_length": "9" * 30}, 400, "salt length neither 'auto', 'hash', nor an int: 999"),
        ("sign/rsa-2048", {"salt_length": "١"}, 400, "salt length neither 'auto', 'hash', nor an int: ١"),
        ("sign/rsa-2048", {"prehashed": True}, 500, "crypto/rsa: input must be hashed with given hash"),
        ("sign/rsa-2048", {"key_version": 2}, 500, "requested version for signing is higher than the latest key ver"),
        ("sign/rsa-2048", {"key_version": -1}, 500, "requested version for signing is negative"),
        ("sign/rsa-2048", {"input": "AAA"}, 400, "unable to decode input as base64: illegal base64 data at input by"),
        ("sign/derived", {}, 500, "error deriving key: missing 'context' for key derivation"),
        ("sign/rsa-2048", {"batch_input": "x"}, 500, "failed to parse batch input: '' source data must be an array"),
        ("sign/rsa-2048", {"batch_input": [5]}, 500, "failed to parse batch input: decoding failed due to the"),
        ("sign/rsa-2048", {"batch_input": []}, 400, "missing batch input to process"),
        ("verify/rsa-2048", {}, 400, "neither a 'signature' nor an 'hmac' were given to verify"),
        ("verify/none", {"signature": "x"}, 400, "signature verification key not found"),
        ("verify/rsa-2048", {"signature": "x"}, 400, "invalid signature: no prefix"),
        ("verify/rsa-2048", {"signature": "vault:v1"}, 400, "invalid signature: wrong number of fields"),
        ("verify/rsa-2048", {"signature": "vault:vx:"}, 400, "invalid signature: version number could not be decoded"),
        ("verify/rsa-2048", {"signature": "vault:v2:"}, 400, "invalid signature: version is too new"),
        ("verify/rsa-2048", {"signature": "vault:v0:"}, 400, "ciphertext or signature version is disallowed by policy"),
        ("verify/ecdsa-p256", {"signature": "vault:v1:AAAA"}, 400, "supplied signature is invalid"),
        ("verify/rsa-2048", {"batch_input": [{"input": ""}]}, 400, "no batch_input elements have 'signature' or 'hm"),
    ],
)
def test_refusals(world: World, path: str, data: dict[str, Any], status: int, text: str) -> None:
    got, said = refused(world.write(f"transit/{path}", {"input": INPUT, **data}))
    assert got == status
    assert said.startswith(text)


def test_short_signatures_are_not_valid(world: World) -> None:
    for key in ("rsa-2048", "ed25519"):
        assert ask(world, f"verify/{key}", signature="vault:v1:") == {"valid": False}


def test_the_other_product_signs_pure_ed25519_only() -> None:
    vault = World("vault")
    vault.core.mount("", "transit/", "transit")
    vault.write("transit/keys/ed", {"type": "ed25519"})
    for data, text in (
        (
            {"prehashed": True},
            "failed to parse batch item: only Pure Ed25519 signatures supported, prehashed must be false",
        ),
        (
            {"hash_algorithm": "sha2-512"},
            "failed to parse batch item: only Pure Ed25519 signatures supported, hash_alogithm should not be set",
        ),
    ):
        assert refused(vault.write("transit/sign/ed", {"input": INPUT, **data})) == (400, text)
