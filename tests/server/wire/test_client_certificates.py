"""Certificates that clients show: logins with them, and renewals bound to them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hvac
import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms import MockKMS, outside
from mockkms.vault.golang.fmt import error_list
from tests.server.wire.showing import BEGIN, END, FOREIGN, WITH_CERTIFICATE_LOGINS, asked, root, self_signed, written

FAILED = "failed to match all constraints for this login certificate"
"""Vault's one message (builtin/credential/cert/path_login.go)."""


pytestmark = WITH_CERTIFICATE_LOGINS


def test_a_client_logs_in_by_its_authority(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pem = authority.cert_pem.bytes().decode()
    root(kms, "POST", "auth/cert/certs/web", certificate=pem, display_name="site", token_policies="app", token_ttl="1h")
    pair = written(tmp_path, authority.issue_cert("app.example", common_name="web.example"))
    client = hvac.Client(url=kms.url, cert=pair, verify=kms.ca_file)
    auth = client.auth.cert.login(name="web")["auth"]
    assert auth["token_policies"] == ["app", "default"]
    assert auth["metadata"]["cert_name"] == "web"
    assert auth["metadata"]["common_name"] == "web.example"
    own = client.auth.token.lookup_self()["data"]
    assert (own["display_name"], own["path"], own["type"]) == ("cert-site", "auth/cert/login", "service")
    entity = root(kms, "GET", f"identity/entity/id/{auth['entity_id']}")[1]["data"]
    assert [alias["name"] for alias in entity["aliases"]] == ["web.example"]


def test_a_renewal_needs_the_same_certificate(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    root(kms, "POST", "auth/cert/certs/web", certificate=authority.cert_pem.bytes().decode())
    pair, other = (written(tmp_path, authority.issue_cert("app.example", common_name=name)) for name in ("a", "b"))
    token = asked(kms, "POST", "auth/cert/login", pair)[1]["auth"]["client_token"]
    assert asked(kms, "POST", "auth/token/renew-self", pair, token)[0] == 200
    assert asked(kms, "POST", "auth/token/renew-self", other, token)[0] == 500
    assert asked(kms, "POST", "auth/token/renew-self", None, token)[0] == 400
    root(kms, "POST", "auth/cert/config", disable_binding=True)
    assert asked(kms, "POST", "auth/token/renew-self", None, token)[0] == 200


FITTING = {
    "allowed_names": ["web*"], "allowed_common_names": "self", "allowed_dns_sans": "*.example",
    "allowed_email_sans": "web@*", "allowed_uri_sans": "spiffe://*", "allowed_organizational_units": "o*",
    "allowed_organizations": "ac*",
    "required_extensions": f"{FOREIGN.dotted_string}:blue*,hex:{FOREIGN.dotted_string}:0c05626C*",
}  # fmt: skip
UNFIT = {
    "allowed_names": "x", "allowed_common_names": "web*", "allowed_dns_sans": "example", "allowed_email_sans": "x",
    "allowed_uri_sans": "http*", "allowed_organizational_units": "dev",
    "allowed_organizations": "other",
    "required_extensions": f"{FOREIGN.dotted_string}:blue*,hex:{FOREIGN.dotted_string}:0d*",
}  # fmt: skip


def test_what_a_role_asks_of_a_certificate(kms: MockKMS, tmp_path: Path) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    extra = {"allowed_metadata_extensions": FOREIGN.dotted_string}
    root(kms, "POST", "auth/cert/certs/self", certificate=pem, **FITTING, **extra)
    status, body = asked(kms, "POST", "auth/cert/login", pair, name="self")
    assert status == 200, body
    assert body["auth"]["metadata"]["subject_key_id"] == "01:ab"
    assert body["auth"]["metadata"][FOREIGN.dotted_string.replace(".", "-")] == "blue1"
    for word, value in UNFIT.items():
        root(kms, "POST", "auth/cert/certs/self", **{word: value})
        assert asked(kms, "POST", "auth/cert/login", pair) == (
            400, {"errors": [FAILED]},
        ), word  # fmt: skip
        root(kms, "POST", "auth/cert/certs/self", **{word: FITTING[word]})
        assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    root(kms, "POST", "auth/cert/certs/self", token_bound_cidrs="10.0.0.0/8")
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 403


def test_a_chain_to_an_authority_may_not_fit(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pem = authority.cert_pem.bytes().decode()
    root(kms, "POST", "auth/cert/certs/web", certificate=pem, allowed_common_names="other")
    pair = written(tmp_path, authority.issue_cert("app.example", common_name="web"))
    answer = asked(kms, "POST", "auth/cert/login", pair)
    assert answer[1]["errors"] == [FAILED]
    invalid = asked(kms, "POST", "auth/cert/login", pair, name="unknown")
    assert invalid == (400, {"errors": [FAILED]})


def test_critical_alternative_names_that_are_empty(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    """``processExtensions`` in Go's ``crypto/x509/parser.go`` does not handle them; asked of OpenBao 2.6.2."""
    root(kms, "POST", "auth/cert/certs/web", certificate=authority.cert_pem.bytes().decode())
    pair = written(tmp_path, authority.issue_cert(common_name="web"))
    text = "failed to verify client's certificate: x509: unhandled critical extension"
    assert asked(kms, "POST", "auth/cert/login", pair) == (500, {"errors": [text]})


def test_the_virtual_clock_ends_a_certificate(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    root(kms, "POST", "auth/cert/certs/web", certificate=authority.cert_pem.bytes().decode())
    pair = written(tmp_path, authority.issue_cert("web", not_after=datetime(2040, 1, 1, tzinfo=UTC)))
    kms.clock.set("2041-01-01T00:00:00Z")
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert status == 500
    [text] = body["errors"]
    assert "failed to verify client's certificate: x509: certificate has expired or is not yet valid" in text
    assert "2041-01-01T00:00:00Z is after 2040-01-01T00:00:00Z" in text


def test_a_revoked_certificate(kms: MockKMS, tmp_path: Path) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    root(kms, "POST", "auth/cert/certs/self", certificate=pem)
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    key = ec.generate_private_key(ec.SECP256R1())
    serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
    revoked = x509.RevokedCertificateBuilder(serial, BEGIN).build()
    crl = x509.CertificateRevocationListBuilder(x509.Name([]), BEGIN, END, [], [revoked]).sign(key, hashes.SHA256())
    root(kms, "POST", "auth/cert/crls/list", crl=crl.public_bytes(serialization.Encoding.PEM).decode())
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 400


@pytest.mark.parametrize(
    ("flavor", "text"),
    [("vault", "client certificate must be supplied"), ("openbao", "no client certificate found")],
)
def test_no_certificate_no_login(kms: MockKMS, text: str) -> None:
    assert asked(kms, "POST", "auth/cert/login") == (400, {"errors": [text]})


@pytest.mark.parametrize(("flavor", "text"), [("vault", "tls connection required"), ("openbao", "no client cert")])
def test_no_tls_no_login(flavor: str, text: str) -> None:
    with MockKMS(root_token="root", flavor=flavor) as kms:
        root(kms, "POST", "sys/auth/cert", type="cert")
        status, body = asked(kms, "POST", "auth/cert/login")
    assert status == 400
    assert body["errors"][0].startswith(text)


def test_an_expired_certificate_is_refused_by_the_login(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    root(kms, "POST", "auth/cert/certs/web", certificate=authority.cert_pem.bytes().decode())
    pair = written(tmp_path, authority.issue_cert("web", not_after=datetime(2024, 1, 1, tzinfo=UTC)))
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert (status, "has expired" in body["errors"][0]) == (500, True)


def test_a_certificate_named_itself_expires_too(kms: MockKMS, tmp_path: Path) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    root(kms, "POST", "auth/cert/certs/self", certificate=pem)
    kms.clock.set("2019-01-01T00:00:00Z")
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert (status, "2019-01-01T00:00:00Z is before 2020-01-01T00:00:00Z" in body["errors"][0]) == (500, True)


def issued(kms: MockKMS, folder: Path, authority: MockKMS, **addresses: Any) -> tuple[str, Any]:
    """A role that trusts an authority, and a certificate of it: its serial number, and the files."""
    root_of = {"key_type": "ec", "common_name": "root", "ttl": "9000h"}
    for path, data in (
        ("sys/mounts/pki", {"type": "pki"}),
        ("pki/root/generate/internal", root_of),
        ("pki/config/urls", addresses),
        ("pki/roles/web", {"allow_any_name": True, "key_type": "ec", "max_ttl": "90h"}),
    ):
        authority_asked(authority, path, data)
    data = authority_asked(authority, "pki/issue/web", {"common_name": "web.example"})
    chain, key = folder / "web.pem", folder / "web.key"
    chain.write_text(data["certificate"])
    key.write_text(data["private_key"])
    root(kms, "POST", "auth/cert/certs/web", certificate=data["issuing_ca"])
    return data["serial_number"], (str(chain), str(key))


def authority_asked(authority: MockKMS, path: str, data: dict[str, Any]) -> Any:
    """What an authority answers a write of its root token."""
    answer = requests.post(
        f"{authority.url}/v1/{path}", json=data, headers={"X-Vault-Token": authority.token}, timeout=60
    )
    assert answer.status_code < 300, answer.text
    return answer.json()["data"] if answer.content else None


@pytest.fixture
def authority_server() -> Iterator[MockKMS]:
    """An authority whose serial numbers repeat: with two slashes in the base64 of a request for a certificate's
    status, which some have, the server redirects its GET to a clean path.
    """
    with MockKMS(rng=1) as server:
        yield server


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_ocsp_servers_are_asked_about_the_certificate(
    kms: MockKMS, authority_server: MockKMS, tmp_path: Path, flavor: str
) -> None:
    # Vault's change log, 1.13.0 (17093), and sdk/helper/ocsp.
    ocsp = f"{authority_server.url}/v1/pki/ocsp"
    serial, pair = issued(kms, tmp_path, authority_server, ocsp_servers=ocsp)
    root(kms, "POST", "auth/cert/certs/web", ocsp_enabled=True, ocsp_max_retries=0)
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    authority_asked(authority_server, "pki/revoke", {"serial_number": serial})
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert (status, "additionally" in body["errors"][0]) == (400, False)
    authority_asked(authority_server, "pki/config/crl", {"ocsp_disable": True})
    text = asked(kms, "POST", "auth/cert/login", pair)[1]["errors"][0]
    refused = [f"HTTP code is not OK on {method} request. 401: 401 Unauthorized" for method in ("GET", "POST")]
    assert text.endswith(f"; additionally got errors during verification: {error_list(refused)}")
    root(kms, "POST", "auth/cert/certs/web", ocsp_fail_open=True)
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 400
    closed = "http://127.0.0.1:1"
    root(kms, "POST", "auth/cert/certs/web", ocsp_servers_override=closed)
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == (200 if flavor == "vault" else 400)
    root(kms, "POST", "auth/cert/certs/web", ocsp_fail_open=False)
    text = asked(kms, "POST", "auth/cert/login", pair)[1]["errors"][0]
    assert "error doing GET request: GET http://127.0.0.1:" in text
    assert "connect: connection refused" in text


def test_ocsp_servers_that_are_silent_share_one_deadline(
    kms: MockKMS, authority_server: MockKMS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pair = issued(kms, tmp_path, authority_server)
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        servers = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in (first, second)]
        root(kms, "POST", "auth/cert/certs/web", ocsp_enabled=True, ocsp_servers_override=servers)
        monkeypatch.setattr(outside, "PATIENCE", 0.2)
        status, body = asked(kms, "POST", "auth/cert/login", pair)
        assert (status, "error doing POST request" in body["errors"][0]) == (400, True)
        second.setblocking(False)
        with pytest.raises(BlockingIOError):  # The first one took all the time.
            second.accept()


def test_responses_are_judged_at_their_arrival(
    kms: MockKMS, authority_server: MockKMS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``validateOCSP`` in sdk/helper/ocsp compares with the time then: a response may be younger than the login."""
    _, pair = issued(kms, tmp_path, authority_server)
    root(
        kms,
        "POST",
        "auth/cert/certs/web",
        ocsp_enabled=True,
        ocsp_servers_override=f"{authority_server.url}/v1/pki/ocsp",
    )
    real = outside.ask

    def slowly(*args: Any, **more: Any) -> Any:
        kms.clock.advance(5)
        return real(*args, **more)

    monkeypatch.setattr(outside, "ask", slowly)
    kms.clock.freeze()
    kms.clock.advance(-3)
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200


def test_all_ocsp_servers_must_agree(kms: MockKMS, authority_server: MockKMS, tmp_path: Path) -> None:
    ocsp, closed = f"{authority_server.url}/v1/pki/ocsp", "http://127.0.0.1:1"
    _, pair = issued(kms, tmp_path, authority_server)
    root(kms, "POST", "auth/cert/certs/web", ocsp_enabled=True, ocsp_servers_override=[ocsp, closed])
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    root(kms, "POST", "auth/cert/certs/web", ocsp_query_all_servers=True)
    text = asked(kms, "POST", "auth/cert/login", pair)[1]["errors"][0]
    assert "ignoring good response status as ocsp_query_all_servers is set to true" in text
    root(kms, "POST", "auth/cert/certs/web", ocsp_servers_override=[])
    text = asked(kms, "POST", "auth/cert/login", pair)[1]["errors"][0]
    assert text.endswith(error_list(["no OCSP responder URL: subject: CN=web.example"]))


def test_an_answer_about_another_authority_is_not_believed(
    kms: MockKMS, authority_server: MockKMS, tmp_path: Path
) -> None:
    with MockKMS(rng=2) as other:
        issued(kms, tmp_path, other)
        _, pair = issued(kms, tmp_path, authority_server)
        wrong = f"{other.url}/v1/pki/ocsp"
        root(kms, "POST", "auth/cert/certs/web", ocsp_enabled=True, ocsp_fail_open=True, ocsp_servers_override=wrong)
        status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert status == 400
    expected = (
        "error validating GET OCSP response: error directly verifying signature: x509: ECDSA verification failure"
    )
    assert body["errors"][0].endswith(error_list([expected]))


def test_revocation_lists_are_fetched_and_renewed(kms: MockKMS, authority_server: MockKMS, tmp_path: Path) -> None:
    # Vault's change log, 1.12.0 (17136).
    serial, pair = issued(kms, tmp_path, authority_server)
    url = f"{authority_server.url}/v1/pki/crl"
    assert root(kms, "POST", "auth/cert/crls/list", url=url)[0] == 204
    assert root(kms, "GET", "auth/cert/crls/list")[1]["data"]["cdp"]["url"] == url
    authority_asked(authority_server, "pki/revoke", {"serial_number": serial})
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    kms.clock.advance("73h")
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 400
    assert list(root(kms, "GET", "auth/cert/crls/list")[1]["data"]["serials"]) == [
        str(int(serial.replace(":", ""), 16))
    ]
    missing = root(kms, "POST", "auth/cert/crls/list", url=f"{authority_server.url}/v1/none")
    assert missing[0] == 500
    assert "unexpected response code 403 fetching CRL from" in missing[1]["errors"][0]


def test_a_refusal_can_say_what_the_certificate_says(kms: MockKMS, tmp_path: Path) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    root(kms, "POST", "auth/cert/certs/self", certificate=pem, allowed_common_names="other")
    root(kms, "POST", "auth/cert/config", enable_metadata_on_failures=True)
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    serial = x509.load_pem_x509_certificate(pem.encode()).serial_number
    assert (status, body["errors"]) == (400, [FAILED])
    assert body["data"] == {
        "authority_key_id": "", "common_name": "self", "serial_number": str(serial), "subject_key_id": "01:ab",
    }  # fmt: skip


@pytest.mark.parametrize(("flavor", "status"), [("vault", 200), ("openbao", 500)])
def test_a_renewal_with_a_certificate_of_the_same_keys(kms: MockKMS, tmp_path: Path, status: int) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    again, other = self_signed(tmp_path, "again", lambda builder: builder)
    root(kms, "POST", "auth/cert/certs/self", certificate=pem)
    token = asked(kms, "POST", "auth/cert/login", pair)[1]["auth"]["client_token"]
    root(kms, "POST", "auth/cert/certs/self", certificate=again)
    assert asked(kms, "POST", "auth/token/renew-self", other, token)[0] == status
