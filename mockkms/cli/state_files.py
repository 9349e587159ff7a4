"""What ``mockkms state export``, ``import`` and ``diff OLD NEW`` do with the files of ``serve --state``."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mockkms.cli.arguments import CommandError
from mockkms.cli.progress import progress
from mockkms.cli.streams import write_data
from mockkms.error_context import error_context, file_context
from mockkms.files import write_text


def run(options: argparse.Namespace) -> int:
    """Do it; returns the exit code. Raises CommandError."""
    from mockkms.world.state_file import StateFileError

    doing = {"export": "exporting the state", "import": "importing the world", "diff": "comparing the states"}
    with error_context(raised=CommandError, of=StateFileError), progress(doing[options.action]):
        if options.action == "export":
            return _export(options.file, options.output)
        if options.action == "import":
            return _import(options.worlds, options.file)
        return _difference(Path(options.name), Path(options.other), as_json=options.json)


def _export(file: Path, output: Path | None) -> int:
    from mockkms.world import state_file
    from mockkms.world.world import World
    from mockkms.worldfile import dump

    world = World()
    state_file.apply(world, state_file.read(file)[1])
    text = dump(world)
    if output is None:
        write_data(text)
        return 0
    with file_context(f"cannot write {output}: ", CommandError):
        write_text(output, text)
    return 0


def _import(worlds: list[str], file: Path) -> int:
    from mockkms.cli.named_worlds import sources
    from mockkms.kms import MockKMS
    from mockkms.world import state_file
    from mockkms.worldfile.problems import SeedError

    if file.exists():
        raise CommandError(f"{file} exists already; remove it, or name another file")
    try:
        world = MockKMS(seed=sources(worlds)).world
    except SeedError as error:
        raise CommandError("\n".join(str(problem) for problem in error.problems)) from None
    state_file.write(file, state_file.pickled(world.snapshot()), world.core.product.name, time.time())
    return 0


def _difference(old: Path, new: Path, *, as_json: bool) -> int:
    from mockkms.cli.calling import show
    from mockkms.world import state_file
    from mockkms.world.diff import difference

    text = difference(state_file.read(old)[1], state_file.read(new)[1])
    if as_json:
        show({"changes": text.splitlines()})
    elif text:
        print(text)
    return 1 if text else 0
