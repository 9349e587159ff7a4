"""Reading the payloads of requests, with the errors of the real server for values of other types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mockkms.vault.golang import time as go_time
from mockkms.vault.secrets.pki.acme.problems import MALFORMED, after

T = TypeVar("T")
_GO = {
    type(None): "<nil>", bool: "bool", int: "float64", float: "float64", str: "string", list: "[]interface {}",
    dict: "map[string]interface {}",
}  # fmt: skip


def kind_of(value: object) -> str:
    """Return the type of a JSON value as Go writes it."""
    return _GO.get(type(value), "<nil>")


def checked(data: Mapping[str, object], name: str, kind: type[T]) -> T | None:
    """Return the value of a field, None if it is missing. Raises AcmeProblem for another type."""
    if name not in data:
        return None
    value = data[name]
    if not isinstance(value, kind):
        raise after(MALFORMED, f"invalid type ({kind_of(value)}) for field '{name}'")
    return value


def texts(data: Mapping[str, object], name: str) -> list[str]:
    """Return a list of texts; empty if it is missing. Raises AcmeProblem."""
    found = []
    for at, value in enumerate(checked(data, name, list) or []):
        if not isinstance(value, str):
            raise after(MALFORMED, f"invalid type ({kind_of(value)}) for field '{name}' item {at}")
        found.append(value)
    return found


def moment(data: Mapping[str, object], name: str) -> float:
    """Return a moment (RFC 3339), 0 if it is missing. Raises AcmeProblem."""
    text = checked(data, name, str)
    if text is None:
        return 0
    try:
        return go_time.parse(text)
    except ValueError as error:
        raise after(MALFORMED, f"failed parsing field '{name}' ({text}): {error}") from None
