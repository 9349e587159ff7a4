"""Transit keys: creation, reads, settings, rotation by request and by the clock, trimming and deletion."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mockkms.vault.secrets.transit.keys import reading
from tests.vault.secrets.transit.ring import AEAD, CURVES, RSA, START, TYPES, Ring, b64, framed


@pytest.mark.parametrize("type", TYPES)
def test_what_a_new_key_shows(ring: Ring, type: str) -> None:
    shown = ring.create(type=type)
    assert shown["supports_encryption"] == shown["supports_decryption"] == (type in (*AEAD, *RSA))
    assert shown["supports_signing"] == (type in (*RSA, *CURVES, "ed25519"))
    assert shown["supports_derivation"] == (type in (*AEAD, "ed25519"))
    assert (shown["latest_version"], shown["min_decryption_version"], shown["min_available_version"]) == (1, 1, 0)
    if type in AEAD:
        assert shown["keys"] == {"1": int(START)}
    elif type == "hmac":
        assert "keys" not in shown
        assert shown["key_size"] == 32
    else:
        version = shown["keys"]["1"]
        assert version["name"] == {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384", "ecdsa-p521": "P-521"}.get(type, type)
        assert version["public_key"].startswith("-----BEGIN PUBLIC KEY-----\n") or type == "ed25519"
        assert version["creation_time"] == "2027-01-15T08:00:00Z"


def test_creating_an_existing_key_shows_it(ring: Ring) -> None:
    first = ring.create(exportable=True)
    assert ring.create(type="rsa-2048") == first
    assert ring.good("read", "keys/k") == first


def test_derived_signing_keys_show_a_public_key_per_context(ring: Ring) -> None:
    ring.create(type="ed25519", derived=True)
    assert ring.good("read", "keys/k")["keys"]["1"]["public_key"] == ""
    one = ring.good("read", "keys/k", context=b64(b"1"))["keys"]["1"]["public_key"]
    two = ring.good("read", "keys/k", context=b64(b"2"))["keys"]["1"]["public_key"]
    assert one
    assert two
    assert one != two
    assert ring.bad("read", "keys/k", context="!") == (400, "failed to base64-decode context")


def test_lists_have_pages(ring: Ring) -> None:
    for name in ("b", "a", "c"):
        ring.create(name)
    assert ring.good("list", "keys/") == {"keys": ["a", "b", "c"]}
    assert ring.good("list", "keys/", after="a", limit=1) == {"keys": ["b"]}
    assert ring.ask("list", "keys/", after="c").status == 404


def test_a_key_is_deleted_only_if_it_may(ring: Ring) -> None:
    ring.create()
    assert ring.bad("delete", "keys/k") == (400, "error deleting policy k: deletion is not allowed for this key")
    ring.good("update", "keys/k/config", deletion_allowed=True)
    assert ring.ask("delete", "keys/k").status == 204
    assert ring.ask("read", "keys/k").status == 404
    assert ring.bad("delete", "keys/k") == (400, "error deleting policy k: could not delete key; not found")


def test_a_refused_configuration_changes_nothing(ring: Ring) -> None:
    before = ring.create()
    for wrong in ({"min_encryption_version": 2}, {"auto_rotate_period": 5}, {"min_decryption_version": 2}):
        data: dict[str, Any] = {"deletion_allowed": True, "exportable": True, **wrong}
        assert ring.bad("update", "keys/k/config", **data)[0] == 400
    assert ring.good("read", "keys/k") == before


def test_switches_that_cannot_be_revoked(ring: Ring) -> None:
    ring.create(exportable=True, allow_plaintext_backup=True)
    shown = ring.good("update", "keys/k/config", exportable=False, allow_plaintext_backup=False)
    assert shown["exportable"]
    assert shown["allow_plaintext_backup"]


def test_trimmed_versions_are_gone(ring: Ring) -> None:
    ring.create()
    old = ring.encrypt(b"old")
    ring.rotate(times=2)
    ring.good("update", "keys/k/config", min_decryption_version=2, min_encryption_version=2)
    assert ring.good("update", "keys/k/trim", min_available_version=2)["min_available_version"] == 2
    assert sorted(ring.key().versions) == [2, 3]
    assert ring.bad("update", "keys/k/config", min_decryption_version=1) == (
        400, "min decryption version should not be less then min available version")  # fmt: skip
    assert ring.bad("update", "decrypt/k", ciphertext=old)[0] == 400
    assert ring.bad("update", "keys/k/trim", min_available_version=1) == (
        400, "minimum available version cannot be decremented")  # fmt: skip


def test_soft_deleted_keys_cannot_be_used_until_restored(ring: Ring) -> None:
    ring.create(exportable=True, allow_plaintext_backup=True)
    ciphertext = ring.encrypt(b"x")
    assert ring.ask("delete", "keys/k/soft-delete").warnings == []
    assert ring.ask("delete", "keys/k/soft-delete").warnings == ["key was already marked as soft deleted"]
    refusal = "refusing to use soft-deleted key"
    assert ring.bad("update", "decrypt/k", ciphertext=ciphertext) == (400, refusal)
    assert ring.bad("update", "keys/k/rotate") == (500, framed(refusal))
    assert ring.bad("read", "backup/k") == (500, framed(refusal))
    ring.good("update", "keys/k/soft-delete-restore")
    assert ring.decrypt(ciphertext) == b"x"
    assert ring.ask("delete", "keys/none/soft-delete").status == 204


def test_the_clock_rotates(ring: Ring) -> None:
    ring.create(auto_rotate_period="24h")
    old = ring.encrypt(b"old")
    ring.core.clock.advance(24 * 3600)
    assert ring.good("read", "keys/k")["latest_version"] == 1
    ring.core.clock.advance(1)
    assert ring.good("read", "keys/k")["latest_version"] == 2
    ring.core.clock.advance(3 * 24 * 3600)
    shown = ring.good("read", "keys/k")
    assert shown["latest_version"] == 5
    assert shown["keys"] == {str(n): int(START) + (n - 1) * 86400 for n in range(1, 6)}
    assert ring.encrypt(b"new").startswith("vault:v5:")
    assert ring.decrypt(old) == b"old"


def test_a_jump_of_many_years_does_not_make_thousands_of_versions(ring: Ring) -> None:
    ring.create(auto_rotate_period="1h")
    ring.core.clock.advance(30 * 365 * 86400 + 5)
    assert ring.good("read", "keys/k")["latest_version"] < 100
    latest = ring.good("read", "keys/k")["latest_version"]
    ring.core.clock.advance(3601)
    assert ring.good("read", "keys/k")["latest_version"] == latest + 1


def test_soft_deleted_and_imported_keys_are_not_rotated(ring: Ring) -> None:
    ring.create("soft", auto_rotate_period="1h")
    ring.good("delete", "keys/soft/soft-delete")
    ring.create("imported", auto_rotate_period="1h")
    ring.key("imported").imported = True
    ring.core.clock.advance(9999)
    assert ring.good("read", "keys/soft")["latest_version"] == 1
    assert ring.good("read", "keys/imported")["latest_version"] == 1


def test_both_sides_of_a_key_agreement_get_the_same_key(ring: Ring) -> None:
    ring.create("mine", type="ecdsa-p256")
    ring.create("theirs", type="ecdsa-p256")
    for name, base, peer in (("a", "mine", "theirs"), ("b", "theirs", "mine")):
        public = ring.good("read", f"keys/{peer}")["keys"]["1"]["public_key"]
        ring.good("update", f"derive-key/{name}", base_key_name=base, peer_public_key=public)
    assert ring.decrypt(ring.encrypt(b"shared", "a"), "b") == b"shared"
    assert ring.good("read", "keys/a")["imported_key"] is True
    assert ring.bad("update", "keys/a/rotate")[0] == 500
    status, text = ring.bad("update", "derive-key/c", base_key_name="mine", peer_public_key="junk")
    assert status == 500
    assert "data does not contain any valid public keys" in text


def test_the_other_product(ring: Ring) -> None:
    vault = Ring("vault")
    shown = vault.create(type="ecdsa-p256")
    assert "soft_deleted" not in shown
    assert shown["keys"]["1"]["hybrid_public_key"] == ""
    assert vault.bad("update", "keys/x", type="xchacha20-poly1305") == (400, "unknown key type xchacha20-poly1305")
    assert "enterprise" in vault.bad("update", "keys/x", type="aes256-cmac")[1]
    assert "enterprise" in vault.bad("update", "keys/x", type="slh-dsa")[1]
    assert vault.bad("delete", "keys/k/soft-delete") == (404, framed("unsupported path"))
    vault.create("e")
    assert vault.bad("update", "encrypt/e", plaintext="", nonce=b64(bytes(12))) == (
        400, "provided nonce not allowed for this key")  # fmt: skip
    ring.create("e")
    response = ring.ask("update", "encrypt/e", plaintext="", nonce=b64(bytes(12)))
    assert response.warnings == ["Endpoint ignored these unrecognized parameters: [nonce]"]


class OneKey(RuleBasedStateMachine):
    """One key under every operation that changes its bounds, compared with a model of plain numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring()
        self.ring.create()
        self.latest, self.low, self.encryption, self.available = 1, 1, 0, 0
        self.soft_deleted = False
        self.made: dict[int, str] = {}

    @rule()
    @precondition(lambda self: self.latest < 8)
    def rotate(self) -> None:
        response = self.ring.ask("update", "keys/k/rotate")
        assert (response.errors is None) == (not self.soft_deleted)
        self.latest += not self.soft_deleted

    @rule(low=st.integers(1, 9), encryption=st.integers(0, 9))
    def bound(self, low: int, encryption: int) -> None:
        changed = (low, encryption) != (self.low, self.encryption)
        fits = low <= self.latest and encryption <= self.latest and not 0 < encryption < low
        kept = not changed or self.available <= min(low, encryption)
        response = self.ring.ask(
            "update", "keys/k/config", min_decryption_version=low, min_encryption_version=encryption
        )
        assert (response.errors is None) == (fits and kept)
        if fits and kept:
            self.low, self.encryption = low, encryption

    @rule(available=st.integers(-1, 9))
    def trim(self, available: int) -> None:
        fits = self.encryption > 0 and max(1, self.available) <= available <= min(self.encryption, self.low)
        response = self.ring.ask("update", "keys/k/trim", min_available_version=available)
        assert (response.errors is None) == fits
        if fits:
            self.available = available

    @rule(version=st.integers(0, 9))
    def encrypt(self, version: int) -> None:
        response = self.ring.ask("update", "encrypt/k", plaintext=b64(b"%d" % version), key_version=version)
        number = version or self.latest
        fits = version == 0 or max(self.low, self.encryption) <= version <= self.latest
        assert (response.errors is None) == (fits and not self.soft_deleted)
        if response.errors is None:
            assert response.data is not None
            assert response.data["key_version"] == number
            self.made[number] = response.data["ciphertext"]

    @rule(version=st.integers(1, 9))
    def decrypt(self, version: int) -> None:
        if version in self.made:
            response = self.ring.ask("update", "decrypt/k", ciphertext=self.made[version])
            assert (response.errors is None) == (version >= self.low and not self.soft_deleted)

    @rule()
    def put_aside(self) -> None:
        self.ring.good("delete", "keys/k/soft-delete")
        self.soft_deleted = True

    @rule()
    def put_back(self) -> None:
        self.ring.good("update", "keys/k/soft-delete-restore")
        self.soft_deleted = False

    @rule()
    def snapshot(self) -> None:
        before = self.ring.good("read", "keys/k")
        mount = self.ring.core.state.mounts.get("", "transit/")
        assert mount is not None
        mount.state = pickle.loads(pickle.dumps(mount.state))
        assert self.ring.good("read", "keys/k") == before

    @invariant()
    def shows_its_bounds(self) -> None:
        shown = self.ring.good("read", "keys/k")
        assert (shown["latest_version"], shown["min_decryption_version"], shown["min_encryption_version"]) == (
            self.latest, self.low, self.encryption)  # fmt: skip
        assert sorted(map(int, shown["keys"])) == list(range(self.low, self.latest + 1))
        assert sorted(self.ring.key().versions) == list(range(max(1, self.available), self.latest + 1))


OneKey.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestOneKey = OneKey.TestCase


def test_the_times_of_many_versions_are_those_of_few(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many versions they are kept as JSON between rotations: through trims, archived versions and two keys."""
    monkeypatch.setattr(reading, "_MANY", 3)
    for name in ("a", "b"):
        ring.create(name)
    for number in range(1, 40):
        ring.core.clock.advance(number)
        for name in ("a", "b"):
            data = ring.good("update", f"keys/{name}/rotate") if number % 7 else ring.good("read", f"keys/{name}")
            assert data["keys"] == {str(n): int(version.created) for n, version in ring.key(name).usable()}
            assert list(data["keys"]) == sorted(data["keys"]) or number < 3
        if number == 20:
            ring.good("update", "keys/a/config", min_decryption_version=5, min_encryption_version=6)
            ring.good("update", "keys/a/trim", min_available_version=4)
