"""A redacting journal shows no secret of the engines for other services: not what is sent, not what is issued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import hvac
import pytest

from mockkms import MockKMS

SENT = "tOpSeCrEt-4711-xyz"
_AZURE_ROLES = json.dumps([{"role_name": "Reader", "scope": "/subscriptions/s"}])
_GCP_KEY = json.dumps({"type": "service_account", "client_email": "a@p.iam.gserviceaccount.com", "private_key": SENT})
ENGINES: dict[str, tuple[dict[str, dict[str, Any]], str, tuple[str, ...]]] = {
    "consul": (
        {
            "config/access": {"address": "consul.test:8500", "token": SENT, "client_key": SENT},
            "roles/r": {"consul_policies": "p"},
        },
        "creds/r", ("token",),
    ),
    "nomad": (
        {
            "config/access": {"address": "https://nomad.test", "token": SENT, "client_key": SENT},
            "role/r": {"policies": "p"},
        },
        "creds/r", ("secret_id",),
    ),
    "rabbitmq": (
        {
            "config/connection": {"connection_uri": f"http://u:{SENT}@mq.test", "username": "admin", "password": SENT},
            "roles/r": {"tags": "management"},
        },
        "creds/r", ("password",),
    ),
    "ldap": (
        {
            "config": {"url": "ldap://ldap.test", "binddn": "cn=admin", "bindpass": SENT},
            "static-role/r": {"username": "ann", "rotation_period": "1h"},
            "rotate-role/r": {},
        },
        "static-cred/r", ("password", "last_password"),
    ),
    "ad": (
        {
            "config": {"url": "ldaps://ad.test", "binddn": "cn=admin", "bindpass": SENT, "userdn": "dc=test"},
            "roles/r": {"service_account_name": "ann@test", "ttl": "1h"},
        },
        "creds/r", ("current_password",),
    ),
    "alicloud": (
        {
            "config": {"access_key": "LTAI1", "secret_key": SENT},
            "role/r": {"remote_policies": "name:AliyunOSSReadOnlyAccess,type:System"},
        },
        "creds/r", ("secret_key",),
    ),
    "azure": (
        {
            "config": {"subscription_id": "s", "tenant_id": "t", "client_id": "c", "client_secret": SENT},
            "roles/r": {"azure_roles": _AZURE_ROLES},
        },
        "creds/r", ("client_secret",),
    ),
    "gcp": (
        {
            "config": {"credentials": _GCP_KEY},
            "static-account/r": {
                "service_account_email": "x@p.iam.gserviceaccount.com", "secret_type": "service_account_key",
            },
        },
        "static-account/r/key", ("private_key_data",),
    ),
    "mongodbatlas": (
        {
            "config": {"public_key": "k", "private_key": SENT},
            "roles/r": {"project_id": "p", "roles": "GROUP_READ_ONLY"},
        },
        "creds/r", ("private_key",),
    ),
    "terraform": ({"config": {"token": SENT}, "role/r": {"organization": "acme"}}, "creds/r", ("token",)),
}  # fmt: skip
"""By type: what is written, the path of a credential, and its secret members."""


@pytest.fixture
def client() -> Iterator[tuple[MockKMS, hvac.Client]]:
    with MockKMS() as kms:
        kms.journal.redact = True
        yield kms, hvac.Client(kms.url, token=kms.token)


@pytest.mark.parametrize("kind", ENGINES)
def test_the_journal_hides_what_is_sent_and_what_is_issued(kind: str, client: tuple[MockKMS, hvac.Client]) -> None:
    kms, vault = client
    written, path, members = ENGINES[kind]
    vault.sys.enable_secrets_engine(kind)
    for below, data in written.items():
        vault.write_data(f"{kind}/{below}", data=data)
    issued = vault.read(f"{kind}/{path}")["data"]
    shown = json.dumps([entry.data() for entry in kms.journal]) + kms.journal.table() + "".join(kms.journal.lines())
    for secret in (SENT, *(issued[member] for member in members)):
        assert len(secret) >= 8
        assert secret not in shown


def test_the_journal_hides_tokens_of_service_accounts_and_plain_texts(client: tuple[MockKMS, hvac.Client]) -> None:
    kms, vault = client
    vault.sys.enable_secrets_engine("kubernetes")
    vault.write("kubernetes/config", kubernetes_host="https://k8s.test", service_account_jwt=SENT)
    vault.write("kubernetes/roles/r", allowed_kubernetes_namespaces="*", service_account_name="a")
    token = vault.write("kubernetes/creds/r", kubernetes_namespace="prod")["data"]["service_account_token"]
    vault.sys.enable_secrets_engine("gcpkms")
    vault.write("gcpkms/keys/k", key_ring="projects/p/locations/global/keyRings/r")
    sealed = vault.write("gcpkms/encrypt/k", plaintext=SENT)["data"]["ciphertext"]
    assert vault.write("gcpkms/decrypt/k", ciphertext=sealed)["data"]["plaintext"] == SENT
    shown = json.dumps([entry.data() for entry in kms.journal]) + kms.journal.table()
    assert SENT not in shown
    assert token not in shown
    assert sealed in shown
