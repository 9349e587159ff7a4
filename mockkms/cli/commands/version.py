"""``mockkms version``: print the line of ``vault version``, from which wrappers read the server's version."""

from __future__ import annotations

import argparse
import sys

from mockkms.cli.arguments import DESCRIPTION, default_flavor, flavor
from mockkms.vault.products import PRODUCTS
from mockkms.version import __version__


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("version", help="print the version of the emulated server", description=__doc__)
    parser.add_argument("-flavor", "--flavor", type=flavor, metavar="NAME", default=default_flavor(), help=DESCRIPTION)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the version line, and the available flavors on standard error."""
    product = PRODUCTS[options.flavor]
    dated = {"build_date": "built", "commit_date": "committed"}[product.texts.build_key]
    print(f"{product.texts.product} v{product.version} (mockkms {__version__}), {dated} {product.build_date}")
    if sys.stderr.isatty():
        print(f"flavors: {DESCRIPTION}", file=sys.stderr)
    return 0
