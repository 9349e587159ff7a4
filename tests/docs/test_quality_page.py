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


def test_the_figures_of_mutants_add_up() -> None:
    rows = re.findall(r"^\| `(mockkms/[\w/]+\.py)` \| ([\d,]+) \| ([\d,]+) \| (\d+) \|", PAGE, re.MULTILINE)
    assert {file for file, *_ in rows} == set(MUTATED["only_mutate"])
    made, killed, left = (sum(int(row[column].replace(",", "")) for row in rows) for column in (1, 2, 3))
    assert all(int(row[1].replace(",", "")) == int(row[2].replace(",", "")) + int(row[3]) for row in rows)
    assert f"{killed:,} of {made:,} mutants killed" in PAGE
    kinds = re.findall(r"^\| [^|`]+ \| (\d+) \| [^|]+ \|$", PAGE.partition("## Mutants that survive")[2], re.MULTILINE)
    assert sum(map(int, kinds)) == left
    assert f"No test kills {left} mutants" in PAGE
