"""PGP keys: what is encrypted to them opens with their private halves, and says what it should."""

from __future__ import annotations

import base64
import sys
from typing import Any

import pysequoia
import pytest

from mockkms.crypto import pgp
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core
from tests.vault.driving import World


class Owner:
    """A PGP key pair."""

    def __init__(self) -> None:
        self.secret = pysequoia.Tsk.generate("Ann <ann@example.org>")
        certificate = self.secret.extract_certificate()
        self.fingerprint = certificate.fingerprint
        self.public = base64.b64encode(bytes(certificate)).decode()

    def opened(self, message: bytes) -> bytes:
        found = pysequoia.decrypt(message, decryptor=self.secret.decryptor()).bytes
        assert found is not None
        return found


@pytest.fixture(scope="module")
def ann() -> Owner:
    return Owner()


@pytest.fixture(scope="module")
def bob() -> Owner:
    return Owner()


def shares(document: dict[str, Any], owners: list[Owner]) -> list[str]:
    """The shares in hex that the owners find in an answer."""
    assert document["keys"] == [base64.b64decode(text).hex() for text in document["keys_base64"]]
    return [o.opened(bytes.fromhex(k)).decode() for o, k in zip(owners, document["keys"], strict=True)]


def test_initialising_encrypts_shares_and_token(ann: Owner, bob: Owner) -> None:
    core = Core(flavor="openbao")

    def ask(operation: str, path: str, data: dict[str, Any] | None = None, token: str = "") -> Response:
        return core.handle(Request(Operation(operation), path, data=data or {}, token=token))

    wanted = {"secret_shares": 2, "secret_threshold": 2, "pgp_keys": [ann.public, bob.public]}
    made = ask("update", "sys/init", {**wanted, "root_token_pgp_key": bob.public}).document
    assert made is not None
    for share in shares(made, [ann, bob]):
        status = ask("update", "sys/unseal", {"key": share}).document
    assert status is not None
    assert status["sealed"] is False
    token = bob.opened(base64.b64decode(made["root_token"])).decode()
    assert ask("read", "auth/token/lookup-self", token=token).errors is None


def test_a_rotation_encrypts_keeps_a_copy_and_takes_the_shares_back(ann: Owner, bob: Owner) -> None:
    world = World()
    old = world.core.seal.unseal_keys[0]
    wanted = {"secret_shares": 2, "secret_threshold": 2, "pgp_keys": [ann.public, bob.public], "backup": True}
    begun = world.write("sys/rotate/root/init", {**wanted, "require_verification": True}).data
    assert begun is not None
    prints = [ann.fingerprint, bob.fingerprint]
    assert (begun["pgp_fingerprints"], begun["backup"]) == (prints, True)
    assert world.ask("read", "sys/rotate/root/backup").errors == ["no backed-up keys found"]
    made = world.write("sys/rotate/root/update", {"key": old, "nonce": begun["nonce"]}).data
    assert made is not None
    assert made["pgp_fingerprints"] == prints
    answer = world.ask("read", "sys/rotate/root/backup")
    assert answer.flat
    kept = answer.data
    assert kept is not None
    assert kept["nonce"] == begun["nonce"]
    assert kept["keys"] == {owner: [key] for owner, key in zip(prints, made["keys"], strict=True)}
    assert kept["keys_base64"] == {owner: [key] for owner, key in zip(prints, made["keys_base64"], strict=True)}
    for share in shares(made, [ann, bob]):
        proof = {"key": share, "nonce": made["verification_nonce"]}
        verified = world.write("sys/rotate/root/verify", proof).data
    assert verified is not None
    assert verified["complete"] is True
    assert world.ask("delete", "sys/rotate/root/backup").errors is None
    assert world.ask("read", "sys/rotate/root/backup").errors == ["no backed-up keys found"]


def test_rekeying_encrypts_and_keeps_a_copy(ann: Owner) -> None:
    world = World("vault-1.21")
    wanted = {"secret_shares": 1, "secret_threshold": 1, "pgp_keys": [ann.public], "backup": True}
    begun = world.write("sys/rekey/init", wanted).document
    assert begun is not None
    assert (begun["pgp_fingerprints"], begun["backup"]) == ([ann.fingerprint], True)
    share = {"key": world.core.seal.unseal_keys[0], "nonce": begun["nonce"]}
    made = world.write("sys/rekey/update", share).document
    assert made is not None
    assert shares(made, [ann]) == [base64.b64decode(world.core.seal.unseal_keys[0]).hex()]
    answer = world.ask("read", "sys/rekey/backup")
    assert answer.flat
    kept = answer.data
    assert kept == {
        "nonce": begun["nonce"],
        "keys": {ann.fingerprint: made["keys"]},
        "keys_base64": {ann.fingerprint: made["keys_base64"]},
    }
    assert world.ask("read", "sys/rekey/recovery-key-backup").errors == ["no backed-up keys found"]
    assert world.ask("delete", "sys/rekey/backup").errors is None
    assert world.ask("read", "sys/rekey/backup").errors == ["no backed-up keys found"]


@pytest.mark.parametrize(
    ("flavor", "path", "text"),
    [
        ("openbao", "sys/generate-root-token", "OTP string has incorrect length"),
        ("vault", "sys/generate-root", "OTP string is wrong length"),
        ("vault-1.21", "sys/generate-root", "OTP string is wrong length"),
    ],
)
def test_a_one_time_password_is_as_long_as_the_token(flavor: str, path: str, text: str) -> None:
    answer = World(flavor).write(f"{path}/attempt", {"otp": "short"})
    assert (answer.status, answer.errors) == (400, [text])


@pytest.mark.parametrize(("flavor", "path"), [("openbao", "sys/generate-root-token"), ("vault", "sys/generate-root")])
def test_a_generated_root_token_is_encrypted(ann: Owner, flavor: str, path: str) -> None:
    world = World(flavor)
    begun = world.write(f"{path}/attempt", {"pgp_key": ann.public})
    shown = begun.document or begun.data
    assert shown is not None
    assert (shown["pgp_fingerprint"], shown["otp"]) == (ann.fingerprint, "")
    share = {"key": world.core.seal.unseal_keys[0], "nonce": shown["nonce"]}
    answer = world.write(f"{path}/update", share)
    made = answer.document or answer.data
    assert made is not None
    assert (made["complete"], made["pgp_fingerprint"]) == (True, ann.fingerprint)
    assert world.alive(ann.opened(base64.b64decode(made["encoded_token"])).decode())


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("no base64!", "error decoding given PGP key: illegal base64 data at input byte 2"),
        ("AAAA", "error parsing given PGP key: openpgp: invalid data: tag byte does not have MSB set"),
        ("mQ==", "error parsing given PGP key: openpgp: invalid data: unexpected EOF"),
    ],
)
def test_what_is_no_key_is_refused_and_nothing_is_begun(key: str, text: str) -> None:
    world = World()
    answer = world.write("sys/generate-root-token/attempt", {"pgp_key": key})
    assert answer.errors == [f"error parsing PGP key: {text}"]
    assert world.core.seal.barrier.generation is None


def test_without_the_library_the_refusal_says_what_to_install(ann: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysequoia", None)
    answer = World().write("sys/generate-root-token/attempt", {"pgp_key": ann.public})
    assert answer.errors == [f"error parsing PGP key: {pgp.EXTRA}"]
    assert "mockkms[pgp]" in pgp.EXTRA
