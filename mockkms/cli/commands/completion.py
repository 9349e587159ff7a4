"""``mockkms completion bash|zsh|fish`` and ``mockkms man``: completion for shells, and the manual page."""

from __future__ import annotations

import argparse
from importlib import import_module

from mockkms.cli.streams import write_data

SHELLS = {
    "bash": 'eval "$(mockkms completion bash)"',
    "zsh": "source <(mockkms completion zsh)",
    "fish": "mockkms completion fish | source",
}
"""The shells, each with the line that loads its completion."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    lines = "; ".join(f"{shell}: {line}" for shell, line in SHELLS.items())
    text = f"Print the completion of commands, flags and values for a shell. Load it at the start of the shell: {lines}"
    parser = subparsers.add_parser("completion", help="print the completion for a shell", description=text)
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell")
    parser.set_defaults(run=_completion)
    text = "Print the manual page: mockkms man > ~/.local/share/man/man1/mockkms.1, or mockkms man | man -l -"
    parser = subparsers.add_parser("man", help="print the manual page", description=text)
    parser.set_defaults(run=_manual)


def _completion(options: argparse.Namespace) -> int:
    """Print the script."""
    from mockkms.cli.shells.grammar import grammar

    write_data(import_module(f"mockkms.cli.shells.{options.shell}").script(grammar()))
    return 0


def _manual(options: argparse.Namespace) -> int:
    """Print the page."""
    from mockkms.cli.shells.grammar import grammar
    from mockkms.cli.shells.manual import page

    write_data(page(grammar()))
    return 0
