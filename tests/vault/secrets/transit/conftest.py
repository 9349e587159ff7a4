"""The fixture ``ring``: a Vault with one mount of the transit engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.vault.secrets.transit.ring import Ring


@pytest.fixture
def ring(flavor: str | None, prepare: Callable[[Ring], object]) -> Ring:
    """A transit mount; OpenBao unless the marker ``flavors`` says otherwise."""
    made = Ring(flavor or "openbao")
    prepare(made)
    return made
