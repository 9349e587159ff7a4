"""Hooks and options. A session that uses nothing of the plugin imports this module, ``fixtures`` and pytest only.

All other modules are imported when an option is set, a test has the marker, or a fixture is used.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

import pytest

from . import COLLECTED, FLAVOR, LINT, MISSPELT, USED, WRONG
from .fixtures import (
    ACTIVE,
    _mockkms_flavor,
    _mockkms_servers,
    mockkms,
    mockkms_client,
    mockkms_env,
    mockkms_factory,
    mockkms_hvac,
    mockkms_seed,
    mockkms_server,
    mockkms_session_env,
    mockkms_tls,
)

__all__ = [
    "_mockkms_flavor",
    "_mockkms_servers",
    "mockkms",
    "mockkms_client",
    "mockkms_env",
    "mockkms_factory",
    "mockkms_hvac",
    "mockkms_seed",
    "mockkms_server",
    "mockkms_session_env",
    "mockkms_tls",
]

MARKER = (
    "mockkms(seed=None, state=None, faults=[], clock=None, strict=None, allow_unhandled=[], lint=None, tls=None, "
    "flavor=None, chaos=None, explore=None): "
    "the world of this test: seed, a file (beside the test, or from the root), a ready-made world's name or a dict, "
    "merged over the session's; state, 'sealed' or 'unsealed'; faults, rules as in a world; clock, the time (RFC 3339, "
    "datetime, seconds) at which the clock is frozen; strict, whether an unhandled request fails the test; "
    "allow_unhandled, globs of paths that may be unhandled all the same; lint, 'off', 'warn' or 'error' for bad "
    "habits of the client; tls, a separate server: True, False, a trustme.CA, an SSLContext or the paths of a "
    "certificate and a key; flavor, the emulated product, or a list of products to run the test for each; chaos, a "
    "percentage such as '2%', the name of an incident, or a plan; explore, True, False or a set of failures: whether "
    "the test is explored; or a dict of the outcomes that are accepted, {'sealed': 'raises'}"
)
_USUAL = {"mockkms_lint": "off", "mockkms_strict": "on"}
"""Ini settings with a value if they are not set."""
_CHECKED = ("upstream", "record", "replay", "replay_fallback", "flavor", "allow_unhandled", "report", "explore")
"""Ini settings that are checked before the session, without ``mockkms_``."""


class _AsInstalled:
    """Finds the modules of mockkms before pytest does, on ``sys.meta_path``.

    pytest rewrites the assertions of all modules of a distribution with a plugin. That takes about a second: in the
    first test with a server in each environment, and in each such run if Python writes no bytecode, as in many
    containers. There is nothing to rewrite; pip has compiled the modules.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Return the specification of a module of this distribution as Python finds it, None for others."""
        if name.partition(".")[0] in ("mockkms", "pytest_mockkms"):
            return PathFinder.find_spec(name, path)
        return None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Import mockkms without pytest's rewriting, for the time of the session."""
    if _AsInstalled not in sys.meta_path:
        sys.meta_path.insert(0, _AsInstalled)
        early_config.add_cleanup(lambda: sys.meta_path.remove(_AsInstalled))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; each has an ini setting of the same name."""
    group = parser.getgroup("mockkms", "mockkms: an emulated Vault and RustFS KMS")
    add = partial(_add_option, group)
    add("--mockkms-url", metavar="URL", help="run the tests against this running server")
    upstream = "proxy mode: forward requests to this real server instead of emulating one"
    add("--mockkms-upstream", metavar="URL", help=upstream)
    record = "with --mockkms-upstream: record requests and answers without secrets in this new file, by test"
    add("--mockkms-record", metavar="FILE", help=record)
    replay = "answer from this recording of a real server (mockkms serve --record) instead of emulating one"
    add("--mockkms-replay", metavar="FILE", help=replay)
    fallback = "with --mockkms-replay: answer unrecorded requests as the emulated server"
    add("--mockkms-replay-fallback", action="store_true", default=None, help=fallback)
    token = "root token of the server at --mockkms-url or --mockkms-upstream (default: root)"
    add("--mockkms-token", metavar="TOKEN", help=token)
    control = "control token of the mockkms server at --mockkms-url (default: $MOCKKMS_CONTROL_TOKEN)"
    add("--mockkms-control-token", metavar="TOKEN", help=control)
    control_file = "file that contains the control token (default: $MOCKKMS_CONTROL_TOKEN_FILE)"
    add("--mockkms-control-token-file", metavar="FILE", help=control_file)
    add("--mockkms-seed", metavar="FILE", action="append", help="world in YAML; later files override")
    flavor = "emulated product: vault (2.1), vault-1.21 or openbao; a test's marker takes precedence"
    add("--mockkms-flavor", metavar="NAME", help=flavor)
    add("--mockkms-rng", metavar="N", help="seed of all ids, keys and nonces, for repeatable runs")
    add("--mockkms-strict", choices=("on", "off"), help="an unhandled request fails the test")
    lint = "report bad habits of the client: off, warn or error"
    add("--mockkms-lint", choices=LINT, help=lint)
    allowed = "glob of paths that may be unhandled in strict tests, such as sys/billing/*; may be repeated"
    add("--mockkms-allow-unhandled", metavar="GLOB", action="append", help=allowed)
    report = (
        "write a report of linter, least privilege, unfired rules and exploration to FILE.html or FILE.json; to a file "
        "with another name, append the minimal policy of each test, and its unused grants, in HCL"
    )
    add("--mockkms-report", metavar="FILE", help=report)
    _add_explore_options(add, parser)
    parser.addini("mockkms_lint", lint, default="off")
    parser.addini("mockkms_report", report)
    parser.addini("mockkms_url", "run the tests against this running server")
    parser.addini("mockkms_upstream", upstream)
    parser.addini("mockkms_record", record)
    parser.addini("mockkms_replay", replay)
    parser.addini("mockkms_replay_fallback", fallback, type="bool", default=False)
    parser.addini("mockkms_token", token)
    parser.addini("mockkms_control_token", control)
    parser.addini("mockkms_control_token_file", control_file)
    parser.addini("mockkms_seed", "worlds in YAML, one per line; later files override", type="linelist")
    parser.addini("mockkms_flavor", flavor)
    parser.addini("mockkms_rng", "seed of all ids, keys and nonces, for repeatable runs")
    parser.addini("mockkms_allow_unhandled", "globs of paths that may be unhandled, one per line", type="linelist")
    parser.addini("mockkms_strict", "an unhandled request fails the test: on or off", default="on")


def _add_option(group: pytest.OptionGroup, option: str, **attributes: Any) -> None:
    """Declare an option. With its destination, which is the usual one, pytest does not search it among all others."""
    group.addoption(option, dest=option[2:].replace("-", "_"), **attributes)


def _add_explore_options(add: Callable[..., None], parser: pytest.Parser) -> None:
    """Declare the options of the exploration."""
    add("--mockkms-explore", action="store_true", help="run each test again for each failure of its requests")
    sets = "failures to explore: smoke, default, all, or names with commas; may be repeated"
    add("--mockkms-explore-set", metavar="NAMES", action="append", help=sets)
    own = "own failures in YAML: names with fault kinds"
    add("--mockkms-explore-failures", metavar="FILE", help=own)
    depth = "2: also pairs of failures"
    add("--mockkms-explore-depth", metavar="N", help=depth)
    limit = "time limit of a run in seconds (default: 5 and three plain runs)"
    add("--mockkms-explore-limit", metavar="SECONDS", help=limit)
    runs = "explore at most N cases of a test (default: 500)"
    add("--mockkms-explore-runs", metavar="N", help=runs)
    accept = "accept an outcome, such as timeout:hangs; may be repeated"
    add("--mockkms-explore-accept", metavar="FAILURE:OUTCOME", action="append", help=accept)
    fail_on = "outcomes that fail the session (default: hung,wrong; none: never)"
    add("--mockkms-explore-fail-on", metavar="OUTCOMES", help=fail_on)
    add("--mockkms-explore-baseline", metavar="FILE", help="fail on problems that are not in this result alone")
    add("--mockkms-explore-json", metavar="FILE", help="write the result to this file")
    add("--mockkms-explore-resume", metavar="FILE", help="keep outcomes in this file, and do not explore those in it")
    add("--mockkms-explore-case", metavar="ID", action="append", help="explore this case alone, and show its requests")
    add("--mockkms-explore-setup", action="store_true", help="also explore the requests of fixtures")
    add("--mockkms-explore-dry-run", action="store_true", help="say what would be explored")
    parser.addini("mockkms_explore", "run each test again for each failure of its requests", type="bool")
    parser.addini("mockkms_explore_set", sets)
    parser.addini("mockkms_explore_failures", own)
    parser.addini("mockkms_explore_depth", depth)
    parser.addini("mockkms_explore_limit", limit)
    parser.addini("mockkms_explore_runs", runs)
    parser.addini("mockkms_explore_accept", "accepted outcomes, one per line, such as timeout: hangs", type="linelist")
    parser.addini("mockkms_explore_fail_on", fail_on)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and check the options; an invalid option is a usage error."""
    config.addinivalue_line("markers", MARKER)
    if _anything_set(config):
        from . import settings

        settings.check(config)
        collecting = config.getoption("collectonly", False)
        report = settings.report(config)
        if report is not None and not hasattr(config, "workerinput") and not collecting:
            from .reporting import Reporting

            config.pluginmanager.register(Reporting(report), "mockkms-report")
        if settings.explores(config) and not collecting:
            _explore(config)
            return
    if config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_ExploredByWorkers(config))


def _anything_set(config: pytest.Config) -> bool:
    """Return whether an option of the plugin is set, on the command line or in the ini file."""
    if any(value for name, value in vars(config.option).items() if name.startswith("mockkms_")):
        return True
    if any(config.getini(name) != usual for name, usual in _USUAL.items()):
        return True
    return any(config.getini(f"mockkms_{name}") for name in _CHECKED)


class _ExploredByWorkers:
    """Starts to collect results when a worker of pytest-xdist has explored a test because of its marker."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Register the plugin of the exploration upon the first result."""
        if "mockkms_explored" in vars(report):
            from .explore.session import register

            plugin = register(self._config)
            if plugin is not None:
                plugin.pytest_runtest_logreport(report)


def _explore(config: pytest.Config, items: Sequence[pytest.Item] = ()) -> None:
    """Register the plugin of the exploration, once; ``items`` were collected before. Raises UsageError."""
    from .explore.session import register

    plugin = register(config)
    if plugin is not None:
        plugin.check(items)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Check the servers and worlds of the options, once, before tests are collected."""
    config = session.config
    listing = ("collectonly", "showfixtures", "show_fixtures_per_test")
    if hasattr(config, "workerinput") or any(config.getoption(name, False) for name in listing):
        return
    named = ("mockkms_url", "mockkms_upstream", "mockkms_replay")
    if any(config.getoption(name) or config.getini(name) for name in named) or config.getoption("mockkms_seed"):
        from . import start

        start.check(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test whose marker lists several products once for each."""
    if FLAVOR in metafunc.fixturenames:
        from . import products

        products.generate(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note how many tests were collected, before any is deselected."""
    config.stash[COLLECTED] = len(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Check the markers of all selected tests; invalid ones are a usage error that names all of them.

    Misspelt products of other tests are warnings: they may be the reason why a test is not selected.

    Which tests are selected is known here: options and other plugins have deselected theirs.
    """
    config, items = session.config, session.items
    if all(item.get_closest_marker("mockkms") is None for item in items) and MISSPELT not in config.stash:
        return
    from . import collected

    collected.check(items, config, partial=_is_partial(config, len(items)))
    if any(collected.explores(item) for item in items) and not config.getoption("collectonly", False):
        _explore(config, items)


def _is_partial(config: pytest.Config, selected: int) -> bool:
    """Return whether files may have tests that are not selected; ``--last-failed`` leaves some out early."""
    named = any("::" in str(argument) for argument in config.args)
    return named or selected < config.stash.get(COLLECTED, 0) or bool(config.getoption("lf", False))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test with an invalid marker in a worker of pytest-xdist, which cannot report usage errors."""
    wrong = item.stash.get(WRONG, None)
    if wrong is not None:
        pytest.fail(wrong, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Check the requests of a passed test, so that errors fail the test itself and not its teardown."""
    try:
        result = yield
    except BaseException as error:
        active = item.stash.get(ACTIVE, None)
        if active is not None:
            active.settled = True
        from . import settings

        if settings.in_front(item.config):
            from .upstream import skip_if_out_of_reach

            skip_if_out_of_reach(error)
        raise
    active = item.stash.get(ACTIVE, None)
    if active is not None:
        active.check()
        active.warn()
    if not item.stash.get(USED, False) and item.get_closest_marker("mockkms") is not None:
        from . import collected

        collected.check_used(item)
    return result


def _end_at_the_test(item: pytest.Item, failure: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave out the frames of mockkms at the end of a traceback, except with ``--full-trace``."""
    kind = type(failure.value)
    ours = kind in (AssertionError, ValueError) or kind.__module__.partition(".")[0] == "mockkms"
    if not ours or item.config.getoption("fulltrace"):
        return
    last, entry = None, failure.value.__traceback__
    while entry is not None:
        if str(entry.tb_frame.f_globals.get("__name__")).partition(".")[0] != "mockkms":
            last = entry
        entry = entry.tb_next
    if last is not None:
        last.tb_next = None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[object]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the requests to the report of a failed test, and what the session's report says about the test.

    The traceback of a failed assertion or a refused argument ends where the test called mockkms.
    """
    if call.excinfo is not None:
        _end_at_the_test(item, call.excinfo)
    report = yield
    active = item.stash.get(ACTIVE, None)
    if (
        report.when == "call"
        and active is not None
        and not active.explored
        and (item.config.getoption("mockkms_report") or item.config.getini("mockkms_report"))
    ):
        # Attributes of a report reach the main process from a worker of pytest-xdist, even if it crashes later.
        vars(report)["mockkms"] = active.observed(item.nodeid, report.outcome)
    if report.failed and active is not None:
        report.sections.append(("mockkms", active.report()))
    return report
