"""Text as Go's ``fmt`` writes it."""

from __future__ import annotations

from collections.abc import Sequence

from mockkms.quoting import quote as quote


class RepeatedParameter(list[str]):
    """A query parameter given more than once: Go's ``[]string``, which decoders distinguish from a JSON list."""


def shown(value: object) -> str:
    """Return a decoded JSON value as ``%v`` prints it: ``map[a:1]``, ``[1 2]``."""
    out: list[str] = []
    waiting: list[object] = [value]
    """What is still to be written, the next one last; a ``_Mark`` is written unchanged."""
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            parts: list[object] = [_Mark("map[")]
            for at, key in enumerate(sorted(item)):
                parts += [_Mark(f" {key}:" if at else f"{key}:"), item[key]]
            waiting += reversed([*parts, _Mark("]")])
        elif isinstance(item, list):
            parts = [_Mark("[")]
            for at, member in enumerate(item):
                parts += [_Mark(" "), member] if at else [member]
            waiting += reversed([*parts, _Mark("]")])
        elif isinstance(item, bool):
            out.append("true" if item else "false")
        else:
            out.append("<nil>" if item is None else str(item))
    return "".join(out)


def misprinted(verb: str, value: object) -> str:
    """Return a decoded JSON value as a verb for floating-point numbers prints it: ``%!e(json.Number=5)``."""
    if value is None:
        return f"%!{verb}(<nil>)"
    if isinstance(value, dict):
        pairs = (f"{misprinted(verb, key)}:{_within(verb, value[key])}" for key in sorted(value))
        return f"map[{' '.join(pairs)}]"
    if isinstance(value, list):
        return f"[{' '.join(_within(verb, item) for item in value)}]"
    kind = "string" if isinstance(value, str) else "bool" if isinstance(value, bool) else "json.Number"
    return f"%!{verb}({kind}={shown(value)})"


def _within(verb: str, value: object) -> str:
    return "<nil>" if value is None else misprinted(verb, value)


class _Mark(str):
    """Punctuation around values, distinguished by type from values that are strings."""


def error_list(errors: Sequence[str]) -> str:
    """Return one or more errors in the format of ``go-multierror``."""
    noun = "error" if len(errors) == 1 else "errors"
    return f"{len(errors)} {noun} occurred:\n" + "".join(f"\t* {text}\n" for text in errors) + "\n"


def unhex(text: str) -> bytes:
    """Return the bytes of a text in hex. Raises ValueError with the text of Go's ``encoding/hex``."""
    for byte in text.encode():
        if chr(byte) not in "0123456789abcdefABCDEF":
            raise ValueError(f"encoding/hex: invalid byte: U+{byte:04X} '{chr(byte)}'")
    if len(text) % 2:
        raise ValueError("encoding/hex: odd length hex string")
    return bytes.fromhex(text)
