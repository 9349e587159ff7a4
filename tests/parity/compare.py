"""Where two answers differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.parity.normalise import type_name

_SHOWN = 300
"""Characters of a value in a message."""


class _Absent:
    """Stands for a key or item that is not there."""


_ABSENT = _Absent()


def differences(want: Any, got: Any, where: str = "") -> Iterator[str]:
    """Every place where ``got`` is not ``want``, type and list order included, as ``place: want X got Y``."""
    if isinstance(want, dict) and isinstance(got, dict):
        pairs = [(key, want.get(key, _ABSENT), got.get(key, _ABSENT)) for key in [*want, *(got.keys() - want.keys())]]
    elif isinstance(want, list) and isinstance(got, list):
        longer = range(max(len(want), len(got)))
        pairs = [(str(at), _item(want, at), _item(got, at)) for at in longer]
    else:
        if want is _ABSENT or got is _ABSENT or type_name(want) != type_name(got) or want != got:
            yield f"{where}: want {_show(want)} got {_show(got)}"
        return
    for key, left, right in pairs:
        yield from differences(left, right, f"{where}.{key}" if where else key)


def _item(items: list[Any], at: int) -> Any:
    return items[at] if at < len(items) else _ABSENT


def _show(value: Any) -> str:
    if value is _ABSENT:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
