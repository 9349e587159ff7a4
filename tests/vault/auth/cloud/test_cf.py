"""Cloud Foundry logins. Rules: https://github.com/hashicorp/vault-plugin-auth-cf (``path_login.go`` and others)."""

from __future__ import annotations

import base64
import datetime
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from typing import Any

import hvac
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import KEY, NOW, certificate_pem, login, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_AUTHORITY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_MIDDLE = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_UNITS = ("organization:org-1", "space:space-1", "app:app-1")
_APP = {"app_id": "app-1", "space_id": "space-1", "org_id": "org-1", "app_name": "web", "org_name": "acme"}


def issue(
    name: str, key: rsa.RSAPrivateKey, issuer: str, signer: rsa.RSAPrivateKey, *, ca: bool = True, **names: Any
) -> str:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in names.get("units", ())]
    start = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*units, x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    addresses = [x509.IPAddress(ip_address(one)) for one in names.get("addresses", ())]
    if addresses:
        builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
    return certificate_pem(builder.sign(signer, hashes.SHA256()))


_ROOT = issue("root", _AUTHORITY, "root", _AUTHORITY)


def instance(units: tuple[str, ...] = _UNITS, addresses: tuple[str, ...] = ("127.0.0.1",)) -> str:
    """Return the content of CF_INSTANCE_CERT."""
    own = issue("instance-1", KEY, "middle", _MIDDLE, ca=False, units=units, addresses=addresses)
    return own + issue("middle", _MIDDLE, "root", _AUTHORITY)


def signed(contents: str, moment: str = NOW, role: str = "r", key: rsa.RSAPrivateKey = KEY) -> dict[str, str]:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    signature = key.sign(f"{moment}{contents}{role}".encode(), scheme, hashes.SHA256())
    text = f"v1:{base64.b64encode(signature).decode()}"
    return {"role": "r", "cf_instance_cert": contents, "signing_time": moment, "signature": text}


_CONFIG = {
    "identity_ca_certificates": [_ROOT],
    "cf_api_addr": "https://api.example.org",
    "cf_username": "u",
    "cf_password": "hidden",
}


def world(seeded: Seeded, role: dict[str, Any] | None = None, kind: str = "cf", **section: Any) -> MockKMS:
    made = {"token_policies": ["p"], **(role or {})}
    return seeded(kind, NOW, **{"config": _CONFIG, "roles": {"r": made}, "apps": [_APP], **section})


@pytest.mark.parametrize("kind", ["cf", "pcf"])
def test_an_instance_logs_in(seeded: Seeded, kind: str) -> None:
    kms = world(seeded, {"bound_application_ids": ["app-1"]}, kind)
    found = login(kms, f"{kind}/login", **signed(instance()))
    assert found["token_policies"] == ["default", "p"]
    alias = root(kms).secrets.identity.read_entity(found["entity_id"])["data"]["aliases"][0]
    assert (alias["name"], alias["metadata"]["app_name"], alias["metadata"]["org_id"]) == ("app-1", "web", "org-1")
    client = hvac.Client(kms.url, token=found["client_token"])
    client.auth.token.renew_self()
    root(kms).write(f"auth/{kind}/roles/r", bound_application_ids="other")
    with pytest.raises(InvalidRequest, match=r"app ID app-1 doesn't match role constraints of \[other\]"):
        client.auth.token.renew_self()
    root(kms).delete(f"auth/{kind}/roles/r")
    with pytest.raises(InternalServerError, match="no matching role"):
        client.auth.token.renew_self()


def test_times_of_bash_and_signatures_of_the_first_release(seeded: Seeded) -> None:
    kms = world(seeded)
    sent = signed(instance())
    old = base64.urlsafe_b64encode(base64.b64decode(sent["signature"][3:])).decode()
    moment = "Thu Jan 1 12:00:00 UTC 2026"
    assert login(kms, "cf/login", **{**sent, "signature": old, "signing_time": moment})["client_token"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-01-01T11:54:00Z", "request is too old; signed at 2026-01-01 11:54:00 .* allowable seconds old is 300"),
        ("2026-01-01T12:02:00Z", "request is too far in the future; .* allowable seconds in the future is 60"),
        ("noon", "couldn't parse noon"),
    ],
)
def test_the_time_is_checked(seeded: Seeded, moment: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        login(world(seeded), "cf/login", **signed(instance(), moment))


def test_signatures_and_certificates_that_are_refused(seeded: Seeded) -> None:
    kms = world(seeded)
    contents = instance()
    alone = contents[: contents.index("-----END") + 25]
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    foreign = issue("i", KEY, "m", stranger, ca=False, units=_UNITS, addresses=("127.0.0.1",))
    foreign += issue("m", stranger, "r", stranger)
    for sent, text in (
        (signed(contents, role="other"), "crypto/rsa: verification error"),
        (signed(contents, key=stranger), "crypto/rsa: verification error"),
        (signed(contents, key=_MIDDLE), "signature not generated by identity cert"),
        (signed(alone), "no intermediate certificate found in"),
        (signed("x"), "no identity cert found in"),
        (signed(foreign), "x509: certificate signed by unknown authority"),
        ({**signed(contents), "signature": "v2:x"}, 'invalid signature version "v2"'),
        ({**signed(contents), "signature": "v1:x"}, "illegal base64 data"),
        ({**signed(contents), "signature": "a:b:c"}, "invalid signature format"),
        ({**signed(contents), "signature": ""}, "'signature' is required"),
    ):
        with pytest.raises(InvalidRequest, match=text):
            login(kms, "cf/login", **sent)
    kms.clock.advance("400d")
    with pytest.raises(InvalidRequest, match="certificate has expired or is not yet valid"):
        login(kms, "cf/login", **signed(contents, "2027-02-05T12:00:00Z"))


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        (instance(_UNITS[1:]), "no org ID on given certificate"),
        (instance((*_UNITS, "app:app-2")), "expected 1 app but received 2"),
        (instance(addresses=()), r"valid CF certs have one IP address, but this has \[\]"),
    ],
)
def test_certificates_without_what_they_need(seeded: Seeded, contents: str, text: str) -> None:
    with pytest.raises(InternalServerError, match=text):
        login(world(seeded), "cf/login", **signed(contents))


def test_bounds(seeded: Seeded) -> None:
    elsewhere = instance(addresses=("10.0.0.1",))
    with pytest.raises(InvalidRequest, match="no matching IP address"):
        login(world(seeded), "cf/login", **signed(elsewhere))
    assert login(world(seeded, {"disable_ip_matching": True}), "cf/login", **signed(elsewhere))["client_token"]
    for name, what in (("space", "space"), ("organization", "org"), ("instance", "instance")):
        with pytest.raises(InvalidRequest, match=rf"{what} ID {what}-1 doesn't match role constraints of \[o\]"):
            login(world(seeded, {f"bound_{name}_ids": ["o"]}), "cf/login", **signed(instance()))
    kms = world(seeded, apps=[])
    with pytest.raises(InvalidRequest, match=r"CF-AppNotFound\|100004"):
        login(kms, "cf/login", **signed(instance()))
    assert "(`apps`)" in kms.journal.entries()[-1].hint
    with pytest.raises(InvalidRequest, match="app doesn't have any live instances"):
        login(world(seeded, apps=[{**_APP, "instances": 0}]), "cf/login", **signed(instance()))
    with pytest.raises(InvalidRequest, match="cert org ID org-1 doesn't match API's expected one of other"):
        login(world(seeded, apps=[{**_APP, "org_id": "other"}]), "cf/login", **signed(instance()))


def test_settings(seeded: Seeded) -> None:
    kms = seeded("cf")
    client = root(kms)
    complete = {"identity_ca_certificates": [_ROOT], "pcf_api_addr": "https://x.example.org", "pcf_username": "u"}
    for name, text in (
        ("identity_ca_certificates", "'identity_ca_certificates' is required"),
        ("pcf_api_addr", "'cf_api_addr' is required"),
        ("pcf_username", "'cf_username' or 'cf_client_id' is required"),
        ("", "'cf_password' or 'cf_client_secret' is required"),
    ):
        with pytest.raises(InvalidRequest, match=text):
            client.write_data("auth/cf/config", data={key: complete[key] for key in complete if key != name})
    client.write_data("auth/cf/config", data={**complete, "pcf_password": "hidden"})
    shown = client.read("auth/cf/config")["data"]
    assert (shown["cf_username"], shown["login_max_seconds_not_before"], shown["version"]) == ("u", 300, 1)
    assert "hidden" not in str(shown)
    with pytest.raises(InvalidRequest, match=r"Could not get api /v2/info: .*connection refused"):
        client.write_data("auth/cf/config", data={"cf_api_addr": "http://127.0.0.1:1"})
    assert client.read("auth/cf/config")["data"]["cf_api_addr"] == "http://127.0.0.1:1"
    round_trips(kms)
    client.delete("auth/cf/config")
    with pytest.raises(InternalServerError, match="no matching role"):
        login(kms, "cf/login", **signed(instance()))


@pytest.mark.parametrize(("flavor", "there"), [("vault", True), ("vault-1.21", False)])
def test_new_clients_are_of_vault_2(flavor: str, there: bool) -> None:
    seed = {"vault": {"auth": {"cf/": {"type": "cf", "config": _CONFIG}}}}
    with MockKMS(flavor=flavor, seed=seed) as kms:
        assert ("force_new_client" in root(kms).read("auth/cf/config")["data"]) is there


class _Api(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        entities = {
            "/v2/info": {"token_endpoint": f"http://{self.headers['Host']}"},
            "/v2/apps/app-1": {"entity": {"name": "w", "space_guid": "space-1", "instances": 2}},
            "/v2/spaces/space-1": {"entity": {"name": "s", "organization_guid": "org-1"}},
            "/v2/organizations/org-1": {"entity": {"name": "o"}},
        }
        missing = {"error_code": "CF-NotFound", "code": 10000, "description": "Unknown request"}
        self.reply(entities.get(self.path, missing))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.reply({"access_token": "t"})

    def reply(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""


@pytest.fixture
def api() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Api)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_an_api_on_this_machine_is_asked(seeded: Seeded, api: str) -> None:
    kms = world(seeded, apps=[])
    root(kms).write_data("auth/cf/config", data={"cf_api_addr": api})
    found = login(kms, "cf/login", **signed(instance()))
    alias = root(kms).secrets.identity.read_entity(found["entity_id"])["data"]["aliases"][0]
    assert alias["metadata"]["org_name"] == "o"
    other = instance(("organization:org-1", "space:space-1", "app:app-9"))
    with pytest.raises(InvalidRequest, match=r"Error requesting apps: cfclient error \(CF-NotFound\|10000\)"):
        login(kms, "cf/login", **signed(other))
