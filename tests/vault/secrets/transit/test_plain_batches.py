"""Batches of plain texts are processed at once, with the same results as item by item."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Response
from mockkms.vault.golang.json_text import Encoded
from mockkms.vault.secrets.transit.encryption import decrypt, encrypt
from tests.vault.secrets.transit.ring import AEAD, Ring, b64

TEXTS = [b"", b"x", bytes(range(200)), b"again"]
BATCHES: list[list[Any]] = [
    [{"plaintext": b64(text)} for text in TEXTS],
    [{"plaintext": b64(text), "reference": f'<"{number}\u2028é>'} for number, text in enumerate(TEXTS)],
    [{"plaintext": b64(b"a")}, {"plaintext": b64(b"b"), "reference": ""}],
    [{"plaintext": b64(b"a")}, {"plaintext": "!"}],
    [{"plaintext": b64(b"a")}, {"plaintext": b64(b"b"), "associated_data": b64(b"c")}],
    [{"plaintext": b64(b"a"), "unknown": 1}, {"plaintext": b64(b"b"), "key_version": 1}],
    [{"plaintext": b64(b"a")}, {}],
    [{"plaintext": None}],
    [{"plaintext": b64(b"a"), "reference": 7}],
    [{"plaintext": "YQ==\n"}],
    [],
]


def outcome(response: Response) -> tuple[object, ...]:
    return response.status, response.plain_data(), response.errors, response.warnings


def both(monkeypatch: pytest.MonkeyPatch, type: str, path: str, batch: list[Any], **options: Any) -> list[Response]:
    """Return the responses of two equal worlds to a batch: at once if possible, and item by item."""
    responses = []
    for at_once in (True, False):
        with monkeypatch.context() as patched:
            if not at_once:
                patched.setattr(encrypt, "_encrypt_plain", lambda *_: None)
                patched.setattr(decrypt, "_decrypt_plain", lambda *_: None)
            ring = Ring()
            ring.create(type=type, **options)
            ring.rotate()
            responses.append(ring.ask("update", path, batch_input=batch))
    return responses


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("type", [*AEAD, "rsa-2048", "ed25519"])
def test_encryption(monkeypatch: pytest.MonkeyPatch, type: str, batch: list[Any]) -> None:
    at_once, one_by_one = both(monkeypatch, type, "encrypt/k", batch)
    if type == "rsa-2048":  # Its padding is random.
        assert at_once.status == one_by_one.status
        return
    assert outcome(at_once) == outcome(one_by_one)


@pytest.mark.parametrize("options", [{"derived": True}, {"derived": True, "convergent_encryption": True}])
def test_encryption_with_keys_that_derive(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    at_once, one_by_one = both(monkeypatch, "aes256-gcm96", "encrypt/k", BATCHES[0], **options)
    assert outcome(at_once) == outcome(one_by_one)


def test_a_key_that_does_not_exist_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once, one_by_one = both(monkeypatch, "aes256-gcm96", "encrypt/new", BATCHES[0])
    assert outcome(at_once) == outcome(one_by_one)


@pytest.mark.parametrize("type", AEAD)
@pytest.mark.parametrize("harm", ["", "vault:v1:AAAA", "vault:v9:AAAA", "vault:v1:!", "vault:v1", "nothing", "cut"])
def test_decryption(monkeypatch: pytest.MonkeyPatch, type: str, harm: str) -> None:
    ring = Ring()
    ring.create(type=type)
    made = [ring.encrypt(text) for text in TEXTS]
    ring.rotate()
    made += [ring.encrypt(text) for text in TEXTS]
    if harm:
        made[3] = made[3][:-8] + "AAAAAAA=" if harm == "cut" else harm
    batch = [{"ciphertext": text, "reference": str(number % 3 or "")} for number, text in enumerate(made)]
    responses = []
    for at_once in (True, False):
        if not at_once:
            monkeypatch.setattr(decrypt, "_decrypt_plain", lambda *_: None)
        responses.append(ring.ask("update", "decrypt/k", batch_input=batch))
    assert outcome(responses[0]) == outcome(responses[1])
    if not harm:
        assert isinstance(responses[0].data, Encoded) == (type != "xchacha20-poly1305")
