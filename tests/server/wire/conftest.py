"""Fixtures of the tests of connections."""

from __future__ import annotations

import pytest
import trustme


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that issues certificates of clients."""
    return trustme.CA(key_type=trustme.KeyType.ECDSA)
