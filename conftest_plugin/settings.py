"""The values of the plugin's options: the command line takes precedence over the ini file.

``plugin`` declares the options. This module is imported if one of them is set, or when a test uses a fixture.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from . import LINT

_WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
_EXPLORING = ("explore", "explore_case", "explore_json", "explore_baseline", "explore_resume", "explore_dry_run")
"""Options that ask for the exploration of all tests."""


def check(config: pytest.Config) -> None:
    """Check the options that are not checked where they are used. Raises UsageError."""
    strict(config)
    lint(config)
    upstream(config)
    record(config)
    replay(config)
    flavor(config)
    allow_unhandled(config)


def explores(config: pytest.Config) -> bool:
    """Return whether an option asks for the exploration of all tests."""
    return bool(config.getini("mockkms_explore")) or any(config.getoption(f"mockkms_{name}") for name in _EXPLORING)


def option(config: pytest.Config, name: str) -> str | None:
    """Return the value of an option or ini setting; None if neither is set."""
    given = config.getoption(name)
    value = given if given is not None else config.getini(name)
    return str(value) if value or given is not None else None


def _written(config: pytest.Config, name: str) -> str:
    """Return an option as the user wrote it: the flag, or the setting of the ini file."""
    return name if config.getoption(name) is None else "--" + name.replace("_", "-")


def token(config: pytest.Config) -> str:
    """Return the token of clients of a server elsewhere. Raises UsageError."""
    from mockkms.arguments import unsendable

    given = option(config, "mockkms_token") or "root"
    wrong = unsendable(given)
    if wrong:
        raise pytest.UsageError(f"--mockkms-token: {wrong}")
    return given


def control_token(config: pytest.Config) -> str:
    """Return the control token for the server at ``--mockkms-url``; empty if none is set.

    A relative path of a file is relative to the root directory. Raises UsageError.
    """
    from mockkms.control_token import control_token as chosen

    token, file = option(config, "mockkms_control_token"), option(config, "mockkms_control_token_file")
    try:
        return chosen(token or None, config.rootpath / file if file else None)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def ca_file_for(url: str) -> str:
    """Return the path of the CA (PEM) that clients of a server elsewhere trust: ``VAULT_CACERT``, if it has TLS."""
    return os.environ.get("VAULT_CACERT", "") if url.startswith("https:") else ""


def strict(config: pytest.Config) -> bool:
    """Return whether unhandled requests fail a test. Raises UsageError."""
    word = str(option(config, "mockkms_strict")).lower()
    if word not in _WORDS:
        raise pytest.UsageError(f"{_written(config, 'mockkms_strict')} = {word}: expected on or off")
    return _WORDS[word]


def lint(config: pytest.Config) -> str:
    """Return the handling of linter findings: ``off``, ``warn`` or ``error``. Raises UsageError."""
    word = str(option(config, "mockkms_lint")).lower()
    if word not in LINT:
        raise pytest.UsageError(f"{_written(config, 'mockkms_lint')} = {word}: expected one of {', '.join(LINT)}")
    return word


def upstream(config: pytest.Config) -> str:
    """Return the address of the upstream server; empty if none is set. Raises UsageError."""
    url = str(option(config, "mockkms_upstream") or "")
    if url and option(config, "mockkms_url"):
        raise pytest.UsageError("--mockkms-upstream and --mockkms-url cannot be used together")
    return url


def record(config: pytest.Config) -> Path | None:
    """Return the path of the recording to write. Raises UsageError."""
    path = _located(config, "mockkms_record")
    if path is None:
        return None
    if not option(config, "mockkms_upstream"):
        raise pytest.UsageError("--mockkms-record requires --mockkms-upstream")
    if hasattr(config, "workerinput") or config.getoption("numprocesses", None):
        raise pytest.UsageError("--mockkms-record needs all tests in one process: leave out -n of pytest-xdist")
    if not path.parent.is_dir():
        raise pytest.UsageError(f"--mockkms-record: the folder {path.parent} does not exist")
    return path


def replay(config: pytest.Config) -> Path | None:
    """Return the path of the recording to answer from. Raises UsageError."""
    path = _located(config, "mockkms_replay")
    if path is None:
        if replay_fallback(config):
            raise pytest.UsageError("--mockkms-replay-fallback requires --mockkms-replay")
        return None
    for other in ("url", "upstream"):
        if option(config, f"mockkms_{other}"):
            raise pytest.UsageError(f"--mockkms-replay and --mockkms-{other} cannot be used together")
    return path


def _located(config: pytest.Config, name: str) -> Path | None:
    """Return the path in an option, relative to the working directory, or in the ini file, relative to it."""
    given = config.getoption(name)
    if not (given or config.getini(name)):
        return None
    folder = config.invocation_params.dir if given or config.inipath is None else config.inipath.parent
    return folder / str(given or config.getini(name))


def replay_fallback(config: pytest.Config) -> bool:
    """Return whether the emulated server answers requests that are not in the recording."""
    given = config.getoption("mockkms_replay_fallback")
    return bool(config.getini("mockkms_replay_fallback") if given is None else given)


def in_front(config: pytest.Config) -> str:
    """Return the option by which there is no emulated state; empty without one. Raises UsageError."""
    if upstream(config):
        return "--mockkms-upstream"
    return "--mockkms-replay" if replay(config) is not None and not replay_fallback(config) else ""


def flavor(config: pytest.Config) -> str | None:
    """Return the product of the session; None: that of its world. Raises UsageError."""
    name = option(config, "mockkms_flavor")
    if not name:
        return None
    if option(config, "mockkms_upstream"):
        raise pytest.UsageError("--mockkms-flavor and --mockkms-upstream cannot be used together")
    from mockkms.flavors import wrong_flavor

    wrong = wrong_flavor(name)
    if wrong:
        raise pytest.UsageError(f"{_written(config, 'mockkms_flavor')}: {wrong}")
    return str(name)


def wrong_globs(value: object) -> str | None:
    """Return the error of the globs of ``allow_unhandled``; None if there is none."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) and one for one in value):
        return "expected a list of globs of paths, such as ['sys/billing/*']"
    for one in value:
        if one.startswith("/") or one.partition("/")[0] == "v1":
            bare = one.lstrip("/").removeprefix("v1/") or "sys/billing/*"
            return f"paths are written without /v1/: {bare!r}"
    return None


def report(config: pytest.Config) -> Path | None:
    """Return the path of the report; a relative path is relative to the root directory.

    Raises UsageError if its folder does not exist, if it is a folder, or if its suffix is misspelled.
    """
    given = option(config, "mockkms_report")
    if not given:
        return None
    path = config.rootpath / given
    if not path.parent.is_dir() or path.is_dir():
        reason = "it is a folder" if path.is_dir() else f"the folder {path.parent} does not exist"
        raise pytest.UsageError(f"{_written(config, 'mockkms_report')}: {path} cannot be written: {reason}")
    if path.suffix not in ("", ".html", ".json", ".hcl", ".txt"):
        from mockkms.report.writing import report_format

        try:
            report_format(path)
        except ValueError as error:
            raise pytest.UsageError(f"{_written(config, 'mockkms_report')}: {error}") from None
    return path


def allow_unhandled(config: pytest.Config) -> list[str]:
    """Return the globs of paths that may be unhandled: those of the command line, else of the ini file.

    Raises UsageError.
    """
    given = config.getoption("mockkms_allow_unhandled") or config.getini("mockkms_allow_unhandled")
    if given:
        wrong = wrong_globs(given)
        if wrong:
            raise pytest.UsageError(f"{_written(config, 'mockkms_allow_unhandled')}: {wrong}")
    return list(given)


def rng(config: pytest.Config) -> int | str | None:
    """Return the seed of ids, keys and nonces: a number, or any text."""
    word = option(config, "mockkms_rng")
    try:
        return int(word) if word is not None else None
    except ValueError:
        return str(word)


def located(seed: object, *folders: Path | None) -> object:
    """Resolve a relative path against the first folder that contains it; names and dicts are returned unchanged."""
    if isinstance(seed, (list, tuple)):
        return [located(one, *folders) for one in seed]
    if isinstance(seed, (str, Path)) and len(str(seed)) < 1024 and "\n" not in str(seed):
        for folder in folders:
            if folder is not None and os.path.isfile(folder / seed):
                return str(folder / seed)
    return seed


def merged(seed: object, over: object) -> list[object]:
    """Return the seeds that result from merging ``over`` over ``seed``."""
    return [*(seed if isinstance(seed, (list, tuple)) else [] if seed is None else [seed]), over]


def suite_seed(config: pytest.Config) -> object:
    """Return the worlds of the options, relative to the working directory, or of the ini file, relative to it."""
    given = config.getoption("mockkms_seed")
    if given is not None:
        return located(given, config.invocation_params.dir)
    return located(config.getini("mockkms_seed"), config.inipath.parent if config.inipath else None) or None
