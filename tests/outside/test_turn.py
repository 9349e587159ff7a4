"""Giving up the world's lock while one request waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mockkms.outside.turn import Abandoned, taking_turns, waiting


def free(lock: Any) -> bool:
    """Whether another thread can take the lock."""
    taken: list[bool] = []

    def take() -> None:
        taken.append(lock.acquire(blocking=False))
        if taken[0]:
            lock.release()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    return taken[0]


def test_the_lock_is_given_up_only_while_waiting() -> None:
    lock = threading.RLock()
    with taking_turns(lock, lambda: True):
        assert not free(lock)
        with waiting():
            assert free(lock)
        assert not free(lock)
    assert free(lock)


def test_who_does_not_take_turns_keeps_the_lock() -> None:
    lock = threading.RLock()
    with lock, waiting():
        assert not free(lock)


@pytest.mark.parametrize("fault", [None, OSError("refused")])
def test_a_request_is_abandoned_where_the_world_was_replaced_meanwhile(fault: OSError | None) -> None:
    def wait() -> None:
        with taking_turns(lock, lambda: False), waiting():
            if fault is not None:
                raise fault

    lock = threading.RLock()
    with pytest.raises(Abandoned):
        wait()
    assert free(lock)
