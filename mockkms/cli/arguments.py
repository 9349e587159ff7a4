"""The error of a command, and the types of arguments that several commands have."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mockkms.vault.products import PRODUCTS, unknown_product

DESCRIPTION = ", ".join(f"{p.name} ({p.texts.product} {p.version})" for p in PRODUCTS.values())
"""Every flavor with its product and version."""


class CommandError(Exception):
    """A message of one line for the user. ``exit_code`` 2: the command could not run; 1: it ran and failed."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def flavor(text: str) -> str:
    """Return ``text`` if it names a flavor. Raises argparse.ArgumentTypeError, which names the nearest flavor."""
    if text not in PRODUCTS:
        raise argparse.ArgumentTypeError(unknown_product(text))
    return text


def default_flavor() -> str:
    """Return the flavor for the name of the executable: OpenBao's binary is ``bao``."""
    return "openbao" if Path(sys.argv[0]).name == "bao" else "vault"


def port_number(text: str) -> int:
    """Parse a port number. Raises argparse.ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid port (0 to 65535)")
    return int(text)


def rng(text: str) -> int | str:
    """Return the seed of ids, keys and nonces: a number where ``text`` is one, as in a world."""
    return int(text) if text.isdecimal() else text
