from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockkms import MockKMS


@pytest.fixture(scope="session")
def openbao() -> Iterator[MockKMS]:
    """The server whose recorded answers these tests ask for again."""
    with MockKMS(flavor="openbao", root_token="root") as kms:
        yield kms
