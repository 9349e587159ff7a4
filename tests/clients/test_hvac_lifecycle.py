"""hvac takes a server from nothing to work and through every change of its keys, as it does a real one."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import hvac
import pytest
from hvac.exceptions import InvalidRequest, VaultDown

from mockkms import MockKMS

SHARES, THRESHOLD = 5, 3


@pytest.fixture
def fresh() -> Iterator[MockKMS]:
    """A server nobody has initialised."""
    with MockKMS(state="uninitialized", rng=1) as kms:
        yield kms


@pytest.fixture
def tokenless(fresh: MockKMS) -> Iterator[hvac.Client]:
    """hvac without a token."""
    made = hvac.Client(url=fresh.url)
    made.token = None
    yield made
    made.adapter.close()


@pytest.fixture
def keys(tokenless: hvac.Client) -> list[str]:
    """The shares of an initialised and unsealed server, whose root token the client has."""
    made = tokenless.sys.initialize(SHARES, THRESHOLD)
    tokenless.token = made["root_token"]
    tokenless.sys.submit_unseal_keys(made["keys"][:THRESHOLD])
    return list(made["keys"])


def test_initialize_and_unseal(fresh: MockKMS, tokenless: hvac.Client) -> None:
    assert not tokenless.sys.is_initialized()
    assert tokenless.sys.is_sealed()
    assert tokenless.sys.read_health_status(method="GET").status_code == 501
    made = tokenless.sys.initialize(SHARES, THRESHOLD)
    assert (len(made["keys"]), len(made["keys_base64"])) == (SHARES, SHARES)
    assert [base64.b64decode(key).hex() for key in made["keys_base64"]] == made["keys"]
    assert made["root_token"].startswith("hvs.")
    assert fresh.token == made["root_token"]
    assert tokenless.sys.is_initialized()
    with pytest.raises(InvalidRequest, match="Vault is already initialized"):
        tokenless.sys.initialize(SHARES, THRESHOLD)
    tokenless.token = made["root_token"]
    with pytest.raises(VaultDown, match="Vault is sealed"):
        tokenless.lookup_token()
    for number, key in enumerate(made["keys"][:2], start=1):
        status = tokenless.sys.submit_unseal_key(key)
        assert (status["sealed"], status["progress"], status["t"], status["n"]) == (True, number, THRESHOLD, SHARES)
    assert tokenless.sys.submit_unseal_key(reset=True)["progress"] == 0
    assert tokenless.sys.submit_unseal_keys(made["keys_base64"][2:])["sealed"] is False
    assert tokenless.lookup_token()["data"]["policies"] == ["root"]
    # A server that is no dev server comes without a mount for secrets.
    assert "secret/" not in tokenless.sys.list_mounted_secrets_engines()["data"]


def test_wrong_shares_do_not_unseal(tokenless: hvac.Client, keys: list[str]) -> None:
    tokenless.sys.seal()
    assert tokenless.sys.is_sealed()
    for key in keys[:2]:
        tokenless.sys.submit_unseal_key(key)
    wrong = keys[2][:-2] + ("00" if keys[2][-2:] != "00" else "01")
    with pytest.raises(InvalidRequest):
        tokenless.sys.submit_unseal_key(wrong)
    assert tokenless.seal_status["progress"] == 0
    assert tokenless.sys.submit_unseal_keys(keys[:THRESHOLD])["sealed"] is False


def test_a_sealed_server_keeps_what_it_holds(tokenless: hvac.Client, keys: list[str]) -> None:
    tokenless.sys.enable_secrets_engine("kv", path="kept", options={"version": "1"})
    tokenless.secrets.kv.v1.create_or_update_secret("a", {"b": "c"}, mount_point="kept")
    tokenless.sys.seal()
    tokenless.sys.submit_unseal_keys(keys[1:4])
    assert tokenless.secrets.kv.v1.read_secret("a", mount_point="kept")["data"] == {"b": "c"}


def test_rekey(fresh: MockKMS, tokenless: hvac.Client, keys: list[str]) -> None:
    started = tokenless.sys.start_rekey(secret_shares=3, secret_threshold=2)
    assert (started["started"], started["required"], started["n"], started["t"]) == (True, THRESHOLD, 3, 2)
    done = tokenless.sys.rekey_multi(keys[:THRESHOLD], nonce=started["nonce"])
    assert done["complete"] is True
    assert sorted(fresh.unseal_keys) == sorted(done["keys_base64"])
    tokenless.sys.seal()
    with pytest.raises(InvalidRequest):
        tokenless.sys.submit_unseal_keys(keys[:2])
    assert tokenless.sys.submit_unseal_keys(done["keys"][1:])["sealed"] is False
    assert tokenless.sys.read_rekey_progress()["started"] is False


def test_rekey_counts_only_once_verified(tokenless: hvac.Client, keys: list[str]) -> None:
    started = tokenless.sys.start_rekey(secret_shares=3, secret_threshold=2, require_verification=True)
    done = tokenless.sys.rekey_multi(keys[:THRESHOLD], nonce=started["nonce"])
    assert done["verification_required"] is True
    nonce = done["verification_nonce"]
    assert tokenless.sys.read_rekey_verify_progress()["nonce"] == nonce
    tokenless.sys.cancel_rekey_verify()
    nonce = tokenless.sys.read_rekey_verify_progress()["nonce"]
    verified = tokenless.sys.rekey_verify_multi(done["keys"][:2], nonce=nonce)
    assert verified["complete"] is True
    tokenless.sys.seal()
    assert tokenless.sys.submit_unseal_keys(done["keys"][:2])["sealed"] is False


def test_an_unverified_rekey_changes_nothing(fresh: MockKMS, tokenless: hvac.Client, keys: list[str]) -> None:
    started = tokenless.sys.start_rekey(secret_shares=3, secret_threshold=2, require_verification=True)
    tokenless.sys.rekey_multi(keys[:THRESHOLD], nonce=started["nonce"])
    with pytest.raises(InvalidRequest, match="failed to cancel rekey: invalid request"):
        tokenless.sys.cancel_rekey()
    # The client sends no nonce, which the server asks for as long as a rekey is young.
    fresh.clock.advance(601)
    tokenless.sys.cancel_rekey()
    tokenless.sys.seal()
    assert tokenless.sys.submit_unseal_keys(keys[:THRESHOLD])["sealed"] is False


def test_generate_root(tokenless: hvac.Client, keys: list[str]) -> None:
    begun = tokenless.sys.read_root_generation_progress()
    assert begun["started"] is False
    otp = "x" * begun["otp_length"]
    started = tokenless.sys.start_root_token_generation(otp=otp)
    nonce = started["nonce"]
    for key in keys[: THRESHOLD - 1]:
        assert tokenless.sys.generate_root(key, nonce)["complete"] is False
    done = tokenless.sys.generate_root(keys[-1], nonce)
    assert done["complete"] is True
    encoded = done["encoded_root_token"]
    mixed = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    tokenless.token = bytes(a ^ b for a, b in zip(mixed, otp.encode(), strict=True)).decode()
    assert tokenless.lookup_token()["data"]["policies"] == ["root"]


def test_generate_root_is_cancelled(tokenless: hvac.Client, keys: list[str]) -> None:
    nonce = tokenless.sys.start_root_token_generation(otp="x" * 28)["nonce"]
    tokenless.sys.generate_root(keys[0], nonce)
    tokenless.sys.cancel_root_generation()
    with pytest.raises(InvalidRequest, match="no root generation in progress"):
        tokenless.sys.generate_root(keys[1], nonce)


def test_shares_are_encrypted_if_pgp_keys_were_given(tokenless: hvac.Client) -> None:
    with pytest.raises(InvalidRequest, match="invalid seal configuration: error parsing given PGP key"):
        tokenless.sys.initialize(1, 1, pgp_keys=["AAAA"])
    assert not tokenless.sys.is_initialized()


def test_a_reset_returns_to_an_uninitialized_server(fresh: MockKMS, tokenless: hvac.Client, keys: list[str]) -> None:
    fresh.reset()
    assert not tokenless.sys.is_initialized()
    assert fresh.token == ""
    assert fresh.unseal_keys == []
