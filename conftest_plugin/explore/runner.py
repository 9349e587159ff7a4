"""Running a test again, as its exploration does: all fixtures of the function are renewed, nothing is reported."""

from __future__ import annotations

import copy
import gc
import sys
import sysconfig
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from _pytest.runner import runtestprotocol

from mockkms.explore.explorer import Verdict
from mockkms.explore.observing import InjectedRule, Observation, Observer
from mockkms.explore.results import Outcome

from .. import USED
from ..fixtures import ACTIVE, EXPLORED, OBSERVER
from .interrupt import Interrupter, interruptions_held_back

_LINES = 20
"""Lines of a traceback that a case keeps."""
_FRAMES = 6
"""Frames of a traceback that a case keeps, the last ones."""
_LONGEST = 200


class RunOfTest:
    """One run of a test. The plugin's hooks tell it about phases and exceptions."""

    def __init__(self, observer: Observer, interrupter: Interrupter | None = None) -> None:
        self.observer, self.interrupter = observer, interrupter
        self._started = time.monotonic()
        self._found: Verdict | None = None
        self._root = Path()

    def report(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Take note of the first exception, and return a report without the source of every frame."""
        outcome: Literal["passed", "failed"] = "passed" if call.excinfo is None else "failed"
        self._root = item.config.rootpath
        if call.excinfo is not None and self._found is None:
            self._found = _verdict(call.excinfo, "" if call.when == "call" else f"in {call.when}: ", item)
        when: Literal["setup", "call", "teardown"] = "call" if call.when == "collect" else call.when
        report = pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, when, (), call.duration, call.start, call.stop
        )
        # An expected failure: --pdb does not stop at it.
        vars(report)["wasxfail"] = "explored"
        return report

    def verdict(self) -> Verdict:
        """Return the verdict, after the run."""
        seconds = time.monotonic() - self._started
        found = self._found
        if self.interrupter is not None and self.interrupter.reached:
            where = _last(self.interrupter.places, self._root)
            return Verdict(Outcome.HUNG, seconds, "not ended within the limit", "", where)
        if found is None:
            return Verdict(Outcome.TOLERATED, seconds)
        return Verdict(found.outcome, seconds, found.detail, found.exception, found.where, found.output)


def _verdict(error: pytest.ExceptionInfo[BaseException], phase: str, item: pytest.Item) -> Verdict:
    """Return what an exception says about a run, without its duration."""
    where = _last(
        [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.tb)], item.config.rootpath
    )
    kind = error.type
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    message = " ".join(str(error.value).split())[:_LONGEST]
    text = "".join(traceback.format_exception(kind, error.value, error.tb, limit=-_FRAMES, chain=False))
    lines = tuple(line[:_LONGEST] for line in text.splitlines()[-_LINES:])
    failed = error.errisinstance((AssertionError, pytest.fail.Exception))
    return Verdict(Outcome.FAILED if failed else Outcome.RAISED, 0, phase + message, name, where, lines)


def _last(places: Sequence[tuple[str, int]], root: Path) -> str:
    """Return the last of several places in the user's code, relative to the root directory if it is below it."""
    own = [place for place in places if _users(place[0])]
    if not own:
        return ""
    path, line = Path(own[-1][0]), own[-1][1]
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}:{line}"


def _foreign() -> tuple[str, ...]:
    """Return the folders of code that is not the user's: the standard library, packages and their scripts."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    folders = {str(Path(sysconfig.get_path(name))) for name in names}
    return (*folders, str(Path(__file__).resolve().parent.parent), *(f"{Path(one).parent}" for one in _packages()))


def _packages() -> list[str]:
    """Return the files of packages that a checkout may have beside the user's code: pytest and mockkms."""
    modules = (sys.modules.get(name) for name in ("mockkms", "_pytest", "pluggy"))
    return [file for module in modules if (file := getattr(module, "__file__", None))]


_FOREIGN = _foreign()


def _users(file: str) -> bool:
    return not file.startswith(("<", *_FOREIGN)) and "site-packages" not in file


def _release() -> None:
    """Close what a run has left open, where warnings are errors: else they fail the run in which they are noticed."""
    if any(one[0] == "error" for one in warnings.filters):
        warnings.simplefilter("ignore")
        gc.collect()


class ItemRunner:
    """Runs one test again and again."""

    def __init__(
        self, item: pytest.Item, enter: Callable[[RunOfTest | None], None], again: Callable[[str], str]
    ) -> None:
        """``enter`` tells the plugin's hooks which run is going on."""
        self._item, self._enter, self._again = item, enter, again
        # The fixtures of the function end with each run, those of module and session stay: as if another test of the
        # same class followed.
        self._next = copy.copy(item)

    def command(self, case: str) -> str:
        """Return the command that explores one case alone."""
        return self._again(case)

    def first(self) -> tuple[list[pytest.TestReport], Verdict, Observation]:
        """Run the test as usual; return its reports, which the caller logs."""
        run = RunOfTest(Observer())
        reports = self._reports(run)
        return reports, run.verdict(), run.observer.seen

    def run(
        self, rules: Sequence[InjectedRule], limit: float, *, effects: bool = False, reseed: bool = False
    ) -> tuple[Verdict, Observation]:
        """Run the test in its world, with these rules."""
        config = self._item.config
        capture = config.pluginmanager.get_plugin("capturemanager")
        uncover = capture.suspend_global_capture if capture is not None else lambda: None
        what = f"{self._item.nodeid} with {', '.join(str(dict(rule.words)) for rule in rules) or 'no rule'}"
        run = RunOfTest(Observer(rules, effects=effects, reseed=reseed), Interrupter(limit, what, uncover))
        self._item.stash[EXPLORED] = True
        # Warnings were reported by the first run.
        with warnings.catch_warnings(record=True):
            try:
                self._reports(run)
            except KeyboardInterrupt as error:
                traceback.clear_frames(error.__traceback__)
                raise
            finally:
                with interruptions_held_back():
                    _release()
        return run.verdict(), run.observer.seen

    def _reports(self, run: RunOfTest) -> list[pytest.TestReport]:
        item = self._item
        if ACTIVE in item.stash:
            del item.stash[ACTIVE]
        if USED in item.stash:
            del item.stash[USED]
        if EXPLORED in item.stash and isinstance(item.parent, pytest.Class):
            # Each run gets a new instance of the test's class, as each test does.
            vars(item).pop("_instance", None)
            vars(item).pop("_obj", None)
        item.stash[OBSERVER] = run.observer
        self._enter(run)
        try:
            return runtestprotocol(item, log=False, nextitem=self._next)
        finally:
            self._enter(None)
            run.observer.detach()

    def end(self, nextitem: pytest.Item | None) -> pytest.CallInfo[None]:
        """End the fixtures that the next test does not use. An interruption is an exception of the result."""
        state = self._item.session._setupstate
        return pytest.CallInfo.from_call(
            lambda: state.teardown_exact(nextitem), when="teardown", reraise=pytest.exit.Exception
        )
