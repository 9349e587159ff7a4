"""Each key of a match: the forms of its value, what it selects, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.faults import FaultError, RuleBook, View
from mockkms.faults.matchers import MATCHERS, Word
from mockkms.faults.request_view import Facts


def selects(match: dict[str, object], **request: Any) -> bool:
    """Whether a rule with this match fires on a request, by default a read of ``/v1/``."""
    book = RuleBook()
    book.add(match=match, close=True)
    return book.before(View(**request)) is not None


@pytest.mark.parametrize(
    ("match", "request_", "fits"),
    [
        ({"service": "vault"}, {"service": "vault"}, True),
        ({"service": "rustfs"}, {"service": "rustfs"}, True),
        ({"service": "rustfs"}, {"service": "vault"}, False),
        ({"service": ["vault", "rustfs"]}, {"service": "rustfs"}, True),
        ({"method": ["get", "LIST"]}, {"method": "LIST"}, True),
        ({"method": ["get", "LIST"]}, {"method": "GET"}, True),
        ({"method": ["get", "LIST"]}, {"method": "POST"}, False),
        ({"operation": ["write", "read"]}, {"operation": "read"}, True),
        ({"operation": ["read", "write"]}, {"operation": "read"}, True),
        ({"operation": ["read", "write"]}, {"operation": "patch"}, True),
        ({"operation": ["read", "write"]}, {"operation": "delete"}, False),
    ],
)
def test_services_methods_and_operations(match: dict[str, object], request_: dict[str, Any], fits: bool) -> None:
    assert selects(match, **request_) is fits


@pytest.mark.parametrize(
    ("pattern", "target", "fits"),
    [
        ("secret/data/a", "/v1/secret/data/a", True),
        (["x", "secret/data/a"], "/v1/secret/data/a", True),
        ("secret/metadata/", "/v1/secret/metadata", True),
        ("secret/metadata//", "/v1/secret/metadata", True),
        ("secret/X/", "/v1/secret/X", True),
        ("/v1/secret/data/a", "/v1/secret/data/a?version=2", True),
        ("/v1/secret/data/a", "/v1/secret/data/a?x=/b?c", True),
        ("/v1/secret/metadata/", "/v1/secret/metadata/", True),
        ("/v1/secret/metadata/", "/v1/secret/metadata", False),
        ("v2/x", "/v1/v2/x", True),
        ({"regex": "^secret/data/a$"}, "/v1/secret/data/a", True),
        ({"regex": "^X/a$"}, "/v1/X/a", True),
        ({"regex": "^/v1/secret/data/a$"}, "/v1/secret/data/a?version=2", True),
        ({"regex": "/v1/secret"}, "/v1/secret/data/a", True),
        ({"regex": "^^/v1/secret"}, "/v1/secret/data/a", True),
        ({"exact": "/v1/secret/data/a"}, "/v1/secret/data/a", True),
        ({"glob": "/v1/*"}, "/v1/secret/data/a", True),
        ({"not": "secret/data/a"}, "/v1/secret/data/a", False),
        ({"not": "secret/data/b"}, "/v1/secret/data/a", True),
        ({"not": "/v1/secret/data/a"}, "/v1/secret/data/a", False),
        ({"not": ["secret/data/a", "secret/data/b"]}, "/v1/secret/data/a", False),
    ],
)
def test_paths(pattern: object, target: str, fits: bool) -> None:
    """A pattern that begins with a slash matches the raw request path, another one the path below ``/v1/``."""
    path = target.removeprefix("/v1/").partition("?")[0].rstrip("/")
    assert selects({"path": pattern}, path=path, target=target) is fits


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"mount": "auth/approle/"}, True),
        ({"mount": "auth/approle"}, True),
        ({"mount": "auth"}, False),
        ({"mount": {"regex": "/$"}}, True),
        ({"namespace": "team/blue/"}, True),
        ({"namespace": "team/blue"}, True),
        ({"namespace": "team"}, False),
        ({"namespace": False}, False),
        ({"key": "web"}, True),
        ({"key": True}, True),
        ({"key": "we"}, False),
        ({"token": "t"}, True),
        ({"token": False}, False),
        ({"accessor": "acc"}, True),
        ({"accessor": "t"}, False),
        ({"policy": ["x", "app"]}, True),
        ({"policy": "ap"}, False),
    ],
)
def test_what_a_request_is_about(match: dict[str, object], fits: bool) -> None:
    facts = Facts("auth/approle/", "web", "team/blue/", "t", "acc", ("default", "app"))
    assert selects(match, facts=facts) is fits


@pytest.mark.parametrize(
    ("query", "match", "fits"),
    [
        ("version=2", {"version": "2"}, True),
        ("version=1&version=2", {"version": "2"}, True),
        ("version=1&version=2", {"version": "1"}, False),
        ("list", {"list": ""}, True),
        ("list=", {"list": ""}, True),
        ("", {"list": ""}, False),
        ("", {"list": False}, True),
        ("list=true", {"list": True, "after": False}, True),
        ("path=a?b", {"path": "a?b"}, True),
        ("a=1&b=2", {"a": "1", "b": "3"}, False),
    ],
)
def test_queries(query: str, match: dict[str, object], fits: bool) -> None:
    assert selects({"query": match}, path="x", target=f"/v1/x?{query}") is fits


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"X-Trace": "1"}, True),
        ({"x-trace": True, "x-none": False}, True),
        ({"X-Trace": "1", "X-None": True}, False),
    ],
)
def test_headers(match: dict[str, object], fits: bool) -> None:
    assert selects({"header": match}, headers={"x-trace": "1"}) is fits


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"a.0": "x"}, True),
        ({"a.1": "y"}, True),
        ({"a.-1": "y"}, True),
        ({"a.-2": "x"}, True),
        ({"a.2": False}, True),
        ({"a.-3": False}, True),
        ({"a.first": False}, True),
        ({"a.0.0": False}, True),
        ({"b.0": "zero"}, True),
        ({"b.1": False}, True),
        ({"c.0": False}, True),
        ({"c": 5, "b.0": "one"}, False),
        ({"a.99999999999": False}, True),
    ],
)
def test_fields_of_the_body(match: dict[str, object], fits: bool) -> None:
    """A step is a name in a mapping and an index, also from the end, in a list."""
    assert selects({"body": match}, body=b'{"a": ["x", "y"], "b": {"0": "zero"}, "c": 5}') is fits


@pytest.mark.parametrize(
    ("match", "complaint"),
    [
        ({"service": "valt"}, "match.service: unknown service 'valt'; did you mean 'vault'?"),
        ({"service": ["vault", "rustf"]}, "match.service: unknown service 'rustf'; did you mean 'rustfs'?"),
        ({"service": 5}, "match.service: unknown service '5'; expected one of: rustfs, vault"),
        ({"method": "PSOT"}, "match.method: unknown method 'PSOT'; did you mean 'POST'?"),
        ({"operation": ["read", "wriet"]}, "match.operation: unknown operation 'wriet'; did you mean 'write'?"),
        (
            {"path": "v1/secret/a"},
            "match.path: paths are below /v1/: expected 'secret/a', or '/v1/secret/a' to match the raw path",
        ),
        (
            {"path": ["a", "v1/b"]},
            "match.path[1]: paths are below /v1/: expected 'b', or '/v1/b' to match the raw path",
        ),
        ({"header": "x"}, "match.header: expected a mapping of header names, got 'x' (str)"),
        ({"body": ["x"]}, "match.body: expected a mapping of body fields, got ['x'] (list)"),
        ({"query": 5}, "match.query: expected a mapping of query parameters, got 5 (int)"),
        ({"query": {"a": 1.5j}}, "match.query.a: expected a string or a pattern, got 1.5j (complex)"),
    ],
)
def test_what_is_refused(match: dict[str, object], complaint: str) -> None:
    with pytest.raises(FaultError) as caught:
        RuleBook().add(match=match, close=True)
    assert str(caught.value) == complaint


def test_a_key_of_a_match_has_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that defines a second one fails on import, instead of replacing the first."""
    monkeypatch.setitem(MATCHERS, "of_this_test", Word)
    before = dict(MATCHERS)
    with pytest.raises(TypeError, match=r"^two classes of matchers for 'path'$"):
        type("Again", (Word,), {"word": "path", "help": ""})
    assert before == MATCHERS
    monkeypatch.delitem(MATCHERS, "of_this_test")
    made = type("New", (Word,), {"word": "of_this_test", "help": ""})
    assert MATCHERS["of_this_test"] is made
