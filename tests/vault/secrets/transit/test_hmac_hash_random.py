"""``hmac``, ``hash`` and ``random``."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Any

import pytest

from tests.vault.driving import World

INPUT = b64encode(b"the input").decode()


def prepare(world: World) -> None:
    world.core.mount("", "transit/", "transit")
    world.write("transit/keys/k", {"exportable": True})
    world.write("transit/keys/k/rotate")
    world.write("transit/keys/h", {"type": "hmac", "key_size": 40, "exportable": True})


pytestmark = pytest.mark.prepared(by=prepare)


def ask(world: World, path: str, **data: Any) -> dict[str, Any]:
    response = world.write(f"transit/{path}", data)
    assert response.errors is None
    assert response.data is not None
    return response.data


@pytest.mark.parametrize(("name", "inner"), [("sha1", "sha1"), ("sha2-384", "sha384"), ("sha3-224", "sha3_224")])
@pytest.mark.parametrize("key", ["k", "h"])
def test_hmac_is_that_of_the_exported_key(world: World, key: str, name: str, inner: str) -> None:
    exported = world.ask("read", f"transit/export/hmac-key/{key}/latest").data
    assert exported is not None
    ((version, secret),) = exported["keys"].items()
    expected = hmac.digest(b64decode(secret), b"the input", inner)
    made = ask(world, f"hmac/{key}/{name}", input=INPUT)["hmac"]
    assert made == f"vault:v{version}:{b64encode(expected).decode()}"
    assert ask(world, f"verify/{key}/{name}", input=INPUT, hmac=made) == {"valid": True}
    assert ask(world, f"verify/{key}/{name}", input="", hmac=made) == {"valid": False}


def test_an_older_version_on_request(world: World) -> None:
    made = ask(world, "hmac/k", input=INPUT, key_version=1)["hmac"]
    assert made.startswith("vault:v1:")
    assert ask(world, "verify/k", input=INPUT, hmac=made) == {"valid": True}


@pytest.mark.parametrize(
    ("path", "data", "error"),
    [
        ("hmac/k/none", {"input": "bad!"}, "unable to decode input as base64: illegal base64 data at input byte 3"),
        ("hmac/k/none", {}, "missing input for HMAC"),
        ("hmac/k/none", {"input": INPUT}, "unsupported algorithm '\\x00'"),
        ("verify/k/none", {"input": INPUT, "hmac": "x"}, "invalid HMAC to verify: no prefix"),
        ("verify/k/none", {"input": INPUT, "hmac": "vault:v9:AA=="}, "invalid HMAC: version is too new"),
        ("verify/k/none", {"input": INPUT, "hmac": "vault:v1:AA=="}, "unsupported algorithm '\\x00'"),
    ],
)
def test_hash_none_is_refused_after_the_input(world: World, path: str, data: dict[str, Any], error: str) -> None:
    assert world.write(f"transit/{path}", data).errors == [error]


def test_a_batch_of_checks_is_silent_about_bad_ones(world: World) -> None:
    made = ask(world, "hmac/k", batch_input=[{"input": INPUT, "reference": "a"}, {}])["batch_results"]
    assert made[1] == {"error": "missing input for HMAC", "reference": ""}
    items = [{"input": INPUT, "hmac": made[0]["hmac"]}, {"input": "", "hmac": made[0]["hmac"], "reference": "b"}]
    assert ask(world, "verify/k", batch_input=items)["batch_results"] == [
        {"valid": True, "reference": ""},
        {"reference": "b"},
    ]


@pytest.mark.parametrize(
    ("path", "data", "text"),
    [
        ("hmac/none", {"input": INPUT}, "encryption key not found"),
        ("hmac/k", {}, "missing input for HMAC"),
        ("hmac/k/md5", {"input": INPUT}, "unsupported algorithm '\\x00'"),
        ("hmac/k/none", {"input": INPUT}, "unsupported algorithm '\\x00'"),
        ("hmac/k", {"input": INPUT, "key_version": 3}, "key version does not exist; latest key version is 2"),
        ("hmac/k", {"input": INPUT, "key_version": -1}, "key version does not exist (cannot be negative)"),
        ("verify/k/none", {"input": INPUT, "hmac": "vault:v1:AAAA"}, "unsupported algorithm '\\x00'"),
        ("verify/k/md5", {"input": INPUT, "hmac": "vault:v1:AAAA"}, 'invalid hash algorithm "md5"'),
        ("verify/k", {"hmac": "x"}, "invalid HMAC to verify: no prefix"),
        ("verify/k", {"hmac": "vault:v1"}, "invalid HMAC: wrong number of fields"),
        ("verify/k", {"hmac": "vault:v٣:AAAA"}, "invalid HMAC: version number could not be decoded"),
        ("verify/k", {"hmac": "vault:v3:AAAA"}, "invalid HMAC: version is too new"),
        ("verify/k", {"hmac": "vault:v0:AAAA"}, "cannot verify HMAC: version is too old (disallowed by policy)"),
        ("hash", {}, "input missing"),
        ("hash", {"input": "x"}, "unable to decode input as base64: illegal base64 data at input byte 0"),
        ("hash/sha1", {"input": ""}, "unsupported algorithm sha1"),
        ("hash", {"input": "", "format": "raw"}, 'unsupported encoding format raw; must be "hex" or "base64"'),
        ("random/0", {}, "'bytes' cannot be less than 1"),
        ("random", {"bytes": 131073}, "'bytes' should be less than 131072"),
        ("random/platform/x", {}, 'error parsing url-set byte count: strconv.Atoi: parsing "x": invalid syntax'),
        ("random/x1", {}, 'error parsing url-set byte count: strconv.Atoi: parsing "x1": invalid syntax'),
        (
            "random/99999999999999999999",
            {},
            'error parsing url-set byte count: strconv.Atoi: parsing "99999999999999999999": value out of range',
        ),
        ("random/moon/8", {}, 'unsupported entropy source "moon"; must be "platform" or "seal", or "all"'),
        ("random", {"format": "raw"}, 'unsupported encoding format "raw"; must be "hex" or "base64"'),
    ],
)
def test_refusals(world: World, path: str, data: dict[str, Any], text: str) -> None:
    response = world.write(f"transit/{path}", data)
    assert (response.status, response.errors) == (400, [text])


@pytest.mark.parametrize(("name", "inner"), [("sha2-224", "sha224"), ("sha2-512", "sha512"), ("sha3-384", "sha3_384")])
def test_hashes(world: World, name: str, inner: str) -> None:
    expected = hashlib.new(inner, b"the input").digest()
    assert ask(world, f"hash/{name}", input=INPUT) == {"sum": expected.hex()}
    assert ask(world, "hash", input=INPUT, algorithm=name, format="base64") == {"sum": b64encode(expected).decode()}


@pytest.mark.parametrize(
    ("path", "size"),
    [("random", 32), ("random/5", 5), ("random/all", 32), ("random/platform/7", 7), ("random/+6", 32)],
)
def test_random(world: World, path: str, size: int) -> None:
    response = world.write(f"transit/{path}", {})
    assert response.data is not None
    assert len(b64decode(response.data["random_bytes"])) == size
    assert response.data != world.write(f"transit/{path}", {}).data


def test_the_source_seal_gives_a_warning(world: World) -> None:
    response = world.write("transit/random/seal/4", {"format": "hex"})
    assert response.data is not None
    assert len(bytes.fromhex(response.data["random_bytes"])) == 4
    assert response.warnings == ["no seal/entropy augmentation available, using platform entropy source"]
