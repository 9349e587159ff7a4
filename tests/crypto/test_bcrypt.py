"""bcrypt in pure Python and by the package of that name: the same answers."""

from __future__ import annotations

from collections.abc import Iterator

import bcrypt as package
import pytest

from mockkms.crypto import bcrypt, passwords

_HASHED = package.hashpw("pässword".encode(), package.gensalt(4)).decode()


@pytest.fixture(params=["package", "pure"])
def _implementation(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    bcrypt.verified.cache_clear()
    if request.param == "pure":
        monkeypatch.setattr(bcrypt.util, "find_spec", lambda name: None)
    yield
    bcrypt.verified.cache_clear()


@pytest.mark.usefixtures("_implementation")
@pytest.mark.parametrize("version", ["2", "2a", "2b", "2y", "1z", "2$"])
def test_a_hash_of_each_version(version: str) -> None:
    hashed = f"${version}{_HASHED[3:]}"
    if version == "2$":
        hashed = hashed.replace("$$", "$")
    assert passwords.matches("pässword", hashed)
    assert passwords.matches("pässword", hashed + "more")
    assert not passwords.matches("password", hashed)


@pytest.mark.usefixtures("_implementation")
def test_spare_bits_of_a_salt_are_ignored() -> None:
    salt = _HASHED[7:29]
    letter = bcrypt._ALPHABET[bcrypt._ALPHABET.index(salt[-1]) | 9]
    assert passwords.matches("pässword", f"{_HASHED[:7]}{salt[:-1]}{letter}{_HASHED[29:]}")


@pytest.mark.usefixtures("_implementation")
@pytest.mark.parametrize(
    ("form", "cost"),
    [
        ("$2a$04$" + "a" * 53, 4),
        ("$2a$+9$" + "a" * 52, 9),
        ("$2a$04$" + "!" * 53, 4),
        ("$2a$04x" + "é" * 30, 4),
        ("$2a$31$" + "a" * 53, 31),
        ("$2a$04$" + "a" * 51, None),
        ("$2a$03$" + "a" * 53, None),
        ("$2a$32$" + "a" * 53, None),
        ("$2a$1x$" + "a" * 53, None),
        ("$3a$10$" + "a" * 53, None),
        ("x2a$10$" + "a" * 53, None),
    ],
)
def test_what_go_takes_for_a_hash(form: str, cost: int | None) -> None:
    """Go's bcrypt looks at the length, the version and the cost when it reads a hash."""
    assert passwords.bcrypt_cost(form) == cost
    assert not passwords.matches("password", form)
