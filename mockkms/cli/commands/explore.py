"""``mockkms explore [flags] -- CMD…``: run a command once for each failure of each of its requests.

The command is run against a new server, whose address it finds in its environment as with ``mockkms run``. The first
run, which must end with exit code 0, shows its requests; each further run makes one of them fail, in a new world. The
exit code is 0, or 1 if outcomes fail the exploration (by default: hung and wrong ones), or 2 if it was not possible.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli.arguments import CommandError, report_file, seconds, whole, written_report
from mockkms.cli.options import starting
from mockkms.cli.progress import progress
from mockkms.error_context import error_context
from mockkms.version import __version__

if TYPE_CHECKING:
    from mockkms.explore.catalogue import Failure
    from mockkms.explore.commands import Interruption
    from mockkms.explore.options import Acceptance
    from mockkms.explore.results import Exploration, ExploredTest
    from mockkms.kms import MockKMS
    from mockkms.report.model import Usage

_PLAIN_LIMIT = 600.0
"""Seconds for the first run, without failures, unless ``--limit`` says otherwise."""


_LIMITS = f"{_PLAIN_LIMIT:g} for the first one, then 5 and three times a run without failures"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "explore", help="run a command once for each failure of its requests", description=__doc__
    )
    add = parser.add_argument
    add("--set", action="append", default=[], metavar="NAMES", help="smoke, default, all, or names of failures")
    add("--failures", type=Path, metavar="FILE", help="own failures in YAML: names with fault kinds")
    add("--depth", type=whole(1, 2), metavar="N", default=1, help="2: also pairs of failures (default: %(default)s)")
    add("--limit", type=seconds, metavar="SECONDS", help=f"time limit of a run (default: {_LIMITS})")
    add("--runs", type=whole(1, 1_000_000), default=500, metavar="N", help="make at most N runs (default: %(default)s)")
    add("--case", action="append", default=[], metavar="ID", help="explore this case alone, and show its requests")
    add("--accept", action="append", default=[], metavar="FAILURE:OUTCOME", help="accept an outcome, as timeout:hangs")
    add("--fail-on", metavar="OUTCOMES", default="hung,wrong", help="outcomes that fail (default: %(default)s)")
    add("--baseline", type=Path, metavar="FILE", help="fail on what is not in this file, written by --json, alone")
    add("--json", type=Path, metavar="FILE", help="write the result to this file")
    add("--report", type=report_file, metavar="FILE", help="write a page, or JSON, for people: FILE.html or FILE.json")
    add("--resume", type=Path, metavar="FILE", help="keep outcomes in this file, and do not explore those in it")
    add("--dry-run", action="store_true", help="say what would be explored, and end")
    add("--list", action="store_true", help="list the failures, and end")
    add("--verbose", action="store_true", help="show requests, output and rules of each problem")
    starting.add_options(parser)
    parser.set_defaults(run=run, host="127.0.0.1", port=0)
    add("cmd", nargs=argparse.REMAINDER, metavar="CMD", help="the command, after --")


def run(options: argparse.Namespace) -> int:
    """Explore the command; return 1 if outcomes fail the exploration, else 0. Raises CommandError."""
    from mockkms.explore.baseline import compared, read_baseline
    from mockkms.explore.commands import Interruption, without_core_files
    from mockkms.explore.options import chosen_failures, fails_on, read_acceptances
    from mockkms.report.model import Usage

    if options.failures is not None and not options.failures.exists():
        raise CommandError(f"--failures: no file {str(options.failures)!r}; names of failures are given with --set")
    with error_context(raised=CommandError):
        failures = chosen_failures(options.set, options.failures)
        accepted = read_acceptances(options.accept, failures)
        on = fails_on(options.fail_on)
        advice = "write it with: mockkms explore --json FILE -- CMD"
        baseline = read_baseline(options.baseline, advice) if options.baseline else None
    if options.list:
        for failure in failures:
            print(f"{failure.name:<20} {failure.help}")
        return 0
    command = starting.command_of(options, "mockkms explore -- pytest tests/test_orders.py")
    _check_outputs(options)
    without_core_files()
    start = time.monotonic()
    use = None if options.report is None else Usage(shlex.join(command))
    kms = starting.started(options)
    with Interruption() as interruption:
        try:
            test = _explored(options, command, kms, failures, accepted, use, interruption)
        finally:
            kms.stop()
    result = compared(_result(options, test, failures, on, time.monotonic() - start), baseline)
    if not options.dry_run:
        _publish(options, result, use)
        for line in baseline.news(result) if baseline is not None else ():
            print(line)
    interruption.check()
    return 1 if result.failing() else 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Raise CommandError for a file of results that a dry run does not have, or that cannot be written."""
    from mockkms.explore.commands import writable

    for name in ("json", "report"):
        if options.dry_run and getattr(options, name) is not None:
            raise CommandError(f"--dry-run and --{name} cannot be used together: a dry run has no result")
    for path in (options.json, options.report, options.resume):
        reason = writable(path) if path is not None else ""
        if reason:
            raise CommandError(f"{path} cannot be written: {reason}")


def _publish(options: argparse.Namespace, result: Exploration, use: Usage | None) -> None:
    """Write the result to the files asked for, and print it. Raises CommandError."""
    from mockkms.explore.matrix import render
    from mockkms.report.suite import report_of

    if options.json is not None:
        with error_context(raised=CommandError):
            result.write(options.json)
    if use is not None:
        written_report(options.report, report_of([use], result))
    for line in render(result, verbose=options.verbose or bool(options.case)):
        print(line)


def _explored(
    options: argparse.Namespace, command: list[str], kms: MockKMS, failures: list[Failure],
    accepted: list[Acceptance], use: Usage | None, interruption: Interruption,
) -> ExploredTest:  # fmt: skip
    """Run the command as often as needed; return the result, which is incomplete after an interruption.

    ``use`` gets what the server saw of the run without failures.
    """
    from mockkms.explore.commands import CommandRunner
    from mockkms.explore.explorer import Explorer, ExplorerSettings
    from mockkms.explore.progress import stream_watcher
    from mockkms.explore.results import Outcome
    from mockkms.explore.resuming import ResumeFile
    from mockkms.report.observing import observe

    settings = ExplorerSettings(
        failures, options.depth, options.limit, options.runs, cases=tuple(options.case), dry_run=options.dry_run
    )
    with error_context(raised=CommandError):
        explorer = Explorer(settings, stream_watcher(sys.stderr), ResumeFile(options.resume))
        again = partial(_again, options, command)
        runner = CommandRunner(command, kms, starting.environment(kms), again, interruption)
        with progress("running the command without failures"):
            first = runner.run((), _PLAIN_LIMIT if options.limit is None else options.limit)
        verdict, observation = first
        if verdict.outcome is not Outcome.TOLERATED:
            output = "".join(f"\n  {line}" for line in verdict.output)
            reason = verdict.exception or verdict.detail
            if verdict.outcome is Outcome.HUNG and options.limit is None:
                reason += "; --limit gives it more"
            end = f":{output}" if output else "; it printed nothing"
            raise CommandError(f"the command does not pass without failures ({reason}){end}")
        if not observation.requests:
            raise CommandError("the command makes no request: does it use VAULT_ADDR or BAO_ADDR?")
        if use is not None:
            observe(use, kms)
        test = explorer.explore(shlex.join(command), runner, first, accepted)
    if test.skipped:
        raise CommandError(f"the command cannot be explored: {test.skipped}")
    known = [cell.id for cell in test.cells]
    missing = [case for case in options.case if case not in known]
    if missing and not options.dry_run and not interruption.came:
        requests = "".join(f"\n  {request.id}" for request in test.requests)
        raise CommandError(f"no case {missing[0]!r}; a case is FAILURE@REQUEST, the requests are:{requests}")
    return test


def _again(options: argparse.Namespace, command: list[str], case: str) -> str:
    """Return the command line that explores one case."""
    flags = [f"--seed={seed}" for seed in options.seed]
    for name in ("failures", "limit", "root_token", "flavor", "rng"):
        value = getattr(options, name)
        if value is not None:
            text = f"{value:g}" if isinstance(value, float) else str(value)
            flags.append(f"--{name.replace('_', '-')}={text}")
    flags += [f"--set={','.join(options.set)}"] * bool(options.set)
    flags += ["--depth=2"] * (" + " in case) + ["--tls"] * options.tls
    return shlex.join(["mockkms", "explore", *flags, f"--case={case}", "--", *command])


def _result(
    options: argparse.Namespace, test: ExploredTest, failures: list[Failure], on: tuple[str, ...], seconds: float
) -> Exploration:
    from mockkms.explore.results import Exploration
    from mockkms.world.clock import rfc3339

    shown = tuple(failure.shown() for failure in failures)
    created = rfc3339(float(int(time.time() - seconds)))
    return Exploration((test,), shown, options.depth, created, round(seconds, 3), __version__, on)
