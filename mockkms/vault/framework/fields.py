"""The kinds of parameters and their conversion by the real server, including error texts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TypeVar

from mockkms.crypto.encoding import b64
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.duration import parse_moment, parse_seconds
from mockkms.vault.golang.fmt import RepeatedParameter, quote, shown
from mockkms.vault.golang.number import of_digits

T = TypeVar("T")


class Kind(Enum):
    """The field types of the real server's framework."""

    STRING = auto()
    LOWER_STRING = auto()
    NAME = auto()
    BOOL = auto()
    INT = auto()
    INT64 = auto()
    FLOAT = auto()
    MAP = auto()
    SECONDS = auto()
    SIGNED_SECONDS = auto()
    SLICE = auto()
    STRING_SLICE = auto()
    COMMA_STRINGS = auto()
    COMMA_INTS = auto()
    KV_PAIRS = auto()
    HEADER = auto()
    TIME = auto()


_OBJECT = "map[string]interface {}"


class ConversionError(ValueError):
    """A value that cannot be converted to its parameter's kind, with the text of each decoder that the servers use.

    ``str()`` is the newer decoder's text (OpenBao), ``older`` the one that HashiCorp Vault's decoder writes.
    """

    def __init__(self, text: str, older: str = "") -> None:
        super().__init__(text)
        self.older = older or text

    def at(self, place: str) -> ConversionError:
        """Return the same error for a place within the value, such as ``[1]``."""
        moved = (text.replace("''", f"'{place}'", 1) for text in (str(self), self.older))
        return ConversionError(*moved)


def _unconvertible(value: object, go_name: str, place: str = "") -> ConversionError:
    text = f"'{place}' expected type '{go_name}', got unconvertible type '{go_type(value)}'"
    older = f"{text}, value: '{shown(value)}'"
    return ConversionError(text, f"'{place}' expected a map, got '{go_kind(value)}'" if go_name == _OBJECT else older)


def _unparsable(value: object, go_name: str, function: str, fault: str) -> ConversionError:
    name = {"int64": "int", "float64": "float"}.get(go_name, go_name)
    return ConversionError(
        f"'' cannot parse value as '{go_name}': strconv.{function}: {fault}",
        f"cannot parse '' as {name}: strconv.{function}: parsing {quote(str(value))}: {fault}",
    )


_ZERO: dict[Kind, object] = {
    Kind.STRING: "", Kind.LOWER_STRING: "", Kind.NAME: "", Kind.BOOL: False, Kind.INT: 0, Kind.INT64: 0,
    Kind.FLOAT: 0.0, Kind.SECONDS: 0, Kind.SIGNED_SECONDS: 0, Kind.TIME: None,
}  # fmt: skip


_BASES = {"b": 2, "o": 8, "x": 16}
_DIGITS = {
    2: re.compile("[01_]*"),
    8: re.compile("[0-7_]*"),
    10: re.compile("[0-9_]*"),
    16: re.compile("[0-9a-fA-F_]*"),
}
_SPACED = re.compile(r"(?:0[bBoOxX]_?)?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*")
"""Digits with underscores where Go's literals may have them."""
_NAME = re.compile(r"\w(?:[\w\-.]*\w)?", re.ASCII)


def zero(kind: Kind) -> object:
    """Return the value of a parameter of this kind that was not sent and has no default."""
    if kind in _ZERO:
        return _ZERO[kind]
    return {} if kind in (Kind.MAP, Kind.KV_PAIRS, Kind.HEADER) else []


def convert(kind: Kind, value: object) -> tuple[bool, object]:
    """Return ``(sent, converted)``: a null duration or time counts as not sent.

    Raises ValueError with the server's text, or ConversionError where the products' texts differ.
    """
    converter = _CONVERTERS[kind]
    return converter(value)


def _string(value: object) -> tuple[bool, str]:
    if isinstance(value, str):
        return True, value
    if value is None:
        return True, ""
    if isinstance(value, bool):
        return True, "1" if value else "0"
    if not isinstance(value, (list, dict)):
        return True, str(value)
    raise _unconvertible(value, "string")


def _integer(value: object) -> tuple[bool, int]:
    return True, _whole(value, "int")


def _integer64(value: object) -> tuple[bool, int]:
    return True, _whole(value, "int64")


def _whole(value: object, go_name: str) -> int:
    if isinstance(value, bool):
        return int(value)
    if value is None or value == "":
        return 0
    if isinstance(value, (list, dict)):
        raise _unconvertible(value, go_name)
    number = value if isinstance(value, int) else _go_integer(str(value))
    fault = "invalid syntax" if number is None else "value out of range"
    if number is None or not -(1 << 63) <= number < 1 << 63:
        raise _unparsable(value, go_name, "ParseInt", fault)
    return number


def _go_integer(text: str) -> int | None:
    """Return a text as Go's ``ParseInt`` with base 0 reads it, or None if it is not a number.

    Go reads digit by digit: it reports a number as too large before it sees what follows.
    """
    bare = text[1:] if text[:1] in ("+", "-") else text
    marked = bare[:1] == "0" and bare[1:2].lower() in _BASES and len(bare) > 2
    base = _BASES[bare[1:2].lower()] if marked else 8 if bare[:1] == "0" else 10
    rest = bare[2:] if marked else bare
    read = _DIGITS[base].match(rest)
    digits = read.group() if read else ""
    number = of_digits(digits.replace("_", ""), base)
    if number >= 1 << 64:
        return number
    if not bare or digits != rest or ("_" in digits and not _SPACED.fullmatch(bare)):
        return None
    return -number if text[0] == "-" else number


def _boolean(value: object) -> tuple[bool, bool]:
    if isinstance(value, bool):
        return True, value
    if value is None or value == "":
        return True, False
    if isinstance(value, (list, dict)):
        raise _unconvertible(value, "bool")
    if str(value) in ("1", "t", "T", "true", "TRUE", "True"):
        return True, True
    if str(value) in ("0", "f", "F", "false", "FALSE", "False"):
        return True, False
    raise _unparsable(value, "bool", "ParseBool", "invalid syntax")


def _seconds(value: object) -> tuple[bool, int | None]:
    sent, seconds = _signed_seconds(value)
    if seconds is not None and seconds < 0:
        raise ValueError(f"cannot provide negative value '{seconds}'")
    return sent, seconds


def _signed_seconds(value: object) -> tuple[bool, int | None]:
    if value is None:
        return False, None
    return True, int(parse_seconds(value))


def _time(value: object) -> tuple[bool, float | None]:
    return (False, None) if value is None else (True, parse_moment(value))


def _comma_strings(value: object) -> tuple[bool, list[str]]:
    if value is None or value == "" or value == {}:
        return True, []
    if isinstance(value, str):
        return True, [part.strip() for part in value.split(",")]
    items = value if isinstance(value, list) else [value]
    faults = [
        f"* '[{index}]' expected type 'string', got unconvertible type '{go_type(item)}', value: '{shown(item)}'"
        for index, item in enumerate(items)
        if isinstance(item, (list, dict))
    ]
    if faults:
        # Only this kind is decoded by an older decoder, which has other error texts.
        raise ValueError(f"{len(faults)} error(s) decoding:\n\n" + "\n".join(faults))
    return True, [part.strip() for part in _each(items, _string)]


def _strings(value: object) -> tuple[bool, list[str]]:
    return True, [part.strip() for part in _each([] if value == "" else _items(value)[1], _string)]


def _each(items: Sequence[object], converter: Callable[[object], tuple[bool, T]]) -> list[T]:
    """Return every item converted. Raises ValueError with all errors, each with its index."""
    converted: list[T] = []
    faults: list[ConversionError] = []
    for index, item in enumerate(items):
        try:
            converted.append(converter(item)[1])
        except ConversionError as error:
            faults.append(error.at(f"[{index}]"))
    if faults:
        raise several(faults)
    return converted


def several(faults: list[ConversionError]) -> ConversionError:
    """Return the errors of the items of one list as the decoders report them together."""
    older = "\n".join(sorted(f"* {fault.older}" for fault in faults))
    return ConversionError(
        "decoding failed due to the following error(s):\n\n" + "\n".join(map(str, faults)),
        f"{len(faults)} error(s) decoding:\n\n{older}",
    )


def _items(value: object) -> tuple[bool, list[object]]:
    if value is None or value == {}:
        return True, []
    return True, value if isinstance(value, list) else [value]


def _ints(value: object) -> tuple[bool, list[int]]:
    if isinstance(value, str):
        value = value.split(",") if value else []
    return True, _each(_items(value)[1], _integer)


def _mapping(value: object) -> tuple[bool, dict[str, object]]:
    return True, _merged(value, "")


def _header(value: object) -> tuple[bool, dict[str, object]]:
    """Return headers given as an object or as a text: JSON, or JSON in base64. Raises ValueError."""
    if not isinstance(value, str):
        return _mapping(value or None)
    try:
        text = b64.decode(value)
    except ValueError:
        text = value.encode("utf-8", "surrogatepass")
    if not text:
        raise ValueError("'data' being decoded is nil")
    return True, go_json.decode_object(text) or {}


def _merged(value: object, place: str) -> dict[str, object]:
    """Return an object; like the weak decoder, merge a (nested) list of objects and read null as an empty one."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        merged: dict[str, object] = {}
        for index, item in enumerate(value):
            merged.update(_merged(item, f"{place}[{index}]"))
        return merged
    raise _unconvertible(value, _OBJECT, place)


def _pairs(value: object) -> tuple[bool, dict[str, str]]:
    try:
        return True, {name: _string(item)[1] for name, item in _merged(value, "").items()}
    except ValueError:
        pass  # Not a map of strings: try a list of key=value.
    pairs = {}
    for item in _each(value if isinstance(value, list) else [value], _string):
        name, equals, text = item.partition("=")
        if not equals or not name:
            raise ValueError(f"invalid key pair {quote(item)}")
        pairs[name] = text
    return True, pairs


def _name(value: object) -> tuple[bool, str]:
    text = _string(value)[1]
    if not _NAME.fullmatch(text):
        raise ValueError("field does not match the formatting rules")
    return True, text


def _lower(value: object) -> tuple[bool, str]:
    return True, _string(value)[1].lower()


def _float(value: object) -> tuple[bool, float]:
    if value is None or value == "":
        return True, 0.0
    if isinstance(value, (list, dict)):
        raise _unconvertible(value, "float64")
    text = str(value)
    try:
        number = float(value if isinstance(value, bool) else text if text == text.strip() else "no blanks")
    except (ValueError, OverflowError) as error:
        why = "value out of range" if isinstance(error, OverflowError) else "invalid syntax"
        raise _unparsable(value, "float64", "ParseFloat", why) from None
    if number in (math.inf, -math.inf) and "inf" not in text.lower():
        raise _unparsable(value, "float64", "ParseFloat", "value out of range")
    return True, number


def go_type(value: object) -> str:
    """Return the Go type that the real server's JSON decoder makes of a value."""
    if isinstance(value, list):
        return "[]string" if isinstance(value, RepeatedParameter) else "[]interface {}"
    if isinstance(value, dict):
        return "map[string]interface {}"
    return {bool: "bool", str: "string", type(None): "<nil>"}.get(type(value), "json.Number")


def go_kind(value: object) -> str:
    """Return the Go kind of a value, as in ``expected a map, got 'string'``."""
    return {
        "[]interface {}": "slice",
        "[]string": "slice",
        "map[string]interface {}": "map",
        "json.Number": "string",
    }.get(go_type(value), go_type(value))


_CONVERTERS = {
    Kind.STRING: _string, Kind.LOWER_STRING: _lower, Kind.NAME: _name, Kind.BOOL: _boolean, Kind.INT: _integer,
    Kind.INT64: _integer64, Kind.FLOAT: _float, Kind.MAP: _mapping, Kind.SECONDS: _seconds,
    Kind.SIGNED_SECONDS: _signed_seconds, Kind.SLICE: _items, Kind.STRING_SLICE: _strings,
    Kind.COMMA_STRINGS: _comma_strings, Kind.COMMA_INTS: _ints, Kind.KV_PAIRS: _pairs, Kind.HEADER: _header,
    Kind.TIME: _time,
}  # fmt: skip
