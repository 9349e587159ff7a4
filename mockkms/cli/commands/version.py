"""``mockkms version``: the line of ``vault version``, from which wrappers read the version of the server emulated."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mockkms.cli.flavors import DESCRIPTION, flavor
from mockkms.vault.products import PRODUCTS
from mockkms.version import __version__


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("version", help="print which server's version is emulated", description=__doc__)
    parser.add_argument("-flavor", "--flavor", type=flavor, metavar="NAME", default=default_flavor(), help=DESCRIPTION)
    parser.set_defaults(run=run)


def default_flavor() -> str:
    """The flavor that the name stands for by which the command was called: OpenBao's binary is ``bao``."""
    return "openbao" if Path(sys.argv[0]).name == "bao" else "vault"


def run(options: argparse.Namespace) -> int:
    """Print the version line, and on standard error the flavors that can be asked for."""
    product = PRODUCTS[options.flavor]
    dated = {"build_date": "built", "commit_date": "committed"}[product.texts.build_key]
    print(f"{product.texts.product} v{product.version} (mockkms {__version__}), {dated} {product.build_date}")
    if sys.stderr.isatty():
        print(f"flavors: {DESCRIPTION}", file=sys.stderr)
    return 0
