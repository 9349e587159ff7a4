"""Requests at random, from a seed: declared paths with spoilt captures, odd bodies, queries and headers."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Endpoint
from mockkms.vault.framework.message import Operation
from mockkms.vault.products import Product

FACTOR = int(os.environ.get("MOCKKMS_FUZZ", "1"))
"""How many times the usual number of random requests, connections and worlds the tests try."""
MOUNTS = {
    "secret/": "kv2",
    "kv1/": "kv",
    "transit/": "transit",
    "identity/": "identity",
    "cubbyhole/": "cubbyhole",
    "sys/": "system",
    "auth/token/": "token",
    "auth/approle/": "approle",
    "auth/userpass/": "userpass",
    "auth/jwt/": "jwt",
    "auth/kubernetes/": "kubernetes",
    "auth/cert/": "cert",
    "auth/github/": "github",
    "auth/ldap/": "auth/ldap",
    "auth/okta/": "okta",
    "auth/radius/": "radius",
    "pki/": "pki",
    "database/": "database",
    "ssh/": "ssh",
    "totp/": "totp",
    "aws/": "secret/aws",
    "auth/aws/": "auth/aws",
    "auth/azure/": "auth/azure",
    "auth/gcp/": "auth/gcp",
    "auth/alicloud/": "auth/alicloud",
    "auth/cf/": "cf",
    "auth/oci/": "auth/oci",
    "auth/kerberos/": "auth/kerberos",
    "kube/": "secret/kubernetes",
    "directory/": "secret/ldap",
    "rabbitmq/": "rabbitmq",
    "consul/": "consul",
    "nomad/": "nomad",
    "ad/": "ad",
    "alicloud/": "secret/alicloud",
    "azure/": "secret/azure",
    "gcp/": "secret/gcp",
    "gcpkms/": "gcpkms",
    "mongodbatlas/": "mongodbatlas",
    "terraform/": "terraform",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "LIST", "SCAN", "HEAD", "OPTIONS", "FROB")
_SPOKEN = {
    Operation.READ: "GET",
    Operation.CREATE: "POST",
    Operation.UPDATE: "POST",
    Operation.PATCH: "PATCH",
    Operation.DELETE: "DELETE",
    Operation.LIST: "LIST",
    Operation.SCAN: "SCAN",
    Operation.HEADER: "HEAD",
}
_WEIGHTS = (20, 35, 10, 6, 8, 10, 4, 2, 2, 1)

_NAMES = ["a", "b", "k", "default", "root", "A", "x.y-z", "1", "0", "-1", "plaintext", "encryption-key", "sha2-256"]
_ODD_NAMES = [
    "",
    " ",
    "ü",
    "☃",
    "..",
    ".",
    "a/b",
    "a//b",
    "%",
    "%zz",
    "\x00",
    "\n",
    "\x7f",
    "\udcff",
    "a" * 300,
    "9" * 40,
    "9" * 5000,
    "*",
    "+",
    "{x}",
    "a?b",
    "a#b",
    "vault:v1:AAAA",
    "a@b",
    "'\"<>",
]
_VALUES: list[Any] = [
    None,
    "",
    " ",
    0,
    -1,
    1,
    5,
    2**31,
    2**63,
    -(2**63) - 1,
    10**30,
    1.5,
    -0.0,
    1e308,
    True,
    False,
    "x",
    "a,b",
    "0",
    "-1",
    "1h",
    "-1h",
    "99999999999999h",
    "1e9",
    "0x10",
    "true",
    "default",
    "root",
    "AAAA",
    "eA==",
    "eA=",
    "vault:v1:AAAA",
    "vault:v0:",
    "vault:v99999999999999999999:AAAA",
    "bao:v1:",
    "::",
    "\x00",
    "\n",
    "ü☃",
    "\ud800",
    "a" * 5000,
    "../..",
    "/",
    "*",
    "${x}",
    "{{identity.entity.id}}",
    "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----",
    "127.0.0.1",
    "127.0.0.1/99",
    "2026-01-01T00:00:00Z",
    "9999-99-99T00:00:00Z",
    "sha2-256",
    "aes256-gcm96",
    "ed25519",
    "ecdsa-p256",
    "hmac",
    "chacha20-poly1305",
    "RS256",
    "pss",
    "jws",
    "service",
    "batch",
    'path "*" { capabilities = ["read"] }',
    'path "x" {',
    '{"path": {}}',
    'rule "charset" { charset = "abc" }',
    [],
    {},
    [None],
    [[]],
    [{}],
    [1, "a"],
    ["a", "b"],
    {"a": None},
    {"a": {"b": [1]}},
    {"": ""},
    {"a": "b"},
    [{"plaintext": "eA=="}],
    [{"ciphertext": "vault:v1:AAAA"}],
    [{"input": "eA=="}],
    [{"plaintext": 5}, None],
]
_BODIES = [
    b"{",
    b"[]",
    b"null",
    b"5",
    b'"x"',
    b"{}{}",
    b"{} x",
    b"\xff\xfe",
    b'{"a":"\xff"}',
    b'{"a":"\\ud800"}',
    b'{"a":1e999}',
    b'{"a":' + b"9" * 5000 + b"}",
    b"[" * 500 + b"]" * 500,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b'{"a":"\x00"}',
    b"\x00" * 50,
    b'{"a":1,"a":2}',
    b"a=b&a=c",
    b"%zz=1",
    b" \n\t",
    b"\xef\xbb\xbf{}",
    b'{"data":{"a":1}}',
    b'{"a":"' + b"x" * 100_000 + b'"}',
]
_CONTENT_TYPES = [
    "application/json",
    "application/merge-patch+json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
    "/",
    ";",
    "multipart/form-data; boundary=x",
    "APPLICATION/JSON; charset=utf-16",
]
_HEADERS: dict[str, list[str]] = {
    "X-Vault-Namespace": ["", "/", "nowhere", "root", "../x", "a/" * 50, "ü"],
    "X-Vault-Wrap-TTL": ["60", "1h", "-1", "0", "x", "9" * 30, "1.5", " "],
    "X-Vault-Wrap-Format": ["jwt", "x"],
    "X-Vault-Token": ["", "x", "hvs.", "s." + "a" * 24, "hvb.AAAA", "ü", "a" * 5000, "hvs.x.nsid"],
    "Authorization": ["Bearer ", "Bearer root", "bearer root", "Basic x", "AWS4-HMAC-SHA256 x", "ü"],
    "X-Vault-Policy-Override": ["true", "x"],
    "X-Vault-MFA": ["x", "a:b"],
    "X-Forwarded-For": ["1.2.3.4", "x", ",,"],
    "Origin": ["http://a", "null", "x"],
    "Accept": ["*/*", "application/openmetrics-text", "ü"],
}
_QUERIES = [
    "",
    "list=true",
    "list=x",
    "scan=true",
    "list=true&scan=true",
    "help=1",
    "after=a&limit=1",
    "limit=-1",
    "limit=x",
    "version=1",
    "version=x",
    "version=-1",
    "a=%zz",
    "a;b",
    "=",
    "&&",
    "list=true&list=false",
    "x=" + "y" * 3000,
]


@dataclass(frozen=True)
class Shot:
    """One request as it goes on the wire."""

    method: str
    target: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target}?{self.query} {dict(self.headers)!r} {self.body[:300]!r}"


class Fuzzer:
    """An endless row of requests that a seed decides."""

    def __init__(self, seed: int, flavor: Product) -> None:
        self.random = random.Random(seed)
        self.endpoints: list[tuple[str, Endpoint]] = [
            (mount, endpoint)
            for mount, engine in MOUNTS.items()
            for endpoint in registry.engine(engine)
            if endpoint.known_to(flavor)
            if (mount, endpoint.template) != ("sys/", "monitor")  # Its answer has no end.
        ]

    def shot(self) -> Shot:
        """The next request."""
        dice = self.random
        mount, endpoint = dice.choice(self.endpoints)
        method = dice.choices(METHODS, _WEIGHTS)[0]
        if dice.random() < 0.8 and endpoint.operations:
            method = _SPOKEN.get(dice.choice(list(endpoint.operations)), method)
        target = f"/v1/{mount}{self._path(endpoint.template)}"
        if dice.random() < 0.03:
            target = dice.choice(
                [
                    "/",
                    "/v1",
                    "/v1/",
                    "/ui/",
                    "/v1//" + mount,
                    target + "/",
                    target + "/../x",
                    "/rustfs/admin/v3/kms/keys",
                ]
            )
        headers = {"X-Vault-Token": "root"}
        for name in dice.sample(list(_HEADERS), dice.choices((0, 1, 2), (85, 12, 3))[0]):
            headers[name] = dice.choice(_HEADERS[name])
        body = self._body(endpoint, headers) if method in ("POST", "PUT", "PATCH") or dice.random() < 0.02 else b""
        if method == "PATCH" and dice.random() < 0.8:
            headers["Content-Type"] = "application/merge-patch+json"
        query = dice.choice(_QUERIES) if dice.random() < 0.2 else ""
        return Shot(method, target, query, headers, body)

    def _path(self, template: str) -> str:
        dice = self.random
        path = re.sub(r"\[(.*?)\]", lambda found: dice.choice(("", found[1])), template)
        path = re.sub(r"\{\w+:re\((.*?)\)\}|\{[^}]*\}", self._capture, path)
        return path.replace("]", "").replace("[", "")

    def _capture(self, found: re.Match[str]) -> str:
        dice = self.random
        if found[1] and "|" in found[1] and dice.random() < 0.8:
            return dice.choice([part for part in re.split(r"[^\w-]+", found[1]) if part] or ["a"])
        if dice.random() < 0.9:
            return dice.choice(_NAMES)
        name = dice.choice(_ODD_NAMES)
        return (
            name
            if dice.random() < 0.3 and name.isascii() and name.isprintable()
            else quote(name, safe="", errors="surrogateescape")
        )

    def _body(self, endpoint: Endpoint, headers: dict[str, str]) -> bytes:
        dice = self.random
        if dice.random() < 0.1:
            headers["Content-Type"] = dice.choice(_CONTENT_TYPES)
        if dice.random() < 0.12:
            return dice.choice(_BODIES)
        often = dice.choice((0.1, 0.3, 0.7))
        data = {name: dice.choice(_VALUES) for name in endpoint.fields if dice.random() < often}
        if endpoint.arbitrary or dice.random() < 0.1:
            data[dice.choice(_NAMES)] = dice.choice(_VALUES)
        return json.dumps(data, allow_nan=True).encode()
