"""Ed25519 against PyNaCl."""

from __future__ import annotations

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from mockkms.crypto import asymmetric
from mockkms.world.entropy import Entropy


@pytest.fixture(params=["with", "without"])
def libsodium(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PyNaCl, and as where it is not installed."""
    if request.param == "without":
        monkeypatch.setattr(asymmetric, "_libsodium_sign", lambda: None)
    else:
        assert asymmetric._libsodium_sign() is not None


@pytest.mark.usefixtures("libsodium")
def test_same_keys_and_signatures_as_nacl() -> None:
    private = asymmetric.generate_ed25519(Entropy())
    peer = SigningKey(private[:32])
    assert bytes(peer.verify_key) == asymmetric.public_of(private) == private[32:]
    assert (
        asymmetric.sign_ed25519(private, b"data")
        == asymmetric.sign_ed25519(private[:32], b"data")
        == peer.sign(b"data").signature
    )
    VerifyKey(private[32:]).verify(b"data", asymmetric.sign_ed25519(private, b"data"))
    assert asymmetric.verify_ed25519(private[32:], b"data", peer.sign(b"data").signature)
    with pytest.raises(BadSignatureError):
        VerifyKey(private[32:]).verify(b"other", asymmetric.sign_ed25519(private, b"data"))


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_bad_signatures(signature: bytes) -> None:
    assert not asymmetric.verify_ed25519(asymmetric.generate_ed25519(Entropy(1))[32:], b"data", signature)


def test_a_seed_repeats_the_key_and_a_label_names_it() -> None:
    assert asymmetric.generate_ed25519(Entropy(1)) == asymmetric.generate_ed25519(Entropy(1))
    assert asymmetric.generate_ed25519(Entropy(1)) != asymmetric.generate_ed25519(Entropy(2))
    late = Entropy(1)
    late.bytes(1000)
    assert asymmetric.generate_ed25519(late, "a") == asymmetric.generate_ed25519(Entropy(1), "a")
    assert asymmetric.generate_ed25519(late, "a") != asymmetric.generate_ed25519(late, "b")


@pytest.mark.parametrize("curve", asymmetric.CURVES)
def test_curve_keys_repeat_too(curve: str) -> None:
    assert asymmetric.generate_ec(curve, Entropy(1)) == asymmetric.generate_ec(curve, Entropy(1))
    entropy = Entropy(1)
    assert asymmetric.generate_ec(curve, entropy) != asymmetric.generate_ec(curve, entropy)
    assert asymmetric.ec_private(asymmetric.generate_ec(curve, Entropy())).curve.name == asymmetric.CURVES[curve].name
