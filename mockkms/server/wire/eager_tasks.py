"""Eager tasks for Python 3.11, as in Python 3.12.

aiohttp wraps each request in a task. From Python 3.12 on it starts that task at once. Before, a request waits for the
loop twice, to start and to be noticed as done, which takes longer than most responses. This task factory starts
aiohttp's request tasks at once too, and makes a task only of requests that have not ended by their first wait.

Until that wait, ``asyncio.current_task()`` is the task of the connection, which waits for the request's task:
cancelling either ends the request.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import types
from collections.abc import Coroutine, Generator
from typing import Any

from mockkms.server.wire.protocol import REQUEST_CODE


def start_requests_at_once(loop: asyncio.AbstractEventLoop) -> None:
    """Make a loop start aiohttp's request tasks at once, if aiohttp does not do so itself."""
    if sys.version_info < (3, 12) and REQUEST_CODE is not None:
        loop.set_task_factory(_make)


def _make(
    loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **options: Any
) -> asyncio.Future[Any]:
    if getattr(coro, "cr_code", None) is not REQUEST_CODE:
        return asyncio.Task(coro, loop=loop, **options)
    context = contextvars.copy_context()
    done = loop.create_future()
    try:
        waits_for = context.run(coro.send, None)
    except StopIteration as end:
        done.set_result(end.value)
    except asyncio.CancelledError:
        done.cancel()
    except Exception as error:  # noqa: BLE001 - handed to the task that waits for it
        done.set_exception(error)
    else:
        return asyncio.Task(_go_on(coro, waits_for), loop=loop, context=context)
    return done


@types.coroutine
def _go_on(coro: Any, waits_for: Any) -> Generator[Any, Any, Any]:
    """Run the rest of a started coroutine that waits for ``waits_for``."""
    while True:
        try:
            given = yield waits_for
        except GeneratorExit:
            coro.close()
            raise
        except BaseException as error:  # noqa: BLE001 - handed on, whatever it is
            step, what = coro.throw, error
        else:
            step, what = coro.send, given
        try:
            waits_for = step(what)
        except StopIteration as end:
            return end.value
