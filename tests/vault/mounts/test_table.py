"""Mounts of a restored world: their data stays packed until it is asked for, and nobody sees a difference."""

from __future__ import annotations

import copy
import pickle

import pytest

from mockkms.vault.mounts.table import Mount


def made() -> Mount:
    return Mount("secret/", "kv", "kv_1", "uuid", {"keys": {"a": [1]}}, description="d", options={"version": "2"})


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m, 5)), copy.deepcopy, copy.copy])
def test_a_copy_is_equal_and_apart(copied: object) -> None:
    first = made()
    second = copied(first)  # type: ignore[operator]
    assert second == first
    second.state["keys"]["a"].append(2)
    assert first.state == {"keys": {"a": [1]}}
    assert second.state == {"keys": {"a": [1, 2]}}


def test_untouched_data_is_never_unpacked() -> None:
    class Loud:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("unpacked",)

    first = made()
    first.state = Loud()
    second = pickle.loads(pickle.dumps(first))
    third = pickle.loads(pickle.dumps(second))
    assert third.path == "secret/"
    with pytest.raises(pytest.fail.Exception, match="unpacked"):
        _ = third.state


def test_data_may_be_replaced_while_packed() -> None:
    restored = pickle.loads(pickle.dumps(made()))
    restored.state = {"new": True}
    assert pickle.loads(pickle.dumps(restored)).state == {"new": True}


def test_other_missing_attributes_are_missing() -> None:
    restored = pickle.loads(pickle.dumps(made()))
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = restored.nothing_like_it
