"""Bodies of endpoints outside the core: decoded into a struct, so a wrong JSON type is an error with Go's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.products.features import Feature

Members = Mapping[str, tuple[type, str]]
_GO = {str: "string", int: "int", bool: "bool", list: "[]string"}


def decoded(call: Call, struct: str, members: Members, *, required: bool = False) -> dict[str, Any]:
    """Return the members of a body, each with its zero value where it is missing or null. Raises ErrorResponse.

    ``members``: JSON name to type and the field's name in Go. Names match case-insensitively, as in Go.
    ``required``: a missing body is refused with Go's text, if the product does so.
    """
    empty = not call.request.data and not call.request.body.strip()
    if required and empty and call.core.product.has(Feature.BODY_REQUIRED):
        raise ErrorResponse("EOF")
    sent = {name.lower(): value for name, value in call.request.data.items()}
    found: dict[str, Any] = {}
    for name, (kind, shown) in members.items():
        value = sent.get(name)
        if value is None:
            found[name] = kind()
            continue
        wrong = _wrong(value, kind)
        if wrong:
            text = f"json: cannot unmarshal {wrong} into Go struct field {struct}.{shown} of type {_GO[kind]}"
            raise ErrorResponse(call.core.product.texts.json_error_prefix + text)
        found[name] = list(value) if kind is list else value
    return found


def _wrong(value: Any, kind: type) -> str:
    """Return Go's name for a value of the wrong type; empty if the type is right."""
    if isinstance(value, bool):
        return "" if kind is bool else "bool"
    if isinstance(value, list):
        if kind is list:
            bad = next((item for item in value if not isinstance(item, str)), None)
            return _wrong(bad, str) if bad is not None else ""
        return "array"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, str):
        return "" if kind is str else "string"
    if kind is int and isinstance(value, int) and -(2**63) <= value < 2**63:
        return ""
    return f"number {value}" if kind is int else "number"
