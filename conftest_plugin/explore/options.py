"""The options of an exploration, checked. Markers and ini file add to them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mockkms.explore.baseline import Baseline, read_baseline
from mockkms.explore.catalogue import Failure
from mockkms.explore.commands import writable
from mockkms.explore.explorer import ExplorerSettings
from mockkms.explore.options import Acceptance, chosen_failures, fails_on, marker_acceptances, read_acceptances

from .. import settings

ADVICE = "write it with: pytest --mockkms-explore-json FILE"


@dataclass
class ExploreOptions:
    """What the options of a session say."""

    everywhere: bool
    """Whether all tests are explored, not only those whose marker asks for it."""
    settings: ExplorerSettings
    failures: list[Failure]
    fails_on: tuple[str, ...]
    acceptances: list[Acceptance] = field(default_factory=list)
    json: Path | None = None
    baseline: Baseline | None = None
    resume: Path | None = None
    given: tuple[str, ...] = ()
    """The options that the command of a case repeats."""

    def of(self, item: pytest.Item) -> tuple[ExplorerSettings, list[Acceptance]] | None:
        """Return what applies to one test; None if it is not explored. Raises ValueError for an invalid marker."""
        wanted: object = None
        acceptances = [*self.acceptances]
        for mark in item.iter_markers("mockkms"):
            value = mark.kwargs.get("explore")
            if isinstance(value, dict):
                acceptances += marker_acceptances(value, self.failures)
            elif value is not None and wanted is None:
                wanted = value
        if wanted is False or (wanted is None and not self.everywhere):
            return None
        chosen = self.settings
        if isinstance(wanted, str) and not self.everywhere:
            chosen = ExplorerSettings(**{**vars(chosen), "failures": chosen_failures([wanted])})
        return chosen, acceptances

    def command(self, nodeid: str, case: str) -> str:
        """Return the command that explores one case of a test."""
        depth = ["--mockkms-explore-depth=2"] * (" + " in case)
        return shlex.join(["pytest", nodeid, *self.given, *depth, f"--mockkms-explore-case={case}"])


def read_options(config: pytest.Config) -> ExploreOptions:
    """Return the checked options. Raises UsageError."""
    for other in ("mockkms_url", "mockkms_upstream", "mockkms_replay"):
        if settings.option(config, other):
            shown = f"--{other.replace('_', '-')}"
            raise pytest.UsageError(f"tests are explored on the emulated server of their process: not with {shown}")
    try:
        return _read(config)
    except ValueError as error:
        raise pytest.UsageError(f"mockkms exploration: {error}") from None


def _read(config: pytest.Config) -> ExploreOptions:
    option = config.getoption
    own, root = option("mockkms_explore_failures"), config.invocation_params.dir
    if not own and config.getini("mockkms_explore_failures"):
        own = config.getini("mockkms_explore_failures")
        root = config.inipath.parent if config.inipath else root
    sets = option("mockkms_explore_set") or [str(config.getini("mockkms_explore_set") or "default")]
    failures = chosen_failures(sets, root / own if own else None)
    lines = [*config.getini("mockkms_explore_accept"), *(option("mockkms_explore_accept") or [])]
    if option("mockkms_explore_dry_run") and option("mockkms_explore_json"):
        raise ValueError("a dry run has no result for --mockkms-explore-json")
    for name in ("mockkms_explore_json", "mockkms_explore_resume"):
        reason = writable(_path(config, option(name))) if option(name) else ""
        if reason:
            raise ValueError(f"{option(name)} cannot be written: {reason}")
    chosen = ExplorerSettings(
        failures,
        _whole(config, "mockkms_explore_depth", 1, 2),
        _limit(settings.option(config, "mockkms_explore_limit")),
        _whole(config, "mockkms_explore_runs", 500, 1_000_000),
        ("setup", "call") if option("mockkms_explore_setup") else ("call",),
        tuple(option("mockkms_explore_case") or ()),
        bool(option("mockkms_explore_dry_run")),
    )
    baseline, json, resume = (option(f"mockkms_explore_{name}") for name in ("baseline", "json", "resume"))
    return ExploreOptions(
        settings.explores(config),
        chosen,
        failures,
        fails_on(settings.option(config, "mockkms_explore_fail_on") or "hung,wrong"),
        read_acceptances(lines, failures),
        _path(config, json) if json else None,
        read_baseline(_path(config, baseline), ADVICE) if baseline else None,
        _path(config, resume) if resume else None,
        tuple(_given(config)),
    )


def _path(config: pytest.Config, name: str) -> Path:
    """Return a path of an option, relative to the working directory."""
    return config.invocation_params.dir / name


def _given(config: pytest.Config) -> list[str]:
    """Return the options on the command line that change what a case does."""
    names = ("explore_failures", "explore_limit", "flavor", "rng")
    found = [f"--mockkms-{name.replace('_', '-')}={config.getoption(f'mockkms_{name}')}" for name in names
             if config.getoption(f"mockkms_{name}")]  # fmt: skip
    found += [f"--mockkms-seed={seed}" for seed in config.getoption("mockkms_seed") or ()]
    found += [f"--mockkms-explore-set={','.join(config.getoption('mockkms_explore_set') or ())}"] * bool(
        config.getoption("mockkms_explore_set")
    )
    return [*found, *["--mockkms-explore-setup"] * bool(config.getoption("mockkms_explore_setup"))]


def _limit(text: str | None) -> float | None:
    if text is None or not text:
        return None
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise ValueError(f"a limit of {text!r}: expected a number of seconds above 0 and up to 86400")
    return value


def _whole(config: pytest.Config, name: str, default: int, most: int) -> int:
    text = settings.option(config, name) or str(default)
    if not text.isdecimal() or not 0 < int(text[:9]) <= most:
        raise ValueError(f"{name} = {text}: expected a whole number from 1 to {most}")
    return int(text)
