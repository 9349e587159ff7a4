"""``mockkms version``: the line of ``vault version``, from which wrappers read the version of the server emulated."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mockkms import __version__
from mockkms.vault.flavor import FLAVORS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("version", help="print which server's version is emulated", description=__doc__)
    parser.add_argument("-flavor", "--flavor", choices=tuple(FLAVORS), default=default_flavor())
    parser.set_defaults(run=run)


def default_flavor() -> str:
    """The flavor that the name stands for by which the command was called: OpenBao's binary is ``bao``."""
    return "openbao" if Path(sys.argv[0]).name == "bao" else "vault"


def run(options: argparse.Namespace) -> int:
    """Print it."""
    flavor = FLAVORS[options.flavor]
    dated = {"build_date": "built", "commit_date": "committed"}[flavor.build_key]
    print(f"{flavor.product} v{flavor.version} (mockkms {__version__}), {dated} {flavor.build_date}")
    return 0
