"""The index of mounts is right about conflicts, which a look at every mount finds, after any changes."""

from __future__ import annotations

import random

import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.index import MountIndex

NAMES = ("a/", "b/", "a/b/", "b/a/", "a/b/c/", "sys/", "ab/", "a/sys/", "xsys/", "xy/")


def conflicts(core: Core, namespace: str, path: str) -> bool:
    """Whether a mount is at, above or below a path, or a namespace, by looking at all of them."""
    place = namespace + path
    for at in core.state.mounts.entries:
        front = at.removesuffix("sys/")
        if place.startswith(at) or at.startswith(place):
            return True
        if front not in (at, namespace, "") and place.startswith(front):
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
def test_the_index_follows_every_change(seed: int) -> None:
    chance = random.Random(seed)
    with MockKMS(root_token="root", rng=seed, flavor="openbao") as kms:
        core, most = kms.world.core, 0

        def ask(operation: Operation, path: str, namespace: str = "", **data: object) -> None:
            core.handle(Request(operation, path, data=data, token="root", namespace=namespace))

        for _ in range(150):
            table = core.state.mounts
            namespace, name = chance.choice(("", "", "n/", "a/")), chance.choice(NAMES)
            match chance.randrange(6):
                case 0 | 1:
                    ask(Operation.UPDATE, f"sys/mounts/{name[:-1]}", namespace, type=chance.choice(("kv", "transit")))
                case 2:
                    ask(Operation.DELETE, f"sys/mounts/{name[:-1]}", namespace)
                case 3:
                    ask(Operation.UPDATE, "sys/remount", namespace, **{"from": name, "to": chance.choice(NAMES)})
                case 4:
                    ask(Operation.UPDATE, f"sys/namespaces/{chance.choice(('n', 'a'))}", "")
                case 5:
                    ask(Operation.DELETE, f"sys/namespaces/{chance.choice(('n', 'a'))}", "")
            fresh = MountIndex(table.entries.values())
            assert set(table.index.engines) == set(fresh.engines)
            for mount in table.entries.values():
                assert table.by_accessor(mount.accessor) is mount
            for name in NAMES:
                for namespace in ("", "n/", "a/"):
                    assert table.index.crowded(namespace, name) == conflicts(core, namespace, name), (namespace, name)
                assert table.index.occupied(name) == any(at.startswith(name) for at in table.entries)
            most = max(most, len(table.entries))
        assert most > 12
