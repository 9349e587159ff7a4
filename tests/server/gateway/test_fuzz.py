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
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.mounts import matching
from mockkms.vault.products import PRODUCTS
from mockkms.world.world import World
from tests.server.gateway.fuzzing import FACTOR, Fuzzer, Shot

ROUNDS, SHOTS = 20 * FACTOR, 500
PYTHON = re.compile(rb"Traceback|NoneType|object has no attribute|object is not|unhashable|Error\(|\.py\b")
"""What only our own faults would say."""

RESET_EVERY = 25
"""Requests after which the world is new: some of them seal it, or revoke the token."""
LDIF = "dn: cn={{.Username}},dc=test\nchangetype: delete"


def furnished(flavor: str) -> World:
    """A dev world with something mounted and stored of everything."""
    world = World()
    world.begin(root_token="root", rng=7, flavor=flavor)
    gateway = Gateway(world)
    gateway.threads = None  # Every answer is there at once.
    for mount in ("approle", "userpass", "jwt", "kubernetes", "cert", "ldap", "radius"):
        write(gateway, f"sys/auth/{mount}", type=mount)
    if flavor == "vault":
        for mount in ("github", "okta", "aws", "azure", "gcp", "alicloud", "cf", "oci", "kerberos"):
            write(gateway, f"sys/auth/{mount}", type=mount)
        write(gateway, "sys/mounts/aws", type="aws")
        write(gateway, "aws/roles/a", credential_type="iam_user")
        furnish_with_vault_engines(gateway)
    furnish_with_engines(gateway)
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


def furnish_with_engines(gateway: Gateway) -> None:
    """Mount the engines for other services that every product has."""
    write(gateway, "sys/mounts/kube", type="kubernetes")
    write(gateway, "kube/config", kubernetes_host="https://k8s.test", service_account_jwt="jwt")
    write(gateway, "kube/roles/a", allowed_kubernetes_namespaces="*", service_account_name="x")
    write(gateway, "sys/mounts/directory", type="ldap")
    write(gateway, "directory/config", url="ldap://ldap.test", binddn="cn=admin", bindpass="x")
    write(gateway, "directory/static-role/a", username="static", rotation_period="1h")
    write(gateway, "directory/role/a", creation_ldif=LDIF, deletion_ldif=LDIF)
    write(gateway, "directory/library/a", service_account_names="one,two")
    write(gateway, "sys/mounts/rabbitmq", type="rabbitmq")
    write(gateway, "rabbitmq/config/connection", connection_uri="http://mq.test", username="x", password="x")
    write(gateway, "rabbitmq/roles/a", tags="management")


def furnish_with_vault_engines(gateway: Gateway) -> None:
    """Mount the engines for other services that Vault alone has."""
    for mount in ("consul", "nomad", "ad", "alicloud", "azure", "gcp", "gcpkms", "mongodbatlas", "terraform"):
        write(gateway, f"sys/mounts/{mount}", type=mount)
    write(gateway, "consul/config/access", address="consul.test:8500", token="x")
    write(gateway, "consul/roles/a", consul_policies="x")
    write(gateway, "nomad/config/access", address="https://nomad.test", token="x")
    write(gateway, "nomad/role/a", policies="x")
    write(gateway, "ad/config", binddn="cn=admin", bindpass="x", url="ldaps://ad.test", userdn="dc=test")
    write(gateway, "ad/roles/a", service_account_name="a@test", ttl="1h")
    write(gateway, "ad/library/a", service_account_names="one,two")
    write(gateway, "alicloud/config", access_key="x", secret_key="x")
    write(gateway, "alicloud/role/a", remote_policies="name:AliyunOSSReadOnlyAccess,type:System")
    write(gateway, "azure/config", subscription_id="s", tenant_id="t", client_id="c", client_secret="x")
    write(gateway, "azure/roles/a", azure_roles=json.dumps([{"role_name": "Reader", "scope": "/subscriptions/s"}]))
    write(gateway, "gcp/config", ttl="1h")
    bindings = 'resource "//cloudresourcemanager.googleapis.com/projects/p" { roles = ["roles/viewer"] }'
    write(gateway, "gcp/roleset/a", project="p", secret_type="access_token", token_scopes="x", bindings=bindings)
    write(gateway, "gcp/static-account/a", service_account_email="x@p.iam.gserviceaccount.com", token_scopes="x")
    write(gateway, "gcpkms/keys/a", key_ring="projects/p/locations/global/keyRings/r")
    write(gateway, "mongodbatlas/config", public_key="x", private_key="x")
    write(gateway, "mongodbatlas/roles/a", project_id="p", roles="GROUP_READ_ONLY")
    write(gateway, "terraform/config", token="x")
    write(gateway, "terraform/role/a", user_id="user-x")


def write(gateway: Gateway, path: str, **data: object) -> None:
    headers = CIMultiDict({"X-Vault-Token": "root"})
    reply = gateway.answer(HttpRequest("POST", f"/v1/{path}", "", headers, json.dumps(data).encode()))
    assert isinstance(reply, HttpReply)
    assert reply.status < 300, (path, reply.body)


def faults(world: World, shot: Shot, reply: HttpReply) -> str:
    """What is wrong with the answer to a request; empty where nothing is."""
    if PYTHON.search(reply.body):
        return "shows its insides"
    if reply.status == 500 and not may_fail(world, shot, reply):
        return "is a failure that the endpoint does not declare (go_errors)"
    if reply.status > 500 and reply.status not in (501, 503):
        return "is a failure that the real server does not have"
    return "" if 100 <= reply.status < 600 else "has no status"


def may_fail(world: World, shot: Shot, reply: HttpReply) -> bool:
    """Whether the real server may answer a request with one Go error."""
    errors = json.loads(reply.body).get("errors")
    if not isinstance(errors, list) or len(errors) != 1:
        return False
    if reply.request is None:
        return not readable(shot.body)
    found = matching.outside(world.core, reply.request.path) or matching.match(
        world.core, reply.request.namespace, reply.request.path
    )
    return found.endpoint is not None and (found.endpoint.go_errors or found.login)


def readable(body: bytes) -> bool:
    """Whether a body is JSON that every product reads: no key twice, no lone surrogate, no number out of range."""

    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("duplicate key")
        return dict(pairs)

    try:
        decoded = json.loads(body, object_pairs_hook=unique)
        json.dumps(decoded, allow_nan=False, ensure_ascii=False).encode()
        return isinstance(decoded, dict)
    except (ValueError, RecursionError):
        return False


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
        wrong = faults(world, shot, reply)
        assert not wrong, f"{shot}: {reply.status} {reply.body[:500]!r} {wrong}"


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
            wrong = faults(kms.world, shot, with_request(kms.world, reply))
            assert not wrong, f"{shot}: {reply.status} {reply.body[:500]!r} {wrong}"


def with_request(world: World, reply: HttpReply) -> HttpReply:
    """Give an answer that came over the wire the newest request of the journal, as far as ``faults`` needs it."""
    entry = world.journal[-1]
    if entry.asked is not None:
        path = entry.path.removeprefix(entry.namespace)
        reply.request = Request(Operation(entry.operation), path, namespace=entry.namespace)
    return reply


def sendable(shot: Shot) -> bool:
    """Whether Python's client lets such a request out at all."""
    return all(33 <= ord(letter) < 127 for letter in shot.target + shot.query)


def over_the_wire(url: str, shot: Shot) -> HttpReply:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        target = f"{shot.target}?{shot.query}" if shot.query else shot.target
        connection.request(shot.method, target, body=shot.body or None, headers=dict(shot.headers))
        response = connection.getresponse()
        return HttpReply(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()
