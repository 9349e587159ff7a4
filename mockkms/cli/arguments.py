"""The error of a command, and the types of arguments that several commands have."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.arguments import unsendable
from mockkms.error_context import error_context, file_context
from mockkms.vault.products import PRODUCTS, unknown_product

if TYPE_CHECKING:
    from mockkms.report.suite import Report

_WHOLE = re.compile(r"-?[0-9]{1,4000}")
"""Python reads no longer ones."""
_DAY = 86400
_LONGEST = 100
"""Characters of a value in an error."""
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


def is_port(text: str) -> bool:
    """Return whether a text is the number of a port."""
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= 65535


def sendable(text: str) -> str:
    """Return ``text`` if it can be sent as a token. Raises argparse.ArgumentTypeError."""
    wrong = unsendable(text) if text else ""
    if wrong:
        raise argparse.ArgumentTypeError(wrong)
    return text


def vault_token(given: str | None) -> str:
    """Return ``given``, else the value of VAULT_TOKEN. Raises CommandError for a token that cannot be sent."""
    if given:
        return given
    with error_context("VAULT_TOKEN: ", CommandError, of=argparse.ArgumentTypeError):
        return sendable(os.environ.get("VAULT_TOKEN", ""))


def port_number(text: str) -> int:
    """Parse a port number. Raises argparse.ArgumentTypeError."""
    if not is_port(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a valid port (0 to 65535)")
    return int(text)


def report_file(text: str) -> Path:
    """Return the path of a report. Raises argparse.ArgumentTypeError for a name that tells no format."""
    from mockkms.report.writing import report_format

    with error_context(raised=argparse.ArgumentTypeError):
        if report_format(Path(text)) == "hcl":
            raise ValueError(f"{text!r}: expected a name that ends in .html or .json")
    return Path(text)


def written_report(path: Path, report: Report) -> None:
    """Write a report. Raises CommandError."""
    from mockkms.report.writing import write_report

    with file_context(f"{path} cannot be written: ", CommandError):
        write_report(path, report)


def rng(text: str) -> int | str:
    """Return the seed of ids, keys and nonces: a number where ``text`` is one, as in a world."""
    return int(text) if _WHOLE.fullmatch(text) else text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within bounds. It raises argparse.ArgumentTypeError."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {_short(text)}")
        return int(text)

    return parse


def seconds(text: str, *, zero: bool = False) -> float:
    """Parse a number of seconds up to a day, with or without ``s``, above 0 unless ``zero`` is one of them.

    Raises argparse.ArgumentTypeError.
    """
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= _DAY or (value == 0 and not zero):
        wanted = f"is not a number of seconds {'from 0' if zero else 'above 0 and'} up to {_DAY}"
        raise argparse.ArgumentTypeError(f"{_short(text)} {wanted}")
    return value


def _short(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
