"""The plugin's options: the command line wins over the ini file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

_WORDS = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}

LINT = ("off", "warn", "error")


def add_options(parser: pytest.Parser) -> None:
    """Declare every option with its ini twin."""
    group = parser.getgroup("mockkms", "mockkms: an emulated Vault and RustFS KMS")
    group.addoption("--mockkms-url", metavar="URL", help="run the tests against this server instead of an own one")
    upstream = "put faults and journal in front of this real server instead of emulating one"
    group.addoption("--mockkms-upstream", metavar="URL", help=upstream)
    token = "root token of the server at --mockkms-url or --mockkms-upstream (default: root)"
    group.addoption("--mockkms-token", metavar="TOKEN", help=token)
    control = "token of the control API of the mockkms at --mockkms-url (default: $MOCKKMS_CONTROL_TOKEN)"
    group.addoption("--mockkms-control-token", metavar="TOKEN", help=control)
    group.addoption("--mockkms-seed", metavar="FILE", action="append", help="a world in YAML; later files win")
    flavor = "the product to be: vault (2.1), vault-1.21 or openbao; a test's marker wins"
    group.addoption("--mockkms-flavor", metavar="NAME", help=flavor)
    group.addoption("--mockkms-rng", metavar="N", help="repeat every id, key and nonce from this seed")
    group.addoption("--mockkms-strict", choices=("on", "off"), help="a request that nothing emulates fails the test")
    lint = "habits of the client that a real server would suffer from: off, warn or error"
    group.addoption("--mockkms-lint", choices=LINT, help=lint)
    report = "append the smallest policy that each test needed, and grants it never used, to this file"
    group.addoption("--mockkms-report", metavar="PATH", help=report)
    parser.addini("mockkms_lint", lint, default="off")
    parser.addini("mockkms_report", report)
    parser.addini("mockkms_url", "run the tests against this server instead of an own one")
    parser.addini("mockkms_upstream", upstream)
    parser.addini("mockkms_token", token)
    parser.addini("mockkms_control_token", control)
    parser.addini("mockkms_seed", "worlds in YAML, later files win: one a line", type="linelist")
    parser.addini("mockkms_flavor", flavor)
    parser.addini("mockkms_rng", "repeat every id, key and nonce from this seed")
    parser.addini("mockkms_strict", "a request that nothing emulates fails the test: on or off", default="on")


def option(config: pytest.Config, name: str) -> Any:
    """The value of an option or its ini twin; None where neither is set."""
    given = config.getoption(name)
    return given if given is not None else config.getini(name) or None


def control_token(config: pytest.Config) -> str:
    """What the control API of the server at ``--mockkms-url`` asks for; empty: nothing."""
    return str(option(config, "mockkms_control_token") or os.environ.get("MOCKKMS_CONTROL_TOKEN", ""))


def strict(config: pytest.Config) -> bool:
    """Whether requests that nothing emulates fail a test. Raises UsageError."""
    word = str(option(config, "mockkms_strict")).lower()
    if word not in _WORDS:
        raise pytest.UsageError(f"mockkms_strict = {word}: on or off")
    return _WORDS[word]


def lint(config: pytest.Config) -> str:
    """What the linter's findings do: ``off``, ``warn`` or ``error``. Raises UsageError."""
    word = str(option(config, "mockkms_lint")).lower()
    if word not in LINT:
        raise pytest.UsageError(f"mockkms_lint = {word}: {', '.join(LINT)}")
    return word


def upstream(config: pytest.Config) -> str:
    """The real server that ours stands in front of; empty: there is none. Raises UsageError."""
    url = str(option(config, "mockkms_upstream") or "")
    if url and option(config, "mockkms_url"):
        raise pytest.UsageError("--mockkms-upstream and --mockkms-url: one of them")
    return url


def flavor(config: pytest.Config) -> str | None:
    """The product of the suite; None: what its world says. Raises UsageError."""
    name = option(config, "mockkms_flavor")
    if not name:
        return None
    if option(config, "mockkms_upstream"):
        raise pytest.UsageError("--mockkms-flavor and --mockkms-upstream: one of them; a real server is what it is")
    from mockkms.flavors import wrong_flavor

    wrong = wrong_flavor(name)
    if wrong:
        raise pytest.UsageError(f"mockkms_flavor: {wrong}")
    return str(name)


def report(config: pytest.Config) -> Path | None:
    """The file of the least-privilege report; a relative one counts from the root."""
    given = option(config, "mockkms_report")
    return config.rootpath / given if given else None


def rng(config: pytest.Config) -> int | str | None:
    """The seed of every id, key and nonce: a number, or any text."""
    word = option(config, "mockkms_rng")
    try:
        return int(word) if word is not None else None
    except ValueError:
        return str(word)


def located(seed: Any, *folders: Path | None) -> Any:
    """A seed with a relative path made absolute by the first folder that has it; names and dicts stay as they are."""
    if isinstance(seed, (list, tuple)):
        return [located(one, *folders) for one in seed]
    if isinstance(seed, (str, Path)) and len(str(seed)) < 1024 and "\n" not in str(seed):
        for folder in folders:
            if folder is not None and (folder / seed).is_file():
                return str(folder / seed)
    return seed


def laid(seed: Any, over: Any) -> list[Any]:
    """``over`` laid over a seed."""
    return [*(seed if isinstance(seed, (list, tuple)) else [] if seed is None else [seed]), over]


def suite_seed(config: pytest.Config) -> Any:
    """The worlds that options name: those of the command line from where pytest was called, those of the ini file from
    where it stands."""
    given = config.getoption("mockkms_seed")
    if given is not None:
        return located(given, config.invocation_params.dir)
    return located(config.getini("mockkms_seed"), config.inipath.parent if config.inipath else None) or None
