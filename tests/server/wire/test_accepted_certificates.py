"""Which client certificates a connection accepts, and which chains of them a login does."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from mockkms import MockKMS
from mockkms.server.wire import client_certificates
from mockkms.server.wire.client_certificates import Requesting
from tests.server.wire.showing import BEGIN, END, WITH_CERTIFICATE_LOGINS, asked, root, self_signed, written

pytestmark = WITH_CERTIFICATE_LOGINS


def test_without_roles_any_certificate_may_be_there(kms: MockKMS, authority: trustme.CA, tmp_path: Path) -> None:
    pair = written(tmp_path, authority.issue_cert("app.example", common_name="web"))
    assert asked(kms, "GET", "sys/health", pair)[0] == 200


def test_a_client_sends_the_certificates_between_its_own_and_the_authority(
    kms: MockKMS, authority: trustme.CA, tmp_path: Path
) -> None:
    """OpenBao accepts the login (recorded)."""
    between = authority.create_child_ca(key_type=trustme.KeyType.ECDSA)
    pair = written(tmp_path, between.issue_cert("app.example", common_name="client", key_type=trustme.KeyType.ECDSA))
    root(kms, "POST", "auth/cert/certs/c", certificate=authority.cert_pem.bytes().decode())
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert (status, body["auth"]["metadata"]["cert_name"]) == (200, "c")


def test_a_connection_is_kept_when_a_role_is_added(kms: MockKMS, tmp_path: Path) -> None:
    """The certificate was sent when the connection was made, before anything trusted it."""
    pem, pair = self_signed(tmp_path, "self", lambda builder: builder)
    context = ssl.create_default_context(cafile=kms.ca_file)
    context.load_cert_chain(*pair)
    port = int(kms.url.rpartition(":")[2])
    with closing(http.client.HTTPSConnection("localhost", port, context=context, timeout=60)) as connection:
        for method, path, data in (
            ("GET", "sys/health", None),
            ("POST", "auth/cert/certs/self", {"certificate": pem}),
            ("POST", "auth/cert/login", {}),
        ):
            connection.request(
                method, f"/v1/{path}", json.dumps(data) if data is not None else None, {"X-Vault-Token": "root"}
            )
            used = connection.sock
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status < 300, body
            assert connection.sock is used is not None
    assert json.loads(body)["auth"]["metadata"]["cert_name"] == "self"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_would_resume_its_session_sends_all_certificates_again(
    kms: MockKMS, authority: trustme.CA, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """OpenSSL keeps the client's own certificate of a session, but not those between it and the authority."""
    root(kms, "POST", "auth/cert/certs/c", certificate=authority.cert_pem.bytes().decode())
    between = authority.create_child_ca(key_type=trustme.KeyType.ECDSA)
    context = ssl.create_default_context(cafile=kms.ca_file)
    context.maximum_version = version
    context.load_cert_chain(*written(tmp_path, between.issue_cert("app.example", common_name="client")))
    address, session = ("127.0.0.1", int(kms.url.rpartition(":")[2])), None
    for _ in range(2):
        with context.wrap_socket(
            socket.create_connection(address, 60), server_hostname="localhost", session=session
        ) as wire:
            wire.sendall(b"POST /v1/auth/cert/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
            session = wire.session
        assert answer.startswith(b"HTTP/1.1 200"), answer


UNUSUAL: dict[str, Callable[[x509.CertificateBuilder], x509.CertificateBuilder]] = {
    "server": lambda builder: builder.add_extension(
        x509.KeyUsage(False, False, True, False, False, False, False, False, False), True
    ),
    "critical": lambda builder: builder.add_extension(
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"), b"\x05\x00"), True
    ),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_a_connection_accepts_any_certificate(kms: MockKMS, tmp_path: Path, kind: str) -> None:
    """As Go with ``RequestClientCert``: the login verifies it."""
    change = UNUSUAL[kind]
    _, pair = self_signed(tmp_path, kind, change)
    assert asked(kms, "GET", "sys/health", pair)[0] == 200
    status, body = asked(kms, "POST", "auth/cert/login", pair)
    assert status in (400, 500)
    assert body["errors"]


def test_a_connection_accepts_a_short_key(kms: MockKMS, tmp_path: Path) -> None:
    _, pair = self_signed(tmp_path, "short", lambda builder: builder, rsa.generate_private_key(65537, 1024))
    context = ssl.create_default_context(cafile=kms.ca_file)
    context.set_ciphers("DEFAULT:@SECLEVEL=1")  # The client's own check.
    context.load_cert_chain(*pair)
    with urllib.request.urlopen(f"{kms.url}/v1/sys/health", context=context, timeout=60) as answer:
        assert answer.status == 200


def test_certificates_of_earlier_connections_are_not_kept_for_ever(
    kms: MockKMS, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_certificates, "_MOST_TRUSTED", 1000)
    kept: list[client_certificates._Known] = []
    real = Requesting._made
    monkeypatch.setattr(Requesting, "_made", lambda self, known: kept.append(known) or real(self, known))
    root(kms, "POST", "auth/cert/certs/web", certificate=authority.cert_pem.bytes().decode())
    pairs = [written(tmp_path, authority.issue_cert("app.example", common_name=f"c{number}")) for number in range(5)]
    for pair in pairs + pairs:
        assert asked(kms, "POST", "auth/cert/login", pair)[0] == 200
    assert len(kept) > 2
    assert all(known.size < 2000 for known in kept)


def limited(**options: Any) -> Callable[[x509.CertificateBuilder], x509.CertificateBuilder]:
    """Makes an authority, with limits."""
    usage = x509.KeyUsage(True, False, False, False, False, options.get("signs", True), False, False, False)

    def change(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
        builder = builder.add_extension(x509.BasicConstraints(True, options.get("length")), True)
        builder = builder.add_extension(usage, True)
        if "permitted" in options:
            names = x509.NameConstraints([x509.DNSName(options["permitted"])], None)
            builder = builder.add_extension(names, True)
        return builder

    return change


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({}, 200, ""),
        ({"permitted": "web.example"}, 200, ""),
        ({"permitted": "other.example"}, 500,
         'x509: a root or intermediate certificate is not authorized to sign for this name: DNS name "web.example" '
         "is not permitted by any constraint"),
        ({"length": 0}, 500, "x509: too many intermediates for path length constraint"),
        ({"length": 1}, 200, ""),
        ({"signs": False}, 400, "failed to match all constraints for this login certificate"),
    ],
)  # fmt: skip
def test_what_an_authority_may_certify(
    kms: MockKMS, tmp_path: Path, options: dict[str, Any], status: int, text: str
) -> None:
    """The login checks it, as Go's ``Certificate.Verify``."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("root", "between", "leaf")]
    changes = [limited(**options), limited(), lambda builder: builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName("web.example")]), False
    )]  # fmt: skip
    made = [
        change(x509.CertificateBuilder(
            names[max(0, place - 1)], names[place], keys[place].public_key(), place + 1, BEGIN, END
        )).sign(keys[max(0, place - 1)], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        for place, change in enumerate(changes)
    ]  # fmt: skip
    (tmp_path / "leaf.pem").write_bytes(made[2] + made[1])
    (tmp_path / "leaf.key").write_bytes(keys[2].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
    ))  # fmt: skip
    root(kms, "POST", "auth/cert/certs/web", certificate=made[0].decode())
    answer = asked(kms, "POST", "auth/cert/login", (str(tmp_path / "leaf.pem"), str(tmp_path / "leaf.key")))
    assert answer[0] == status
    if text:
        assert answer[1]["errors"][0].endswith(text)
