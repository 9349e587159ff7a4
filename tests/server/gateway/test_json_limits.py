"""The limits that the products hold JSON bodies to, and bodies nested as deeply as each of them takes."""

from __future__ import annotations

import json

import pytest
import requests

from mockkms import MockKMS
from mockkms.server.json_limits import limits
from mockkms.vault.golang import json as go_json

FLAVORS = ("vault", "vault-1.21", "openbao")


pytestmark = [pytest.mark.flavors(*FLAVORS), pytest.mark.server(root_token="root")]


def ask(kms: MockKMS, method: str, path: str, body: bytes = b"", token: str = "root") -> tuple[int, bytes]:
    answer = requests.request(method, f"{kms.url}/v1/{path}", data=body, headers={"X-Vault-Token": token}, timeout=60)
    return answer.status_code, answer.content


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def members(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


@pytest.mark.parametrize("depth", [100, 497])
@pytest.mark.parametrize("path", ["secret/data/x", "cubbyhole/x", "sys/policies/acl/x", "identity/entity"])
def test_deep_bodies_are_no_failure(kms: MockKMS, depth: int, path: str) -> None:
    """One answer in the server's words, whatever the endpoint does with a value so deep."""
    bodies = {
        "secret/data/x": b'{"data":%s}',
        "sys/policies/acl/x": b'{"policy":%s}',
        "identity/entity": b'{"metadata":%s}',
    }
    status, answer = ask(kms, "POST", path, bodies.get(path, b"%s") % nested(depth))
    assert status in (200, 204, 400)
    assert not answer or json.loads(answer)


def test_bodies_of_the_maximum_depth(kms: MockKMS) -> None:
    depth = 4000 if kms.flavor == "openbao" else 498
    deep = b'{"a":' + b"[" * depth + b"1" + b"]" * depth + b"}"
    for path, body in (("cubbyhole/deep", deep), ("secret/data/deep", b'{"data":' + deep + b"}")):
        assert ask(kms, "POST", path, body)[0] in (200, 204)
        status, answer = ask(kms, "GET", path)
        assert (status, deep in answer) == (200, True)
    kms.restore(kms.snapshot())
    assert deep in ask(kms, "GET", "secret/data/deep")[1]


def test_too_deep(kms: MockKMS) -> None:
    status, answer = ask(kms, "POST", "cubbyhole/deep", nested(501))
    if kms.flavor == "openbao":
        assert status == 204
    else:
        assert (status, answer) == (500, b'{"errors":["JSON input exceeds allowed nesting depth"]}\n')


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (members(10_001), "JSON object exceeds allowed entry count"),
        (b'{"a":[' + b"1," * 10_000 + b"1]}", "JSON array exceeds allowed element count"),
        (b'{"a":"' + b"x" * (1024 * 1024 + 1) + b'"}', "JSON string value exceeds allowed length"),
        (b'{"a":[1}', "malformed JSON: mismatched closing delimiter '}'"),
        (b'{"a":"\\u12', "malformed JSON, unterminated unicode escape in string"),
        (b'{"a":"\\q"}', "invalid character 'q' in string escape code"),
        (b'{"a":"b', "malformed JSON, unclosed string"),
        (b'{"a":1,}', "invalid character '}' after object key-value pair"),
        (b'{"a":[1,]}', "invalid character ']' after array element"),
        (b'{"a":01}', "invalid character '1' after top-level value"),
        (b'{"a":-}', "malformed JSON, invalid number syntax for '-'"),
    ],
)
def test_the_scanner_of_vault_2(body: bytes, text: str) -> None:
    assert limits.fault(body, strict=True) == text


@pytest.mark.parametrize(
    "body",
    [
        members(10_000),
        b'{"a":[' + b"1," * 9_999 + b"1]}",
        b'{"a":"' + b"x" * (1024 * 1024) + b'"}',
        b'[{"a":1},{"a":2}]',
    ],
)
def test_at_the_limit(body: bytes) -> None:
    assert limits.fault(body, strict=True) == ""
    assert limits.fault(body, strict=False) == ""


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1}', b'{"a":{"b":[1,{"c":2}]}}', b'{"a":[],"b":true,"c":null,"d":1.5e3} \n', b'{"a":"\\ud800"}',
        b'{"a":":"}', b'{"a":1e999}', b'{"a":-1.5E+309}', b'{"a":' + b"9" * 400 + b"}", b'{"a":1,"a":2}',
        b'{"a":1} 2', b'{"a":1}[1]',
        b'{"a":"x"}"y"', b'[{"a":1},{"a":2}]', b'[1][2]', b'{"a":1}{"b":2}',
    ],
)  # fmt: skip
def test_counting_agrees_with_scanning(body: bytes) -> None:
    """What counting lets through keeps every limit; only the scan may refuse."""
    decoded = go_json.decode(body, any_number=True)
    if limits.harmless(body, decoded, strict=True):
        assert limits.fault(body, strict=True) == ""


def test_counting_is_enough_for_usual_bodies() -> None:
    for body in (b'{"a":1}', b'{"a":{"b":[1,{"c":2.5}]},"d":"e"}', b'{"plaintext": "YQ=="}\n', b"{}", b'{"a":null}'):
        assert limits.harmless(body, go_json.decode(body, any_number=True), strict=True)


@pytest.mark.parametrize("rest", [b" 2", b"[1]", b'"y"', b'{"w":2}'])
def test_a_second_value_is_refused_by_vault_2(kms: MockKMS, rest: bytes) -> None:
    status, answer = ask(kms, "POST", "cubbyhole/x", b'{"v":1}' + rest)
    if kms.flavor == "vault":
        assert (status, "after top-level value" in answer.decode()) == (500, True)
    else:
        assert status == 204


def test_a_refused_body_changes_nothing(kms: MockKMS) -> None:
    ask(kms, "POST", "cubbyhole/x", b'{"v":1}')
    ask(kms, "POST", "cubbyhole/x", b'{"v":2,"w":' + nested(11_000) + b"}")
    assert json.loads(ask(kms, "GET", "cubbyhole/x")[1])["data"] == {"v": 1}


def test_status_paths_ignore_the_headers_of_the_core(kms: MockKMS) -> None:
    for header in ({"X-Vault-Wrap-TTL": "nonsense"}, {"X-Vault-Wrap-TTL": "60s"}, {"X-Vault-MFA": "a:"}):
        answer = requests.get(f"{kms.url}/v1/sys/seal-status", headers=header, timeout=60)
        assert (answer.status_code, "sealed" in answer.json()) == (200, True)
