"""Time limits for the phases of a test: its thread is interrupted by an exception, wherever it waits."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_AGAIN = 2.0
"""Seconds after which a test that goes on despite the interruption is interrupted again."""
_PATIENCE = 60.0
"""Seconds after which a test that cannot be interrupted ends the process."""
_EXIT_CODE = 3


class TimeLimitReached(BaseException):
    """Raised in the thread of a test that has reached its limit. Not an Exception, so that few clients catch it."""


class Interrupter:
    """Limits the phases of one run. ``reached`` is set once a limit has been reached."""

    def __init__(self, limit: float, what: str, uncover: Callable[[], None] = lambda: None) -> None:
        """``limit`` in seconds; ``what`` names the run in the message of a process that has to end.

        ``uncover`` is called before this message, so that stderr is not captured.
        """
        self.reached = False
        self.places: list[tuple[str, int]] = []
        """File and line of each frame that was active when the limit was reached, the innermost one last."""
        self._limit, self._what, self._uncover = limit, what, uncover
        self._armed = False

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Interrupt the body if it takes longer than the limit."""
        done = threading.Event()
        thread_id = threading.get_ident()
        # A signal interrupts system calls too. It needs the main thread, and a system that has it.
        by_signal = threading.current_thread() is threading.main_thread() and hasattr(signal, "pthread_kill")
        before = signal.signal(signal.SIGVTALRM, self._handle) if by_signal else None
        strike = self._by_signal if by_signal else self._by_exception
        watch = threading.Thread(target=self._watch, args=(done, thread_id, strike), name="mockkms-limit", daemon=True)
        try:
            self._armed = True
            watch.start()
            try:
                yield
            finally:
                self._armed = False
        finally:
            done.set()
            watch.join()
            if by_signal:
                signal.signal(signal.SIGVTALRM, before)

    def _watch(self, done: threading.Event, thread_id: int, strike: Callable[[int], None]) -> None:
        if done.wait(self._limit):
            return
        waited = 0.0
        while waited < _PATIENCE:
            self.reached = True
            strike(thread_id)
            if done.wait(_AGAIN):
                return
            waited += _AGAIN
        with suppress(Exception):
            self._uncover()
            text = f"mockkms: {self._what}: not interrupted {_PATIENCE:g} s after its limit; the process ends here"
            os.write(2, f"\n{text}\n".encode())
            faulthandler.dump_traceback(2)
        os._exit(_EXIT_CODE)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._armed:
            if not self.places:
                self.places = [*_tasks(), *_stack(frame)]
            raise TimeLimitReached

    @staticmethod
    def _by_signal(thread_id: int) -> None:
        signal.pthread_kill(thread_id, signal.SIGVTALRM)

    @staticmethod
    def _by_exception(thread_id: int) -> None:
        """Let the thread raise at its next bytecode: a system call is not interrupted."""
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), ctypes.py_object(TimeLimitReached))


@contextmanager
def interruptions_held_back() -> Iterator[None]:
    """Raise the KeyboardInterrupt of a SIGINT in the body at its end.

    Python ignores exceptions in finalizers, which the body may run: an interruption in one of them would be lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if seen:
        signal.raise_signal(signal.SIGINT)


def _stack(frame: FrameType | None) -> list[tuple[str, int]]:
    """Return file and line of a frame and those that called it, the outermost first."""
    found = []
    while frame is not None:
        found.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return found[::-1]


def _tasks() -> list[tuple[str, int]]:
    """Return where the tasks of the running event loop wait, if there is one."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return []
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        return []
    return [(frame.f_code.co_filename, frame.f_lineno) for task in tasks for frame in task.get_stack()]
