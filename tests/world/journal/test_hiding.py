"""What each kind of secret is replaced by: recordings, comparisons and redacted journals hide by the same rules."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockkms.vault.framework.message import Operation, Request
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.hiding import Hide, Known, Secret

TOKEN = "hvs." + "a" * 24


def shown(secret: Secret, name: str) -> str:
    """A mark that says which secret of which field was hidden."""
    return f"<{name}={secret}>"


def hiding(
    endpoint: str = "config",
    *,
    operation: str = "update",
    service: str = "vault",
    mount: str = "",
    token: str = "",
    shortest: int = 0,
    known: Known = lambda text: False,
) -> Hide:
    """Hide the secrets of a request to an endpoint, by default one that says nothing about its data."""
    request = Request(Operation(operation), "x", token=token)
    request.trace.endpoint, request.trace.mount = endpoint, mount
    entry = Entry(0.0, service, "POST", "/v1/x", {}, b"", request, 200, b"", 0.0)
    return Hide(entry, known, shown, shortest=shortest)


@pytest.mark.parametrize(
    ("endpoint", "sent", "kept"),
    [
        ("config", {"password": "a"}, {"password": "<password=a>"}),
        ("config", {"Pass-Word": "a"}, {"Pass-Word": "<Pass-Word=a>"}),
        ("config", {"client_secret": "a"}, {"client_secret": "<client_secret=a>"}),
        ("config", {"secrets": ["a", ["b"]]}, {"secrets": ["<secrets=a>", ["<secrets=b>"]]}),
        ("config", {"password": {"length": 8}}, {"password": {"length": 8}}),
        ("config", {"credentials": {"id": "a"}}, {"credentials": {"id": "<id=a>"}}),
        ("config", {"name": "a", "deep": [{"token": "b"}]}, {"name": "a", "deep": [{"token": "<token=b>"}]}),
        ("config", {"keys": {"1": "a"}}, {"keys": {"1": "a"}}),
        ("export/{type}/{name}", {"keys": {"1": "a", "two": "b"}}, {"keys": {"1": "<keys=a>", "two": "<two=b>"}}),
        ("login[/{name}]", {"nonce": "a", "role": "b"}, {"nonce": "<nonce=a>", "role": "b"}),
        ("roles[/{name}]", {"nonce": "a", "role": "b"}, {"nonce": "a", "role": "b"}),
        ("keys/{name}/import", {"ciphertext": "a"}, {"ciphertext": "<ciphertext=a>"}),
        ("decrypt/{name}", {"ciphertext": "a"}, {"ciphertext": "a"}),
        ("raw/{path:all}", {"value": "a"}, {"value": "<value=a>"}),
        ("data/{path:all}", {"data": {"a": "b"}}, {"data": {"a": "<a=b>"}}),
        ("data/{path:all}", {"data": "a"}, {"data": "<=a>"}),
        ("data/{path:all}", {"stray": ["a"]}, {"stray": ["<stray=a>"]}),
        ("data/{path:all}", {"options": {"cas": 1, "token": "a"}}, {"options": {"cas": 1, "token": "<token=a>"}}),
        ("{path:all}", {"a": "b", "options": "c"}, {"a": "<a=b>", "options": "<options=c>"}),
        ("wrapping/wrap", {"a": {"b": 1}}, {"a": {"b": "<b=1>"}}),
        ("", {"a": [True, None, "", 0, 1.5]}, {"a": [True, None, "", 0, "<a=1.5>"]}),
        ("config", ["a"], ["<=a>"]),
        ("config", "a", "<=a>"),
    ],
)  # fmt: skip
def test_fields_that_are_sent(endpoint: str, sent: Any, kept: Any) -> None:
    assert hiding(endpoint).request(sent) == kept


@pytest.mark.parametrize(
    ("endpoint", "given", "kept"),
    [
        ("config", {"a": "b"}, {"a": "b"}),
        ("config", {"data": {"a": "b", "token": "c"}}, {"data": {"a": "b", "token": "<token=c>"}}),
        ("config", [{"token": "c"}, "d"], [{"token": "<token=c>"}, "d"]),
        (
            "data/{path:all}",
            {"data": {"data": {"a": "b"}, "metadata": {"c": "d"}}, "lease_id": ""},
            {"data": {"data": {"a": "<a=b>"}, "metadata": {"c": "d"}}, "lease_id": ""},
        ),
        ("data/{path:all}", {"data": {"version": 1}}, {"data": {"version": 1}}),
        ("data/{path:all}", {"errors": ["a"]}, {"errors": ["a"]}),
        ("{path:all}", {"data": {"a": "b"}, "request_id": "c"}, {"data": {"a": "<a=b>"}, "request_id": "c"}),
        ("", {"auth": {"client_token": "a"}}, {"auth": {"client_token": "<client_token=a>"}}),
        ("", {"errors": ["a"]}, {"errors": ["a"]}),
        ("", {"a": "b"}, {"a": "<a=b>"}),
        ("", ["a"], ["<=a>"]),
    ],
)
def test_fields_of_the_answer(endpoint: str, given: Any, kept: Any) -> None:
    assert hiding(endpoint).answer(given) == kept


@pytest.mark.parametrize(("operation", "kept"), [("list", "a"), ("scan", "a"), ("read", "<keys=a>")])
def test_names_in_a_listing_of_secrets_are_kept(operation: str, kept: str) -> None:
    answer = {"data": {"keys": ["a"]}}
    assert hiding("{path:all}", operation=operation).answer(answer) == {"data": {"keys": [kept]}}


def test_the_ids_of_tokens_are_secrets() -> None:
    assert hiding("create", mount="auth/token/").request({"id": "a"}) == {"id": "<id=a>"}
    assert hiding("create", mount="identity/").request({"id": "a"}) == {"id": "a"}


def test_names_of_keys_and_codes_of_errors_of_the_admin_api_are_kept() -> None:
    named = {"key": "a", "code": "b", "master_key": "c"}
    assert hiding(service="rustfs").request(named) == {"key": "a", "code": "b", "master_key": "<master_key=c>"}
    assert hiding().request(named) == {name: f"<{name}={value}>" for name, value in named.items()}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("nothing to hide", "nothing to hide"),
        (f"of {TOKEN}, expired", f"of <={TOKEN}>, expired"),
        ("postgres://ann:pw@db/x", "postgres://<=ann:pw>@db/x"),
        ("host=db Password=pw; x=1", "host=db Password=<Password=pw>; x=1"),
        ("otpauth://totp/a?secret=b rest", "<=otpauth://totp/a?secret=b> rest"),
        ("a custom-token b", "a <=custom-token> b"),
        ("custom", "<=custom>"),
        ("a custom b", "a custom b"),
    ],
)
def test_secrets_within_texts(text: str, kept: str) -> None:
    assert hiding(known=lambda text: text in ("custom", "custom-token")).texts({"a": [text]}) == {"a": [kept]}


def test_tokens_as_names_of_fields() -> None:
    assert hiding().texts({TOKEN: 1, "plain": 2}) == {f"<={TOKEN}>": 1, "plain": 2}


@pytest.mark.parametrize(("shortest", "hidden"), [(0, True), (4, True), (5, False)])
def test_the_token_of_the_request_as_a_value(shortest: int, hidden: bool) -> None:
    hide = hiding(token="mine", shortest=shortest)
    assert (hide.text("mine") == "<=mine>") is hidden
    assert hide.text("mine, too") == "mine, too"
    assert hide.text("") == ""


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("authorization", "Bearer abc", "(redacted)"),
        ("x-vault-mfa", "method:abc", "(redacted)"),
        ("x-unheard-of", "abc", "(redacted)"),
        ("x-unheard-of", "", ""),
        ("user-agent", "curl (http://host/?q=abc)", "curl (http://host/?q=abc)"),
        ("x-vault-namespace", "team/", "team/"),
        ("referer", "http://host/page?q=abc&page=2", "http://host/page?q=(redacted)&page=2"),
        ("referer", "http://host/custom-token/", "http://host/(token)/"),
    ],
)
def test_headers(name: str, text: str, kept: str) -> None:
    assert hiding(known=lambda text: text == "custom-token").header(name, text) == kept


def _basic(credentials: str) -> str:
    return base64.b64encode(credentials.encode()).decode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer the-credential", "the-credential"),
        ("Custom first-half second-half", "first-half second-half"),
        (f"BASIC {_basic('ann:long:password')}", "long:password"),
        (f"Basic {_basic('ann:long-password')}", _basic("ann:long-password")),
    ],
)
def test_credentials_are_hidden_everywhere_in_the_request(header: str, secret: str) -> None:
    hide = hiding()
    hide.header("authorization", header)
    assert hide.sweep(f"about {secret}.") == f"about <={secret}>."


def test_basic_credentials_that_are_none_are_ignored() -> None:
    hide = hiding()
    for credentials in ("!", base64.b64encode(b"\xff:long-password").decode()):
        assert hide.header("authorization", f"Basic {credentials}") == "(redacted)"
    assert hide.sweep("long-password") == "long-password"


@pytest.mark.parametrize(
    ("endpoint", "sent", "hidden"),
    [
        ("config", {"password": "the-long-secret"}, True),
        ("config", {"passwords": ["the-long-secret"]}, True),
        ("config", {"credentials": {"id": "the-long-secret"}}, True),
        ("data/{path:all}", {"data": {"password": "the-long-secret"}}, True),
        ("data/{path:all}", {"data": {"passwords": [{"a": "the-long-secret"}]}}, True),
        ("data/{path:all}", {"data": {"note": "the-long-secret"}}, False),
        ("data/{path:all}", {"data": {"notes": ["the-long-secret"]}}, False),
        ("config", {"name": "the-long-secret"}, False),
        ("config", {"password": "short"}, False),
    ],
)
def test_named_secrets_are_hidden_everywhere_in_the_request(endpoint: str, sent: dict[str, Any], hidden: bool) -> None:
    hide = hiding(endpoint)
    hide.request(sent)
    told = "about the-long-secret and short"
    assert hide.sweep(told) == ("about <=the-long-secret> and short" if hidden else told)


def test_secrets_that_are_searched_for_are_bounded() -> None:
    """Texts of 8 to 4,096 characters are, and 64 of them."""
    hide = hiding()
    values = ["a" * 7, "b" * 8, "c" * 4096, "d" * 4097]
    hide.request({"passwords": values})
    assert [hide.sweep(value) != value for value in values] == [False, True, True, False]
    hide = hiding()
    values = [f"password-{number:02}" for number in range(65)]
    hide.request({"passwords": values})
    assert [value for value in values if hide.sweep(value) == value] == ["password-64"]


def test_pages_of_any_encoding() -> None:
    assert hiding().page(b"\xff\xc3\xbc " + TOKEN.encode()) == b"\xff\xc3\xbc <=" + TOKEN.encode() + b">"
    assert len(hiding().page(b"x" * (1 << 20) + b"y")) == 1 << 20
