"""Tokens, key shares and other secrets of the system backend, and secrets anywhere in a request."""

from __future__ import annotations

import base64
from typing import Any

import requests

from .registry import CUSTOM, JWT, PEM, PLAIN, PRIVATE, SECRET, Client, kind, sends


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
    requests.get(f"{ask.kms.url}/v1/sys/mounts", headers={"Authorization": "Bearer " + token}, timeout=60)
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


sends("key shares in a request under any known name", lambda ask: ask("POST", "sys/rekey-recovery-key/update", {
    "key": SECRET, "recovery_keys": [SECRET], "recovery_keys_base64": [PLAIN]}), SECRET, PLAIN)  # fmt: skip
sends("password in a URL or connection string under any name", lambda ask: ask("POST", "sys/config/ui/headers/x", {
    "values": [f"postgres://admin:{SECRET}@db/x", f"Server=db;Pwd={SECRET};Timeout=1"]}), SECRET)  # fmt: skip
sends("JWT under any name, in a query and a header", lambda ask: (
    ask("POST", "sys/policies/acl/p", {"policy": f'path "{JWT}" {{}}'}), ask("GET", f"sys/health?x={JWT}"),
    ask("GET", "sys/health", X_Assertion=JWT)), JWT)  # fmt: skip
sends("private key as PEM under any name", lambda ask: ask(
    "POST", "sys/policies/acl/p", {"policy": "path \"x\" {} # " + PEM}), PRIVATE)  # fmt: skip
sends("AWS session token under its names", lambda ask: ask("POST", "sys/policies/acl/p", {
    "session_token": SECRET, "security_token": SECRET, "policy": ""}), SECRET)  # fmt: skip
sends("basic credentials", lambda ask: ask("GET", "sys/health", Authorization="Basic " + base64.b64encode(
    f"ann:{SECRET}".encode()).decode()), SECRET, base64.b64encode(f"ann:{SECRET}".encode()).decode())  # fmt: skip
sends("cookie", lambda ask: ask("GET", "sys/health", Cookie=f"session={SECRET}"), SECRET)
sends("control token", lambda ask: ask("GET", "sys/health", X_Mockkms_Token=SECRET), SECRET)
sends("unknown secret headers", lambda ask: ask("GET", "sys/health", X_Acme_Token=SECRET, X_Acme_Key=SECRET,
    X_Acme_Secret=SECRET, X_Api_Key=SECRET, X_Goog_IAP=SECRET), SECRET)  # fmt: skip
sends("second proof in a header", lambda ask: ask("GET", "sys/health", X_Vault_MFA=f"totp:{SECRET}"), SECRET)
sends("inline login", lambda ask: ask("GET", "sys/health", X_Vault_Inline_Auth_Parameter_1=SECRET), SECRET)
sends("parameter of a query, named as a secret or unknown", lambda ask: (
    ask("GET", f"sys/health?password={SECRET}"), ask("GET", f"sys/health?whatever={SECRET}")), SECRET)  # fmt: skip
sends(
    "body that is not JSON",
    lambda ask: requests.post(
        f"{ask.kms.url}/v1/secret/data/x", data=f"{{{SECRET}", headers={"X-Vault-Token": ask.kms.token}, timeout=60
    ),
    SECRET,
)
sends("anything sent to a path that nothing emulates", lambda ask: ask("POST", "no/such/x", {"n": SECRET}), SECRET)
sends("environment of a plugin", lambda ask: ask("POST", "sys/plugins/catalog/secret/p", {
    "sha256": "0" * 64, "command": "p", "env": [f"KEY={SECRET}"]}), SECRET)  # fmt: skip


@kind("password from a policy")
def _(ask: Client) -> Any:
    policy = 'length=24\nrule "charset" { charset = "abcdefghijklmnop" }'
    ask("POST", "sys/policies/password/p", {"policy": policy})
    return [ask("GET", "sys/policies/password/p/generate")["data"]["password"]]
