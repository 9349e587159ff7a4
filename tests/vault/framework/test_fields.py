"""How parameters are converted: the real server's decoders at their edges, in their words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.golang import json as go_json


@pytest.mark.parametrize(
    ("kind", "sent", "read"),
    [
        (Kind.INT, '"1_000"', 1000),
        (Kind.INT, '"0x1_0"', 16),
        (Kind.INT, '"0b11"', 3),
        (Kind.INT, '"017"', 15),
        (Kind.INT, '"0"', 0),
        (Kind.INT, '"+5"', 5),
        (Kind.INT64, '"-9223372036854775808"', -(1 << 63)),
        (Kind.COMMA_INTS, '"1,,2"', [1, 0, 2]),
        (Kind.COMMA_INTS, '""', []),
        (Kind.COMMA_INTS, "{}", []),
        (Kind.SLICE, "{}", []),
        (Kind.SLICE, '{"a":1}', [{"a": 1}]),
        (Kind.STRING_SLICE, "{}", []),
        (Kind.STRING_SLICE, '" a,b "', ["a,b"]),
        (Kind.COMMA_STRINGS, "{}", []),
        (Kind.MAP, '[[{"a":1}],null]', {"a": 1}),
        (Kind.KV_PAIRS, '[{"a":1},{"b":true}]', {"a": "1", "b": "1"}),
        (Kind.KV_PAIRS, '[" a = b "]', {" a ": " b "}),
        (Kind.KV_PAIRS, "[null]", {}),
        (Kind.STRING, "-0", "-0"),
        (Kind.FLOAT, "true", 1.0),
        (Kind.NAME, '"a.b-c"', "a.b-c"),
    ],
)
def test_what_is_read(kind: Kind, sent: str, read: Any) -> None:
    assert convert(kind, go_json.decode(sent.encode())) == (True, read)


@pytest.mark.parametrize(
    ("kind", "sent", "fault"),
    [
        (Kind.INT, '"0e0"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT, "9223372036854775808", "'' cannot parse value as 'int': strconv.ParseInt: value out of range"),
        (Kind.INT, '"99999999999999999999s"', "'' cannot parse value as 'int': strconv.ParseInt: value out of range"),
        (Kind.INT, '"9223372036854775808s"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT, '"08"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT, '"1__0"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT, '"0x"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT, '"-"', "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"),
        (Kind.INT64, '"x"', "'' cannot parse value as 'int64': strconv.ParseInt: invalid syntax"),
        (Kind.MAP, '[["a"]]', "'[0][0]' expected type 'map[string]interface {}', got unconvertible type 'string'"),
        (Kind.KV_PAIRS, '" x "', 'invalid key pair " x "'),
        (Kind.NAME, '"-a"', "field does not match the formatting rules"),
        (Kind.NAME, "null", "field does not match the formatting rules"),
        (
            Kind.SECONDS,
            "9223372037",
            "multiplication of durations resulted in overflow, one operand may be too large",
        ),
        (Kind.TIME, "1.5", 'strconv.ParseInt: parsing "1.5": invalid syntax'),
        (Kind.TIME, '"2026-01-01T00:00:00.5"', "could not parse string as date and time"),
    ],
)
def test_what_is_refused(kind: Kind, sent: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        convert(kind, go_json.decode(sent.encode()))


def test_an_absent_duration_or_time_is_not_zero() -> None:
    assert [convert(kind, None) for kind in (Kind.SECONDS, Kind.TIME, Kind.INT)] == [
        (False, None), (False, None), (True, 0),
    ]  # fmt: skip
