"""What the URL as it was sent decides: whether data is repeated at the top level, and whether it is a path at all."""

from __future__ import annotations

import contextlib
import http.client
import socket

import pytest
import requests

from mockkms import MockKMS


def prepare(kms: MockKMS) -> None:
    requests.post(f"{kms.url}/v1/sys/namespaces/team", headers={"X-Vault-Token": kms.token}, timeout=60)


pytestmark = [pytest.mark.flavors("openbao"), pytest.mark.prepared(by=prepare)]


@pytest.mark.parametrize("path", ["mounts", "auth", "policy", "capabilities-self", "mounts/sys/tune"])
def test_a_namespace_in_the_url_keeps_the_data_in_its_place(kms: MockKMS, path: str) -> None:
    def ask(url: str, **more: str) -> set[str]:
        head = {"X-Vault-Token": kms.token, **more}
        method, body = ("POST", {"paths": "a"}) if path.startswith("cap") else ("GET", None)
        answer = requests.request(method, f"{kms.url}/v1/{url}{path}", json=body, headers=head, timeout=60)
        assert answer.status_code == 200
        whole = answer.json()
        return set(whole["data"]) & set(whole)

    assert ask("sys/")
    assert ask("sys/", **{"X-Vault-Namespace": "team"})
    assert not ask("team/sys/")


@pytest.mark.parametrize("path", ["secret/data/%2e/x", "secret/%2e%2e/x", "nowhere/%2e", "auth/userpass/login/%2e%2e"])
def test_relative_paths_are_refused_before_anything_else_is_looked_at(kms: MockKMS, path: str) -> None:
    session = requests.Session()
    prepared = session.prepare_request(requests.Request("GET", f"{kms.url}/v1/", headers={"X-Vault-Namespace": "no"}))
    prepared.url = f"{kms.url}/v1/{path}"
    answer = session.send(prepared, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"errors": ["relative paths not supported"]})


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_help_is_looked_up_before_a_path_is_cleaned_except_in_vault_2(kms: MockKMS) -> None:
    head = {"X-Vault-Token": kms.token}
    answer = requests.get(f"{kms.url}/v1/secret/data//?help=1", headers=head, allow_redirects=False, timeout=60)
    early = kms.world.core.product.name != "vault"
    assert answer.status_code == (200 if early else 307)
    assert ("data//" in answer.text) is early


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_help_does_not_excuse_a_listing_that_is_no_boolean(kms: MockKMS) -> None:
    head = {"X-Vault-Token": kms.token, "X-Vault-Wrap-TTL": "soon"}
    assert requests.get(f"{kms.url}/v1/sys/mounts?help=1", headers=head, timeout=60).status_code == 200
    answer = requests.get(f"{kms.url}/v1/sys/mounts?list=yes&help=1", headers={"X-Vault-Token": kms.token}, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"errors": []})


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
@pytest.mark.parametrize("method", ["get", "SCAN", "ODD", "PATCH"])
def test_help_is_asked_for_with_any_method(kms: MockKMS, method: str) -> None:
    url = f"{kms.url}/v1/sys/mounts?help=1"
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", url, headers={"X-Vault-Token": kms.token}))
        prepared.method = method
        assert session.send(prepared, timeout=60).json()["help"].startswith("Request:        mounts\n")


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
@pytest.mark.parametrize("char", ["%01", "%7F", "%C2%A0", "%E2%80%8B", "%E2%80%A8", "%EE%80%80"])
def test_paths_with_characters_that_do_not_print_are_refused(kms: MockKMS, char: str) -> None:
    answer = requests.get(f"{kms.url}/v1/cubbyhole/a{char}", headers={"X-Vault-Token": kms.token}, timeout=60)
    assert (answer.status_code, answer.content) == (400, b"")
    assert "Cache-Control" not in answer.headers


def test_help_on_the_endpoints_before_the_core_needs_a_namespace_as_all_help(kms: MockKMS) -> None:
    head = {"X-Vault-Token": kms.token, "X-Vault-Namespace": "none"}
    answer = requests.get(f"{kms.url}/v1/sys/seal-status?help=1", headers=head, timeout=60)
    assert (answer.status_code, answer.json()) == (404, {"errors": ["namespace not found"]})


@pytest.mark.flavors("openbao", "vault-1.21")
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("sys//a%20b", "sys/a%2520b"),
        ("sys//a{b}", "sys/a%257Bb%257D"),
        ("sys//a&b'c?d=e f", "sys/a&b%27c?d=e%20f"),
        ("sys/./..%2fx", "sys/..%252fx"),
    ],
)
def test_redirects_are_escaped_as_go_writes_them(kms: MockKMS, path: str, location: str) -> None:
    with socket.create_connection(("127.0.0.1", int(kms.url.rpartition(":")[2])), timeout=60) as sender:
        line = path.replace(" ", "%20")
        sender.sendall(f"GET /v1/{line} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        answer = sender.makefile("rb").read().decode()
    assert f"\r\nLocation: /v1/{location}\r\n" in answer
    assert f'<a href="/v1/{location.replace("&", "&amp;")}">' in answer


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
@pytest.mark.parametrize("path", ["sys/seal", "sys/step-down", "sys/metrics"])
def test_help_on_what_only_the_core_protects_needs_a_token(kms: MockKMS, path: str) -> None:
    for token, status in (("", 403), (kms.token, 200)):
        answer = requests.get(f"{kms.url}/v1/{path}?help=1", headers={"X-Vault-Token": token}, timeout=60)
        assert answer.status_code == status


def test_paths_that_need_no_token_but_do_not_exist_are_unsupported_for_every_method(kms: MockKMS) -> None:
    for path in ("sys/wrapping/pubkey", "sys/internal/ui/mounts/"):
        assert requests.get(f"{kms.url}/v1/{path}?help=1", timeout=60).json() == {"errors": ["unsupported path"]}
        assert requests.head(f"{kms.url}/v1/{path}", timeout=60).status_code == 404


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_paths_that_need_no_token_are_found_by_patterns_also_with_names_that_do_not_exist(kms: MockKMS) -> None:
    for kind in ("pki", "ssh"):
        requests.post(
            f"{kms.url}/v1/sys/mounts/{kind}", headers={"X-Vault-Token": kms.token}, json={"type": kind}, timeout=60
        )
    own = kms.world.core.product.name == "openbao"
    paths = {
        "identity/oidc/provider/x y/token": True,
        "pki/roles/x y/acme/new-order": True,
        "pki/issuer/x y/roles/x/acme/account/1": True,
        "pki/roles/x y/acme/account/1/2": False,
        "ssh/issuer/x y/public_key": own,
        "ssh/issuer/x/y/public_key": False,
    }
    for path, open_ in paths.items():
        answer = requests.get(f"{kms.url}/v1/{path}", timeout=60)
        expected = (404, ["unsupported path"]) if open_ else (403, ["permission denied"])
        assert (answer.status_code, answer.json()["errors"]) == expected, path


def test_a_namespace_is_echoed_outside_the_api_too_and_refused_before_a_body_is_read(kms: MockKMS) -> None:
    head = {"X-Vault-Token": kms.token, "X-Vault-Namespace": "team"}
    for path in ("/nothing", "/v2/x", "/v1/sys//x"):
        answer = requests.get(kms.url + path, headers=head, allow_redirects=False, timeout=60)
        assert answer.headers["X-Vault-Namespace"] == "team"
    answer = requests.put(f"{kms.url}/v1/sys/unseal", data="{", headers=head, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"errors": ["operation unavailable in namespaces"]})


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_bytes_in_a_path_that_are_not_utf_8_name_nothing(kms: MockKMS) -> None:
    head = {"X-Vault-Token": kms.token}

    def ask(method: str, path: str, body: object = None) -> tuple[int, object]:
        answer = requests.request(method, f"{kms.url}/v1/{path}", json=body, headers=head, timeout=60)
        return answer.status_code, answer.json()["errors"]

    requests.post(f"{kms.url}/v1/sys/mounts/one", json={"type": "kv"}, headers=head, timeout=60)
    assert ask("GET", "none/%ff%41") == (404, [r'no handler for route "none/\xffA". route entry not found.'])
    assert ask("LIST", "none/%ff") == (404, [r'no handler for route "none/\xff/". route entry not found.'])
    for path, body, text in (
        ("one/%ff", {"a": 1}, "failed to write: key contains invalid UTF-8 characters"),
        ("cubbyhole/%ff", {"a": 1}, "failed to write: key contains invalid UTF-8 characters"),
        ("secret/data/%ff", {"data": {}}, "string field contains invalid UTF-8"),
        ("secret/metadata/%ff", {"max_versions": 3}, "string field contains invalid UTF-8"),
        ("identity/entity/name/%ff", {}, "failed to marshal entity: string field contains invalid UTF-8"),
    ):
        assert ask("POST", path, body) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
        assert ask("GET", path) == (404, [])


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
@pytest.mark.parametrize("query", ["a=%zz", "a=b;c=d"])
def test_the_query_of_a_form_is_part_of_it(kms: MockKMS, query: str) -> None:
    connection = http.client.HTTPConnection(kms.url.removeprefix("http://"), timeout=60)

    def write(body: str, kind: str) -> tuple[int, bytes]:
        connection.request("POST", f"/v1/cubbyhole/a?{query}", body, {"X-Vault-Token": kms.token, "Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read().strip()

    with contextlib.closing(connection):
        assert write("x=1", "application/x-www-form-urlencoded") == (400, b'{"errors":["error parsing form data"]}')
        assert write('{"x": "1"}', "application/json") == (204, b"")
