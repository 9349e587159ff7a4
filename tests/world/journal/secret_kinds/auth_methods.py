"""Secrets of auth methods, of identity and of multi-factor authentication."""

from __future__ import annotations

import base64
import json
from typing import Any

from .registry import JWT, PEM, PLAIN, PRIVATE, SECRET, Client, kind, sends

sends("password of userpass", lambda ask: (
    ask.enable("userpass"), ask("POST", "auth/userpass/users/ann", {"password": SECRET}),
    ask("POST", "auth/userpass/login/ann", {"password": SECRET})), SECRET)  # fmt: skip
sends("password hash", lambda ask: ask(
    "POST", "auth/userpass/users/x", {"password_hash": "$2a$04$" + "a" * 53}), "a" * 53)  # fmt: skip
sends("bind password and TLS key of LDAP", lambda ask: (ask.enable("ldap"), ask(
    "POST", "auth/ldap/config", {"url": "ldap://127.0.0.1:1", "bindpass": SECRET, "client_tls_key": PEM})),
    SECRET, PRIVATE)  # fmt: skip
sends(
    "shared secret of RADIUS",
    lambda ask: (ask.enable("radius"), ask("POST", "auth/radius/config", {"host": "127.0.0.1", "secret": SECRET})),
    SECRET,
)


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


sends("JWT of a login", lambda ask: (ask.enable("jwt"), ask("POST", "auth/jwt/login", {"jwt": JWT, "role": "r"})), JWT)
sends("client secret of OIDC auth", lambda ask: ask("POST", "auth/jwt/config", {
    "oidc_discovery_url": "http://192.0.2.1", "oidc_client_secret": SECRET}), SECRET)  # fmt: skip
sends("reviewer token of Kubernetes", lambda ask: (ask.enable("kubernetes"), ask("POST", "auth/kubernetes/config", {
    "kubernetes_host": "https://192.0.2.1", "token_reviewer_jwt": JWT})), JWT)  # fmt: skip
sends("API token of Okta", lambda ask: (
    ask.enable("okta"), ask("POST", "auth/okta/config", {"org_name": "o", "api_token": SECRET})), SECRET)  # fmt: skip


@kind("signed request of AWS auth")
def _(ask: Client) -> Any:
    ask.enable("aws")
    signed = json.dumps({"Authorization": [f"AWS4-HMAC-SHA256 Signature={SECRET}"]})
    coded = base64.b64encode(signed.encode()).decode()
    ask("POST", "auth/aws/login", {"role": "r", "iam_http_request_method": "POST", "iam_request_headers": coded})
    return [coded]


sends("presigned request and its nonce", lambda ask: (ask.enable("aws"), ask("POST", "auth/aws/login", {
    "iam_http_request_method": "GET", "iam_request_url": PLAIN, "nonce": SECRET, "signature": "c2lnbmF0dXJlLW9m"})),
    PLAIN, SECRET, "c2lnbmF0dXJlLW9m")  # fmt: skip
sends("signed requests of AliCloud and Oracle Cloud", lambda ask: (ask.enable("alicloud"), ask.enable("oci"), ask(
    "POST", "auth/alicloud/login", {"identity_request_url": PLAIN, "identity_request_headers": {"x": SECRET}}), ask(
    "POST", "auth/oci/login/r", {"request_headers": {"authorization": [SECRET]}}), ask.enable("aws"), ask(
    "POST", "auth/aws/login", {"iam_request_headers": {"authorization": [SECRET]}})), PLAIN, SECRET)  # fmt: skip
sends("keytab and ticket of Kerberos", lambda ask: (ask.enable("kerberos"), ask("POST", "auth/kerberos/config", {
    "service_account": "s", "keytab": PLAIN}), ask("POST", "auth/kerberos/login", {"authorization": SECRET},
    Authorization=f"Negotiate {SECRET}")), PLAIN, SECRET)  # fmt: skip
sends("settings of cloud methods", lambda ask: (ask.enable("azure"), ask.enable("cf"), ask.enable("gcp"), ask(
    "POST", "auth/azure/config", {"client_secret": SECRET}), ask("POST", "auth/cf/config", {"cf_password": SECRET,
    "cf_client_secret": PLAIN, "cf_api_mutual_tls_key": PEM, "pcf_password": SECRET}), ask(
    "POST", "auth/gcp/config", {"credentials": f'{{"private_key": "{SECRET}"}}'})), SECRET, PLAIN, PRIVATE)  # fmt: skip
sends("second proof in a body", lambda ask: ask("POST", "sys/mfa/validate", {
    "mfa_request_id": "x", "mfa_payload": {"m": [SECRET]}}), SECRET)  # fmt: skip
sends("secrets of MFA methods", lambda ask: ask("POST", "identity/mfa/method/duo", {
    "secret_key": SECRET, "integration_key": SECRET, "api_hostname": "h"}), SECRET)  # fmt: skip
sends("client secret of the identity provider", lambda ask: ask(
    "POST", "identity/oidc/client/c", {"client_secret": SECRET, "client_type": "confidential"}), SECRET)  # fmt: skip
sends("form of an OIDC client", lambda ask: ask.form(
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


sends("password that an error repeats", lambda ask: (ask.kms.faults.add(
    "auth/userpass/login/bob", answer={"status": 500, "body": f"no user with {SECRET}"}),
    ask("POST", "auth/userpass/login/bob", {"password": SECRET}), ask.kms.faults.clear()), SECRET)  # fmt: skip
