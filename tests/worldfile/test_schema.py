"""The JSON Schema that editors use says what the reader says."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import mockkms
from mockkms.cli.commands.worlds import schema as text
from mockkms.worldfile import SeedError, dump, editor_schema, json_schema, load, ready_made
from mockkms.worldfile.sharing import shared
from mockkms.worldfile.spec import world_shape

VALIDATOR = jsonschema.Draft202012Validator(editor_schema())


class _Loader(yaml.SafeLoader):
    """Times stay texts, as the reader keeps them and as JSON has them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if not tag.endswith("timestamp")]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def valid(source: str) -> bool:
    return bool(VALIDATOR.is_valid(yaml.load(source, _Loader)))


def readable(source: str) -> bool:
    try:
        load(source if "\n" in source else source + "\n")
    except SeedError:
        return False
    return True


def test_the_schema_of_the_checkout_is_the_codes() -> None:
    shipped = Path(mockkms.__file__).with_name("mockkms.schema.json").read_text(encoding="utf-8")
    assert shipped == text(), "run: mockkms schema > mockkms/mockkms.schema.json"
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))


@pytest.mark.parametrize("name", sorted(ready_made()))
def test_ready_made_worlds_are_valid_and_name_the_schema(name: str) -> None:
    source = ready_made()[name].read_text(encoding="utf-8")
    assert source.startswith("# yaml-language-server: $schema=../mockkms/mockkms.schema.json\n")
    assert valid(source)
    assert readable(source)


def test_a_dump_is_valid() -> None:
    assert valid(dump(mockkms.MockKMS(seed="payments").world))


GOOD = [
    "{}", "mockkms: 1", "vault:", "vault: {mounts: }", "rng: text", "rng: 3", "clock: 2026-01-01", "clock: 12.5",
    "vault: {tokens: [{policies: one, ttl: 2d}]}", "vault: {tokens: [{ttl: 3600, renewable: false, meta: {a: b}}]}",
    "vault: {mounts: {kv/: {type: kv, version: 2, secrets: {a: {b: 1.5}}}}}",
    "vault: {mounts: {t/: {type: transit, keys: {k: , l: {versions: 3}, m: {versions: [{}]}}}}}",
    "vault: {auth: {approle/: {type: approle, roles: {r: {secret_ids: [a, {secret_id: b}]}}}}}",
    "rustfs: {configured: true, keys: {k: {status: Disabled, tags: {a: b}}}}",
    "faults: [{match: x, answer: 503, times: 1}, {answer: sealed, bad-chunk: true}]",
]  # fmt: skip
BAD = [
    "[]", "mockkms: one", "mockkms: 2", "vualt: {}", "vault: 3", "rng: []", "rng: 1.5", "clock: []", "flavor: openbo",
    "vault: {state: seeled}", "vault: {policies: {a: 1}}", "vault: {policies: []}", "vault: {tokens: {}}",
    "vault: {tokens: [{id: 3}]}", "vault: {tokens: [{ttl: -1}]}", "vault: {tokens: [{num_uses: -1}]}",
    "vault: {tokens: [{renewable: maybe}]}", "vault: {mounts: {kv/: {}}}", "vault: {mounts: {kv/: {type: kvv}}}",
    "vault: {mounts: {kv/: {type: kv, keys: {a: {versions: 3}}}}}", "vault: {mounts: {kv/: {type: kv, version: 3}}}",
    "vault: {mounts: {t/: {type: transit, keys: {k: {type: aes}}}}}",
    "vault: {mounts: {t/: {type: transit, keys: {k: {versions: 0}}}}}",
    "vault: {mounts: {t/: {type: transit, keys: {k: {derived: 1}}}}}",
    "vault: {mounts: {t/: {type: transit, secrets: {}}}}",
    "vault: {auth: {approle/: {type: approle, roles: {r: {rol_id: x}}}}}",
    "vault: {auth: {userpass/: {type: userpass, users: {u: {token_ttl: soon}}}}}",
    "vault: {identity: {entities: {e: {aliases: [{name: x}]}}}}",
    "vault: {namespaces: {a/: {tokens: [{id: 3}]}}}",
    "rustfs: {keys: {k: {status: On}}}", "rustfs: {configured: maybe}", "rustfs: {vault_timeout_seconds: 0}",
    "rustfs: {iam: {users: {u: {}}}}", "faults: {}", "faults: [{anwser: 503}]", "exact: [{at: [vault]}]",
]  # fmt: skip


@pytest.mark.parametrize("source", GOOD)
def test_schema_and_reader_accept(source: str) -> None:
    assert readable(source)
    assert valid(source), [error.message for error in VALIDATOR.iter_errors(yaml.load(source, _Loader))]


@pytest.mark.parametrize("source", BAD)
def test_schema_and_reader_refuse(source: str) -> None:
    assert not readable(source)
    assert not valid(source)


def expanded(schema: Any, definitions: dict[str, Any], kept: tuple[str, ...]) -> Any:
    """A schema without references, except to the definitions to keep. What stands beside a reference wins."""
    if isinstance(schema, list):
        return [expanded(one, definitions, kept) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if not name or name in kept:
        return {word: expanded(one, definitions, kept) for word, one in schema.items()}
    beside = {word: one for word, one in schema.items() if word != "$ref"}
    return {**expanded(definitions[name], definitions, kept), **beside}


def test_shared_parts_are_equal_to_what_they_stand_for() -> None:
    """Editors follow references with a description beside them; nothing is shared that is used once."""
    part = {"type": "object", "properties": {"ttl": {"enum": ["a" * 60]}, "other": {"enum": ["a" * 60]}}}
    properties = {
        "one": {**part, "description": "first"}, "two": {**part, "description": "second"},
        "three": {"type": "array", "items": {"enum": ["b" * 60], "description": "same"}},
        "four": {"anyOf": [{"enum": ["b" * 60], "description": "same"}, {"type": "null"}]},
        "five": {"enum": ["c" * 60]}, "six": {"$ref": "#/$defs/own", "description": "six"},
        "seven": {"$ref": "#/$defs/own", "description": "six"},
    }  # fmt: skip
    own = {"type": "object", "additionalProperties": {"enum": ["c" * 60, 1]}}
    whole = {"title": "x", "properties": properties, "$defs": {"own": own}}
    found = shared(whole, {"letters": {"enum": ["a" * 60]}})
    assert found["properties"]["one"] == {"$ref": "#/$defs/one", "description": "first"}
    assert list(found["$defs"]) == ["letters", "one", "own", "three_item"]
    assert expanded(found["properties"], found["$defs"], ("own",)) == properties
    assert found["$defs"]["own"] == own


def test_the_shipped_schema_shares() -> None:
    whole, short = json_schema(), editor_schema()
    kept = tuple(whole["$defs"])
    found = {word: expanded(one, short["$defs"], kept) for word, one in short.items()}
    found["$defs"] = {name: found["$defs"][name] for name in kept}
    assert found == whole
    uses = re.findall(r'"\$ref": "#/\$defs/([^"]+)"', text())
    assert set(uses) == set(short["$defs"])
    assert min(Counter(uses).values()) > 1
    assert len(text()) < 400_000


def test_every_key_is_explained() -> None:
    unexplained: list[str] = []

    def look(schema: Any, path: str) -> None:
        if isinstance(schema, dict):
            for name, one in schema.get("properties", {}).items():
                if isinstance(one, dict) and "description" not in one and "const" not in one and "faults" not in path:
                    unexplained.append(f"{path}.{name}")
            for name, one in schema.items():
                look(one, f"{path}.{name}")
        elif isinstance(schema, list):
            for one in schema:
                look(one, path)

    look(json_schema(), "")
    assert unexplained == []
    assert world_shape() is world_shape()
