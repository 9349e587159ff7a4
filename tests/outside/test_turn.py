"""Giving up the world's lock while one request waits."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mockkms.outside.turn import Abandoned, in_background, keeping_turns, taking_turns, waiting


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
def test_a_request_is_abandoned_if_the_world_was_replaced(fault: OSError | None) -> None:
    def wait() -> None:
        with taking_turns(lock, lambda: False), waiting():
            if fault is not None:
                raise fault

    lock = threading.RLock()
    with pytest.raises(Abandoned):
        wait()
    assert free(lock)


def test_work_in_the_background_takes_turns() -> None:
    lock, done = threading.RLock(), threading.Event()
    order: list[str] = []

    def work() -> None:
        with waiting():
            assert free(lock)
        order.append("work")
        assert not free(lock)
        done.set()

    for turns in (taking_turns, keeping_turns):
        done.clear()
        order.clear()
        with turns(lock, lambda: True):
            assert in_background(work)
            order.append("request")
        assert done.wait(60)
        assert order == ["request", "work"]
    assert not in_background(work), "the request is of no server"


def test_who_keeps_turns_keeps_the_lock() -> None:
    lock = threading.RLock()
    with keeping_turns(lock, lambda: True), waiting():
        assert not free(lock)
    assert free(lock)


def test_work_in_the_background_is_abandoned_if_the_world_was_replaced() -> None:
    lock, replaced, reached = threading.RLock(), threading.Event(), threading.Event()
    finished: list[bool] = []

    def work() -> None:
        with waiting():
            reached.set()
            assert replaced.wait(60)
        finished.append(True)

    with taking_turns(lock, lambda: not replaced.is_set()):
        assert in_background(work)
    assert reached.wait(60)
    replaced.set()
    for thread in threading.enumerate():
        if thread.name == "mockkms background":
            thread.join(60)
    assert finished == []
