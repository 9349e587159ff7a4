"""The servers behind engines: asked with a deadline while other requests are answered, and never elsewhere."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hvac
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mockkms import MockKMS, outside
from mockkms.crypto.x509.authority import Authority
from mockkms.server.wire.tls import loaded
from mockkms.vault.secrets.peer import PeerAnswer, offline
from tests.vault.driving import World
from tests.vault.secrets.standin import StandIn, data_of, mounted, standing_in
from tests.waiting import PATIENCE

pytestmark = pytest.mark.flavors("vault")


@pytest.fixture
def deaf() -> Iterator[socket.socket]:
    """A server that says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        yield listening


def address(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def consul() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


def test_other_requests_are_answered_while_a_server_does_not(
    deaf: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "PATIENCE", PATIENCE)
    with MockKMS() as kms, ThreadPoolExecutor(1) as pool:
        vault = hvac.Client(kms.url, token=kms.token)
        vault.sys.enable_secrets_engine("consul")
        vault.write("consul/config/access", address=address(deaf), token="t")
        vault.write("consul/roles/r", consul_policies="p")
        waiting = pool.submit(lambda: vault.adapter.request("GET", "v1/consul/creds/r", raise_exception=False))
        accepted, _ = deaf.accept()
        other = hvac.Client(kms.url, token=kms.token)
        other.secrets.kv.v2.create_or_update_secret("a", {"b": 1})
        assert not waiting.done()
        accepted.close()
        assert waiting.result().status_code == 400


def test_a_server_that_says_nothing_is_given_up(
    deaf: socket.socket, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "PATIENCE", 0.2)
    write = mounted(world, "consul")
    write("config/access", address=address(deaf), token="t")
    write("roles/r", consul_policies="p")
    answer = world.ask("read", "e/creds/r")
    assert (answer.status, answer.errors) == (
        400,
        [f'Put "http://{address(deaf)}/v1/acl/token": context deadline exceeded'],
    )


def test_leases_end_while_their_server_does_not_answer(deaf: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that are due end before the next request, which waits; others are answered."""
    monkeypatch.setattr(outside, "PATIENCE", PATIENCE)
    with MockKMS() as kms, ThreadPoolExecutor(1) as pool:
        vault = hvac.Client(kms.url, token=kms.token)
        vault.sys.enable_secrets_engine("consul")
        vault.write("consul/config/access", address="consul.test", token="t")
        vault.write("consul/roles/r", consul_policies="p", ttl="1m")
        vault.read("consul/creds/r")
        vault.write("consul/config/access", address=address(deaf), token="t")
        kms.clock.advance(61)
        waiting = pool.submit(lambda: vault.adapter.request("GET", "v1/sys/mounts"))
        accepted, _ = deaf.accept()
        other = hvac.Client(kms.url, token=kms.token)
        other.secrets.kv.v2.create_or_update_secret("a", {"b": 1})
        assert not waiting.done()
        accepted.close()
        assert waiting.result() is not None


@pytest.mark.parametrize("body", ["", "[]", "nonsense", '{"SecretID": 5}', "[" * 5000])
def test_an_answer_of_another_shape_is_survived(world: World, consul: StandIn, body: str) -> None:
    write = mounted(world, "consul")
    write("config/access", address=consul.url.removeprefix("http://"), token="t")
    write("roles/r", consul_policies="p")
    consul.answers["PUT", "/v1/acl/token"] = 200, body
    assert data_of(world.ask("read", "e/creds/r"))["token"] == ""


def client_pair() -> tuple[str, str]:
    """A self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), begin, begin + datetime.timedelta(days=9)
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return builder.sign(key, hashes.SHA256()).public_bytes(pem).decode(), secret.decode()


@pytest.mark.parametrize("engine", ["consul", "nomad"])
def test_client_certificates_are_presented(world: World, engine: str) -> None:
    """The server refuses the handshake of clients without a certificate that it knows."""
    authority = Authority()
    served, (own, key) = authority.issue(("127.0.0.1",)), client_pair()
    context = loaded(served.certificate + served.key)
    context.load_verify_locations(cadata=own)
    context.verify_mode = ssl.CERT_REQUIRED
    with standing_in(context) as server:
        write = mounted(world, engine)
        where = server.url.removeprefix("https://") if engine == "consul" else server.url
        access = {"address": where, "scheme": "https", "token": "t", "ca_cert": authority.certificate.decode()}
        write("config/access", **access, client_cert=own, client_key=key)
        write("roles/r", consul_policies="p")
        write("role/r", policies="p")
        server.answers["PUT", "/v1/acl/token"] = 200, {"SecretID": "issued", "AccessorID": "a-1"}
        issued = data_of(world.ask("read", "e/creds/r"))
        assert issued.get("token", issued.get("secret_id")) == "issued"
        write("config/access", **access, client_cert="", client_key="")
        assert world.ask("read", "e/creds/r").errors is not None


def test_what_an_answer_has() -> None:
    answer = PeerAnswer(200, b'{"a": {"b": "c"}, "n": 1}\n')
    assert answer.ok
    assert (answer.member("a", "b"), answer.member("n"), answer.member("a", "x", "y")) == ("c", "", "")
    assert not PeerAnswer(404, b"").ok


def test_nothing_is_asked_offline(world: World, consul: StandIn) -> None:
    write = mounted(world, "consul")
    with offline():
        write("config/access", address=consul.url.removeprefix("http://"), token="t")
        write("roles/r", consul_policies="p")
        assert data_of(world.ask("read", "e/creds/r"))["token"]
    assert consul.lines == []


def test_a_kubernetes_cluster_that_says_nothing_has_one_deadline(
    deaf: socket.socket, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The labels of the namespace, the objects, and the removal of what may exist of them share it."""
    monkeypatch.setattr(outside, "PATIENCE", 1.0)
    asked: list[tuple[str, float | None]] = []
    ask = outside.ask

    def noting(method: str, *parts: Any, seconds: float | None = None) -> tuple[int, bytes]:
        asked.append((method, seconds))
        return ask(method, *parts, seconds=0.1)

    monkeypatch.setattr(outside, "ask", noting)
    write = mounted(world, "kubernetes")
    write("config", kubernetes_host=f"http://{address(deaf)}", service_account_jwt="t")
    write("roles/r", allowed_kubernetes_namespaces="a", generated_role_rules="rules: []")
    answer = world.ask("update", "e/creds/r")
    assert "context deadline exceeded" in (answer.errors or [""])[0]
    assert [method for method, _ in asked] == ["POST", "DELETE", "DELETE", "DELETE"]
    assert all(seconds is not None and seconds <= 2.0 for _, seconds in asked)
    monkeypatch.setattr(outside, "PATIENCE", -1.0)
    answer = world.ask("update", "e/creds/r")
    assert "context deadline exceeded" in (answer.errors or [""])[0]
    assert [method for method, _ in asked[4:]] == ["DELETE", "DELETE", "DELETE"], "too late to ask for more"
