"""Messages and positions of the JSON parser, as recorded from the server."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockkms.rustfs.typed import (
    boolean,
    mapping,
    option,
    read_body,
    sequence,
    string,
    struct,
    unsigned,
    variant,
)


@dataclass(frozen=True)
class KeyOnly:
    key_id: Annotated[str, string]


@dataclass(frozen=True)
class Start:
    force: Annotated[bool | None, option(boolean)] = None


@dataclass(frozen=True)
class Create:
    key_usage: Annotated[str | None, option(variant("EncryptDecrypt", "SignVerify"))] = None
    description: Annotated[str | None, option(string)] = None
    tags: Annotated[dict[str, str] | None, option(mapping(string))] = None


KEY = struct("KeyRequest", KeyOnly)
START = struct("StartRequest", Start)
CREATE = struct("CreateKmsKeyRequest", Create)


def fault(reader: object, body: bytes) -> str:
    """Return the message for an invalid body."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_body(body, reader, ValueError)  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    ("reader", "body", "text"),
    [
        (KEY, b"", "EOF while parsing a value at line 1 column 0"),
        (KEY, b"{", "EOF while parsing an object at line 1 column 1"),
        (KEY, b"x", "expected value at line 1 column 1"),
        (KEY, b"nope", "expected ident at line 1 column 2"),
        (KEY, b"{}", "missing field `key_id` at line 1 column 2"),
        (KEY, b'{"key_id": 5}', "invalid type: integer `5`, expected a string at line 1 column 12"),
        (KEY, b'{"key_id": "ab", "x": 1}', "unknown field `x`, expected `key_id` at line 1 column 20"),
        (KEY, b'{"key_id": "a"} 1', "trailing characters at line 1 column 17"),
        (KEY, b'{"key_id": "a", "key_id": "b"}', "duplicate field `key_id` at line 1 column 24"),
        (KEY, b'{"key_id": 5, oops', "invalid type: integer `5`, expected a string at line 1 column 12"),
        (KEY, b'{\n "key_id":\n 5}', "invalid type: integer `5`, expected a string at line 3 column 2"),
        (START, b'{"forse": true}', "unknown field `forse`, expected `force` at line 1 column 8"),
        (CREATE, b"null", "invalid type: null, expected struct CreateKmsKeyRequest at line 1 column 4"),
        (
            CREATE,
            b'{"key_usage": "Nope"}',
            "unknown variant `Nope`, expected `EncryptDecrypt` or `SignVerify` at line 1 column 20",
        ),
        (
            CREATE,
            b'{"unknown": 1}',
            "unknown field `unknown`, expected one of `key_usage`, `description`, `tags` at line 1 column 10",
        ),
        (CREATE, b'{"tags": {"name": 5}}', "invalid type: integer `5`, expected a string at line 1 column 19"),
        (unsigned(32), b"4294967296", "invalid value: integer `4294967296`, expected u32 at line 1 column 10"),
        (unsigned(64), b"1.5", "invalid type: floating point `1.5`, expected u64 at line 1 column 3"),
        (sequence(string), b"[", "EOF while parsing a list at line 1 column 1"),
        (sequence(string), b'["a",]', "trailing comma at line 1 column 6"),
    ],
)
def test_messages_have_error_and_position(reader: object, body: bytes, text: str) -> None:
    assert fault(reader, body) == text


def test_an_array_is_read_as_the_members_in_order() -> None:
    assert read_body(b'["a"]', KEY, ValueError) == KeyOnly("a")
    assert read_body(b"[null]", START, ValueError) == Start()


@settings(max_examples=60)
@given(st.binary(max_size=60) | st.text('{}[]":,-+.eE0123456789truefalsn\\u \n', max_size=40).map(str.encode))
def test_no_body_does_more_than_be_refused(body: bytes) -> None:
    for reader in (KEY, CREATE, sequence(mapping(option(string)))):
        with suppress(ValueError):
            assert isinstance(read_body(body, reader, ValueError), KeyOnly | Create | list)  # type: ignore[arg-type]
