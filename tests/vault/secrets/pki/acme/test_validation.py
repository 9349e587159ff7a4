"""The validation of challenges: repeated attempts, what fails them, and that only this machine is asked.

Sources: builtin/logical/pki/acme_challenge_engine.go (retries, statuses) and acme_challenges.go (checks and texts).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.vault.secrets.pki.acme.validation import hosts
from tests.vault.secrets.pki.acme.conftest import AcmeAuthority
from tests.vault.secrets.pki.acme.responders import AAAA, CNAME, TXT, A
from tests.vault.secrets.pki.acme.wire import PATIENCE, Wire, detail
from tests.waiting import eventually

NAME = "www.example.test"
ADVICE = (
    "; this may occur if the validation target was misconfigured: check that challenge responses are available at the "
    "required locations and retry."
)


def accepted(authority: AcmeAuthority, kind: str = "http-01", name: str = NAME) -> tuple[Wire, dict[str, Any]]:
    """A client, and its accepted challenge."""
    wire = authority.client()
    challenge = wire.challenge(wire.order(name), kind)
    assert wire.post(challenge["url"], {}).json()["status"] == "processing"
    return wire, challenge


def failed(wire: Wire, challenge: dict[str, Any], before: object = None) -> dict[str, Any]:
    """The error of the next attempt that fails, other than ``before``."""
    end = time.monotonic() + PATIENCE
    while True:
        error = wire.post(challenge["url"]).json().get("error")
        if error and error is not before:
            found: dict[str, Any] = error
            return found
        assert time.monotonic() < end
        time.sleep(0.02)


def cause(error: dict[str, Any], challenge: dict[str, Any]) -> str:
    """The part of an error's text that is not the same for all."""
    identifier = challenge["url"].rpartition("/challenge/")[2].replace("/", "-")
    front = "response received didn't match the challenge's requirements: error validating "
    assert error["type"] == "urn:ietf:params:acme:error:incorrectResponse"
    assert (error["status"], error["subproblems"]) == (400, [])
    text = detail(error).removeprefix(f"{front}{challenge['type']} challenge {identifier}: ")
    assert text != detail(error)
    return text.removesuffix(ADVICE)


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_attempts_are_repeated_until_the_seventh(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    asked = authority.others.http.asked
    for count, pause in enumerate((5, 10, 15, 20, 25, 30), 1):
        eventually(lambda count=count: len(asked) == count)
        found = wire.until(challenge["of"], "pending")
        failed(wire, challenge)
        assert found["challenges"][0]["status"] == "processing"
        authority.kms.clock.advance(pause - 3)
        wire.post(challenge["of"])
        authority.kms.clock.advance(3)
        assert len(asked) == count, "the next attempt comes no earlier"
        wire.post(challenge["of"])
    found = wire.until(challenge["of"], "invalid")
    assert len(asked) == 7
    assert found["challenges"][0]["status"] == "invalid"
    assert "error" in found["challenges"][0]
    authority.kms.clock.advance(3600)
    wire.post(challenge["of"])
    assert len(asked) == 7


def test_a_later_attempt_succeeds(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    failed(wire, challenge)
    authority.meet(wire, NAME, challenge)
    assert wire.post(challenge["of"]).json()["status"] == "pending"
    authority.kms.clock.advance(5)
    found = wire.until(challenge["of"], "valid")
    assert "error" not in found["challenges"][0]


@pytest.mark.flavors("openbao", "vault")
def test_texts_of_failures(authority: AcmeAuthority) -> None:
    """Vault names the kind of a failure too: its CHANGELOG for 1.19."""
    reasons = authority.kms.flavor == "vault"
    wire, challenge = accepted(authority)
    kind = "the request message was malformed: " if reasons else ""
    assert cause(failed(wire, challenge), challenge) == (
        f"{kind}http-01: response too small: received 0 < {len(challenge['token']) + 44} bytes"
    )
    wire, challenge = accepted(authority, "dns-01")
    kind = "there was a problem with a DNS query during identifier validation: " if reasons else ""
    resolver = authority.others.names.address
    assert cause(failed(wire, challenge), challenge) == (
        f"{kind}dns-01: failed to lookup TXT records for domain (_acme-challenge.{NAME}) via resolver {resolver}: "
        f"lookup _acme-challenge.{NAME} on {resolver}: no such host"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x" * 600, "the request message was malformed: http-01: response too large: received 513 > 512 bytes"),
        ("x" * 100, "the request message was malformed: invalid authorization: got 1 parts, expected 2"),
        ("x" * 40 + "." + "y" * 60,
         "response received didn't match the challenge's requirements: key authorization was invalid"),
    ],
)  # fmt: skip
def test_texts_that_an_http_server_may_send(authority: AcmeAuthority, text: str, expected: str) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    authority.others.http.texts[f"/.well-known/acme-challenge/{challenge['token']}"] = text
    wire.post(challenge["url"], {})
    assert cause(failed(wire, challenge), challenge) == expected


def test_redirects(authority: AcmeAuthority) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    texts = authority.others.http.texts
    path = f"/.well-known/acme-challenge/{challenge['token']}"
    texts[path] = "/elsewhere"
    texts["/elsewhere"] = f"http://localhost:{authority.others.http.port}/third"
    texts["/third"] = f"  {challenge['token']}.{wire.thumbprint}\n"
    wire.post(challenge["url"], {})
    wire.until(challenge["of"], "valid")
    assert [host for host, _ in authority.others.http.asked] == [
        NAME, NAME, f"localhost:{authority.others.http.port}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("loop", "http-01: too many redirects: 10"),
        ("http://192.0.2.1/", "dial tcp 192.0.2.1: connect: network is unreachable"),
        ("http://mockkms.invalid/", "no such host"),
        ("http:" + "x" * 2500, "http-01: redirect url length too long"),
    ],
)
def test_redirects_that_are_not_followed(authority: AcmeAuthority, target: str, expected: str) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    path = f"/.well-known/acme-challenge/{challenge['token']}"
    authority.others.http.texts[path] = path if target == "loop" else target
    wire.post(challenge["url"], {})
    assert expected in cause(failed(wire, challenge), challenge)
    assert len(authority.others.http.asked) == (9 if target == "loop" else 1)


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ({"critical": False}, "certificate with an acmeIdentifier extension marked non-Critical"),
        ({"more": ("other.example.test",)}, "certificate with incorrect SANs"),
        ({"count": 0}, "certificate without the required acmeIdentifier extension"),
        ({"issuer": "y"}, "non-self-signed certificate: invalid subject (CN=x) <-> issuer (CN=y) match"),
    ],
)
def test_certificates_that_do_not_fit(authority: AcmeAuthority, odd: dict[str, Any], expected: str) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "tls-alpn-01")
    authority.others.tls.meet(NAME, challenge["token"], wire.thumbprint, **odd)
    wire.post(challenge["url"], {})
    front = "the server received a TLS error during validation: tls-alpn-01: failed to perform handshake: "
    assert cause(failed(wire, challenge), challenge) == f"{front}server under test returned a {expected}"


def test_certificates_of_others(authority: AcmeAuthority) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "tls-alpn-01")
    authority.others.tls.meet(NAME, challenge["token"], "other")
    wire.post(challenge["url"], {})
    assert "invalid key authorization" in cause(failed(wire, challenge), challenge)
    wire, challenge = accepted(authority, "tls-alpn-01", "unknown.example.test")
    assert "tls-alpn-01: failed to perform handshake: " in cause(failed(wire, challenge), challenge)
    challenge = wire.challenge(wire.order(NAME), "tls-alpn-01")
    authority.others.tls.protocols = ["http/1.1", "acme-tls/1"][:1]
    authority.meet(wire, NAME, challenge)
    wire.post(challenge["url"], {})
    assert "tls-alpn-01: failed to perform handshake: " in cause(failed(wire, challenge), challenge)


def test_names_are_resolved_by_the_given_server(authority: AcmeAuthority) -> None:
    names = authority.others.names
    names.add("a.other.test", A, "127.0.0.1")
    names.add("b.other.test", CNAME, "a.other.test")
    names.add("c.other.test", A, "192.0.2.7")
    names.add("d.other.test", TXT, "no address")
    names.add("e.other.test", AAAA, "::2")
    wire = authority.client()
    for name in ("a.other.test", "b.other.test", "x.localhost"):
        challenge = wire.challenge(wire.order(name), "http-01")
        authority.meet(wire, name, challenge)
        wire.post(challenge["url"], {})
        wire.until(challenge["of"], "valid")
    assert "x.localhost" not in names.asked
    for name, text in (
        ("c.other.test", "dial tcp 192.0.2.7: connect: network is unreachable"),
        ("d.other.test", f"dial tcp: lookup d.other.test on {names.address}: no such host"),
        ("e.other.test", "dial tcp [::2]: connect: network is unreachable"),
        ("none.other.test", f"dial tcp: lookup none.other.test on {names.address}: no such host"),
    ):
        wire, challenge = accepted(authority, name=name)
        url = f"http://{name}/.well-known/acme-challenge/{challenge['token']}"
        front = "the server could not connect to validation target: http-01: failed to fetch path"
        assert cause(failed(wire, challenge), challenge) == f'{front} {url}: Get "{url}": {text}'
    assert "acme.hosts" in authority.kms.journal[-1].hint


def test_long_responses_come_over_tcp(authority: AcmeAuthority) -> None:
    authority.others.names.long = True
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "dns-01")
    authority.others.names.add(f"_acme-challenge.{NAME}", TXT, *(f"other {number}" for number in range(40)))
    authority.meet(wire, NAME, challenge)
    wire.post(challenge["url"], {})
    wire.until(challenge["of"], "valid")


@pytest.mark.parametrize("resolver", ["", "192.0.2.53:53", "127.0.0.1:1"])
def test_no_other_name_server_is_asked(authority: AcmeAuthority, resolver: str) -> None:
    authority.write("config/acme", dns_resolver=resolver)
    wire, challenge = accepted(authority, "dns-01", "mockkms.invalid")
    text = cause(failed(wire, challenge), challenge)
    reasons = {"": "no such host", "192.0.2.53:53": "network is unreachable", "127.0.0.1:1": "read udp: "}
    assert reasons[resolver] in text


def test_the_file_of_hosts(authority: AcmeAuthority, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hosts"
    file.write_text("# comment\n127.0.0.1 here.other.test Second.other.test # local\n192.0.2.1 there.other.test\nx y\n")
    monkeypatch.setattr(hosts, "HOSTS_FILE", file)
    wire = authority.client()
    challenge = wire.challenge(wire.order("second.other.test"), "http-01")
    authority.meet(wire, "", challenge)
    wire.post(challenge["url"], {})
    wire.until(challenge["of"], "valid")
    wire, challenge = accepted(authority, name="there.other.test")
    assert "network is unreachable" in cause(failed(wire, challenge), challenge)


def test_addresses_that_the_settings_exclude(authority: AcmeAuthority) -> None:
    """Source: the API's page of config/acme, ``challenge_permitted_ip_ranges`` and ``challenge_excluded_ip_ranges``."""
    refused = "http-01: address 127.0.0.1 is not permitted by the ACME configuration"
    for settings in ({"challenge_excluded_ip_ranges": "127.0.0.0/8"}, {"challenge_permitted_ip_ranges": "10.0.0.0/8"}):
        authority.write("config/acme", challenge_excluded_ip_ranges="", challenge_permitted_ip_ranges="")
        authority.write("config/acme", **settings)
        wire, challenge = accepted(authority)
        assert cause(failed(wire, challenge), challenge).endswith(refused)
    authority.write("config/acme", challenge_permitted_ip_ranges="127.0.0.1")
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    authority.meet(wire, NAME, challenge)
    wire.post(challenge["url"], {})
    wire.until(challenge["of"], "valid")


class Silent:
    """A server that accepts connections and says nothing."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        self.reached = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self.listener.accept()[0])
            except OSError:
                return
            self.reached.set()

    def hang_up(self) -> None:
        """Close the connections."""
        for one in self.connections:
            one.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    """A server that says nothing."""
    made = Silent()
    yield made
    made.hang_up()
    made.listener.shutdown(socket.SHUT_RDWR)
    made.listener.close()


def test_other_requests_are_answered_meanwhile_and_a_reset_ends_it(authority: AcmeAuthority, silent: Silent) -> None:
    wire = authority.client()
    authority.kms.set_baseline()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    path = f"/.well-known/acme-challenge/{challenge['token']}"
    authority.others.http.texts[path] = f"http://localhost:{silent.port}/"
    wire.post(challenge["url"], {})
    assert silent.reached.wait(PATIENCE)
    assert wire.post(challenge["of"]).json()["challenges"][0]["status"] == "processing"
    assert wire.post(challenge["url"], {}).json()["status"] == "processing"
    assert len(silent.connections) == 1, "a challenge is accepted once"
    authority.kms.reset()
    silent.hang_up()
    eventually(lambda: not any(thread.name == "mockkms background" for thread in threading.enumerate()))
    assert wire.post(wire.at("orders")).json() == {"orders": []}


@pytest.mark.parametrize(
    ("ends", "text"), [(True, "EOF"), (False, "net/http: timeout awaiting response headers")]
)  # fmt: skip
def test_servers_that_say_nothing(
    authority: AcmeAuthority, silent: Silent, monkeypatch: pytest.MonkeyPatch, ends: bool, text: str
) -> None:
    monkeypatch.setattr("mockkms.outside.PATIENCE", 1.0)
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    path = f"/.well-known/acme-challenge/{challenge['token']}"
    authority.others.http.texts[path] = f"http://localhost:{silent.port}/"
    wire.post(challenge["url"], {})
    assert silent.reached.wait(PATIENCE)
    if ends:
        silent.hang_up()
    assert cause(failed(wire, challenge), challenge).endswith(text)


def test_where_nothing_listens(authority: AcmeAuthority) -> None:
    wire = authority.client()
    challenge = wire.challenge(wire.order(NAME), "http-01")
    path = f"/.well-known/acme-challenge/{challenge['token']}"
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    authority.others.http.texts[path] = f"http://localhost:{port}/"
    wire.post(challenge["url"], {})
    refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
    assert cause(failed(wire, challenge), challenge).endswith(refused)


def test_a_restored_world_validates_what_was_accepted(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    failed(wire, challenge)
    kept = authority.kms.snapshot()
    authority.meet(wire, NAME, challenge)
    authority.kms.clock.advance(5)
    wire.until(challenge["of"], "valid")
    authority.kms.restore(kept)
    assert wire.post(challenge["of"]).json()["status"] == "pending"
    authority.kms.clock.advance(5)
    wire.until(challenge["of"], "valid")


def test_a_dumped_world_goes_on(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    failed(wire, challenge)
    authority.meet(wire, NAME, challenge)
    with MockKMS(seed=authority.kms.dump()) as other:
        # Addresses in requests stay those of config/cluster, as behind a load balancer.
        wire.servers = (authority.kms.url, other.url)
        other.clock.advance(5)
        wire.until(challenge["of"], "valid")


def test_one_challenge_of_an_authorization_is_accepted(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    other = challenge["url"].replace("http-01", "dns-01")
    assert detail(wire.post(other, {}).json()) == (
        "error submitting challenge for validation: the request message was malformed: only a single challenge within "
        "an authorization can be accepted (http-01) in status processing"
    )
    assert detail(wire.post(challenge["url"], {"a": 1}).json()) == (
        "unexpected request parameters: the request message was malformed"
    )
    assert detail(wire.post(challenge["url"].replace("http-01", "x"), {}).json()) == (
        "unknown challenge of type 'x' in authorization: the request message was malformed"
    )


def test_deactivated_authorizations(authority: AcmeAuthority) -> None:
    wire, challenge = accepted(authority)
    failed(wire, challenge)
    found = wire.post(challenge["of"], {"status": "deactivated"}).json()
    assert found["status"] == "deactivated"
    assert {one["status"] for one in found["challenges"]} == {"invalid"}
    authority.meet(wire, NAME, challenge)
    authority.kms.clock.advance(5)
    assert wire.post(challenge["of"]).json()["status"] == "deactivated"
    refused = wire.post(challenge["of"], {"status": "deactivated"}).json()
    assert refused["detail"].startswith("unable to deactivate authorization in 'deactivated' status")
    assert wire.post(challenge["of"], {"status": 1}).json()["detail"].startswith("bad type (float64) for value")
    assert wire.post(challenge["of"], {"other": 1}).status_code == 400
