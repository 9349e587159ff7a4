"""A client that uses most of a server, to be run against a server and against a recording of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import requests

SECRETS = (
    "correct-horse-battery-1", "staple-kv1-value-77", "nested-list-secret-9", "hunter2-of-anna-xyz",
    "kms-plaintext-abcdef", "cubby-hole-content-5", "new-password-of-anna-2", "wrapped-secret-value-3",
)  # fmt: skip
"""What the program sends as secrets; none of them may be in a recording."""


@dataclass
class Client:
    """Sends requests and keeps every answer."""

    url: str
    token: str
    answers: list[tuple[str, int, dict[str, str], bytes]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """What the server gave out as secrets."""
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(
        self, method: str, path: str, data: object = None, token: str | None = None, **headers: str
    ) -> dict[str, Any]:
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent["X-Vault-Token"] = self.token if token is None else token
        body = None if data is None else json.dumps(data)
        got = self.session.request(method, f"{self.url}/v1/{path}", data=body, headers=sent, timeout=60)
        shown = {name: text for name, text in got.headers.items() if name not in ("Date", "Content-Length")}
        self.answers.append((f"{method} {path}", got.status_code, shown, got.content))
        try:
            found = got.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def keep(self, secret: str) -> str:
        """Remember a secret that the server made, and return it."""
        self.secrets.add(secret)
        return secret


def run(url: str, token: str) -> Client:
    """Run the program; the values of secrets may be other ones in each run."""
    ask = Client(url, token)
    _key_values(ask)
    _transit(ask)
    _logins(ask)
    _authorities(ask)
    ask.session.close()
    return ask


def _key_values(ask: Client) -> None:
    ask("GET", "sys/health", token="")
    ask("GET", "secret/data/app")
    ask(
        "POST",
        "secret/data/app",
        {"data": {"password": SECRETS[0], "pin": 4711, "on": True, "list": [SECRETS[2], 1.5, None]}},
    )
    ask("GET", "secret/data/app")
    ask("POST", "secret/data/app", {"data": {"password": SECRETS[2]}, "options": {"cas": 1}})
    ask("GET", "secret/data/app")
    ask("GET", "secret/data/app?version=1")
    ask("LIST", "secret/metadata/")
    ask("GET", "secret/metadata?list=true")
    ask("POST", "sys/mounts/old", {"type": "kv"})
    ask("PUT", "old/mail", {"smtp": SECRETS[1]})
    ask("GET", "old/mail")
    ask("POST", "cubbyhole/mine", {"note": SECRETS[5]})
    ask("GET", "cubbyhole/mine")
    wrapped = ask("GET", "secret/data/app", X_Vault_Wrap_TTL="60s")
    ask("POST", "sys/wrapping/unwrap", token=ask.keep(wrapped["wrap_info"]["token"]))
    ask("POST", "sys/wrapping/wrap", {"value": SECRETS[7]}, X_Vault_Wrap_TTL="60s")


def _transit(ask: Client) -> None:
    ask("POST", "sys/mounts/transit", {"type": "transit"})
    ask("POST", "transit/keys/orders", {"exportable": True})
    plaintext = base64.b64encode(SECRETS[4].encode()).decode()
    ask.keep(plaintext)
    made = ask("POST", "transit/encrypt/orders", {"plaintext": plaintext})["data"]["ciphertext"]
    found = ask("POST", "transit/decrypt/orders", {"ciphertext": made})
    assert found["data"]["plaintext"] == plaintext
    ask("POST", "transit/encrypt/orders", {"batch_input": [{"plaintext": plaintext}, {"plaintext": "!"}]})
    key = ask("POST", "transit/datakey/plaintext/orders", {})["data"]["plaintext"]
    assert len(base64.b64decode(ask.keep(key))) == 32
    exported = ask("GET", "transit/export/encryption-key/orders")["data"]["keys"]
    ask.keep(exported["1"])
    ask("POST", "transit/random/16", {"format": "hex"})
    ask("POST", "transit/encrypt/missing", {"plaintext": plaintext}, token="")


def _logins(ask: Client) -> None:
    ask("PUT", "sys/policies/acl/reader", {"policy": 'path "secret/data/*" { capabilities = ["read"] }'})
    ask("POST", "sys/auth/userpass", {"type": "userpass"})
    ask("POST", "auth/userpass/users/anna", {"password": SECRETS[3], "token_policies": ["reader"]})
    ask("POST", "auth/userpass/login/anna", {"password": "wrong"}, token="")
    token = ask("POST", "auth/userpass/login/anna", {"password": SECRETS[3]}, token="")["auth"]["client_token"]
    ask.keep(token)
    ask("GET", "secret/data/app", token=token)
    ask("POST", "secret/data/app", {"data": {"a": "b"}}, token=token)
    ask("GET", "auth/token/lookup-self", token=token)
    ask("POST", "auth/token/lookup", {"token": token})
    ask("POST", "auth/userpass/users/anna/password", {"password": SECRETS[6]})
    ask("POST", "auth/token/renew-self", {}, token=token)
    ask("POST", "auth/token/revoke-self", {}, token=token)
    ask("GET", "auth/token/lookup-self", token=token)
    ask("POST", "sys/auth/approle", {"type": "approle"})
    ask("POST", "auth/approle/role/web", {"token_policies": ["reader"]})
    role = ask("GET", "auth/approle/role/web/role-id")["data"]["role_id"]
    secret = ask("POST", "auth/approle/role/web/secret-id", {})["data"]["secret_id"]
    sent = {"role_id": role, "secret_id": ask.keep(secret)}
    ask.keep(ask("POST", "auth/approle/login", sent, token="")["auth"]["client_token"])
    ask.keep(
        ask("POST", "auth/token/create", {"type": "batch", "ttl": "1h", "policies": ["reader"]})["auth"]["client_token"]
    )


def _authorities(ask: Client) -> None:
    ask("POST", "sys/mounts/pki", {"type": "pki"})
    ask("POST", "pki/root/generate/internal", {"common_name": "Root", "ttl": "24h"})
    ask("POST", "pki/roles/web", {"allowed_domains": ["example.test"], "allow_subdomains": True, "key_type": "ec"})
    issued = ask("POST", "pki/issue/web", {"common_name": "a.example.test", "ttl": "1h"})["data"]
    ask.keep(issued["private_key"])
    ask("GET", "pki/ca/pem", token="")
    ask("GET", "pki/ca", token="")
    ask("POST", "sys/mounts/totp", {"type": "totp"})
    key = ask("POST", "totp/keys/anna", {"generate": True, "issuer": "acme", "account_name": "anna", "exported": True})
    ask.keep(key["data"]["url"])
    ask("GET", "totp/code/anna")
    ask("GET", "identity/oidc/.well-known/keys", token="")
    ask("GET", "sys/mounts")
    ask("GET", "sys/nothing")
