"""HCL version 1 and its JSON form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.vault import hcl


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("# only a comment", {}),
        ("// one\n/* two\nlines */ a = 1", {"a": 1}),
        ("a = 1 b = 2", {"a": 1, "b": 2}),
        ("a = 1, b = 2", {"a": 1, "b": 2}),
        ("a = [1, 2, ]", {"a": [1, 2]}),
        ("a = [[1] [2]]", {"a": [[1], [2]]}),
        ("a = 0x1F\nb = 017\nc = -3\nd = 1.5\ne = 2e3", {"a": 31, "b": 15, "c": -3, "d": 1.5, "e": 2000.0}),
        ("a = true\nb = false", {"a": True, "b": False}),
        (r'a = "x\n\t\"\\\u00e4\x41\101"', {"a": 'x\n\t"\\äAA'}),
        ('a = "x${ "q\\n" }y\\n"', {"a": 'x${ "q\\n" }y\n'}),
        ('"quoted key" = "v"', {"quoted key": "v"}),
        ("a-b.c = 1", {"a-b.c": 1}),
        ("a = <<EOF\nx\n  y\nEOF\n", {"a": "x\n  y\n"}),
        ("a = <<-EOF\n    x\n      y\n    EOF\nb = 1", {"a": "x\n  y\n", "b": 1}),
        ("a = <<-EOF\n  x\n    EOF\n", {"a": "  x\n"}),
        ("a = 1\r\nb = <<E\r\nq\r\nE\r\n", {"a": 1, "b": "q\n"}),
        ("a { b = 1 }", {"a": [{"b": 1}]}),
        ('a "b" { c = 1 }', {"a": [{"b": [{"c": 1}]}]}),
        ('a "b" { c = 1 }\na "d" { c = 2 }', {"a": [{"b": [{"c": 1}]}, {"d": [{"c": 2}]}]}),
        ("a = { b = { c = 1 } }", {"a": [{"b": [{"c": 1}]}]}),
        ("a = [{ b = 1 }]", {"a": [{"b": 1}]}),
        ("a {}\na {}", {"a": [{}, {}]}),
        ("a =", {}),
    ],
)
def test_forms(text: str, expected: dict[str, Any]) -> None:
    assert hcl.loads(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "At 1:1: expected: IDENT | STRING | ASSIGN | LBRACE got: NUMBER"),
        ("bogus", "At 1:7: key 'bogus' expected start of object ('{') or assignment ('=')"),
        ("not hcl {", "At 1:11: object expected closing RBRACE got: EOF"),
        ('path "a" { foo }', "At 1:16: key 'foo' expected start of object ('{') or assignment ('=')"),
        ("a = read", "At 1:5: Unknown token: 1:5 IDENT read"),
        ("a\n  = ]", "At 2:5: Unknown token: 2:5 RBRACK ]"),
        ("a = [1 2]", "At 1:8: error parsing list, expected comma or list end, got: NUMBER"),
        ("a = [x]", "At 1:6: unexpected token while parsing list: IDENT"),
        ("a = [{ b }]", "At 1:6: error while trying to parse object within list: At 1:10: key 'b' expected "
                        "start of object ('{') or assignment ('=')"),
        ('a "b" = 1', "At 1:7: nested object expected: LBRACE got: ASSIGN"),
        ("= 1", "At 1:1: no object keys found!"),
        ("{{", "expected: STRING got: LBRACE"),
        ("a {{", "At 1:4: expected: IDENT | STRING got: LBRACE"),
        ("a = 'x'", "At 1:5: illegal char"),
        ('a = "x\n', "At 1:7: literal not terminated"),
        ('a = "\\q"', "At 1:7: illegal char escape"),
        ("a = 1 /* x", "At 1:11: comment not terminated"),
        ("/a", "At 1:1: expected '/' for comment"),
        ("a = <<E\nx", "At 2:2: heredoc not terminated"),
        ("a = <E\n", "At 1:6: heredoc expected second '<', didn't see it"),
        ("a = <<E!\n", "At 1:8: invalid characters in heredoc anchor"),
        ("a = 99999999999999999999", 'At 1:5: strconv.ParseInt: parsing "99999999999999999999": value out of range'),
        ('{"a": x}', "1:7: illegal char"),
        ('{"a" 1}', "expected: STRING got: NUMBER"),
        ('{"a": 012}', "1:9: numbers cannot start with 0"),
        ('{"a": [:]}', "unexpected token while parsing list: COLON"),
        ('{"a": ,}', "Expected object value, got unknown token: 1:7 COMMA ,"),
    ],
)  # fmt: skip
def test_errors_have_a_position_and_the_servers_text(text: str, message: str) -> None:
    with pytest.raises(hcl.HclError) as caught:
        hcl.parse(text)
    assert str(caught.value) == message


def test_an_error_tells_its_line_and_column() -> None:
    with pytest.raises(hcl.HclError) as caught:
        hcl.parse("a = 1\nb = [1\n  2]")
    assert (caught.value.line, caught.value.column) == (3, 3)


def test_an_attribute_given_twice_is_refused_when_asked() -> None:
    text = "a {\n  b = 1\n  b = 2\n}"
    assert hcl.loads(text) == {"a": [{"b": 2}]}
    with pytest.raises(hcl.HclError, match='The argument "b" at 3:3 was already set'):
        hcl.parse(text, unique=True)


def test_blocks_may_repeat_where_attributes_may_not() -> None:
    assert len(hcl.parse("a {}\na {}", unique=True).items) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, "b": [1, "x"], "c": null}', {"a": 1, "b": [1, "x"], "c": ""}),
        ('{"path": {"a/*": {"capabilities": ["read"]}}}', {"path": [{"a/*": [{"capabilities": ["read"]}]}]}),
        ('{"path": [{"a": {"x": 1}}, {"b": {"x": 2}}]}', {"path": [{"a": [{"x": 1}]}, {"b": [{"x": 2}]}]}),
        ('  {"a": {"b": 1},}', {"a": [{"b": 1}]}),
        ("{}", {}),
        ('{"a": 1', {"a": 1}),
    ],
)
def test_json_form(text: str, expected: dict[str, Any]) -> None:
    assert hcl.loads(text) == expected


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(hcl.HclError, match="At 1:6: illegal UTF-8 encoding"):
        hcl.parse(b'a = "\xff"')


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    for text in ("a = " + "[" * 5000, "a {" * 5000, '{"a":' * 5000, '{"a":' + "[{" * 5000):
        with pytest.raises(hcl.HclError):
            hcl.parse(text)


_VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_characters="$", codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() and c != "\ue123" else f"\\U{ord(c):08x}" for c in plain) + '"'
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    return str(value)


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_\-]{0,8}", fullmatch=True), _VALUES, max_size=4))
@settings(max_examples=60)
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    data.pop("true", None)
    data.pop("false", None)
    text = "\n".join(f"{key} = {_written(value)}" for key, value in data.items())
    assert hcl.loads(text) == data


def outcome(text: str) -> str:
    """``read``, or the refusal; any other exception is a fault of the parser."""
    try:
        hcl.loads(text)
    except hcl.HclError as error:
        return str(error)
    return "read"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\n${b\n{c}d}\n", "a\n" + r"${b\n{c}d}" + "\n"),
        (r"${a}${b}\t${c}", r"${a}${b}" + "\t${c}"),
        (r"\t}${}{\t", "\t}${}{\t"),
    ],
)
def test_interpolations_are_left_as_they_are(written: str, read: str) -> None:
    assert hcl.loads(f'a = "{written}"') == {"a": read}


@given(st.text(alphabet='ab"{}[]=,<>-#/*\n \\0129.$:x\x00é', max_size=40) | st.text(max_size=30))
@settings(max_examples=150)
def test_any_text_is_read_or_refused(text: str) -> None:
    for form in (text, "{" + text, json.dumps({"a": text})):
        assert outcome(form)
