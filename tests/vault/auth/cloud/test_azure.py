"""Azure logins with tokens of a tenant.

Rules: https://github.com/hashicorp/vault-plugin-auth-azure (``path_login.go``, ``path_config.go``), and ``go-oidc``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import hvac
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from mockkms.crypto import jws
from tests.vault.auth.cloud.clouds import KEY, NOW, pem, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_NOW = 1767268800
_SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
_VM = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
_SET = f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachineScaleSets/set1"
_CLAIMS = {
    "iss": "https://sts.windows.net/tenant/",
    "aud": "https://vault",
    "oid": "owner",
    "nbf": _NOW - 10,
    "exp": _NOW + 600,
    "groups": ["g1", "g2"],
    "appid": "app",
    "xms_mirid": _VM,
}
_PLACE = {"subscription_id": _SUBSCRIPTION, "resource_group_name": "rg"}


def token(key: rsa.RSAPrivateKey = KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {name: value for name, value in {**_CLAIMS, **changes}.items() if value is not None}
    return jws.sign(json.dumps(claims), key, algorithm, "k1")


def world(seeded: Seeded, role: dict[str, Any] | None = None, **section: Any) -> MockKMS:
    made = {"bound_service_principal_ids": ["OWNER"], "token_policies": ["p"], "token_ttl": "1h", **(role or {})}
    usual = {
        "config": {"tenant_id": "tenant", "resource": "https://vault"},
        "tenant": {"keys": [pem(KEY)]},
        "roles": {"r": made},
        "resources": [
            {"id": _VM, "location": "westeurope", "principal_ids": ["owner"]},
            {"id": _SET, "location": "westeurope", "principal_ids": ["owner"]},
        ],
        "identities": [{"client_id": "app", "resource_group": "rg"}],
    }
    return seeded("azure", NOW, **{**usual, **section})


def log_in(kms: MockKMS, jwt: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = hvac.Client(kms.url).auth.azure.login("r", jwt, **more)["auth"]
    return found


def test_a_service_principal_logs_in(seeded: Seeded) -> None:
    kms = world(seeded)
    found = log_in(kms, token())
    assert (found["lease_duration"], found["token_policies"]) == (3600, ["default", "p"])
    assert found["metadata"] == {"role": "r", "resource_group_name": "", "subscription_id": "", "app_id": "app"}
    shown = root(kms).auth.azure.read_role("r")
    assert (shown["bound_service_principal_ids"], shown["bound_group_ids"]) == (["OWNER"], None)
    entity = root(kms).secrets.identity.read_entity(found["entity_id"])["data"]
    assert entity["aliases"][0]["name"] == "owner"
    client = hvac.Client(kms.url, token=found["client_token"])
    client.auth.token.renew_self()
    root(kms).auth.azure.delete_role("r")
    with pytest.raises(InternalServerError, match="role r does not exist during renewal"):
        client.auth.token.renew_self()


def test_groups_become_aliases_of_groups(seeded: Seeded) -> None:
    kms = world(seeded, {"bound_service_principal_ids": [], "bound_group_ids": ["g2"]})
    client = root(kms)
    accessor = client.sys.list_auth_methods()["data"]["azure/"]["accessor"]
    made = client.write_data("identity/group", data={"name": "team", "type": "external", "policies": ["team"]})["data"]
    client.write("identity/group-alias", name="g1", mount_accessor=accessor, canonical_id=made["id"])
    assert log_in(kms, token())["identity_policies"] == ["team"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"iss": "https://other/"},
            'id token issued by a different provider, expected "https://sts.windows.net/tenant/"',
        ),
        ({"aud": ["a", "b"]}, 'oidc: expected audience "https://vault" got \\["a" "b"\\]'),
        ({"exp": _NOW - 1}, "oidc: token is expired \\(Token Expiry: 2026-01-01 11:59:59 \\+0000 UTC\\)"),
        ({"exp": None}, "oidc: token is expired"),
        ({"exp": "soon"}, "is not a time"),
        ({"nbf": _NOW + 100}, "token is not yet valid \\(Token Not Before: 2026-01-01 12:01:40 \\+0000 UTC\\)"),
        ({"nbf": _NOW + 1000}, "before the nbf \\(not before\\) time"),
        ({"nbf": 1e300}, "is not a time"),
        ({"oid": "other"}, "service principal not authorized: other"),
        ({"algorithm": "RS512"}, 'signed with unsupported algorithm, expected \\["RS256"\\] got "RS512"'),
        (
            {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
            "failed to verify id token signature",
        ),
    ],
)
def test_tokens_that_are_refused(seeded: Seeded, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InternalServerError, match=text):
        log_in(world(seeded), token(**changes))


def test_texts_that_are_no_tokens(seeded: Seeded) -> None:
    kms = world(seeded)
    for odd in ("x", "x.y.z", "..", "e30.e30.", f"{'[' * 5000}.x.y"):
        with pytest.raises(InternalServerError, match="oidc: "):
            log_in(kms, odd)
    with pytest.raises(InvalidRequest, match="jwt is required"):
        log_in(kms, "")


def test_machines_and_scale_sets(seeded: Seeded) -> None:
    role = {
        "bound_locations": ["WestEurope"],
        "bound_resource_groups": ["RG"],
        "bound_subscription_ids": [_SUBSCRIPTION],
    }
    kms = world(seeded, role)
    found = log_in(kms, token(), vm_name="vm1", **_PLACE)
    assert (found["metadata"]["vm_name"], found["metadata"]["resource_group_name"]) == ("vm1", "rg")
    scaled = token(xms_mirid=f"{_VM[:-3]}set1_0")
    assert log_in(kms, scaled, vmss_name="set1", **_PLACE)["metadata"]["vmss_name"] == "set1"
    generic = hvac.Client(kms.url).write_data(
        "auth/azure/login", data={"role": "r", "jwt": token(), "resource_id": _VM, **_PLACE}
    )
    assert generic["auth"]["metadata"]["resource_id"] == _VM
    round_trips(kms)


@pytest.mark.parametrize(
    ("role", "sent", "text"),
    [
        ({}, {}, "subscription_id and resource_group_name are required"),
        ({}, {**_PLACE, "vm_name": "vm2"}, "xms_mirid token claim does not match vm_name vm2"),
        ({}, {**_PLACE, "vmss_name": "s"}, "failed to verify uniform vmss claim: xms_mirid token claim does not match"),
        ({"bound_locations": ["eastus"]}, {**_PLACE, "vm_name": "vm1"}, "location not authorized"),
        ({"bound_scale_sets": ["s"]}, {**_PLACE, "vm_name": "vm1"}, "this vm isn't in a scale set"),
        ({"bound_resource_groups": ["o"]}, {**_PLACE, "vm_name": "vm1"}, "resource group not authorized"),
        ({"bound_subscription_ids": ["o"]}, {**_PLACE, "vm_name": "vm1"}, "subscription not authorized"),
    ],
)
def test_bounds_on_resources(seeded: Seeded, role: dict[str, Any], sent: dict[str, str], text: str) -> None:
    kms = world(seeded, {"bound_locations": ["westeurope"], **role})
    with pytest.raises(InternalServerError, match=text):
        log_in(kms, token(), **sent)


def test_a_machine_that_the_world_lacks(seeded: Seeded) -> None:
    kms = world(seeded, {"bound_locations": ["westeurope"]}, resources=[])
    with pytest.raises(
        InternalServerError, match=r"unable to retrieve virtual machine metadata: .*virtualMachines/vm1"
    ):
        log_in(kms, token(), vm_name="vm1", **_PLACE)
    assert "(`resources`)" in kms.journal.entries()[-1].hint


def test_workloads_are_matched_by_their_application(seeded: Seeded) -> None:
    kms = world(seeded, {"bound_resource_groups": ["rg"]})
    sent = {"role": "r", "resource_id": _VM, **_PLACE, "jwt": token(oid="owner", appid="app")}
    assert hvac.Client(kms.url).write_data("auth/azure/login", data=sent)["auth"]["client_token"]
    kms = world(seeded, {"bound_resource_groups": ["rg"], "bound_service_principal_ids": ["o"]})
    sent["jwt"] = token(oid="o", appid="other")
    with pytest.raises(InternalServerError, match="neither token object id nor token app id match"):
        hvac.Client(kms.url).write_data("auth/azure/login", data=sent)


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"subscription_id": "x"}, 'invalid subscription id "x"'),
        ({"resource_group_name": "x."}, 'invalid resource group name "x."'),
        ({"vm_name": "1"}, 'invalid vm name "1"'),
        ({"vmss_name": "a-"}, 'invalid vmss_name "a-"'),
    ],
)
def test_names_are_checked(seeded: Seeded, sent: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        log_in(world(seeded), token(), **sent)


def test_a_role_needs_a_specific_bound(seeded: Seeded) -> None:
    kms = world(seeded, {"bound_service_principal_ids": ["*"], "bound_group_ids": ["*"]})
    with pytest.raises(InternalServerError, match="both cannot be empty or"):
        log_in(kms, token())


def test_settings(seeded: Seeded) -> None:
    kms = seeded("azure", NOW)
    client = root(kms)
    with pytest.raises(InternalServerError, match="tenant_id is required"):
        client.write("auth/azure/config", resource="r")
    with pytest.raises(InternalServerError, match='no cloud configuration matching the name "MOON"'):
        client.write("auth/azure/config", tenant_id="t", resource="r", environment="moon")
    with pytest.raises(InternalServerError, match="config is nil"):
        client.write("auth/azure/rotate-root")
    client.write("auth/azure/config", tenant_id="t", resource="r", client_id="c", client_secret="s", max_retries=7)
    client.write("auth/azure/rotate-root")
    shown = client.read("auth/azure/config")["data"]
    assert (shown["max_retries"], shown["retry_delay"]) == (7, 4000000000)
    assert shown["root_password_expiration_date"] == "2026-07-03T00:00:00Z"
    round_trips(kms)


class _Issuer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        base = f"http://{self.headers['Host']}"
        keys = {"keys": [jws.jwk(KEY.public_key(), "RS256", "k1")]}
        body = keys if self.path == "/keys" else {"issuer": _CLAIMS["iss"], "jwks_uri": f"{base}/keys"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture
def issuer() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Issuer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_an_issuer_on_this_machine_is_asked(seeded: Seeded, issuer: str) -> None:
    kms = world(seeded, tenant={"discovery_url": f"{issuer}/tenant/.well-known/openid-configuration"})
    assert log_in(kms, token())["client_token"]
    kms = world(seeded, tenant={"discovery_url": "http://127.0.0.1:1/x"})
    with pytest.raises(InternalServerError, match=r'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: '):
        log_in(kms, token())


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"num_uses": -1}, "token num uses cannot be negative"),
        ({"num_uses": -1, "token_period": "900h"}, 'token period of "900h0m0s" is greater than the backend'),
        ({"ttl": "2h", "max_ttl": "1h"}, "must have at least one bound constraint"),
        ({"ttl": "2h", "max_ttl": "1h", "bound_locations": "x"}, "ttl should not be greater than max_ttl"),
    ],
)
def test_the_first_fault_of_a_role(seeded: Seeded, sent: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        root(world(seeded)).write_data("auth/azure/role/new", data=sent)
