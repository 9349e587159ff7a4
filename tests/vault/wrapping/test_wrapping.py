"""Response wrapping: one-time tokens, their expiry, their forms."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.write("secret/data/a", {"data": {"v": 1}})


pytestmark = pytest.mark.prepared(by=prepare)


def wrapped(world: World, seconds: float = 60, **more: Any) -> str:
    response = world.ask("read", "secret/data/a", wrap_ttl=seconds, **more)
    assert response.wrap_info is not None, response.errors
    assert response.data is None
    return response.wrap_info.token


def opened(response: Response) -> Any:
    assert response.raw is not None, response.errors
    return json.loads(response.raw)


GONE = ["wrapping token is not valid or does not exist"]


def test_a_wrapped_answer_is_unwrapped_once(world: World) -> None:
    token = wrapped(world)
    assert opened(world.write("sys/wrapping/unwrap", token=token))["data"]["data"] == {"v": 1}
    assert world.write("sys/wrapping/unwrap", token=token).errors == GONE


def test_a_third_party_unwraps_once_too(world: World) -> None:
    token = wrapped(world)
    assert opened(world.write("sys/wrapping/unwrap", {"token": token}))["data"]["data"] == {"v": 1}
    assert world.write("sys/wrapping/unwrap", {"token": token}).errors == GONE
    assert world.alive("root")


@pytest.mark.parametrize("flavor", ["openbao", "vault", "vault-1.21"])
def test_a_wrapping_token_is_used_once_in_a_request(flavor: str) -> None:
    """As the client's token it is used up before the body names it again."""
    world = World(flavor)
    wrapped = world.write("sys/wrapping/wrap", {"a": 1}, wrap_ttl=60)
    assert wrapped.wrap_info is not None
    token = wrapped.wrap_info.token
    answer = world.write("sys/wrapping/unwrap", {"token": token}, token=token)
    text = "error decrementing wrapping token's use-count: invalid token entry provided for use count decrementing"
    assert (answer.status, answer.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert not world.alive(token)


def test_a_wrapped_answer_expires(world: World) -> None:
    token = wrapped(world, 5)
    world.later(5)
    assert world.write("sys/wrapping/unwrap", token=token).errors == GONE


def test_a_lookup_does_not_use_the_token_up(world: World) -> None:
    token = wrapped(world)
    for _ in range(3):
        found = world.write("sys/wrapping/lookup", {"token": token}, token="").data
        assert found is not None
        assert (found["creation_ttl"], found["creation_path"]) == (60, "secret/data/a")
    assert world.write("sys/wrapping/unwrap", token=token).errors is None


def test_rewrapping_restarts_the_lifetime_and_revokes_the_old_token(world: World) -> None:
    old = wrapped(world)
    world.later(50)
    answer = world.write("sys/wrapping/rewrap", {"token": old})
    assert answer.wrap_info is not None
    assert answer.wrap_info.creation_path == "secret/data/a"
    world.later(50)
    assert world.write("sys/wrapping/unwrap", {"token": old}).errors == GONE
    assert opened(world.write("sys/wrapping/unwrap", token=answer.wrap_info.token))["data"]["data"] == {"v": 1}


def test_what_was_wrapped_does_not_change_with_the_world(world: World) -> None:
    token = wrapped(world)
    world.write("secret/data/a", {"data": {"v": 2}})
    assert opened(world.write("sys/wrapping/unwrap", token=token))["data"]["data"] == {"v": 1}


def test_the_form_of_a_jwt_carries_the_token(world: World) -> None:
    text = wrapped(world, wrap_format="jwt")
    assert jwt.get_unverified_header(text) == {"alg": "ES512", "typ": "JWT"}
    assert jwt.decode(text, options={"verify_signature": False})["type"] == "wrapping"
    assert opened(world.write("sys/wrapping/unwrap", token=text))["data"]["data"] == {"v": 1}


def test_a_forged_jwt_is_refused(world: World) -> None:
    head, body, signature = wrapped(world, wrap_format="jwt").split(".")
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body}.", f"{head}.e30.{signature}", "abcd.b.c"):
        answer = world.write("sys/wrapping/unwrap", {"token": forged})
        assert answer.status == 403
        assert answer.errors is not None
        assert answer.errors[0].startswith("error validating wrapping token: wrapping token ")


def test_an_empty_list_is_not_wrapped(world: World) -> None:
    answer = world.ask("list", "secret/metadata/none/", wrap_ttl=60)
    assert answer.status == 404


def test_a_wrapping_token_opens_nothing_else(world: World) -> None:
    token = wrapped(world)
    assert world.ask("read", "secret/data/a", token=token).status == 403


def raw_of(world: World, data: dict[str, Any]) -> Response:
    """What unwrapping a wrapped ``data`` answers."""
    answer = world.write("sys/wrapping/wrap", data, wrap_ttl=60)
    assert answer.wrap_info is not None
    return world.write("sys/wrapping/unwrap", token=answer.wrap_info.token)


def test_a_wrapped_raw_answer_is_unwrapped_as_it_was(world: World) -> None:
    plain = world.ask("read", "identity/oidc/.well-known/openid-configuration")
    boxed = world.ask("read", "identity/oidc/.well-known/openid-configuration", wrap_ttl=60)
    assert boxed.wrap_info is not None
    answer = world.write("sys/wrapping/unwrap", token=boxed.wrap_info.token)
    assert (answer.status, answer.raw, answer.content_type) == (200, plain.raw, "application/json")
    assert plain.headers == {"Cache-Control": "max-age=3600"}


@pytest.mark.parametrize(
    ("data", "status", "body", "headers"),
    [
        ({"http_status_code": 418, "http_content_type": "a/b", "http_raw_body": "aGk="}, 418, b"hi", {}),
        ({"http_status_code": 200, "http_content_type": "a/b", "http_raw_body": "no base64"}, 200, b"no base64", {}),
        ({"http_status_code": 200, "http_content_type": "a/b", "http_raw_body": {"a": 1}}, 200, b"", {}),
        ({"http_status_code": 204}, 204, b"", {}),
        ({"http_status_code": 200}, 500, b"", {"X-Vault-Raw-Error": "no content type given"}),
        ({"http_status_code": "200"}, 500, b"", {"X-Vault-Raw-Error": "cannot decode status code"}),
        (
            {"http_status_code": 200, "http_content_type": 1},
            500,
            b"",
            {"X-Vault-Raw-Error": "cannot decode content type"},
        ),
    ],
)
def test_wrapped_data_that_describes_a_raw_answer_is_sent_as_one(
    world: World, data: dict[str, Any], status: int, body: bytes, headers: dict[str, str]
) -> None:
    answer = raw_of(world, data)
    assert (answer.status, answer.raw, answer.headers) == (status, body, headers)


def test_a_raw_body_without_a_status_stays_data(world: World) -> None:
    assert raw_of(world, {"http_raw_body": "plain text", "other": 1}).data == {"http_raw_body": "cGxhaW4gdGV4dA=="}


def test_a_wrapped_answer_that_is_read_in_its_cubbyhole_warns_last(world: World) -> None:
    answer = world.ask("read", "cubbyhole/response", {"format": "der"}, token=wrapped(world))
    ignored, deprecated = answer.warnings
    assert ignored == "Endpoint ignored these unrecognized parameters: [format]"
    assert deprecated.startswith("Reading from 'cubbyhole/response' is deprecated.")
