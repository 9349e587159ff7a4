"""GitHub logins: accounts of the world, and of a stand-in on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden, InternalServerError, InvalidPath, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.outsiders import anybody, client_of, self_of, serving

GITHUB: dict[str, Any] = {
    "type": "github",
    "config": {"organization": "acme", "token_ttl": "1h"},
    "teams": {"default": ["everyone"], "platform-team": ["ops", "dev"]},
    "users": {"Anna": ["pager"]},
    "directory": {
        "ghp_anna": {"user": "anna", "org": "acme", "teams": ["Platform Team"]},
        "ghp_ben": {"user": "ben", "org": ["Other"]},
        "ghp_cleo": {"user": "cleo", "org": ["ACME"]},
    },
}


pytestmark = pytest.mark.server(seed={"vault": {"auth": {"github/": GITHUB}}})


def test_a_member_gets_the_policies_of_team_user_and_everybody(kms: MockKMS) -> None:
    auth = anybody(kms).auth.github.login("ghp_anna")["auth"]
    assert auth["policies"] == ["default", "dev", "everyone", "ops", "pager"]
    assert auth["metadata"] == {"username": "anna", "org": "acme"}
    assert auth["lease_duration"] == 3600
    assert self_of(kms, auth["client_token"])["display_name"] == "github-anna"


def test_strangers_and_members_of_other_organizations_are_refused(kms: MockKMS) -> None:
    with pytest.raises(InternalServerError, match=r"GET https://api.github.com/user: 401 Bad credentials \[\]"):
        anybody(kms).auth.github.login("ghp_nobody")
    with pytest.raises(InternalServerError, match="user is not part of required org"):
        anybody(kms).auth.github.login("ghp_ben")


def test_an_organization_that_is_written_otherwise_brings_a_warning(kms: MockKMS) -> None:
    [warning] = anybody(kms).auth.github.login("ghp_cleo")["warnings"]
    assert warning.startswith('the organization name has changed to "ACME". ')


def test_teams_are_group_aliases_by_name_and_slug(kms: MockKMS) -> None:
    client = client_of(kms)
    accessor = client.sys.list_auth_methods()["data"]["github/"]["accessor"]
    group = client.secrets.identity.create_or_update_group("ops", group_type="external", policies=["deploy"])["data"]
    client.secrets.identity.create_or_update_group_alias(
        "platform-team", canonical_id=group["id"], mount_accessor=accessor
    )
    auth = anybody(kms).auth.github.login("ghp_anna")["auth"]
    assert auth["identity_policies"] == ["deploy"]


def test_a_login_is_renewed_until_its_policies_change(kms: MockKMS) -> None:
    token = anybody(kms).auth.github.login("ghp_anna")["auth"]["client_token"]
    mine = hvac.Client(kms.url, token=token)
    assert mine.auth.token.renew_self()["auth"]["lease_duration"] == 3600
    client_of(kms).auth.github.map_user("anna", policies=["other"])
    with pytest.raises(InternalServerError, match="policies do not match"):
        mine.auth.token.renew_self()


def test_the_configuration_is_kept_and_shown() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("github")
        github = client.auth.github
        with pytest.raises(InvalidPath):
            github.read_configuration()
        with pytest.raises(InternalServerError, match="configuration has not been set"):
            github.login("x", use_token=False)
        with pytest.raises(InvalidRequest, match="organization is a required parameter"):
            client.write("auth/github/config", ttl="1h")
        for url, fault in (
            ("http://h:no", 'invalid port ":no"'),
            (":x", "missing protocol"),
            ("http://[", "missing ']'"),
        ):
            with pytest.raises(InvalidRequest) as refused:
                client.write("auth/github/config", organization="acme", base_url=url)
            assert f'error parsing given base_url: parse "{url}/": {fault}' in str(refused.value)
        client.write("auth/github/config", organization="acme", organization_id=7, ttl="1h", base_url="https://g.test")
        shown = github.read_configuration()["data"]
        assert (shown["organization"], shown["organization_id"], shown["ttl"]) == ("acme", 7, 3600)
        assert (shown["base_url"], shown["token_ttl"]) == ("https://g.test/", 3600)
        with pytest.raises(InvalidRequest, match="'token_ttl' cannot be greater than 'token_max_ttl'"):
            client.write("auth/github/config", token_ttl="2h", token_max_ttl="1h")


def test_mappings_are_kept_as_sent(kms: MockKMS) -> None:
    client = client_of(kms)
    client.write("auth/github/map/teams/Core", value="a, b", extra=1)
    assert client.read("auth/github/map/teams/core")["data"] == {"key": "Core", "value": "a, b", "extra": 1}
    assert client.list("auth/github/map/teams")["data"]["keys"] == ["core", "default", "platform-team"]
    assert client.read("auth/github/map/users")["data"]["keys"] == ["anna"]
    assert client.read("auth/github/map/users/nobody")["data"] is None
    client.delete("auth/github/map/users/anna")
    assert client.list("auth/github/map/users") is None


def test_without_accounts_github_does_not_respond_and_the_journal_has_a_hint() -> None:
    with serving({"github/": {"type": "github", "config": {"organization": "acme"}}}) as server:
        refused = 'Get "https://api.github.com/user": dial tcp: lookup api.github.com: no such host'
        with pytest.raises(InternalServerError, match=refused):
            anybody(server).auth.github.login("ghp_anna")
        entry = server.journal[-1]
        assert "directory" in entry.hint
        assert "[hint: " in str(entry)
        assert entry.data()["hint"] == entry.hint
        assert server.journal.assert_no_unhandled() is None


def test_addresses_bind_logins() -> None:
    bound = {**GITHUB, "config": {"organization": "acme", "token_bound_cidrs": ["10.0.0.1"]}}
    with serving({"github/": bound}) as server, pytest.raises(Forbidden):
        anybody(server).auth.github.login("ghp_anna")


class _StandIn(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer good"
        found: Any = {
            "/orgs/acme": {"login": "acme", "id": 12},
            "/user": {"login": "anna", "id": 1},
            "/user/orgs?per_page=100": [{"login": "acme", "id": 12}] if known else None,
            "/user/teams?per_page=100": [{"name": "dev", "slug": "dev", "organization": {"id": 12}}],
        }.get(self.path)
        self.send_response(404 if self.path == "/orgs/none" else 200)
        self.end_headers()
        self.wfile.write(b"" if found is None else json.dumps(found).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def stand_in() -> Iterator[HTTPServer]:
    made = HTTPServer(("localhost", 0), _StandIn)
    thread = Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_stand_in_on_this_machine_is_asked(stand_in: HTTPServer) -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("github")
        base = f"http://localhost:{stand_in.server_port}/"
        with pytest.raises(InternalServerError, match=r"unable to fetch the organization_id.*orgs/none: 404"):
            client.auth.github.configure("none", base_url=base)
        client.auth.github.configure("acme", base_url=base)
        assert client.auth.github.read_configuration()["data"]["organization_id"] == 12
        client.auth.github.map_team("dev", policies=["p"])
        assert anybody(server).auth.github.login("good")["auth"]["policies"] == ["default", "p"]
        with pytest.raises(InternalServerError, match="user is not part of required org"):
            anybody(server).auth.github.login("bad")


def test_a_stand_in_that_is_gone_refuses(stand_in: HTTPServer) -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("github")
        with pytest.raises(InternalServerError, match=r"dial tcp 127.0.0.1:1: connect: connection refused"):
            client.auth.github.configure("acme", base_url="http://localhost:1/")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("github.example.com/api", 'Get "/github.example.com/api/orgs/acme": unsupported protocol scheme ""'),
        ("localhost:8080", 'Get "localhost:///orgs/acme": unsupported protocol scheme "localhost"'),
        ("//h/x", 'Get "//h/x/orgs/acme": unsupported protocol scheme ""'),
        ("http:foo", 'Get "http:///orgs/acme": http: no Host in request URL'),
        ("https:/a", 'Get "https:///a/orgs/acme": http: no Host in request URL'),
    ],
)
def test_an_address_without_scheme_or_host_is_refused(address: str, fault: str) -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_auth_method("github")
        with pytest.raises(InternalServerError) as refused:
            client.auth.github.configure("acme", base_url=address)
        assert fault in str(refused.value)
        client.write("auth/github/config", organization="acme", organization_id=7, base_url=address)
        with pytest.raises(InternalServerError) as refused:
            client.auth.github.login("x", use_token=False)
        assert fault.replace("orgs/acme", "user") in str(refused.value)


def test_openbao_has_no_such_method() -> None:
    with MockKMS(flavor="openbao") as server, pytest.raises(InvalidRequest, match="plugin not found"):
        client_of(server).sys.enable_auth_method("github")
