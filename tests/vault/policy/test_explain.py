"""The words for a denial."""

from __future__ import annotations

import pytest

from mockkms.vault.framework.message import Operation
from mockkms.vault.kernel.core import Core
from mockkms.vault.mounts.table import Mount
from mockkms.vault.policy.explain import explain
from mockkms.vault.tokens.token import Token


@pytest.fixture
def core() -> Core:
    made = Core(flavor="openbao")
    made.state.mounts.add(Mount("secret/", "kv", "kv_1", "u", None, options={"version": "2"}, engine="kv2"))
    return made


def told(core: Core, text: str, operation: Operation, path: str, namespace: str = "") -> str:
    core.policies.write("", "app", text)
    token = Token(id="s.secret-token", accessor="acc", policies=["app", "gone"], display_name="jenkins")
    explanation = explain(core, token, operation, path, namespace=namespace)
    assert "s.secret-token" not in str(explanation)
    return str(explanation)


def test_the_whole_text(core: Core) -> None:
    text = 'path "secret/data/app/*" { capabilities = ["list"] }\npath "secret/data/apps/*" { policy = "read" }'
    assert told(core, text, Operation.READ, "secret/data/app/db") == (
        "denied: read secret/data/app/db\n"
        "  token:    jenkins (acc)\n"
        "  policies: app, gone (does not exist)\n"
        '  decided:  policy "app": path "secret/data/app/*" grants list, not read\n'
        '  near:     policy "app", line 2: path "secret/data/apps/*": list, read'
    )


def test_an_allowed_request_names_its_rule(core: Core) -> None:
    text = told(core, 'path "secret/data/*" { policy = "read" }', Operation.READ, "secret/data/x")
    assert text.startswith("allowed: read secret/data/x\n")
    assert text.endswith('decided:  policy "app": path "secret/data/*"')


@pytest.mark.parametrize(
    ("rule", "operation", "path", "hint"),
    [
        ("secret/app/*", Operation.READ, "secret/data/app/db", 'a rule for this path begins with "secret/data/"'),
        ("secret/app/*", Operation.LIST, "secret/metadata/app/", 'a rule for this path begins with "secret/metadata/"'),
        ("v1/transit/*", Operation.UPDATE, "transit/encrypt/k", 'paths in policies do not begin with "v1/"'),
        ("transit/encrypt", Operation.UPDATE, "transit/encrypt/k", 'what lies below it needs "transit/encrypt/*"'),
    ],
)
def test_hints(core: Core, rule: str, operation: Operation, path: str, hint: str) -> None:
    assert hint in told(core, f'path "{rule}" {{ policy = "write" }}', operation, path)


def test_create_and_update_are_told_apart(core: Core) -> None:
    text = told(core, 'path "secret/data/*" { capabilities = ["update"] }', Operation.CREATE, "secret/data/x")
    assert "the write counts as create" in text
    text = told(core, 'path "secret/data/*" { capabilities = ["create"] }', Operation.UPDATE, "secret/data/x")
    assert "the write counts as update" in text


def test_a_namespace_too_many(core: Core) -> None:
    text = told(core, 'path "kv/a" { policy = "read" }', Operation.READ, "kv/a", namespace="team/")
    assert 'would match without the namespace "team/"' in text


def test_a_token_without_its_entity(core: Core) -> None:
    token = Token(id="t", accessor="acc", policies=["app"], entity_id="gone")
    assert "entity is gone or disabled" in str(explain(core, token, Operation.READ, "a"))
