"""Response wrapping: one-time tokens, their expiry, their forms."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from mockkms.vault.message import Response
from tests.vault.driving import World


@pytest.fixture
def world() -> World:
    made = World()
    made.write("secret/data/a", {"data": {"v": 1}})
    return made


def wrapped(world: World, seconds: float = 60, **more: Any) -> str:
    response = world.ask("read", "secret/data/a", wrap_ttl=seconds, **more)
    assert response.wrap_info is not None, response.errors
    assert response.data is None
    return response.wrap_info.token


def opened(response: Response) -> Any:
    assert response.raw is not None, response.errors
    return json.loads(response.raw)


GONE = ["wrapping token is not valid or does not exist"]


def test_a_wrapped_answer_is_had_once(world: World) -> None:
    token = wrapped(world)
    assert opened(world.write("sys/wrapping/unwrap", token=token))["data"]["data"] == {"v": 1}
    assert world.write("sys/wrapping/unwrap", token=token).errors == GONE


def test_a_third_party_unwraps_once_too(world: World) -> None:
    token = wrapped(world)
    assert opened(world.write("sys/wrapping/unwrap", {"token": token}))["data"]["data"] == {"v": 1}
    assert world.write("sys/wrapping/unwrap", {"token": token}).errors == GONE
    assert world.alive("root")


def test_a_wrapped_answer_is_lost_with_its_time(world: World) -> None:
    token = wrapped(world, 5)
    world.later(5)
    assert world.write("sys/wrapping/unwrap", token=token).errors == GONE


def test_looking_costs_nothing(world: World) -> None:
    token = wrapped(world)
    for _ in range(3):
        found = world.write("sys/wrapping/lookup", {"token": token}, token="").data
        assert found is not None
        assert (found["creation_ttl"], found["creation_path"]) == (60, "secret/data/a")
    assert world.write("sys/wrapping/unwrap", token=token).errors is None


def test_rewrapping_starts_the_time_anew_and_ends_the_old_token(world: World) -> None:
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
