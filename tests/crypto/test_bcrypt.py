"""bcrypt in pure Python and by the package of that name: the same answers."""

from __future__ import annotations

import bcrypt as package
import pytest

from mockkms.crypto import bcrypt

_HASHED = package.hashpw("pässword".encode(), package.gensalt(4)).decode()


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("version", ["2", "2a", "2b", "2y"])
def test_a_hash_of_each_version(monkeypatch: pytest.MonkeyPatch, version: str, installed: bool) -> None:
    bcrypt.verified.cache_clear()
    if not installed:
        monkeypatch.setattr(bcrypt.util, "find_spec", lambda name: None)
    hashed = f"${version}{_HASHED[3:]}"
    assert bcrypt.verify("pässword".encode(), hashed)
    assert not bcrypt.verify(b"password", hashed)
    bcrypt.verified.cache_clear()
