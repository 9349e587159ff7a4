"""Encrypt, decrypt, rewrap and data keys: round trips of every type, damage, contexts, associated data, batches."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vault.secrets.transit.ring import AEAD, CURVES, RSA, Ring, b64, framed

MISSING_CONTEXT = (
    "missing 'context' for key derivation; the key was created using a derived key, which means additional, "
    "per-request information must be included in order to perform operations with the key"
)


def flipped(ciphertext: str, bit: int) -> str:
    prefix, version, body = ciphertext.split(":")
    raw = bytearray(base64.b64decode(body))
    raw[bit // 8] ^= 1 << bit % 8
    return f"{prefix}:{version}:{b64(bytes(raw))}"


@pytest.mark.parametrize("type", [*AEAD, *RSA])
@pytest.mark.parametrize("text", [b"", b"x", bytes(range(180))])
def test_what_is_encrypted_decrypts(ring: Ring, type: str, text: bytes) -> None:
    ring.create(type=type)
    first, second = ring.encrypt(text), ring.encrypt(text)
    assert first != second
    assert ring.decrypt(first) == ring.decrypt(second) == text


@pytest.mark.parametrize(("type", "cipher"), [("aes256-gcm96", AESGCM), ("chacha20-poly1305", ChaCha20Poly1305)])
def test_an_exported_key_decrypts_with_another_library(ring: Ring, type: str, cipher: Any) -> None:
    ring.create(type=type, exportable=True)
    raw = base64.b64decode(ring.encrypt(b"outside", associated_data=b64(b"aad")).split(":")[2])
    key = base64.b64decode(ring.good("read", "export/encryption-key/k")["keys"]["1"])
    assert cipher(key).decrypt(raw[:12], raw[12:], b"aad") == b"outside"


@pytest.mark.parametrize("type", AEAD)
def test_flipped_bits_are_detected(ring: Ring, type: str) -> None:
    ring.create(type=type)
    ciphertext = ring.encrypt(b"abc")
    size = len(base64.b64decode(ciphertext.split(":")[2]))
    name = "cipher" if type.startswith("aes") else "chacha20poly1305"
    for bit in range(size * 8):
        answer = ring.bad("update", "decrypt/k", ciphertext=flipped(ciphertext, bit))
        assert answer == (400, f"{name}: message authentication failed")


def test_a_damaged_rsa_ciphertext_has_status_500(ring: Ring) -> None:
    ring.create(type="rsa-2048")
    status, text = ring.bad("update", "decrypt/k", ciphertext=flipped(ring.encrypt(b"abc"), 77))
    assert (status, text) == (500, framed("failed to RSA decrypt the ciphertext: crypto/rsa: decryption error"))


def test_too_long_for_rsa(ring: Ring) -> None:
    ring.create(type="rsa-2048")
    assert ring.decrypt(ring.encrypt(bytes(190))) == bytes(190)
    status, text = ring.bad("update", "encrypt/k", plaintext=b64(bytes(191)))
    assert status == 500
    assert "message too long for RSA key size" in text


@pytest.mark.parametrize("type", [*CURVES, "ed25519", "hmac"])
def test_types_that_do_not_encrypt(ring: Ring, type: str) -> None:
    ring.create(type=type)
    assert ring.bad("update", "encrypt/k", plaintext="") == (
        400, f"message encryption not supported for key type {type}")  # fmt: skip
    assert ring.bad("update", "decrypt/k", ciphertext="vault:v1:AAAA") == (
        400, f"message decryption not supported for key type {type}")  # fmt: skip


@pytest.mark.parametrize("type", AEAD)
def test_each_context_has_its_own_key(ring: Ring, type: str) -> None:
    ring.create(type=type, derived=True)
    ciphertext = ring.encrypt(b"mine", context=b64(b"me"))
    assert ring.decrypt(ciphertext, context=b64(b"me")) == b"mine"
    assert ring.bad("update", "decrypt/k", ciphertext=ciphertext, context=b64(b"you"))[0] == 400
    assert ring.bad("update", "decrypt/k", ciphertext=ciphertext) == (400, MISSING_CONTEXT)
    assert ring.bad("update", "encrypt/k", plaintext="") == (400, MISSING_CONTEXT)


@pytest.mark.parametrize("type", AEAD)
def test_convergent_keys_repeat_within_context_and_version(ring: Ring, type: str) -> None:
    ring.create(type=type, derived=True, convergent_encryption=True)
    one, other = b64(b"one"), b64(b"other")
    ciphertext = ring.encrypt(b"same", context=one)
    assert ring.encrypt(b"same", context=one) == ciphertext
    assert ring.encrypt(b"same!", context=one) != ciphertext
    assert ring.encrypt(b"same", context=other) != ciphertext
    ring.rotate()
    assert ring.encrypt(b"same", context=one) != ciphertext
    assert ring.encrypt(b"same", context=one, key_version=1) == ciphertext
    assert ring.decrypt(ciphertext, context=one) == b"same"


def test_associated_data_must_be_given_again(ring: Ring) -> None:
    ring.create()
    bound, free = ring.encrypt(b"t", associated_data=b64(b"a")), ring.encrypt(b"t")
    assert ring.decrypt(bound, associated_data=b64(b"a")) == b"t"
    for ciphertext, data in ((bound, ""), (bound, b64(b"b")), (free, b64(b"a"))):
        status, text = ring.bad("update", "decrypt/k", ciphertext=ciphertext, associated_data=data)
        assert (status, text) == (400, "cipher: message authentication failed")
    assert ring.bad("update", "encrypt/k", plaintext="", associated_data="!")[0] == 500


@given(version=st.integers(-3, 9), low=st.integers(1, 5), encryption=st.integers(0, 5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_versions_out_of_bounds_are_refused(ring: Ring, version: int, low: int, encryption: int) -> None:
    if "k" not in ring.state.keys:
        ring.create()
        ring.rotate(times=4)
    made = [ring.encrypt(b"x", key_version=n) for n in range(1, 6)] if not ring.state.disable_upsert else []
    if 0 < encryption < low:
        status, _ = ring.bad("update", "keys/k/config", min_decryption_version=low, min_encryption_version=encryption)
        assert status == 400
        return
    ring.good("update", "keys/k/config", min_decryption_version=low, min_encryption_version=encryption)
    for number, ciphertext in enumerate(made, 1):
        response = ring.ask("update", "decrypt/k", ciphertext=ciphertext)
        assert (response.errors is None) == (number >= low)
    response = ring.ask("update", "encrypt/k", plaintext="", key_version=version)
    allowed = version == 0 or max(low, encryption) <= version <= 5
    assert (response.errors is None) == allowed
    ring.good("update", "keys/k/config", min_decryption_version=1, min_encryption_version=0)


@given(st.text(max_size=30) | st.text(alphabet="vault:1234567890=+/A -", max_size=30).map("vault:v".__add__))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_only_ciphertexts_decrypt(ring: Ring, text: str) -> None:
    if "k" not in ring.state.keys:
        ring.create()
    assert ring.bad("update", "decrypt/k", ciphertext=text)[0] == 400


def test_rewrap_encrypts_with_the_latest_version(ring: Ring) -> None:
    ring.create()
    old = ring.encrypt(b"travels")
    ring.rotate(times=2)
    data = ring.good("update", "rewrap/k", ciphertext=old)
    assert data["key_version"] == 3
    assert data["ciphertext"].startswith("vault:v3:")
    assert ring.decrypt(data["ciphertext"]) == b"travels"
    assert ring.good("update", "rewrap/k", ciphertext=old, key_version=2)["ciphertext"].startswith("vault:v2:")


def test_rewrap_reports_errors_of_items_with_status_200(ring: Ring) -> None:
    ring.create()
    items = [{"ciphertext": ring.encrypt(b"x"), "reference": "a"}, {"reference": 5}, {"ciphertext": "junk"}, None]
    results = ring.good("update", "rewrap/k", batch_input=items)["batch_results"]
    assert results[0]["reference"] == "a"
    assert "error" not in results[0]
    assert results[1:] == [
        {"error": "missing ciphertext to decrypt", "reference": "5"},
        {"error": "invalid ciphertext: no prefix", "reference": ""},
        {"error": "missing ciphertext to decrypt", "reference": ""},
    ]


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ("x", "'' source data must be an array or slice, got string"),
        ({"a": 1}, "'' source data must be an array or slice, got map"),
        (["x", 5], "decoding failed due to the following error(s):\n\n'[0]' expected a map or struct, got \"string\"\n"
                   "'[1]' expected a map or struct, got \"string\""),
        ([{"ciphertext": True}], "decoding failed due to the following error(s):\n\n'[0].ciphertext' expected type "
                                 "'string', got unconvertible type 'bool'"),
        ([{"key_version": 1 << 70}], "decoding failed due to the following error(s):\n\n'[0].key_version' cannot parse "
                                     f"value as 'int': strconv.ParseInt: parsing \"{1 << 70}\": value out of range"),
    ],
)  # fmt: skip
def test_rewrap_refuses_malformed_batches(ring: Ring, batch: Any, text: str) -> None:
    assert ring.bad("update", "rewrap/k", batch_input=batch) == (500, framed(f"failed to parse batch input: {text}"))


@pytest.mark.parametrize(
    ("batch", "text"),
    [
        ([{}], "'[0].plaintext' missing plaintext to encrypt"),
        ([{"plaintext": 1}, {"plaintext": None}], "'[0].plaintext' expected type 'string', got unconvertible type "
         "'json.Number'\n'[1].plaintext' expected type 'string', got unconvertible type '<nil>'"),
        ([{"plaintext": "", "key_version": True}], "'[0].key_version' expected type 'int', got unconvertible type "
                                                   "'bool'"),
        ([[]], "[0] expected a map, got '[]interface {}'"),
        (7, "source data must be an array or slice, got json.Number"),
    ],
)  # fmt: skip
def test_encrypt_refuses_malformed_batches(ring: Ring, batch: Any, text: str) -> None:
    ring.create()
    answer = ring.bad("update", "encrypt/k", batch_input=batch)
    assert answer == (500, framed(f"failed to parse batch input: {text}"))


def test_a_batch_that_fails_in_part(ring: Ring) -> None:
    ring.create()
    items = [{"plaintext": b64(b"good"), "reference": "r"}, {"plaintext": "!"}]
    response = ring.ask("update", "encrypt/k", batch_input=items)
    assert response.status == 400
    assert response.errors is None
    assert response.data is not None
    good, bad = response.data["batch_results"]
    assert good["reference"] == "r"
    assert good["key_version"] == 1
    assert bad == {"error": "illegal base64 data at input byte 0", "reference": ""}
    assert ring.ask("update", "encrypt/k", batch_input=items, partial_failure_response_code=207).status == 207
    assert ring.ask("update", "encrypt/k", batch_input=items, partial_failure_response_code=101).status == 200
    for code in (600, 3):
        odd = ring.ask("update", "encrypt/k", batch_input=items, partial_failure_response_code=code)
        assert odd.status == 400
        assert "reverting to 400" in odd.warnings[0]
    assert ring.ask("update", "encrypt/k", batch_input=items[1:], partial_failure_response_code=207).status == 400
    mixed = ring.ask(
        "update", "decrypt/k", batch_input=[{"ciphertext": good["ciphertext"]}, {"ciphertext": "x", "reference": "y"}]
    )
    assert mixed.status == 400
    assert mixed.data is not None
    assert mixed.data["batch_results"] == [
        {"plaintext": b64(b"good"), "reference": ""},
        {"plaintext": "", "error": "invalid ciphertext: no prefix", "reference": "y"},
    ]


def test_contexts_in_all_items_or_in_none(ring: Ring) -> None:
    items = [{"plaintext": "", "context": b64(b"c")}, {"plaintext": ""}]
    assert ring.bad("update", "encrypt/new", batch_input=items) == (
        400, "context should be set either in all the request blocks or in none")  # fmt: skip
    assert "new" not in ring.state.keys


def test_encrypt_creates_a_missing_key(ring: Ring) -> None:
    ring.encrypt(b"x", "plain", type="chacha20-poly1305")
    ring.encrypt(b"x", "derived", context=b64(b"c"), convergent_encryption=True)
    assert ring.key("plain").type == "chacha20-poly1305"
    assert not ring.key("plain").derived
    assert ring.key("derived").derived
    assert ring.key("derived").convergent_encryption
    assert ring.bad("update", "encrypt/e", plaintext="", type="rsa-2048") == (400, "unknown key type rsa-2048")
    ring.good("update", "config/keys", disable_upsert=True)
    assert ring.bad("update", "encrypt/e", plaintext="") == (400, "encryption key not found")
    assert set(ring.state.keys) == {"plain", "derived"}


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_data_keys_decrypt_to_what_was_shown(ring: Ring, bits: int) -> None:
    ring.create()
    data = ring.good("update", "datakey/plaintext/k", bits=bits, associated_data=b64(b"a"))
    plain = base64.b64decode(data["plaintext"])
    assert len(plain) * 8 == bits
    assert ring.decrypt(data["ciphertext"], associated_data=b64(b"a")) == plain
    assert "plaintext" not in ring.good("update", "datakey/wrapped/k", bits=bits)
    assert ring.bad("update", "datakey/plaintext/k", bits=bits + 1) == (400, "invalid bit length")


@pytest.mark.flavors("openbao")
@pytest.mark.parametrize("member", [{"nonce": ["x"]}, {"padding_scheme": {}}, {"padding_scheme": None}])
def test_members_of_items_that_openbao_does_not_know_may_have_any_value(ring: Ring, member: dict[str, Any]) -> None:
    ring.create()
    made = ring.ask("update", "encrypt/k", batch_input=[{"plaintext": b64(b"x"), **member}]).data
    assert made is not None
    opened = ring.ask("update", "decrypt/k", batch_input=[{**made["batch_results"][0], **member}]).data
    assert opened is not None
    assert opened["batch_results"][0]["plaintext"] == b64(b"x")
