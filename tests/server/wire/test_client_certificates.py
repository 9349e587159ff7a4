"""Certificates that clients show: logins with them, renewals bound to them, and connections that take them or not."""

from __future__ import annotations

from collections.abc import Callable
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
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mockkms import MockKMS

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC)
FOREIGN = x509.ObjectIdentifier("1.3.6.1.4.1.99999.1")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


def prepare(kms: MockKMS) -> None:
    root(kms, "POST", "sys/auth/cert", type="cert")


pytestmark = [pytest.mark.server(tls=True, root_token="root"), pytest.mark.prepared(by=prepare)]


def root(kms: MockKMS, method: str, path: str, **data: Any) -> Any:
    """What the root token is answered, over a connection without a certificate."""
    return asked(kms, method, path, None, "root", **data)


def asked(kms: MockKMS, method: str, path: str, pair: Any = None, token: str = "", **data: Any) -> Any:
    """Status and decoded body of a request that shows the certificate in the files of ``pair``."""
    headers = {"X-Vault-Token": token} if token else {}
    answer = requests.request(
        method, f"{kms.url}/v1/{path}", json=data or None, headers=headers, cert=pair, verify=kms.ca_file, timeout=5
    )
    return answer.status_code, answer.json() if answer.content else None


def written(folder: Path, leaf: trustme.LeafCert) -> tuple[str, str]:
    """The files of a certificate and its key."""
    number = len(list(folder.iterdir()))
    chain, key = folder / f"{number}.pem", folder / f"{number}.key"
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(key)
    return str(chain), str(key)


def self_signed(folder: Path, name: str, change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder]) -> Any:
    """The text and the files of a client's certificate that no authority signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "ops"), x509.NameAttribute(NameOID.COMMON_NAME, name),
    ])  # fmt: skip
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), BEGIN, END)
    names = [x509.DNSName("web.example"), x509.RFC822Name("web@example"), x509.UniformResourceIdentifier("spiffe://w")]
    builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(b"\x01\xab"), False)
    builder = builder.add_extension(x509.UnrecognizedExtension(FOREIGN, b"\x0c\x05blue1"), False)
    pem = change(builder).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    chain, private = folder / f"{name}.pem", folder / f"{name}.key"
    chain.write_bytes(pem)
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ))  # fmt: skip
    return pem.decode(), (str(chain), str(private))


def test_a_client_logs_in_by_its_authority(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pem = authority.cert_pem.bytes().decode()
    root(kms, "POST", "auth/cert/certs/web", certificate=pem, display_name="site", token_policies="app", token_ttl="1h")
    pair = written(tmp_path, authority.issue_cert(common_name="web.example"))
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
    pair, other = (written(tmp_path, authority.issue_cert(common_name=name)) for name in ("a", "b"))
    token = asked(kms, "POST", "auth/cert/login", pair)[1]["auth"]["client_token"]
    assert asked(kms, "POST", "auth/token/renew-self", pair, token)[0] == 200
    assert asked(kms, "POST", "auth/token/renew-self", other, token)[0] == 500
    assert asked(kms, "POST", "auth/token/renew-self", None, token)[0] == 400
    root(kms, "POST", "auth/cert/config", disable_binding=True)
    assert asked(kms, "POST", "auth/token/renew-self", None, token)[0] == 200


FITTING = {
    "allowed_names": ["web*"], "allowed_common_names": "self", "allowed_dns_sans": "*.example",
    "allowed_email_sans": "web@*", "allowed_uri_sans": "spiffe://*", "allowed_organizational_units": "o*",
    "required_extensions": f"{FOREIGN.dotted_string}:blue*",
}  # fmt: skip
UNFIT = {
    "allowed_names": "x", "allowed_common_names": "web*", "allowed_dns_sans": "example", "allowed_email_sans": "x",
    "allowed_uri_sans": "http*", "allowed_organizational_units": "dev",
    "required_extensions": f"{FOREIGN.dotted_string}:red*,1.2.3.4:*",
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
            400, {"errors": ["invalid certificate or no client certificate supplied"]},
        ), word  # fmt: skip
        root(kms, "POST", "auth/cert/certs/self", **{word: FITTING[word]})
        assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    root(kms, "POST", "auth/cert/certs/self", token_bound_cidrs="10.0.0.0/8")
    assert asked(kms, "POST", "auth/cert/login", pair)[0] == 403


def test_a_chain_to_an_authority_may_not_fit(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pem = authority.cert_pem.bytes().decode()
    root(kms, "POST", "auth/cert/certs/web", certificate=pem, allowed_common_names="other")
    pair = written(tmp_path, authority.issue_cert(common_name="web"))
    answer = asked(kms, "POST", "auth/cert/login", pair)
    assert answer[1]["errors"] == ["no chain matching all constraints could be found for this login certificate"]
    invalid = asked(kms, "POST", "auth/cert/login", pair, name="unknown")
    assert invalid == (400, {"errors": ["invalid certificate or no client certificate supplied"]})


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


def test_a_kept_connection_is_closed_when_a_role_is_added(kms: MockKMS, tmp_path: Path) -> None:
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    client = hvac.Client(url=kms.url, token="root", cert=pair, verify=kms.ca_file)
    client.sys.read_health_status(method="GET")
    client.auth.cert.create_ca_certificate_role("self", certificate=pem)
    assert client.auth.cert.login()["auth"]["metadata"]["cert_name"] == "self"


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


def test_without_roles_any_certificate_may_be_there(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pair = written(tmp_path, authority.issue_cert(common_name="web"))
    assert asked(kms, "GET", "sys/health", pair)[0] == 200


def test_a_client_sends_the_certificates_between_its_own_and_the_authority(
    kms: MockKMS, authority: trustme.CA, tmp_path: Path
) -> None:
    """OpenBao accepts the login (recorded)."""
    between = authority.create_child_ca(key_type=trustme.KeyType.ECDSA)
    pair = written(tmp_path, between.issue_cert(common_name="client", key_type=trustme.KeyType.ECDSA))
    root(kms, "POST", "auth/cert/certs/c", certificate=authority.cert_pem.bytes().decode())
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert (status, body["auth"]["metadata"]["cert_name"]) == (200, "c")
