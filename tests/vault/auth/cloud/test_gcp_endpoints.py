"""Google Cloud logins with services on this machine: ``custom_endpoint`` of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import KEY, certificate, certificate_pem, root
from tests.vault.auth.cloud.conftest import Seeded
from tests.vault.auth.cloud.test_gcp import log_in, machine_token, token
from tests.vault.auth.cloud.test_gcp import world as world_of
from tests.vault.secrets.standin import StandIn, standing_in

_ACCOUNT = {"email": "e@x", "uniqueId": "1234", "projectId": "project-1"}
_MACHINE = {
    "name": "web-1",
    "id": "77",
    "zone": "https://compute.example.org/projects/project-1/zones/europe-west1-b",
    "status": "RUNNING",
    "creationTimestamp": "1970-01-01T00:00:00.000-00:00",
    "labels": {"env": "prod"},
}


@pytest.fixture
def google() -> Iterator[StandIn]:
    with standing_in() as server:
        server.answers["GET", "/oauth2/v1/certs"] = (200, {"k0": certificate_pem(certificate())})
        server.answers["GET", "/service_accounts/v1/metadata/x509/"] = (200, {"k1": certificate_pem(certificate())})
        server.answers["GET", "/v1/projects/-/serviceAccounts/"] = (200, _ACCOUNT)
        server.answers["GET", "/compute/v1/projects/project-1/zones/europe-west1-b/instances/web-1"] = (200, _MACHINE)
        server.answers["POST", "/v1/projects/project-1:getAncestry"] = (
            200,
            {"ancestor": [{"resourceId": {"type": "project", "id": "project-1"}}, {"resourceId": {"type": "folder"}}]},
        )
        yield server


def world(seeded: Seeded, google: StandIn, **role: Any) -> MockKMS:
    endpoints = dict.fromkeys(("api", "iam", "compute", "crm"), google.url)
    roles = {
        "iam": {"type": "iam", "bound_service_accounts": ["e@x"], **role},
        "gce": {"type": "gce", "bound_labels": ["env:prod"]},
    }
    return world_of(
        seeded, roles=roles, config={"custom_endpoint": endpoints}, service_accounts=[], instances=[], issuer_keys=[]
    )


def test_keys_and_accounts_are_those_of_the_services(seeded: Seeded, google: StandIn) -> None:
    kms = world(seeded, google, add_group_aliases=True)
    assert log_in(kms, token())["metadata"]["service_account_email"] == "e@x"
    assert google.lines[-1] == "POST /v1/projects/project-1:getAncestry"
    google.answers["GET", "/service_accounts/v1/metadata/x509/"] = (200, {})
    with pytest.raises(InvalidRequest, match='unable to get public key "k1" for JWT subject'):
        log_in(kms, token())
    google.answers["GET", "/service_accounts/v1/metadata/x509/"] = (200, {"k1": "x"})
    with pytest.raises(InvalidRequest, match="unable to parse the certificate of key k1"):
        log_in(kms, token())


def test_accounts_that_are_gone(seeded: Seeded, google: StandIn) -> None:
    kms = world(seeded, google)
    google.answers["GET", "/v1/projects/-/serviceAccounts/"] = (404, {"error": "gone"})
    with pytest.raises(InternalServerError, match=r"could not find service account .*got HTTP response code 404"):
        log_in(kms, token())


def test_machines_are_those_of_compute(seeded: Seeded, google: StandIn) -> None:
    kms = world(seeded, google)
    google.answers["GET", "/oauth2/v1/certs"] = (200, {"k1": certificate_pem(certificate())})
    jwt = machine_token(KEY)
    assert log_in(kms, jwt, "gce")["metadata"]["instance_name"] == "web-1"
    at = ("GET", "/compute/v1/projects/project-1/zones/europe-west1-b/instances/web-1")
    google.answers[at] = (200, {**_MACHINE, "status": "STOPPED"})
    with pytest.raises(InvalidRequest, match="found but has invalid status 'STOPPED'"):
        log_in(kms, jwt, "gce")


def test_a_service_that_does_not_respond(seeded: Seeded, google: StandIn) -> None:
    kms = world(seeded, google)
    root(kms).write_data("auth/gcp/config", data={"custom_endpoint": {"iam": "http://127.0.0.1:1"}})
    with pytest.raises(InternalServerError, match="could not find service account"):
        log_in(kms, token())
