"""The flag of ``serve`` that loads worlds again when their files change."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError
from mockkms.cli.options.chaos import is_file

if TYPE_CHECKING:
    from mockkms.cli.ending_signals import EndingSignals
    from mockkms.cli.world_watcher import WorldWatcher
    from mockkms.kms import MockKMS


def add_options(group: argparse._ArgumentGroup) -> None:
    """Declare the flag."""
    text = "load worlds, rules and plans of chaos again when their files change; `restart` starts the process again"
    group.add_argument("--watch", nargs="?", const="reload", choices=("reload", "restart"), help=text)


def files(options: argparse.Namespace) -> list[Path]:
    """Return the files to watch; empty without the flag. Raises CommandError if there is nothing to watch."""
    if options.watch is None:
        return []
    if options.state_file is not None:
        raise CommandError("--watch and --state FILE cannot be used together: the state is used, not the worlds")
    found = [*(Path(seed) for seed in options.seed if Path(seed).is_file()), *options.faults]
    if options.chaos is not None and is_file(options.chaos):
        found.append(Path(options.chaos))
    if not found:
        raise CommandError("--watch needs a file to watch; give one with --seed, --faults or --chaos")
    if options.watch == "restart" and options.nodes is not None and options.port == 0:
        raise CommandError("--watch=restart and --nodes need a --port: the nodes would have others after a restart")
    return found


def watcher(kms: MockKMS, options: argparse.Namespace, signals: EndingSignals) -> WorldWatcher | None:
    """Return what watches the files and acts on a change, not yet started; None without the flag."""
    watched = files(options)
    if not watched:
        return None
    from mockkms.cli.world_watcher import WorldWatcher

    def changed(paths: list[Path]) -> None:
        names = ", ".join(str(path) for path in paths)
        # Opening a pipe without a writer would block this thread forever.
        special = [path for path in watched if path.exists() and not (path.is_file() or path.is_dir())]
        if special:
            _refuse(names, ValueError(f"{special[0]}: cannot be read: it is a device, a pipe or a socket"))
        elif options.watch == "reload":
            _reload(kms, names)
        elif _usable(kms, names):
            screen.say(f"{names} changed; starting again")
            signals.end(restart=True)

    return WorldWatcher(watched, changed)


def _reload(kms: MockKMS, names: str) -> None:
    started = time.monotonic()
    try:
        kms.reload()
    except ValueError as error:
        _refuse(names, error)
    else:
        screen.say(f"{names} changed; loaded again in {(time.monotonic() - started) * 1000:.0f} ms")


def _usable(kms: MockKMS, names: str) -> bool:
    try:
        kms.check_worlds()
    except ValueError as error:
        _refuse(names, error)
        return False
    return True


def _refuse(names: str, error: ValueError) -> None:
    from mockkms.worldfile.problems import SeedError

    found = error.problems if isinstance(error, SeedError) else [error]
    lines = "\n".join(f"  {problem}" for problem in found)
    screen.note(f"mockkms serve: {names} changed and cannot be used; the current world stays:\n{lines}")
