"""The control token, from an argument, a file or the environment.

A token on a command line can be read by every user of the machine, in the list of processes; one in a file or in the
environment cannot.
"""

from __future__ import annotations

import os
from pathlib import Path

from mockkms.arguments import LONGEST_TOKEN, unsendable
from mockkms.error_context import error_context, file_context

VARIABLE = "MOCKKMS_CONTROL_TOKEN"
FILE_VARIABLE = "MOCKKMS_CONTROL_TOKEN_FILE"
DEFAULTS = f"${VARIABLE}, or the content of the file ${FILE_VARIABLE}"


def control_token(token: str | None = None, file: str | Path | None = None) -> str:
    """Return ``token``, the token in ``file``, or that of the environment if both are None; empty: no token.

    Raises ValueError if both are given, for a token that no header can have, and for a file that cannot be read.
    """
    if token is not None and file is not None:
        raise ValueError("control token: give either the token or a file, not both")
    if token is None and file is None:
        token = os.environ.get(VARIABLE)
        file = os.environ.get(FILE_VARIABLE) or None
    if token is None:
        return "" if file is None else _read(Path(file))
    if token:
        _check(token, "control token: ")
    return token


def _read(path: Path) -> str:
    with file_context(f"control token: {path}: "), path.open("rb") as file:
        content = file.read(2 * LONGEST_TOKEN)
    with error_context(text=f"control token: {path}: the file is not UTF-8 text"):
        token = content.decode().strip()
    if not token:
        raise ValueError(f"control token: {path}: the file is empty")
    _check(token, f"control token: {path}: ")
    return token


def _check(token: str, where: str) -> None:
    wrong = unsendable(token)
    if wrong:
        raise ValueError(where + wrong)
