"""Whatever is sent, an answer comes: never an exception, never a 500 that the real server would not send."""

from __future__ import annotations

import http.client
import json
import re
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from mockkms import MockKMS
from mockkms.server.gateway.exchange import HttpReply, HttpRequest
from mockkms.server.gateway.gateway import Gateway
from mockkms.vault.products import PRODUCTS
from mockkms.world.world import World
from tests.server.gateway.fuzzing import FACTOR, Fuzzer, Shot

ROUNDS, SHOTS = 20 * FACTOR, 500
PYTHON = re.compile(rb"Traceback|NoneType|object has no attribute|object is not|unhashable|Error\(|\.py\b")
"""What only our own faults would say."""

GO_ERROR = re.compile("|".join((
    "at least one constraint should be enabled on the role",
    "at least one origin or the wildcard must be provided",
    "(\\d errors occurred:\n\t\\* )?cannot (fetch mount entry|reload plugin) on \".*",
    "failed to fetch existing recovery config: recovery not supported",
    "password hash has incorrect length",
    "could not set plugin, plugin directory is not configured",
    "could not fetch the CA certificate \\(was one set\\?\\): .*",
    "(2 errors occurred:\n\t\\* )?custom_metadata validation failed: .*",
    # Of a list that would end before it begins, an issuer without key identifier, or addresses that cannot be filled.
    "error encountered during (delta )?CRL building: (error building CRLs: ){2}unable to build CRL for issuer "
    "\\([0-9a-f-]{36}\\): error (creating new CRL: x509: .*|fetching CA certificate: unable to fetch AIA .*)",
    "error fetching CRL: .*",
    "failed to find accessor entry for secret_id_accessor: .*",
    "failed to parse batch input: .*",
    "failed to validate (token )?CIDR blocks: .*",
    "failed to (find entry for connection with name|generate (password|username)): .*",
    "for destination key: .*",
    "unable to (rotate root credentials|finish rotating credentials; .*): .*",
    '".*" is not an allowed role',
    "unsupported credential_type: .*",
    "(error resolving|unable to find issuer for|failed to validate|unknown algorithm|failed to generate) .*",
    "(unknown ssh key pair algorithm|unknown ECDSA key pair algorithm and bits): .*",
    "refusing to generate weak .*",
    "RSA keys of \\d+ bits are not supported; .*",
    "key type unknown",
    "failed to determine alias name from login request",
    "password cannot be of zero length when passwordless binds are being denied",
    "ldap\\.\\(Client\\)\\.(.|\n)*",
    "unable to parse user lockout threshold: .*",
    "error (xoring|decoding base64'd) token: .*",
    "failed to decode the PEM encoded PKCS#7 signature",
    "error importing key: .*",
    "Error generating STS keys: .*",
    "oidc provider could not be reached",
    "could not obtain the public keys of Google",
    "unable to retrieve backend configuration",
    "failed to generate QR code image: .*",
    "failed to read CA private key",
    "error creating signer: no keys configured",
    "certificate metadata is only supported on Vault Enterprise",
    "missing argument managed_key_name or managed_key_id",
    "managed keys are supported within enterprise edition only",
    "(verification of parsed bundle failed: )?x509: (a root or intermediate certificate is not .*|unhandled .*)",
    # The settings of ACME.
    "allowed_(roles|issuers) must take a non-zero length value; .*",
    "(allowed_role|default directory policy|default directory policy role) .* (is not|was not) .*",
    "(cannot use '\\*' as (role|issuer) name|failed validating allowed_issuers|failed to parse DNS resolver address).*",
    "invalid (default_directory_policy: .*|eab policy name provided, .*|max_ttl value, .*)",
    "external-policy is only available in enterprise versions of Vault",
    "ACME feature requires local cluster .*",
    'Get "https?://.*": dial tcp.*',
    "asn1: structure error: invalid object identifier",
    "configuration has not been set",
    "unable to fetch the organization_id, you must manually set it in the config: .*",
    "illegal base64 data at input byte \\d+",
    # The limits on JSON, checked before anything else.
    "invalid character .* (looking for beginning of value|after .*|in string escape code)",
    "malformed JSON[,:] .*",
    "duplicate key '.*' in object",
    "JSON .* exceeds allowed .*",
    "error reading JSON token: .*",
    "invalid (entity|member group|group) ID .*",
    "invalid entity metadata: .*",
    "invalid, non-URL (path|aia_path) given to cluster: .*",
    "invalid key: key is (shorter than minimum|longer than maximum) \\d+ bytes",
    "invalid rekey seal configuration: .*",
    "'key' must be a valid hex or base64 string",
    "(key|namespace|role) .* (not found|doesn't exist|does not exist)",
    "message signing not supported for key type .*",
    "missing (password|role_id)",
    "no default (issuer|key) currently configured",
    "no key found with name .*; to import a new key, use the import/ endpoint",
    "no such (destination key to export to|source key for export)",
    "no token found",
    "plaintext backup is disallowed on the policy",
    "provided certificate data was too short; .*",
    "provided type does not support public_key import",
    "provided ciphertext is too short",
    "seal config must contain exactly one seal stanza",
    "the import path cannot be used with an existing key; .*",
    "the import_version endpoint can only be used with an imported key",
    "a login MFA method configuration with the method name .* already exists",
    "failed to generate QR code image: .*",
    "method (ID does not match TOTP type|type does not match the MFA config type)",
    "methodID is still used by an enforcement configuration with ID: .*",
    "missing (config id|data fields)",
    "unable to find PKI (issuer|key) for reference: .*",
    "client token empty",
    "unsupported key type in use; must be a rsa key",
    "unexpected end of JSON input",
    "username does not exist",
)), re.DOTALL)  # fmt: skip
"""What the real server answers with 500: errors of its own code, told by their texts."""
RESET_EVERY = 25
"""Requests after which the world is new: some of them seal it, or revoke the token."""


def furnished(flavor: str) -> World:
    """A dev world with something mounted and stored of everything."""
    world = World()
    world.begin(root_token="root", rng=7, flavor=flavor)
    gateway = Gateway(world)
    gateway.threads = None  # Every answer is there at once.
    for mount in ("approle", "userpass", "jwt", "kubernetes", "cert", "ldap", "radius"):
        write(gateway, f"sys/auth/{mount}", type=mount)
    if flavor == "vault":
        for mount in ("github", "okta", "aws", "azure", "gcp"):
            write(gateway, f"sys/auth/{mount}", type=mount)
        write(gateway, "sys/mounts/aws", type="aws")
        write(gateway, "aws/roles/a", credential_type="iam_user")
    write(gateway, "sys/mounts/transit", type="transit")
    write(gateway, "sys/mounts/kv1", type="kv")
    write(gateway, "sys/mounts/pki", type="pki")
    write(gateway, "pki/root/generate/internal", common_name="a", key_type="ec")
    write(gateway, "pki/roles/a", allow_any_name=True, key_type="ec")
    write(gateway, "sys/mounts/database", type="database")
    settings = {"plugin_name": "postgresql-database-plugin", "connection_url": "postgresql://db", "allowed_roles": "*"}
    write(gateway, "database/config/a", **settings)
    write(gateway, "database/roles/a", db_name="a")
    write(gateway, "sys/mounts/ssh", type="ssh")
    write(gateway, "sys/mounts/totp", type="totp")
    write(gateway, "totp/keys/a", key="JBSWY3DPEHPK3PXP")
    write(gateway, "ssh/config/ca", key_type="ed25519")
    write(gateway, "ssh/roles/a", key_type="ca", allow_user_certificates=True, allowed_users="*")
    write(gateway, "identity/oidc/client/a", assignments="allow_all", redirect_uris="http://localhost")
    for name, kind in (("a", "aes256-gcm96"), ("b", "ed25519"), ("k", "ecdsa-p256"), ("1", "hmac")):
        write(gateway, f"transit/keys/{name}", type=kind, key_size=32 if kind == "hmac" else 0, exportable=True)
    write(gateway, "secret/data/a", data={"a": 1})
    write(gateway, "kv1/a", a=1)
    write(gateway, "auth/approle/role/a", policies="default")
    write(gateway, "auth/userpass/users/a", password="x", policies="default")
    write(gateway, "identity/entity", name="a")
    write(gateway, "identity/group", name="a")
    write(gateway, "auth/token/roles/a", period="1h")
    world.baseline = world.snapshot()
    return world


def write(gateway: Gateway, path: str, **data: object) -> None:
    headers = CIMultiDict({"X-Vault-Token": "root"})
    reply = gateway.answer(HttpRequest("POST", f"/v1/{path}", "", headers, json.dumps(data).encode()))
    assert isinstance(reply, HttpReply)
    assert reply.status < 300, (path, reply.body)


def faults(reply: HttpReply) -> str:
    """What is wrong with an answer; empty where nothing is."""
    if PYTHON.search(reply.body):
        return "shows its insides"
    if reply.status >= 500 and reply.status not in (501, 503) and not (reply.status == 500 and told(reply.body)):
        return "is a failure without the real server's words"
    return "" if 100 <= reply.status < 600 else "has no status"


def told(body: bytes) -> bool:
    """Whether a 500 is one error of those that the real server sends as Go errors."""
    errors = json.loads(body).get("errors")
    if not isinstance(errors, list) or len(errors) != 1:
        return False
    return bool(GO_ERROR.fullmatch(errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")))


def answered(gateway: Gateway, shot: Shot) -> HttpReply:
    reply = gateway.answer(HttpRequest(shot.method, shot.target, shot.query, CIMultiDict(shot.headers), shot.body))
    assert isinstance(reply, HttpReply)
    return reply


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_request_gets_a_proper_answer(seed: int) -> None:
    flavor = ("openbao", "vault", "vault-1.21")[seed % 3]
    world = furnished(flavor)
    gateway = Gateway(world)
    gateway.threads = None  # Every answer is there at once.
    fuzzer = Fuzzer(seed, PRODUCTS[flavor])
    for number in range(SHOTS):
        if number % RESET_EVERY == 0:
            world.restore(world.snapshot())
            world.reset()
        shot = fuzzer.shot()
        try:
            reply = answered(gateway, shot)
        except Exception as error:
            raise AssertionError(str(shot)) from error
        assert not faults(reply), f"{shot}: {reply.status} {reply.body[:500]!r} {faults(reply)}"


def test_the_socket_carries_every_answer() -> None:
    with MockKMS(flavor="openbao", rng=7) as kms:
        fuzzer = Fuzzer(1000, PRODUCTS["openbao"])
        for number in range(300):
            if number % RESET_EVERY == 0:
                kms.reset()
            shot = fuzzer.shot()
            if not sendable(shot):
                continue
            reply = over_the_wire(kms.url, shot)
            assert not faults(reply), f"{shot}: {reply.status} {reply.body[:500]!r} {faults(reply)}"


def sendable(shot: Shot) -> bool:
    """Whether Python's client lets such a request out at all."""
    return all(33 <= ord(letter) < 127 for letter in shot.target + shot.query)


def over_the_wire(url: str, shot: Shot) -> HttpReply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        target = f"{shot.target}?{shot.query}" if shot.query else shot.target
        connection.request(shot.method, target, body=shot.body or None, headers=dict(shot.headers))
        response = connection.getresponse()
        return HttpReply(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()
