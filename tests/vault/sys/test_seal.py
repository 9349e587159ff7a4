"""Initialising, sealing, unsealing, rotating and making root tokens, as their callers meet them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.world.clock import Clock
from tests.vault.driving import START, World


def outside(core: Core, operation: str, path: str, data: dict[str, Any] | None = None, **more: Any) -> Response:
    return core.handle(Request(Operation(operation), path, data or {}, **more))


@pytest.fixture
def blank() -> Core:
    """A server that nobody has initialised."""
    clock = Clock()
    clock.freeze(START)
    return Core(clock=clock, flavor="openbao")


def initialised(core: Core, shares: int = 3, threshold: int = 2) -> dict[str, Any]:
    made = outside(core, "update", "sys/init", {"secret_shares": shares, "secret_threshold": threshold}).document
    assert made is not None
    return made


def test_an_uninitialized_server_reports_it_and_refuses_other_requests(blank: Core) -> None:
    assert outside(blank, "read", "sys/init").document == {"initialized": False}
    health = outside(blank, "read", "sys/health")
    assert (health.status, health.document and health.document["initialized"]) == (501, False)
    refused = outside(blank, "read", "secret/data/x")
    assert (refused.status, refused.errors) == (503, ["OpenBao is sealed"])
    assert outside(blank, "update", "sys/unseal", {"key": "00" * 32}).status == 400


def test_initialised_by_hand_it_unseals_with_any_two_of_three_shares(blank: Core) -> None:
    made = initialised(blank)
    assert [bytes.fromhex(k) for k in made["keys"]] == [base64.b64decode(k) for k in made["keys_base64"]]
    first = outside(blank, "update", "sys/unseal", {"key": made["keys"][2]}).document
    assert first is not None
    assert (first["sealed"], first["progress"], bool(first["nonce"])) == (True, 1, True)
    repeated = outside(blank, "update", "sys/unseal", {"key": made["keys_base64"][2]}).document
    assert repeated is not None
    assert repeated["progress"] == 1
    opened = outside(blank, "update", "sys/unseal", {"key": made["keys"][0]}).document
    assert opened is not None
    assert not opened["sealed"]
    assert opened["progress"] == 0
    mounts = outside(blank, "read", "sys/mounts", token=made["root_token"]).data
    assert mounts is not None
    assert set(mounts) == {"sys/", "identity/", "cubbyhole/"}
    again = outside(blank, "update", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
    assert again.errors == ["OpenBao is already initialized"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "invalid seal configuration: shares must be at least one"),
        ({"secret_shares": 2, "secret_threshold": 1}, "threshold must be greater than one for multiple shares"),
        ({"secret_shares": 1, "secret_threshold": 2}, "threshold cannot be larger than shares"),
        ({"secret_shares": 256, "secret_threshold": 2}, "shares must be less than 256"),
        ({"recovery_shares": 1}, "parameters recovery_shares not applicable to seal type shamir"),
        ({"secret_shares": "x"}, "cannot unmarshal string into Go struct field InitRequest.secret_shares of type int"),
        ({"secret_shares": 1.5}, "cannot unmarshal number 1.5 into Go struct field InitRequest.secret_shares"),
    ],
)
def test_impossible_initialisations_are_refused(blank: Core, body: dict[str, Any], text: str) -> None:
    refused = outside(blank, "update", "sys/init", body)
    assert refused.status == 400
    assert refused.errors is not None
    assert text in refused.errors[0]


def test_sealing_refuses_and_unsealing_finds_everything_again(world: World) -> None:
    core = world.core
    world.write("cubbyhole/x", {"a": "b"})
    assert outside(core, "update", "sys/seal").errors == ["permission denied"]
    plain = world.token(policies=["default"])
    assert world.write("sys/seal", token=plain).errors == ["1 error occurred:\n\t* permission denied\n\n"]
    assert world.write("sys/seal").errors is None
    assert outside(core, "read", "sys/health").status == 503
    assert outside(core, "read", "sys/health", query={"sealedcode": "200"}).status == 200
    assert world.ask("read", "cubbyhole/x").status == 503
    wrong = outside(core, "update", "sys/unseal", {"key": "11" * 32})
    assert wrong.errors is not None
    assert wrong.errors[0].endswith("cipher: message authentication failed")
    assert core.seal.status == "sealed"
    outside(core, "update", "sys/unseal", {"key": core.seal.unseal_keys[0]})
    assert world.ask("read", "cubbyhole/x").data == {"a": "b"}


@pytest.mark.parametrize("key", [5, [], {}, True])
def test_an_unseal_key_of_a_wrong_type_is_a_json_error(world: World, key: Any) -> None:
    refused = outside(world.core, "update", "sys/unseal", {"key": key})
    assert refused.status == 400
    assert refused.errors is not None
    assert "Go struct field UnsealRequest.Key of type string" in refused.errors[0]


def test_a_rotation_counts_only_once_its_shares_are_verified(world: World) -> None:
    old = world.core.seal.unseal_keys[0]
    wanted = {"secret_shares": 3, "secret_threshold": 2, "require_verification": True}
    nonce = (world.write("sys/rotate/root/init", wanted).data or {})["nonce"]
    done = world.write("sys/rotate/root/update", {"key": old, "nonce": nonce}).data or {}
    assert world.core.seal.unseal_keys == [old]
    check = {"nonce": done["verification_nonce"]}
    half = world.write("sys/rotate/root/verify", {**check, "key": done["keys"][0]}).data or {}
    assert half["progress"] == 1
    full = world.write("sys/rotate/root/verify", {**check, "key": done["keys"][2]}).data
    assert full == {"complete": True, **check}
    assert world.core.seal.unseal_keys == done["keys_base64"]
    world.write("sys/seal")
    outside(world.core, "update", "sys/unseal", {"key": old})
    assert outside(world.core, "update", "sys/unseal", {"key": done["keys"][1]}).errors
    for share in done["keys"][1:]:
        outside(world.core, "update", "sys/unseal", {"key": share})
    assert world.core.seal.status == "unsealed"


def test_a_generated_root_token_comes_out_of_its_one_time_password(world: World) -> None:
    begun = world.write("sys/generate-root-token/attempt").data or {}
    body = {"key": world.core.seal.unseal_keys[0], "nonce": begun["nonce"]}
    made = world.write("sys/generate-root-token/update", body).data or {}
    plain = {"encoded_token": made["encoded_token"], "otp": begun["otp"]}
    token = (world.write("sys/decode-token", plain, token="").data or {})["token"]
    assert token.startswith("s.")
    assert world.self_of(token)["policies"] == ["root"]
    assert (world.ask("read", "sys/generate-root-token/attempt").data or {})["started"] is False


def test_who_may_rekey(world: World) -> None:
    """Nobody in OpenBao, who has shares in Vault 1.21, who has a token besides in Vault 2.1."""
    wanted = {"secret_shares": 5, "secret_threshold": 3}
    closed = outside(world.core, "update", "sys/rekey/init", wanted)
    assert (closed.status, closed.errors) == (405, ["unsupported operation"])
    assert outside(world.core, "update", "sys/rekey/init", {"secret_shares": "many"}).status == 405
    assert outside(World("vault").core, "update", "sys/rekey/init", wanted).status == 403
    for flavor, token in (("vault-1.21", ""), ("vault", "root")):
        server = World(flavor)
        begun = server.write("sys/rekey/init", wanted, token=token).document or {}
        assert (begun["started"], begun["n"], begun["t"]) == (True, 5, 3)
        share = {"key": server.core.seal.unseal_keys[0], "nonce": begun["nonce"]}
        done = server.write("sys/rekey/update", share, token=token).document or {}
        assert done["complete"]
        assert len(done["keys"]) == 5 == len(server.core.seal.unseal_keys)


@pytest.mark.parametrize(("flavor", "text"), [
    ("vault-1.21", "invalid request"),
    ("vault", "1 error occurred:\n\t* failed to cancel rekey: invalid request\n\n"),
])  # fmt: skip
def test_a_rekey_is_cancelled_with_its_nonce_or_when_it_is_old(flavor: str, text: str) -> None:
    server = World(flavor)
    for early in (True, False):
        begun = server.write("sys/rekey/init", {"secret_shares": 1, "secret_threshold": 1}).document or {}
        wrong = server.ask("delete", "sys/rekey/init", {"nonce": "x"})
        assert (wrong.status, wrong.errors) == (400, [text])
        if not early:
            server.core.clock.advance(600)
        nonce = begun["nonce"] if early else ""
        assert server.ask("delete", "sys/rekey/init", {"nonce": nonce}).errors is None
        assert (server.ask("read", "sys/rekey/init").document or {})["started"] is False


def test_the_nonce_that_cancels_a_rekey_is_in_the_body() -> None:
    with MockKMS(flavor="vault-1.21") as kms:
        url = f"{kms.url}/v1/sys/rekey/init"
        begun = requests.put(url, json={"secret_shares": 1, "secret_threshold": 1}, timeout=60).json()
        assert requests.delete(url, timeout=60).json() == {"errors": ["EOF"]}
        assert requests.delete(url, json={"nonce": begun["nonce"]}, timeout=60).status_code == 204
        assert requests.get(url, timeout=60).json()["started"] is False


@pytest.mark.parametrize("how", ["json", "params"])
def test_vault_2_takes_the_nonce_that_cancels_a_rekey_from_body_and_query(how: str) -> None:
    # Vault's Go client (api/sys_rekey.go, RekeyCancelWithNonce) sends it in the body; other DELETEs have a query.
    with MockKMS(flavor="vault") as kms:
        url, token = f"{kms.url}/v1/sys/rekey/init", {"X-Vault-Token": kms.token}
        body = {"secret_shares": 1, "secret_threshold": 1}
        begun = requests.put(url, headers=token, json=body, timeout=60).json()
        for nonce, status in (("x", 400), (begun["nonce"], 204)):
            sent: dict[str, dict[str, str]] = {how: {"nonce": nonce}}
            assert requests.delete(url, headers=token, timeout=60, **sent).status_code == status
        assert requests.get(url, headers=token, timeout=60).json()["started"] is False


def test_sealing_survives_a_snapshot() -> None:
    import pickle

    world = World()
    kept = pickle.dumps(world.core.state)
    world.write("sys/seal")
    world.core.replace_state(pickle.loads(kept), "openbao")
    assert world.core.seal.status == "unsealed"
