"""What is made of one seed repeats, to the last byte; what is made of none does not."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.world import World
from tests.vault.driving import START

KINDS = [("ec", 256), ("ec", 521), ("ed25519", 0), ("rsa", 2048)]
ALGORITHMS = ["RS256", "ES256", "ES384", "ES512", "EdDSA"]


def world(rng: int | None) -> World:
    seed: dict[str, Any] = {"clock": START, "vault": {"mounts": {"pki/": {"type": "pki"}}}}
    return MockKMS(seed=seed | ({"rng": rng} if rng is not None else {})).world


def ask(made: World, path: str, operation: Operation = Operation.UPDATE, **data: Any) -> dict[str, Any]:
    answer = made.core.handle(Request(operation, path, data=data, token=made.root_token))
    assert answer.errors is None, answer.errors
    return answer.data or {}


def certificates(rng: int | None, kind: str, bits: int) -> list[Any]:
    made = world(rng)
    root = ask(made, "pki/root/generate/exported", common_name="Root", key_type=kind, key_bits=bits)
    ask(made, "pki/roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    leaf = ask(made, "pki/issue/any", common_name="x.test")
    ask(made, "pki/revoke", serial_number=leaf["serial_number"])
    return [root, leaf, ask(made, "pki/cert/crl", Operation.READ)["certificate"]]


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_certificates(kind: str, bits: int) -> None:
    assert certificates(7, kind, bits) == certificates(7, kind, bits)
    assert certificates(7, kind, bits)[0] != certificates(8, kind, bits)[0]
    assert certificates(None, kind, bits)[1] != certificates(None, kind, bits)[1]


def signing_keys(rng: int | None, algorithm: str) -> list[dict[str, str]]:
    made = world(rng)
    ask(made, "identity/oidc/key/k", algorithm=algorithm)
    ask(made, "identity/oidc/key/k/rotate")
    ask(made, "identity/oidc/role/r", key="k")
    return [key.jwk() for key in made.core.state.identity.oidc[""].keys["k"].ring]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signing_keys(algorithm: str) -> None:
    ring = signing_keys(7, algorithm)
    assert ring == signing_keys(7, algorithm)
    for keys in (ring, signing_keys(None, algorithm)):
        assert len({key.get("n") or key["x"] for key in keys}) == len(keys) == 3
