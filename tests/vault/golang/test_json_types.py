"""JSON decoded into Go's types. The texts are those of ``encoding/json``, as OpenBao 2.6.2 answers them."""

from __future__ import annotations

import pytest

from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.json import GoJSONError
from mockkms.vault.golang.json_types import ANYTHING, BOOL, INT, STRING, GoType, Map, Slice, Struct

PERMISSION = Struct("rabbitmq.vhostPermission", dict.fromkeys(("configure", "write", "read"), STRING))
VHOSTS = Map(PERMISSION)
CONCERN = Struct("mongodb.writeConcern", {"W": INT, "WMode": STRING, "J": BOOL})
ROLES = Slice(Struct("azuresecrets.AzureRole", {"role_name": STRING}), pointers=True)
NOTHING = {"configure": "", "write": "", "read": ""}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (VHOSTS, "null", {}),
        (VHOSTS, '{"/": null}', {"/": NOTHING}),
        (VHOSTS, '{"/": {"configure": null}}', {"/": NOTHING}),
        (VHOSTS, '{"/": {"CONFIGURE": "x", "other": 1}}', {"/": {**NOTHING, "configure": "x"}}),
        (VHOSTS, '{"/": {"configure": "a", "Configure": "b"}}', {"/": {**NOTHING, "configure": "b"}}),
        (VHOSTS, '{"a": {}} x', {"a": NOTHING}),
        (CONCERN, '{"w": 2, "wmode": "majority", "j": true}', {"W": 2, "WMode": "majority", "J": True}),
        (Slice(Map(ANYTHING)), '[{"a": [1]}, null]', [{"a": [1]}, {}]),
        (ROLES, '[{"Role_Name": "Owner"}]', [{"role_name": "Owner"}]),
    ],
)
def test_a_value_of_the_type(kind: GoType, text: str, value: object) -> None:
    assert kind.read(go_json.decode_first(text)) == value


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        (VHOSTS, "[]", "array into Go value of type map[string]rabbitmq.vhostPermission"),
        (VHOSTS, '{"/": 1}', "number into Go value of type rabbitmq.vhostPermission"),
        (VHOSTS, '{"/": {"configure": true}}', "bool into Go struct field vhostPermission.configure of type string"),
        (VHOSTS, '{"a": {"configure": 1.5}} x', "number into Go struct field vhostPermission.configure of type string"),
        (Map(VHOSTS), '{"/": {"e": "x"}}', "string into Go value of type rabbitmq.vhostPermission"),
        (CONCERN, '{"w": "majority"}', "string into Go struct field writeConcern.W of type int"),
        (CONCERN, '{"w": 1.5}', "number 1.5 into Go struct field writeConcern.W of type int"),
        (Slice(Map(ANYTHING)), "1", "number into Go value of type []map[string]interface {}"),
        (Slice(Map(ANYTHING)), "[1]", "number into Go value of type map[string]interface {}"),
        (ROLES, "{}", "object into Go value of type []*azuresecrets.AzureRole"),
    ],
)
def test_a_value_of_another_type(kind: GoType, text: str, fault: str) -> None:
    with pytest.raises(GoJSONError) as error:
        kind.read(go_json.decode_first(text))
    assert str(error.value) == f"json: cannot unmarshal {fault}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "'data' being decoded is nil"), (" ", "EOF"), ("{", "unexpected EOF"),
     ("x", "invalid character 'x' looking for beginning of value"), ('{"a":', "unexpected EOF")],
)  # fmt: skip
def test_a_text_without_a_value(text: str, fault: str) -> None:
    with pytest.raises(GoJSONError) as error:
        go_json.decode_first(text)
    assert str(error.value) == fault


def test_what_follows_a_value_that_is_deep_is_not_read() -> None:
    """Python's decoder gives such a value up, and another one takes its place."""
    value, depth = go_json.decode_first("[" * 5000 + "]" * 5000 + " x"), 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    assert (value, depth) == ([], 4999)


def test_a_zero_value_is_not_shared() -> None:
    VHOSTS.read(None)["/"] = NOTHING
    assert VHOSTS.read(None) == {}
