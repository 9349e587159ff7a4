"""Kinds of secrets, each sent through a real server: a redacting journal shows none of them, in no output."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from pytest_mockkms.active import _report

from mockkms import MockKMS

SECRET = "tOpSeCrEt-4711-xyz"
PLAIN = base64.b64encode(SECRET.encode()).decode()
CUSTOM = "custom-token-of-a-user"
PRIVATE = "MC4CAQAwBQYDK2VwBCIEIKLRyDGYaVnCuF7B3ECvXVSYH7dLcUjj2mqPjEhRQcTP"
PEM = f"-----BEGIN PRIVATE KEY-----\n{PRIVATE}\n-----END PRIVATE KEY-----\n"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ." + "c2lnbmF0dXJlLW9mLWE" * 4


class Client:
    """Sends requests and keeps what they answer."""

    def __init__(self, kms: MockKMS) -> None:
        self.kms = kms

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        headers = {"X-Vault-Token": self.kms.token} | {name.replace("_", "-"): text for name, text in headers.items()}
        answer = requests.request(method, f"{self.kms.url}/v1/{path}", json=data, headers=headers, timeout=10)
        return answer.json() if answer.content[:1] == b"{" else {}

    def form(self, path: str, body: str) -> None:
        """Send a form."""
        kind = {"X-Vault-Token": self.kms.token, "Content-Type": "application/x-www-form-urlencoded"}
        requests.post(f"{self.kms.url}/v1/{path}", data=body, headers=kind, timeout=10)

    def mount(self, kind: str) -> None:
        """Mount a secrets engine."""
        self("POST", f"sys/mounts/{kind}", {"type": kind})

    def key(self) -> str:
        """Make an exportable transit key; returns its name."""
        self.mount("transit")
        self("POST", "transit/keys/k", {"exportable": True})
        return "k"

    def enable(self, kind: str) -> None:
        """Enable an auth method."""
        self("POST", f"sys/auth/{kind}", {"type": kind})


Kind = Callable[[Client], Any]
KINDS: dict[str, Kind] = {}


def kind(name: str) -> Callable[[Kind], Kind]:
    """Register a kind: a function that sends secrets and returns them."""

    def keep(made: Kind) -> Kind:
        KINDS[name] = made
        return made

    return keep


def _of(name: str, send: Callable[[Client], Any], *secrets: str) -> None:
    def made(ask: Client) -> Any:
        send(ask)
        return secrets

    KINDS[name] = made


@kind("service token in an answer")
def _(ask: Client) -> Any:
    return [ask("POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]]


@kind("batch token")
def _(ask: Client) -> Any:
    auth = ask("POST", "auth/token/create", {"policies": ["default"], "type": "batch"})["auth"]
    ask("GET", "auth/token/lookup-self", X_Vault_Token=auth["client_token"])
    ask("GET", "auth/token/lookup/" + auth["client_token"])
    return [auth["client_token"]]


@kind("custom token id in a field, a path, a query, a header, a text and a role's list")
def _(ask: Client) -> Any:
    ask("POST", "auth/token/create", {"id": CUSTOM, "policies": ["default"]})
    ask("POST", "auth/token/lookup", {"token": CUSTOM})
    ask("GET", f"auth/token/lookup/{CUSTOM}")
    ask("GET", f"secret/data/{CUSTOM}")
    ask("GET", f"sys/health?about={CUSTOM}")
    ask("GET", "sys/health", X_Other=CUSTOM, Referer=f"http://localhost/?x={CUSTOM}")
    ask("POST", "sys/policies/acl/p", {"policy": f'path "{CUSTOM}" {{}}'})
    ask("POST", "auth/token/revoke", {"token": CUSTOM})
    ask("GET", f"never/heard/of/{CUSTOM}")
    return [CUSTOM]


@kind("root token")
def _(ask: Client) -> Any:
    ask("GET", "auth/token/lookup-self")
    ask("GET", f"sys/health?x={ask.kms.token}")
    return [ask.kms.token]


@kind("bearer token")
def _(ask: Client) -> Any:
    token = ask("POST", "auth/token/create", {})["auth"]["client_token"]
    requests.get(f"{ask.kms.url}/v1/sys/mounts", headers={"Authorization": "Bearer " + token}, timeout=5)
    return [token]


@kind("wrapping token")
def _(ask: Client) -> Any:
    token = ask("POST", "sys/wrapping/wrap", {"a": SECRET}, X_Vault_Wrap_TTL="60")["wrap_info"]["token"]
    ask("POST", "sys/wrapping/lookup", {"token": token})
    ask("POST", "sys/wrapping/unwrap", X_Vault_Token=token)
    return [token, SECRET]


@kind("wrapping token as a JWT")
def _(ask: Client) -> Any:
    headers = {"X_Vault_Wrap_TTL": "60", "X_Vault_Wrap_Format": "jwt"}
    token = ask("POST", "sys/wrapping/wrap", {"a": 1}, **headers)["wrap_info"]["token"]
    ask("POST", "sys/wrapping/unwrap", {"token": token})
    return [token]


@kind("unseal key")
def _(ask: Client) -> Any:
    ask("PUT", "sys/unseal", {"key": ask.kms.unseal_keys[0]})
    return [ask.kms.unseal_keys[0]]


@kind("one-time password and encoded token of generate-root")
def _(ask: Client) -> Any:
    started = ask("POST", "sys/generate-root/attempt", {})
    update = {"key": ask.kms.unseal_keys[0], "nonce": started["nonce"]}
    done = ask("POST", "sys/generate-root/update", update)
    ask("POST", "sys/decode-token", {"encoded_token": done["encoded_token"], "otp": started["otp"]})
    return [started["otp"], done["encoded_token"]]


@kind("key shares of a rekey")
def _(ask: Client) -> Any:
    started = ask("POST", "sys/rekey/init", {"secret_shares": 1, "secret_threshold": 1})
    nonce = started["data"]["nonce"] if "data" in started else started["nonce"]
    done = ask("POST", "sys/rekey/update", {"key": ask.kms.unseal_keys[0], "nonce": nonce})
    return [*done["keys"], *done["keys_base64"]]


_of("key shares in a request under any known name", lambda ask: ask("POST", "sys/rekey-recovery-key/update", {
    "key": SECRET, "recovery_keys": [SECRET], "recovery_keys_base64": [PLAIN]}), SECRET, PLAIN)  # fmt: skip
_of("password of userpass", lambda ask: (
    ask.enable("userpass"), ask("POST", "auth/userpass/users/ann", {"password": SECRET}),
    ask("POST", "auth/userpass/login/ann", {"password": SECRET})), SECRET)  # fmt: skip
_of("password hash", lambda ask: ask(
    "POST", "auth/userpass/users/x", {"password_hash": "$2a$04$" + "a" * 53}), "a" * 53)  # fmt: skip
_of("bind password and TLS key of LDAP", lambda ask: (ask.enable("ldap"), ask(
    "POST", "auth/ldap/config", {"url": "ldap://127.0.0.1:1", "bindpass": SECRET, "client_tls_key": PEM})),
    SECRET, PRIVATE)  # fmt: skip
_of(
    "shared secret of RADIUS",
    lambda ask: (ask.enable("radius"), ask("POST", "auth/radius/config", {"host": "127.0.0.1", "secret": SECRET})),
    SECRET,
)
_of("password in connection_url", lambda ask: (ask.mount("database"), ask("POST", "database/config/pg", {
    "plugin_name": "postgresql-database-plugin", "verify_connection": False, "allowed_roles": "*",
    "connection_url": f"postgresql://admin:{SECRET}@127.0.0.1:5432/db"})), SECRET)  # fmt: skip
_of("password of a database connection", lambda ask: ask("POST", "database/config/pg", {
    "plugin_name": "postgresql-database-plugin", "verify_connection": False, "username": "u", "password": SECRET,
    "connection_url": "postgresql://{{username}}:{{password}}@127.0.0.1:5432/db"}), SECRET)  # fmt: skip
_of("password in a URL or connection string under any name", lambda ask: ask("POST", "sys/config/ui/headers/x", {
    "values": [f"postgres://admin:{SECRET}@db/x", f"Server=db;Pwd={SECRET};Timeout=1"]}), SECRET)  # fmt: skip


@kind("password of a dynamic database user")
def _(ask: Client) -> Any:
    config = {
        "plugin_name": "postgresql-database-plugin",
        "verify_connection": False,
        "connection_url": "postgresql://a:b@192.0.2.1/x",
        "allowed_roles": "*",
    }
    ask.mount("database")
    ask("POST", "database/config/pg", config)
    ask("POST", "database/roles/r", {"db_name": "pg", "creation_statements": ["x"]})
    return [ask("GET", "database/creds/r")["data"]["password"]]


@kind("secret id of an AppRole")
def _(ask: Client) -> Any:
    ask.enable("approle")
    ask("POST", "auth/approle/role/web", {})
    role = ask("GET", "auth/approle/role/web/role-id")["data"]["role_id"]
    secret_id = ask("POST", "auth/approle/role/web/secret-id", {})["data"]["secret_id"]
    ask("POST", "auth/approle/role/web/custom-secret-id", {"secret_id": SECRET})
    ask("POST", "auth/approle/login", {"role_id": role, "secret_id": secret_id})
    ask("POST", "auth/approle/role/web/secret-id/lookup", {"secret_id": secret_id})
    return [secret_id, SECRET]


_of("JWT of a login", lambda ask: (ask.enable("jwt"), ask("POST", "auth/jwt/login", {"jwt": JWT, "role": "r"})), JWT)
_of("JWT under any name, in a query and a header", lambda ask: (
    ask("POST", "sys/policies/acl/p", {"policy": f'path "{JWT}" {{}}'}), ask("GET", f"sys/health?x={JWT}"),
    ask("GET", "sys/health", X_Assertion=JWT)), JWT)  # fmt: skip
_of("client secret of OIDC auth", lambda ask: ask("POST", "auth/jwt/config", {
    "oidc_discovery_url": "http://192.0.2.1", "oidc_client_secret": SECRET}), SECRET)  # fmt: skip
_of("reviewer token of Kubernetes", lambda ask: (ask.enable("kubernetes"), ask("POST", "auth/kubernetes/config", {
    "kubernetes_host": "https://192.0.2.1", "token_reviewer_jwt": JWT})), JWT)  # fmt: skip
_of("API token of Okta", lambda ask: (
    ask.enable("okta"), ask("POST", "auth/okta/config", {"org_name": "o", "api_token": SECRET})), SECRET)  # fmt: skip


@kind("signed request of AWS auth")
def _(ask: Client) -> Any:
    ask.enable("aws")
    signed = json.dumps({"Authorization": [f"AWS4-HMAC-SHA256 Signature={SECRET}"]})
    coded = base64.b64encode(signed.encode()).decode()
    ask("POST", "auth/aws/login", {"role": "r", "iam_http_request_method": "POST", "iam_request_headers": coded})
    return [coded]


_of("presigned request and its nonce", lambda ask: (ask.enable("aws"), ask("POST", "auth/aws/login", {
    "iam_http_request_method": "GET", "iam_request_url": PLAIN, "nonce": SECRET, "signature": "c2lnbmF0dXJlLW9m"})),
    PLAIN, SECRET, "c2lnbmF0dXJlLW9m")  # fmt: skip
_of("signed requests of AliCloud and Oracle Cloud", lambda ask: (ask.enable("alicloud"), ask.enable("oci"), ask(
    "POST", "auth/alicloud/login", {"identity_request_url": PLAIN, "identity_request_headers": {"x": SECRET}}), ask(
    "POST", "auth/oci/login/r", {"request_headers": {"authorization": [SECRET]}}), ask.enable("aws"), ask(
    "POST", "auth/aws/login", {"iam_request_headers": {"authorization": [SECRET]}})), PLAIN, SECRET)  # fmt: skip
_of("keytab and ticket of Kerberos", lambda ask: (ask.enable("kerberos"), ask("POST", "auth/kerberos/config", {
    "service_account": "s", "keytab": PLAIN}), ask("POST", "auth/kerberos/login", {"authorization": SECRET},
    Authorization=f"Negotiate {SECRET}")), PLAIN, SECRET)  # fmt: skip
_of("settings of cloud methods", lambda ask: (ask.enable("azure"), ask.enable("cf"), ask.enable("gcp"), ask(
    "POST", "auth/azure/config", {"client_secret": SECRET}), ask("POST", "auth/cf/config", {"cf_password": SECRET,
    "cf_client_secret": PLAIN, "cf_api_mutual_tls_key": PEM, "pcf_password": SECRET}), ask(
    "POST", "auth/gcp/config", {"credentials": f'{{"private_key": "{SECRET}"}}'})), SECRET, PLAIN, PRIVATE)  # fmt: skip


@kind("rotated keys of AWS")
def _(ask: Client) -> Any:
    ask.mount("aws")
    ask("POST", "aws/static-roles/r", {"username": "u", "rotation_period": 3600})
    return [ask("GET", "aws/static-creds/r")["data"]["secret_key"]]


_of("private key as PEM under any name", lambda ask: ask(
    "POST", "sys/policies/acl/p", {"policy": "path \"x\" {} # " + PEM}), PRIVATE)  # fmt: skip


@kind("private key of a certificate, and its bundle")
def _(ask: Client) -> Any:
    ask.mount("pki")
    made = ask("POST", "pki/root/generate/exported", {"common_name": "ca", "key_type": "ec", "format": "pem_bundle"})
    ask("POST", "pki/config/ca", {"pem_bundle": made["data"]["certificate"] + "\n" + made["data"]["private_key"]})
    return [made["data"]["private_key"].splitlines()[1]]


_of("plaintext in base64", lambda ask: (ask.key(),
    ask("POST", "transit/encrypt/k", {"batch_input": [{"plaintext": PLAIN}]})), PLAIN)  # fmt: skip


@kind("random bytes in hex and base64")
def _(ask: Client) -> Any:
    made = ask("POST", "sys/tools/random/24", {"format": "hex"})["data"]["random_bytes"]
    ask.mount("transit")
    return [made, ask("POST", "transit/random/24", {})["data"]["random_bytes"]]


@kind("decrypted plaintext")
def _(ask: Client) -> Any:
    ask.key()
    sealed = ask("POST", "transit/encrypt/k", {"plaintext": PLAIN})["data"]["ciphertext"]
    ask("POST", "transit/decrypt/k", {"ciphertext": sealed})
    return [PLAIN]


@kind("data key")
def _(ask: Client) -> Any:
    ask.key()
    return [ask("POST", "transit/datakey/plaintext/k", {})["data"]["plaintext"]]


@kind("exported transit key and backup")
def _(ask: Client) -> Any:
    ask.key()
    ask("POST", "transit/keys/k/config", {"allow_plaintext_backup": True})
    backup = ask("GET", "transit/backup/k")["data"]["backup"]
    ask("POST", "transit/restore/other", {"backup": backup})
    return [ask("GET", "transit/export/encryption-key/k")["data"]["keys"]["1"], backup]


_of("input of hmac, sign and hash", lambda ask: (ask.key(), ask("POST", "transit/hmac/k", {"input": PLAIN}),
    ask("POST", "sys/tools/hash", {"input": PLAIN})), PLAIN)  # fmt: skip


@kind("TOTP key, URL, bar code and code")
def _(ask: Client) -> Any:
    ask.mount("totp")
    asked = {"generate": True, "issuer": "i", "account_name": "a", "exported": True}
    url = ask("POST", "totp/keys/made", asked)["data"]["url"]
    code = ask("GET", "totp/code/made")["data"]["code"]
    ask("POST", "totp/code/made", {"code": code})
    ask("POST", "totp/keys/given", {"url": "otpauth://totp/i:a?secret=GEZDGNBVGY3TQOJQ&issuer=i"})
    return [url.partition("secret=")[2].partition("&")[0], f'"{code}"', "GEZDGNBVGY3TQOJQ"]


@kind("one-time password of SSH")
def _(ask: Client) -> Any:
    ask.mount("ssh")
    ask("POST", "ssh/roles/otp", {"key_type": "otp", "default_user": "u", "cidr_list": "0.0.0.0/0"})
    otp = ask("POST", "ssh/creds/otp", {"ip": "10.0.0.1"})["data"]["key"]
    ask("POST", "ssh/verify", {"otp": otp})
    return [otp]


@kind("private key of SSH")
def _(ask: Client) -> Any:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + PRIVATE + "\n-----END OPENSSH PRIVATE KEY-----"
    ask("POST", "ssh/config/ca", {"private_key": key, "public_key": "ssh-ed25519 AAAA"})
    return [PRIVATE]


_of("root secret key of AWS", lambda ask: (ask.mount("aws"), ask(
    "POST", "aws/config/root", {"access_key": "AKIA1", "secret_key": SECRET})), SECRET)  # fmt: skip


@kind("generated AWS credentials")
def _(ask: Client) -> Any:
    ask.mount("aws")
    statement = '{"Version": "2012-10-17", "Statement": []}'
    ask("POST", "aws/roles/r", {"credential_type": "iam_user", "policy_document": statement})
    return [ask("GET", "aws/creds/r")["data"]["secret_key"]]


_of("AWS session token under its names", lambda ask: ask("POST", "sys/policies/acl/p", {
    "session_token": SECRET, "security_token": SECRET, "policy": ""}), SECRET)  # fmt: skip
_of("KV 2 value", lambda ask: (ask("POST", "secret/data/app", {"data": {"n": {"deep": [SECRET]}}}),
    ask("GET", "secret/data/app"), ask("PATCH", "secret/data/app", {"data": {"m": SECRET}},
    Content_Type="application/merge-patch+json")), SECRET)  # fmt: skip
_of("KV 1 value", lambda ask: (ask("POST", "sys/mounts/kv1", {"type": "kv"}), ask("POST", "kv1/a", {"n": SECRET}),
    ask("GET", "kv1/a")), SECRET)  # fmt: skip
_of("cubbyhole value", lambda ask: (ask("POST", "cubbyhole/a", {"n": SECRET}), ask("GET", "cubbyhole/a")), SECRET)
_of("SigV4 signature and secret of the admin API", lambda ask: requests.get(
    f"{ask.kms.rustfs_url}/rustfs/admin/v3/kms/key/status?keyName=k&X-Amz-Signature={SECRET}"
    f"&X-Amz-Security-Token={JWT}",
    headers={"Authorization": f"AWS4-HMAC-SHA256 Signature={SECRET}"}, timeout=5), SECRET, JWT)  # fmt: skip
_of("basic credentials", lambda ask: ask("GET", "sys/health", Authorization="Basic " + base64.b64encode(
    f"ann:{SECRET}".encode()).decode()), SECRET, base64.b64encode(f"ann:{SECRET}".encode()).decode())  # fmt: skip
_of("cookie", lambda ask: ask("GET", "sys/health", Cookie=f"session={SECRET}"), SECRET)
_of("control token", lambda ask: ask("GET", "sys/health", X_Mockkms_Token=SECRET), SECRET)
_of("unknown secret headers", lambda ask: ask("GET", "sys/health", X_Acme_Token=SECRET, X_Acme_Key=SECRET,
    X_Acme_Secret=SECRET, X_Api_Key=SECRET, X_Goog_IAP=SECRET), SECRET)  # fmt: skip
_of("second proof in a header", lambda ask: ask("GET", "sys/health", X_Vault_MFA=f"totp:{SECRET}"), SECRET)
_of("second proof in a body", lambda ask: ask("POST", "sys/mfa/validate", {
    "mfa_request_id": "x", "mfa_payload": {"m": [SECRET]}}), SECRET)  # fmt: skip
_of("secrets of MFA methods", lambda ask: ask("POST", "identity/mfa/method/duo", {
    "secret_key": SECRET, "integration_key": SECRET, "api_hostname": "h"}), SECRET)  # fmt: skip
_of("inline login", lambda ask: ask("GET", "sys/health", X_Vault_Inline_Auth_Parameter_1=SECRET), SECRET)
_of("client secret of the identity provider", lambda ask: ask(
    "POST", "identity/oidc/client/c", {"client_secret": SECRET, "client_type": "confidential"}), SECRET)  # fmt: skip
_of("form of an OIDC client", lambda ask: ask.form(
    "identity/oidc/provider/default/token", f"client_secret={SECRET}&code={SECRET}&grant_type=x"), SECRET)  # fmt: skip


@kind("signed identity token")
def _(ask: Client) -> Any:
    ask.enable("userpass")
    ask("POST", "auth/userpass/users/ann", {"password": SECRET})
    token = ask("POST", "auth/userpass/login/ann", {"password": SECRET})["auth"]["client_token"]
    ask("POST", "identity/oidc/key/k", {"allowed_client_ids": "*"})
    ask("POST", "identity/oidc/role/r", {"key": "k"})
    ask("POST", "sys/policies/acl/default", {"policy": 'path "*" { capabilities = ["read", "update"] }'})
    return [ask("GET", "identity/oidc/token/r", X_Vault_Token=token)["data"]["token"], token]


_of("parameter of a query, named as a secret or unknown", lambda ask: (
    ask("GET", f"sys/health?password={SECRET}"), ask("GET", f"sys/health?whatever={SECRET}")), SECRET)  # fmt: skip
_of(
    "body that is not JSON",
    lambda ask: requests.post(
        f"{ask.kms.url}/v1/secret/data/x", data=f"{{{SECRET}", headers={"X-Vault-Token": ask.kms.token}, timeout=5
    ),
    SECRET,
)
_of("anything sent to a path that nothing emulates", lambda ask: ask("POST", "no/such/x", {"n": SECRET}), SECRET)
_of("environment of a plugin", lambda ask: ask("POST", "sys/plugins/catalog/secret/p", {
    "sha256": "0" * 64, "command": "p", "env": [f"KEY={SECRET}"]}), SECRET)  # fmt: skip
_of("password that an error repeats", lambda ask: (ask.kms.faults.add(
    "auth/userpass/login/bob", answer={"status": 500, "body": f"no user with {SECRET}"}),
    ask("POST", "auth/userpass/login/bob", {"password": SECRET}), ask.kms.faults.clear()), SECRET)  # fmt: skip


@kind("password from a policy")
def _(ask: Client) -> Any:
    policy = 'length=24\nrule "charset" { charset = "abcdefghijklmnop" }'
    ask("POST", "sys/policies/password/p", {"policy": policy})
    return [ask("GET", "sys/policies/password/p/generate")["data"]["password"]]


LOG: list[str] = []
"""The lines that ``serve -v`` would write."""


@pytest.fixture(scope="module")
def server() -> Iterator[MockKMS]:
    with MockKMS(rng=4, root_token="the-root-token") as kms:
        kms.world.journal.subscribe(lambda entry: LOG.append(str(entry)))
        yield kms


def outputs(kms: MockKMS, log: list[str]) -> str:
    """Return everything that shows requests: entries, tables, the ``-v`` log, reports, assertions."""
    kms.faults.script = [{"expect": "never/asked"}]
    shown = [json.dumps([entry.data() for entry in kms.journal], ensure_ascii=False), *map(repr, kms.journal), *log]
    shown += [kms.journal.table(), *kms.journal.lines(), str(kms.privileges()), *map(str, kms.lint()), _report(kms)]
    try:
        kms.journal.assert_called("never/asked/for")
    except AssertionError as error:
        shown.append(str(error))
    return "\n".join(shown)


def send(kms: MockKMS, name: str, *, redact: bool) -> tuple[set[str], str]:
    """Send one kind; returns its secrets and everything that is shown."""
    kms.load()
    LOG.clear()
    kms.journal.redact = redact
    secrets = set(KINDS[name](Client(kms)))
    assert LOG, "the lines of -v are looked through too"
    return secrets, outputs(kms, LOG)


def test_there_are_kinds_enough() -> None:
    assert len(KINDS) >= 36


@pytest.mark.parametrize("name", KINDS)
def test_no_output_shows(server: MockKMS, name: str) -> None:
    secrets, shown = send(server, name, redact=True)
    assert secrets
    assert [secret for secret in secrets if secret in shown or json.dumps(secret)[1:-1] in shown] == []
    kept = b"".join(entry.body + entry.answer + entry.target.encode() for entry in server.journal)
    headers = "".join(text for entry in server.journal for text in entry.headers.values())
    assert [secret for secret in secrets if secret.encode() in kept or secret in headers] == []


IN_HEADERS = (
    "AWS session", "SigV4", "JWT under", "parameter", "token", "root token", "basic", "cookie", "control",
    "unknown secret", "second proof in a h", "inline",
)  # fmt: skip
"""Kinds of headers and parameters that no journal shows, or that the server does not take."""


@pytest.mark.parametrize("name", KINDS)
def test_without_redaction_bodies_are_there_and_addresses_have_no_token(server: MockKMS, name: str) -> None:
    secrets, shown = send(server, name, redact=False)
    if not name.startswith(IN_HEADERS):
        assert [secret for secret in secrets if secret not in shown and json.dumps(secret)[1:-1] not in shown] == []
    addresses = [entry.data()["target"] + entry.data()["path"] for entry in server.journal]
    addresses += [*server.journal.lines(), server.journal.table(), str(server.privileges()), *map(str, server.lint())]
    tokens = {entry.token for entry in server.journal} - {""} | ({*secrets} if "token" in name else set())
    if "parameter" not in name:
        assert [token for token in tokens if len(token) >= 8 and token in "\n".join(addresses)] == []
