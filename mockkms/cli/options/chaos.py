"""Plans of chaos on the command line: which texts are files, and the flags of commands that start one."""

from __future__ import annotations

import argparse
import os

from mockkms.cli.arguments import CommandError, rng


def is_file(text: str) -> bool:
    """Return whether a plan is the path of a YAML file rather than a percentage, an incident or phases."""
    return text.endswith((".yaml", ".yml", ".json")) or os.sep in text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of a plan."""
    parser.add_argument("--seed", type=rng, metavar="SEED", help="seed of the random choices (default: generated)")
    parser.add_argument("--phase", default="", metavar="NAME", help="phase to start with (default: the first)")
    parser.add_argument(
        "--once", action="store_true", help="end after the last phase instead of starting again with the first"
    )


def plan(words: list[str]) -> object:
    """Return the plan that the arguments describe: a file's content, or a text. Raises CommandError."""
    if len(words) == 1 and is_file(words[0]):
        return _content(words[0])
    if len(words) > 1 and not all("=" in word for word in words):
        raise CommandError(
            "expected one plan: a percentage, an incident, a file, or phases as in normal=30s sealed=10s"
        )
    return " ".join(words)


def _content(path: str) -> object:
    """Return the data of a YAML file. Raises CommandError with the place of its errors."""
    from mockkms.worldfile.problems import SeedError
    from mockkms.worldfile.sources import ChaosFile, read

    try:
        words = read(ChaosFile(path)).entries["chaos"].value.plain()
    except SeedError as error:
        raise CommandError("; ".join(str(problem) for problem in error.problems)) from None
    if not isinstance(words, dict):
        raise CommandError(f"{path}: expected a plan such as phases: [...], found {type(words).__name__}")
    return words
