"""What the page on quality names is there to be run."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
MUTATED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?<![\w/])(?:tests|mockkms|scripts)/[\w/.]*\w", PAGE))))
def test_a_path_exists(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("module", sorted(set(re.findall(r"-m (bench\.\w+)", PAGE))))
def test_a_bench_exists(module: str) -> None:
    assert (ROOT / (module.replace(".", "/") + ".py")).is_file()


@pytest.mark.parametrize(
    "path",
    [path for key in ("source_paths", "only_mutate", "pytest_add_cli_args_test_selection") for path in MUTATED[key]],
)
def test_what_is_mutated_and_tested_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_survivors_are_of_the_mutated_files() -> None:
    named = re.findall(r"^\| `(mockkms/[\w/]+\.py)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert {file for file, _ in named} <= set(MUTATED["only_mutate"])
    assert f"{sum(int(number) for _, number in named)} are in functions" in PAGE
