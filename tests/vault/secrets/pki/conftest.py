"""The fixture ``pki``: a Vault with one mount of the PKI engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.vault.secrets.pki.authority import Authority


@pytest.fixture
def pki(flavor: str | None, prepare: Callable[[Authority], object]) -> Authority:
    """A PKI mount; OpenBao unless the marker ``flavors`` says otherwise."""
    made = Authority(flavor or "openbao")
    prepare(made)
    return made
