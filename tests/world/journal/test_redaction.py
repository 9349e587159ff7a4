"""A redacting journal keeps bodies whose secrets nobody can read, of every kind of request that carries one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import requests

from mockkms import Kms, MockKMS, RemoteKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.journal.bounds import PART_LIMIT
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.redaction import PARSED, redact

SECRET = "tOpSeCrEt"
PLAIN = base64.b64encode(SECRET.encode()).decode()


pytestmark = pytest.mark.server(rng=4, root_token="the-root-token")


def call(kms: Kms, method: str, path: str, data: Any = None, token: str = "", **headers: str) -> Any:
    headers["X-Vault-Token"] = token or kms.token
    answer = requests.request(method, f"{kms.url}/v1/{path}", json=data, headers=headers, timeout=60)
    return answer.json() if answer.content else {}


def use_everything(kms: Kms) -> set[str]:
    """Requests of every kind that carries secrets; returns these."""
    for path, kind in (("transit", "transit"), ("kv1", "kv"), ("pki", "pki")):
        call(kms, "POST", f"sys/mounts/{path}", {"type": kind})
    for method in ("approle", "userpass"):
        call(kms, "POST", f"sys/auth/{method}", {"type": method})
    call(kms, "POST", "secret/data/app", {"data": {"password-of-db": SECRET, "deep": {"list": [SECRET]}}})
    call(kms, "GET", "secret/data/app")
    call(kms, "PATCH", "secret/data/app", {"data": {"other": SECRET}})
    call(kms, "POST", "kv1/app", {"anything": SECRET})
    call(kms, "GET", "kv1/app")
    call(kms, "POST", "cubbyhole/mine", {"anything": SECRET})
    call(kms, "GET", "cubbyhole/mine")
    call(kms, "POST", "transit/keys/orders", {"exportable": True})
    sealed = call(kms, "POST", "transit/encrypt/orders", {"plaintext": PLAIN})["data"]["ciphertext"]
    call(kms, "POST", "transit/decrypt/orders", {"batch_input": [{"ciphertext": sealed}]})
    call(kms, "POST", "transit/hmac/orders", {"input": PLAIN})
    exported = call(kms, "GET", "transit/export/encryption-key/orders")["data"]["keys"]["1"]
    datakey = call(kms, "POST", "transit/datakey/plaintext/orders", {})["data"]["plaintext"]
    call(kms, "POST", "auth/userpass/users/ann", {"password": SECRET})
    token = call(kms, "POST", "auth/userpass/login/ann", {"password": SECRET})["auth"]["client_token"]
    call(kms, "POST", "auth/approle/role/web", {})
    role = call(kms, "GET", "auth/approle/role/web/role-id")["data"]["role_id"]
    secret_id = call(kms, "POST", "auth/approle/role/web/secret-id", {})["data"]["secret_id"]
    login = {"role_id": role, "secret_id": secret_id}
    other = call(kms, "POST", "auth/approle/login", login)["auth"]["client_token"]
    call(kms, "POST", "auth/token/create", {"id": "chosen-" + SECRET})
    call(kms, "POST", "auth/token/lookup", {"token": token})
    call(kms, "GET", "auth/token/lookup-self", token=token)
    wrapped = call(kms, "GET", "secret/data/app", **{"X-Vault-Wrap-TTL": "60"})["wrap_info"]["token"]
    call(kms, "POST", "sys/wrapping/unwrap", {"token": wrapped})
    pki = call(kms, "POST", "pki/root/generate/exported", {"common_name": "ca", "key_type": "ec"})["data"][
        "private_key"
    ]
    call(kms, "POST", "nowhere/at/all", {"who": SECRET})
    call(kms, "PUT", "sys/unseal", {"key": kms.unseal_keys[0]})
    random = call(kms, "POST", "sys/tools/random/16", {})["data"]["random_bytes"]
    requests.post(
        f"{kms.url}/v1/secret/data/form", data=f"data={SECRET}", headers={"X-Vault-Token": kms.token}, timeout=60
    )
    pem = pki.splitlines()[1]
    return {
        SECRET,
        PLAIN,
        exported,
        datakey,
        token,
        other,
        secret_id,
        wrapped,
        pem,
        kms.unseal_keys[0],
        random,
        kms.token,
    }


def shown(kms: Kms) -> str:
    """All that anybody can be shown of the journal."""
    return json.dumps([entry.data() for entry in kms.journal]) + kms.journal.table()


def test_no_secret_is_kept(kms: MockKMS) -> None:
    secrets = use_everything(kms)
    told = shown(kms)
    assert [secret for secret in secrets - {kms.token} if secret not in told] == [], "all are there without redaction"
    kms.load()
    kms.journal.redact = True
    secrets = use_everything(kms)
    told = shown(kms)
    assert [secret for secret in secrets if secret in told] == []
    assert not any(SECRET.encode() in entry.body + entry.answer for entry in kms.journal)


def test_the_shape_is_kept(kms: MockKMS) -> None:
    kms.journal.redact = True
    use_everything(kms)
    written = kms.journal.entries("secret/data/app", operation="write")[0]
    assert written.fields == {"data": {"password-of-db": "(redacted)", "deep": {"list": ["(redacted)"]}}}
    assert json.loads(written.answer)["data"]["version"] == 1
    read = json.loads(kms.journal.entries("secret/data/app", operation="read")[0].answer)["data"]
    assert read["data"] == written.fields["data"]
    assert read["metadata"]["version"] == 1
    login = kms.journal.entries("auth/approle/login")[0]
    assert login.fields["secret_id"] == "(redacted)"
    assert json.loads(login.answer)["auth"]["token_policies"] == ["default"]
    kms.journal.assert_called("transit/encrypt/orders", body={"plaintext": True}, times=1)
    [form] = kms.journal.entries("secret/data/form")
    assert form.body == b"(redacted: 14 bytes)"


def test_names_and_errors_stay_readable(kms: MockKMS) -> None:
    kms.journal.redact = True
    call(kms, "POST", "secret/data/app", {"data": {"n": 1}, "options": {"cas": 7}})
    call(kms, "POST", "secret/data/app", {"data": {"n": 1}})
    call(kms, "LIST", "secret/metadata")
    requests.get(kms.rustfs_url + "/rustfs/admin/v3/kms/key/status?keyName=k", timeout=60)
    kms.faults.add("sys/health", answer="bad-gateway")
    call_raw = requests.get(kms.url + "/v1/sys/health", timeout=60)
    refused, _, listed, admin, gateway = kms.journal
    assert (refused.fields["options"], b"check-and-set" in refused.answer) == ({"cas": 7}, True)
    assert json.loads(listed.answer)["data"] == {"keys": ["app"]}
    assert "code" in json.loads(admin.answer)
    assert gateway.answer == call_raw.content


def entry(body: bytes, answer: bytes = b"", status: int = 200) -> Entry:
    made = Entry(0, "vault", "POST", "/v1/secret/data/a", {}, body, None, status, answer, 0)
    redact(made)
    return made


def test_configurations_of_the_admin_api() -> None:
    asked = {
        "backend_type": "vault", "auth_method": {"approle": {"role_id": "r", "secret_id": SECRET}},
        "vault_token": SECRET, "vault_app_role_secret_id": SECRET, "master_key": SECRET, "default_key_id": "k",
    }  # fmt: skip
    made = Entry(
        0, "rustfs", "POST", "/rustfs/admin/v3/kms/configure", {}, json.dumps(asked).encode(), None, 200, b"", 0
    )
    redact(made)
    kept = json.loads(made.body)
    assert SECRET not in made.body.decode()
    assert (kept["backend_type"], kept["default_key_id"]) == ("vault", "k")
    assert kept["auth_method"]["approle"] == {"role_id": "r", "secret_id": "(redacted)"}


def test_long_deep_and_broken_bodies_are_bounded() -> None:
    long = b'{"a": "' + b"x" * PARSED + b'"}'
    assert entry(long).body == b"(redacted: %d bytes)" % len(long)
    deep = b"[" * 100_000 + b"]" * 100_000
    assert entry(deep, deep).answer == b"(redacted: 200000 bytes)"
    assert entry(b'{"token": "x').body == b"(redacted: 12 bytes)"
    assert entry(b"").body == b""
    assert entry(b'["s.%s", 1, null, true, ""]' % (b"a" * 24)).body == b'["(redacted)","(redacted)",null,true,""]'


def test_a_body_of_the_longest_length_is_parsed() -> None:
    for length, parsed in ((PARSED, True), (PARSED + 1, False)):
        body = b'{"options":{"a":"%s"}}' % (b"x" * (length - 20))
        assert len(body) == length
        assert (entry(body).body == b'{"options":{"a":"(redacted)"}}') is parsed


@pytest.mark.parametrize(
    ("status", "answer", "kept"),
    [
        (400, b'{"password": "pw"}', b'{"password":"(redacted)"}'),
        (400, b'[{"password": "pw"}]', b'[{"password":"(redacted)"}]'),
        (400, b"<p>password=pw </p>", b"<p>password=(redacted) </p>"),
        (399, b"<p>password=pw </p>", b"(redacted: 19 bytes)"),
        (200, b'{"errors": ["\xc3\xbc"], "token": 5}', b'{"errors":["\xc3\xbc"],"token":"(redacted)"}'),
        (200, b'{"errors": ["\\ud800"]}', b'{"errors":["?"]}'),
        (400, b"", b""),
    ],
)
def test_answers(status: int, answer: bytes, kept: bytes) -> None:
    assert entry(b"", answer, status).answer == kept


def test_every_part_of_an_entry() -> None:
    token = "custom-token"
    request = Request(Operation.UPDATE, "config", token=token)
    request.trace.endpoint, request.trace.hint, request.trace.rule = "config", f"a {token}", f'path "{token}/*"'
    trace = request.trace
    made = Entry(
        0, "vault", "POST", f"/v1/config/{token}?q=password-4711&page=1",
        {"X-Vault-Token": token, "X-Vault-Request": "true", "User-Agent": f"curl {token}", "Cookie": "a"},
        b'{"password": "password-4711"}', request, 200, b'{"data": {"a": "password-4711"}}', 0,
        unexpected=f"no {token} for password-4711",
    )  # fmt: skip
    redact(made, lambda text: text == token)
    assert made.target == made.shown_target == "/v1/config/(token)?q=(redacted)&page=1"
    assert made.headers == {
        "X-Vault-Token": "(redacted)", "X-Vault-Request": "true", "User-Agent": "curl (redacted)",
        "Cookie": "(redacted)",
    }  # fmt: skip
    assert (made.body, made.answer) == (b'{"password":"(redacted)"}', b'{"data":{"a":"(redacted)"}}')
    assert made.unexpected == "no (redacted) for (redacted)"
    assert (made.trace.hint, made.trace.rule) == ("a (redacted)", 'path "(redacted)/*"')
    assert (trace.hint, trace.rule) == (f"a {token}", f'path "{token}/*"'), "the request's own trace is unchanged"
    assert made.shortened == ()


def test_equal_requests_stay_equal() -> None:
    hidden = [entry(body).hidden for body in (b'{"data": {"a": 1}}', b'{"data": {"a": 1}}', b'{"data": {"a": 2}}')]
    assert hidden[0] == hidden[1] != hidden[2]
    one, other = (Entry(0, "vault", "GET", target, {}, b"", None, 200, b"", 0) for target in ("/v1/a", "/v1/b"))
    redact(one)
    redact(other)
    assert one.hidden != other.hidden


@pytest.mark.parametrize(("length", "cut"), [(PART_LIMIT, False), (PART_LIMIT + 1, True)])
def test_long_targets_are_cut(length: int, cut: bool) -> None:
    target = "/v1/" + "a/" * length
    made = Entry(0, "vault", "GET", target[:length], {}, b"", None, 200, b"", 0)
    redact(made)
    assert made.shortened == (("target",) if cut else ())
    assert made.target == target[:PART_LIMIT]


def test_bodies_are_cut_after_their_secrets_are_gone(kms: MockKMS) -> None:
    kms.journal.redact = True
    call(kms, "POST", "secret/data/app", {"options": {"pad": "x" * 20_000}, "data": {"n": SECRET}})
    assert len(kms.journal[-1].body) == 16 * 1024
    assert SECRET.encode() not in kms.journal[-1].body


def test_the_switch_in_every_way(kms: MockKMS) -> None:
    def seen() -> str:
        call(kms, "POST", "secret/data/app", {"data": {"n": SECRET}})
        return kms.journal[-1].body.decode()

    assert SECRET in seen()
    with RemoteKMS(kms.url) as remote:
        assert (remote.journal.redact, remote.faults.header) == (False, False)
        remote.journal.redact = remote.faults.header = True
        assert (remote.journal.redact, remote.faults.header) == (True, True)
        assert remote.call("GET", "state")["redact"] is True
    assert (kms.journal.redact, kms.faults.header) == (True, True)
    assert SECRET not in seen()
    kms.load("journal: {redact: true}\nfault_header: true\n")
    assert SECRET not in seen()
    assert "fault_header: true\njournal: {redact: true}\n" in kms.dump()
    tenant = kms.tenant("one")
    assert (tenant.journal.redact, tenant.faults.header) == (True, True)
    kms.snapshot("on")
    kms.load()
    assert SECRET in seen()
    kms.restore("on")
    assert SECRET not in seen()
    kms.load({"clock": "2026-01-01T00:00:00Z"})
    assert (kms.journal.redact, kms.faults.header) == (False, False), "another world begins anew"


def test_a_token_in_a_url_is_never_printed(kms: MockKMS) -> None:
    token = call(kms, "POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    call(kms, "GET", f"auth/token/lookup/{token}")
    call(kms, "GET", "sys/health?token=" + kms.token)
    table = kms.journal.table()
    assert (token in table, kms.token in table, table.count("(token)")) == (False, False, 2)


def test_the_linter_distinguishes_redacted_bodies(kms: MockKMS) -> None:
    kms.journal.redact = True
    call(kms, "POST", "sys/auth/userpass", {"type": "userpass"})
    for password in ("one", "two", "two"):
        call(kms, "POST", "auth/userpass/login/nobody", {"password": password})
    assert {entry.body for entry in kms.journal.entries("auth/userpass/login/*")} == {b'{"password":"(redacted)"}'}
    assert [finding.message.partition(" after")[0] for finding in kms.lint()] == [
        "POST /v1/auth/userpass/login/nobody (request 4)"
    ]
