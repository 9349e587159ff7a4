"""``fmt.Sprintf``, ``Sprint`` and ``Sprintln`` for strings, numbers, truth values, and values of decoded JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mockkms.vault.golang import fmt
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.template.values import Data, Value, encoded, type_of

LONGEST = 1 << 20
"""Characters of the longest text; Go has none."""
_WIDEST = 1_000_000
"""The largest width and precision, as in Go."""
_VERB = re.compile(r"%([+\-# 0]*)(\*|\d*)(?:(\.)(\*|\d*))?(?:\[(\d+)\])?(.?)", re.DOTALL)
_INTEGERS = {"d": "d", "b": "b", "o": "o", "x": "x", "X": "X"}
_EXACT = 6
"""The exponent from which on a number is written with one."""


def sprintf(form: str, values: Sequence[Value]) -> str:
    """Return ``form`` with its verbs filled in. Raises ValueError for a text that is too long."""
    given = _Given(values)
    found: list[str] = []
    end = length = 0
    for match in _VERB.finditer(form):
        found += [form[end : match.start()], _filled(match, given)]
        end = match.end()
        length += len(found[-1])
        if length > LONGEST:
            raise ValueError(f"the text is longer than {LONGEST} characters")
    found.append(form[end:])
    if given.rest and not given.chosen:
        extra = ", ".join("<nil>" if one is None else f"{type_of(one)}={shown(one)}" for one in given.rest)
        found.append(f"%!(EXTRA {extra})")
    return "".join(found)


class _Given:
    """The values that verbs take, in order or by number."""

    def __init__(self, values: Sequence[Value]) -> None:
        self._values, self._at, self.chosen = values, 0, False

    @property
    def rest(self) -> Sequence[Value]:
        """Those that no verb has taken."""
        return self._values[self._at :]

    def choose(self, number: int) -> bool:
        """Make a value the next one, from 1; return whether there is one."""
        self.chosen = True
        if not 1 <= number <= len(self._values):
            return False
        self._at = number - 1
        return True

    def take(self) -> Value:
        """Return the next value, of those that ``rest`` has."""
        self._at += 1
        return self._values[self._at - 1]


def sprint(values: Sequence[Value]) -> str:
    """Return values side by side; a space separates two of which neither is a string."""
    found = ""
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            found += " "
        found += shown(value)
    return found


def sprintln(values: Sequence[Value]) -> str:
    """Return values with spaces between them and a line feed at the end."""
    return " ".join(map(shown, values)) + "\n"


def shown(value: object) -> str:
    """Return a value as ``%v`` does."""
    if isinstance(value, Data):
        return "{" + " ".join(map(shown, value.fields.values())) + "}"
    if isinstance(value, float):
        return _general(value)
    if isinstance(value, complex):
        imaginary = _general(value.imag)
        return f"({_general(value.real)}{imaginary if imaginary[0] in '+-' else '+' + imaginary}i)"
    return fmt.shown(value)


def _filled(match: re.Match[str], given: _Given) -> str:
    """Return what stands for one verb, and take its values from those that are given."""
    flags, wide, point, precise, number, verb = match.groups()
    width, faults = _size(wide, given, "%!(BADWIDTH)")
    precision, more = _size(precise or "", given, "%!(BADPREC)")
    faults += more
    if point and precision is None and not more:
        precision = 0
    if not verb:
        return faults + "%!(NOVERB)"
    if verb == "%":
        return faults + "%"
    if number and not given.choose(int(number[:9])):
        return f"{faults}%!{verb}(BADINDEX)"
    if not given.rest:
        return f"{faults}%!{verb}(MISSING)"
    if width is not None and width < 0:
        flags, width = flags + "-", -width
    return faults + _written(given.take(), verb, flags, width or 0, precision)


def _size(text: str, given: _Given, fault: str) -> tuple[int | None, str]:
    """Return a width or precision, and the text of what is wrong with it."""
    if not text:
        return None, ""
    if text == "*":
        value = given.take() if given.rest else None
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _WIDEST
        return (value, "") if fits and isinstance(value, int) else (None, fault)
    fits = len(text) <= len(str(_WIDEST)) and int(text) <= _WIDEST
    return (int(text), "") if fits else (None, fault)


def _written(value: Value, verb: str, flags: str, width: int, precision: int | None) -> str:
    """Return a value as a verb writes it; a verb for strings or numbers applies to each field of a struct."""
    if isinstance(value, Data) and verb not in "vT":
        return "{" + " ".join(_written(one, verb, flags, width, precision) for one in value.fields.values()) + "}"
    text = _formatted(value, verb, flags, precision)
    if text is None:
        return f"%!{verb}(<nil>)" if value is None else f"%!{verb}({type_of(value)}={shown(value)})"
    return _padded(text, value, flags, width)


def _padded(text: str, value: Value, flags: str, width: int) -> str:
    if "-" in flags:
        return text.ljust(width)
    if "0" not in flags:
        return text.rjust(width)
    if isinstance(value, int | float) and text[:1] in ("+", "-"):
        return text[0] + text[1:].rjust(width - 1, "0")
    return text.rjust(width, "0")


def _formatted(value: Value, verb: str, flags: str, precision: int | None) -> str | None:
    """Return a value as a verb writes it, or None where the verb does not fit the value's type."""
    if verb == "T":
        return type_of(value)
    if verb == "v":
        signed = "+" if "+" in flags and isinstance(value, int | float) and not isinstance(value, bool) else ""
        plain = _string(value, "s", flags, precision) if isinstance(value, str) and precision is not None else None
        return plain if plain is not None else _signed(shown(value), signed)
    if isinstance(value, str):
        return _string(value, verb, flags, precision)
    if isinstance(value, bool):
        return shown(value) if verb == "t" else None
    if isinstance(value, int):
        return _integer(value, verb, flags)
    return _floating(value, verb, flags, precision) if isinstance(value, float) else None


def _string(value: str, verb: str, flags: str, precision: int | None) -> str | None:
    cut = value if precision is None else value[:precision]
    if verb == "s":
        return cut
    if verb == "q":
        return f"`{cut}`" if "#" in flags and "`" not in cut else quote(cut)
    if verb in "xX":
        content = encoded(value)[:precision]
        found = content.hex(" ") if " " in flags else content.hex()
        return found.upper() if verb == "X" else found
    return None


def _integer(value: int, verb: str, flags: str) -> str | None:
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if verb in _INTEGERS:
        prefix = {"x": "0x", "X": "0X", "o": "0", "b": "0b"}.get(verb, "") if "#" in flags else ""
        digits = prefix + format(abs(value), _INTEGERS[verb])
        return f"-{digits}" if value < 0 else sign + digits
    if verb in "cqU":
        fits = 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000
        char = chr(value) if fits else "\ufffd"
        if verb == "U":
            return f"U+{value:04X}" + (f" '{char}'" if "#" in flags and char.isprintable() else "")
        return char if verb == "c" else "'" + quote(char)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return None


def _floating(value: float, verb: str, flags: str, precision: int | None) -> str | None:
    sign = "+" if "+" in flags else " " if " " in flags else ""
    if verb not in "eEfFgG":
        return None
    if value != value or value in (float("inf"), float("-inf")):
        return _general(value)
    if verb in "gG":
        found = _general(value) if precision is None else format(value, f".{precision}g")
        return _signed(found.upper() if verb == "G" else found, sign)
    return _signed(format(value, f".{6 if precision is None else precision}{verb}"), sign)


def _signed(text: str, sign: str) -> str:
    return text if text[:1] in ("+", "-") else sign + text


def _general(value: float) -> str:
    """Return a number with as many digits as needed, as ``%v`` does."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    mantissa, _, power = f"{value!r}".lower().partition("e")
    digits = mantissa.replace(".", "").replace("-", "").lstrip("0").rstrip("0") or "0"
    exponent = int(f"{value:.17e}".rpartition("e")[2]) if value else 0
    if power:
        exponent = int(power)
    if -5 < exponent < _EXACT:
        return f"{value:.{max(0, len(digits) - 1 - exponent)}f}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{'-' if value < 0 else ''}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
