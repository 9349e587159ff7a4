"""Requests begin, and mostly end, without a turn of the loop; those that wait become tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

import pytest
from aiohttp.web_protocol import RequestHandler

from mockkms import MockKMS
from mockkms.server.wire import eager_tasks
from tests.server.raw_client import Wire


async def handler(steps: list[str], *waits: Any) -> str:
    """Stands for aiohttp's request coroutine: notes its steps."""
    steps.append("begun")
    for wait in waits:
        try:
            steps.append(f"got {await wait}")
        except ValueError as error:
            steps.append(f"caught {error}")
    steps.append("ended")
    return "answer"


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A loop that starts ``handler`` at once."""
    if sys.version_info >= (3, 12):
        pytest.skip("from Python 3.12 on aiohttp starts its request tasks at once itself")
    monkeypatch.setattr(eager_tasks, "REQUEST_CODE", handler.__code__)
    made = asyncio.new_event_loop()
    made.set_task_factory(eager_tasks._make)
    yield made
    made.close()


def run(loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any]) -> Any:
    """To its end on ``loop``."""
    return loop.run_until_complete(coro)


def test_a_coroutine_that_never_waits_is_done_at_once(loop: asyncio.AbstractEventLoop) -> None:
    steps: list[str] = []
    task = loop.create_task(handler(steps))
    assert task.done()
    assert steps == ["begun", "ended"]
    assert run(loop, asyncio.wait_for(task, None)) == "answer"


def test_a_coroutine_that_waits_continues_as_a_task(loop: asyncio.AbstractEventLoop) -> None:
    async def both() -> Any:
        given = loop.create_future()
        steps: list[str] = []
        task = loop.create_task(handler(steps, asyncio.sleep(0, "a turn"), given))
        assert steps == ["begun"]
        loop.call_soon(given.set_result, "a result")
        return await task, steps

    answer, steps = run(loop, both())
    assert answer == "answer"
    assert steps == ["begun", "got a turn", "got a result", "ended"]


def test_an_error_that_is_waited_for_arrives_inside(loop: asyncio.AbstractEventLoop) -> None:
    async def both() -> list[str]:
        given = loop.create_future()
        steps: list[str] = []
        task = loop.create_task(handler(steps, given))
        given.set_exception(ValueError("no"))
        await task
        return steps

    assert run(loop, both()) == ["begun", "caught no", "ended"]


def test_cancelling_reaches_what_waits(loop: asyncio.AbstractEventLoop) -> None:
    async def both() -> tuple[bool, list[str]]:
        steps: list[str] = []
        task = loop.create_task(handler(steps, loop.create_future()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled(), steps

    assert run(loop, both()) == (True, ["begun"])


def test_an_error_before_any_wait_is_the_tasks(loop: asyncio.AbstractEventLoop) -> None:
    class Broken:
        def __await__(self) -> Any:
            raise KeyError("broken")

    async def both() -> None:
        await loop.create_task(handler([], Broken()))

    with pytest.raises(KeyError, match="broken"):
        run(loop, both())


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on aiohttp starts its tasks at once itself")
def test_a_request_makes_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, bool]] = []
    make = eager_tasks._make

    def noted(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        task = make(loop, coro, **options)
        made.append((coro.__name__, isinstance(task, asyncio.Task)))
        return task

    monkeypatch.setattr(eager_tasks, "_make", noted)
    with MockKMS() as kms:
        kms.faults.add(match="sys/leader", delay=0.001)
        with Wire(kms) as wire:
            # Two in one piece: single requests are answered without aiohttp.
            wire.send(b"".join(b"GET /v1/sys/%b HTTP/1.1\r\nHost: x\r\n\r\n" % name for name in (b"health", b"leader")))
            assert [wire.answer()[0] for _ in range(2)] == [200, 200]
    assert [task for name, task in made if name == RequestHandler._handle_request.__name__] == [False, True]
