"""Threads for requests that wait: how many there are."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mockkms.server.gateway.threads import Threads


async def test_a_thread_counts_until_it_ends_though_its_client_has_left() -> None:
    started, go_on, order = threading.Event(), threading.Event(), []

    def wait() -> None:
        started.set()
        go_on.wait(60)
        order.append("first")

    threads = Threads(1)
    first = asyncio.create_task(threads.run(wait))
    assert await asyncio.to_thread(started.wait, 60)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(threads.run(lambda: order.append("second")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert order == []
    go_on.set()
    await asyncio.wait_for(second, 60)
    assert order == ["first", "second"]


async def test_an_error_is_raised_where_the_result_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        await Threads().run(lambda: 1 // 0)


def test_each_start_of_a_server_has_its_own_count() -> None:
    threads = Threads(1)
    assert [asyncio.run(threads.run(lambda: 1)) for _ in range(2)] == [1, 1]
