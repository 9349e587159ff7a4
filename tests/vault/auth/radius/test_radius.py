"""RADIUS logins: the people whom a world's authentication server knows."""

from __future__ import annotations

from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden, InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.outsiders import anybody, client_of, self_of, serving

RADIUS: dict[str, Any] = {
    "type": "radius",
    "config": {"host": "Radius.Test", "secret": "shared", "unregistered_user_policies": "guest", "token_ttl": "1h"},
    "users": {"anna": {"policies": ["Ops", "dev"]}},
    "directory": {"anna": {"password": "secret"}, "Anna": {"password": "other"}, "ben": {"password": "hidden"}},
}


pytestmark = [
    pytest.mark.flavors("vault", "openbao"),
    pytest.mark.server(seed={"vault": {"auth": {"radius/": RADIUS}}}),
]


def login(server: MockKMS, name: str, password: str) -> dict[str, Any]:
    answer: dict[str, Any] = anybody(server).auth.radius.login(name, password)
    return answer["auth"]


def test_registered_users_have_policies_of_their_own(kms: MockKMS) -> None:
    auth = login(kms, "anna", "secret")
    assert auth["policies"] == ["default", "dev", "ops"]
    assert auth["metadata"] == {"username": "anna", "policies": "dev,ops"}
    assert self_of(kms, auth["client_token"])["display_name"] == "radius-anna"
    other = ["guest"] if kms.flavor == "vault" else ["dev", "ops"]
    assert login(kms, "Anna", "other")["policies"] == ["default", *other]
    assert login(kms, "ben", "hidden")["policies"] == ["default", "guest"]


def test_the_name_can_be_in_the_body(kms: MockKMS) -> None:
    client = anybody(kms)
    assert client.write("auth/radius/login", username="ben", password="hidden")["auth"]
    assert client.write("auth/radius/login/anna", username="ben", password="hidden")["auth"]
    with pytest.raises(InvalidRequest, match="username cannot be empty"):
        client.write("auth/radius/login", password="hidden")
    with pytest.raises(InvalidRequest, match="password cannot be empty"):
        client.write("auth/radius/login/ben")


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", "secret")])
def test_users_that_radius_rejects_are_refused(kms: MockKMS, name: str, password: str) -> None:
    with pytest.raises(InvalidRequest, match="access denied by the authentication server"):
        login(kms, name, password)


def test_the_configuration_is_kept_without_its_secret() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("radius")
        with pytest.raises(InvalidPath):
            client.auth.radius.read_configuration()
        with pytest.raises(InvalidRequest, match="radius backend not configured"):
            login(server, "anna", "secret")
        for sent, missing in (({"secret": "s"}, "host"), ({"host": "h"}, "secret")):
            with pytest.raises(InvalidRequest, match=f"config parameter `{missing}` cannot be empty"):
                client.write("auth/radius/config", **sent)
        with pytest.raises(InvalidRequest, match="root policy cannot be granted by an auth method"):
            client.write("auth/radius/config", host="h", secret="s", unregistered_user_policies="a,root")
        client.auth.radius.configure("HOST", "s", port=99, unregistered_user_policies=["a", "b"])
        client.write("auth/radius/config", read_timeout="1m", token_policies="x")
        shown = client.auth.radius.read_configuration()["data"]
        assert {name: shown[name] for name in shown if not name.startswith("token_")} == {
            "host": "host",
            "port": 99,
            "unregistered_user_policies": ["a", "b"],
            "dial_timeout": 10,
            "read_timeout": 60,
            "nas_port": 10,
            "nas_identifier": "",
            "case_insensitive_names": False,
            "alias_metadata": {},
        }
        assert shown["token_policies"] == ["x"]
        with pytest.raises(InvalidRequest, match="context deadline exceeded"):
            login(server, "anna", "secret")
        assert "directory" in server.journal[-1].hint


def test_users_are_registered_as_written_and_found_as_the_product_does(kms: MockKMS) -> None:
    radius = client_of(kms).auth.radius
    radius.register_user("Cleo", policies=["x"])
    assert radius.list_users()["data"]["keys"] == ["Cleo", "anna"]
    missed = "ANNA" if kms.flavor == "vault" else "Cleo"
    with pytest.raises(InvalidPath):
        radius.read_user(missed)
    assert radius.read_user("anna")["data"] == {"policies": ["dev", "ops"]}
    with pytest.raises(InvalidRequest, match="root policy cannot be granted by an auth method"):
        radius.register_user("dora", policies=["root"])
    radius.delete_user("Cleo")
    radius.delete_user("anna")
    with pytest.raises(InvalidPath):
        radius.list_users()


def test_a_login_is_renewed_until_its_policies_change(kms: MockKMS) -> None:
    mine = hvac.Client(kms.url, token=login(kms, "anna", "secret")["client_token"])
    assert mine.auth.token.renew_self()["auth"]["lease_duration"] == 3600
    client_of(kms).auth.radius.register_user("anna", policies=["less"])
    with pytest.raises(InternalServerError, match="policies have changed, not renewing"):
        mine.auth.token.renew_self()


def test_addresses_bind_logins(kms: MockKMS) -> None:
    client_of(kms).write("auth/radius/config", token_bound_cidrs="10.0.0.1")
    with pytest.raises(Forbidden):
        login(kms, "anna", "secret")


def test_names_in_any_case_are_the_same_where_that_is_asked_for() -> None:
    with serving({"radius/": RADIUS}) as server:
        client = client_of(server)
        client.write("auth/radius/config", case_insensitive_names=True)
        client.auth.radius.register_user("Cleo", policies=["x"])
        assert client.auth.radius.list_users()["data"]["keys"] == ["anna", "cleo"]
        assert client.auth.radius.read_user("CLEO")["data"] == {"policies": ["x"]}
        auth = login(server, "ANNA", "secret")
        assert auth["metadata"] == {"username": "anna", "policies": "dev,ops"}
