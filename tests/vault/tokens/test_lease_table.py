"""The table of leases finds those below a path as a look at all of them would."""

from __future__ import annotations

import pickle
import random

import pytest

from mockkms.vault.tokens.lease import LeaseEntry, LeaseState

FRONTS = ("auth/token/create/", "auth/up/login/ann/", "auth/upper/login/", "database/creds/r/", "data/", "a/b/")
PREFIXES = (
    "", "auth", "auth/", "auth/up", "auth/up/", "auth/up/login/ann/", "auth/token/", "database/", "data", "data/",
    "a/b/", "none/",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_leases_below_a_path(seed: int) -> None:
    chance, table = random.Random(seed), LeaseState()
    for step in range(400):
        if chance.random() < 0.65 or not table.items:
            lease_id = f"{chance.choice(FRONTS)}{step}"
            table.add(LeaseEntry(lease_id, lease_id, "", "t", 0.0, 1.0))
        else:
            table.remove(chance.choice(list(table.items)))
        if step % 100 == 50:
            table = chance.choice((table.fork, lambda: pickle.loads(pickle.dumps(table))))()  # noqa: B023
        prefix = chance.choice(PREFIXES)
        assert table.below(prefix) == sorted(one for one in table.items if one.startswith(prefix))
