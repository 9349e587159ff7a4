"""Help texts: the layout of the real server's framework (``sdk/framework``: path.go, backend.go, template.go)."""

from __future__ import annotations

import re

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.framework.documents.help_texts import mount_help, path_help, route
from mockkms.vault.framework.documents.openapi import path_items, spellings
from mockkms.vault.framework.endpoint import Endpoint, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation
from mockkms.vault.products import product_named

VAULT = product_named("vault")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("mounts", "^mounts$"),
        ("keys[/]", "^keys/?$"),
        ("keys/{name}", r"^keys/(?P<name>\w(([\w-.]+)?\w)?)$"),
        ("user/{name:at}/x", r"^user/(?P<name>\w(([\w-.@]+)?\w)?)/x$"),
        ("{path:all}", "^(?P<path>.*)$"),
        ("mounts/{path:some}", "^mounts/(?P<path>.+)$"),
        ("hash[/{algorithm:re(sha1|sha2)}]", "^hash(/(?P<algorithm>sha1|sha2))?$"),
    ],
)
def test_routes(template: str, expected: str) -> None:
    assert route(template) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("mounts", ["mounts"]),
        ("keys[/]", ["keys"]),
        ("keys/{name}", ["keys/{name}"]),
        ("a[/{b:re(x|y)}][/{c}]", ["a", "a/{b}", "a/{b}/{c}", "a/{c}"]),
        ("tidy/{list:one(tags|machines)}", ["tidy/machines", "tidy/tags"]),
        ("crl{form:one(|/pem|/delta/pem)}", ["crl", "crl/delta/pem", "crl/pem"]),
    ],
)
def test_paths_in_openapi_documents(template: str, expected: list[str]) -> None:
    assert sorted(spellings(template)) == expected


@pytest.mark.parametrize(
    ("flavor", "expected"),
    [
        ("vault", {"a": {"get": [("type", False)], "post": []}, "a/": {"get": [("list", True), ("type", False)]}}),
        ("openbao", {"a": {"get": [("list", False), ("type", False)], "post": []}}),
    ],
)
def test_lists_in_openapi_documents(flavor: str, expected: dict[str, dict[str, list[tuple[str, bool]]]]) -> None:
    endpoint = Endpoint("a[/]", {"type": Field(Kind.STRING, query=True)})
    endpoint.on(Operation.READ, Operation.LIST, Operation.UPDATE)(lambda _state, _call: None)
    items = path_items(endpoint, product_named(flavor))
    shown = {
        path: {
            verb: [(one["name"], one["required"]) for one in operation.get("parameters", ())]
            for verb, operation in item.items()
            if isinstance(operation, dict)
        }
        for path, item in items.items()
    }
    assert shown == expected


@pytest.mark.parametrize(
    ("flavor", "schema"),
    [
        ("vault", {"type": "string", "format": "duration"}),
        ("vault-1.21", {"type": "string", "format": "duration"}),
        ("openbao", {"type": "integer", "format": "seconds"}),
    ],
)
def test_durations_in_openapi_documents(flavor: str, schema: dict[str, str]) -> None:
    endpoint = Endpoint("a", {"ttl": Field(Kind.SECONDS)})
    endpoint.on(Operation.UPDATE)(lambda _state, _call: None)
    body = path_items(endpoint, product_named(flavor))["a"]["post"]["requestBody"]  # type: ignore[index]
    assert body["content"]["application/json"]["schema"]["properties"] == {"ttl": schema}


def test_a_path() -> None:
    fields = {
        "name": Field(Kind.STRING, help="The name."),
        "ttl": Field(Kind.SECONDS, help="How long."),
        "old": Field(Kind.COMMA_STRINGS, help="As before.", deprecated=True),
        "bare": Field(Kind.KV_PAIRS),
    }
    endpoint = Endpoint("roles/{name}", fields, help="A role.", description="What a role\nis for.")
    assert path_help(endpoint, "roles/app", VAULT) == (
        "Request:        roles/app\n"
        "Matching Route: ^roles/(?P<name>\\w(([\\w-.]+)?\\w)?)$\n"
        "\n"
        "A role.\n"
        "\n"
        "## PARAMETERS\n"
        "\n    bare (keypair)\n\n        <no description>\n"
        "\n    name (string)\n\n        The name.\n"
        "\n    old (slice)\n\n        (DEPRECATED) As before.\n"
        "\n    ttl (duration (sec))\n\n        How long.\n"
        "\n"
        "## DESCRIPTION\n"
        "\n"
        "What a role\nis for."
    )
    bare = path_help(Endpoint("x", {}), "x", VAULT)
    assert bare == "Request:        x\nMatching Route: ^x$\n\n<no synopsis>\n\n\n## DESCRIPTION\n\n<no description>"


def test_a_mount() -> None:
    text = mount_help("Things.", [Endpoint("b", {}, help="Second."), Endpoint("a", {}, help="First.\nOf all.")])
    assert text.startswith(
        "## DESCRIPTION\n\nThings.\n\n## PATHS\n\nThe following paths are supported by this backend."
    )
    assert text.endswith("\n\n    ^a$\n        First.\n        Of all.\n\n    ^b$\n        Second.")


@pytest.mark.flavors("vault", "openbao")
def test_over_http(kms: MockKMS) -> None:
    def asked(path: str) -> str:
        answer = requests.get(f"{kms.url}/v1/{path}?help=1", headers={"X-Vault-Token": kms.token}, timeout=60)
        return str(answer.json()["help"])

    kms.load({"vault": {"mounts": {"transit/": {"type": "transit"}}}})
    assert asked("transit/keys/one").startswith("Request:        keys/one\nMatching Route: ^keys/(?P<name>")
    assert asked("auth/token/create").startswith("Request:        create\n")
    paths = re.findall(r"^    (\^.*)$", asked("transit"), re.MULTILINE)
    assert paths == sorted(paths)
    assert "^keys/?$" in paths
