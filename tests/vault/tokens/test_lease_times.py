"""When tokens and leases were issued, and when they end, on a clock that runs.

Measured with OpenBao 2.6.2: a token's ``expire_time`` is microseconds less than its TTL after ``issue_time``, so that
clients which compute whole seconds (Terraform's provider) find one less; that of a secret's lease is a little more.
"""

from __future__ import annotations

import itertools
import time
from datetime import datetime

import pytest

from tests.vault.driving import World


def prepare(world: World) -> None:
    world.write("sys/mounts/ssh", {"type": "ssh"})
    world.write("ssh/roles/r", {"key_type": "otp", "default_user": "u", "cidr_list": "0.0.0.0/0"})
    world.write("sys/mounts/pki", {"type": "pki"})
    world.write("pki/root/generate/internal", {"common_name": "root", "key_type": "ec"})
    world.write("pki/roles/r", {"allow_any_name": True, "generate_lease": True, "ttl": "60s", "key_type": "ec"})


pytestmark = pytest.mark.prepared(by=prepare)


@pytest.fixture
def running(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose clock runs: a microsecond and more between any two readings."""
    now = itertools.count(1_800_000_000.4, 0.000004)
    monkeypatch.setattr(time, "time", lambda: next(now))
    world.core.clock.set(1_800_000_000.4)
    world.core.clock.resume()
    return world


def between(data: dict[str, str], begin: str = "issue_time") -> float:
    """Seconds until the end."""
    return (datetime.fromisoformat(data["expire_time"]) - datetime.fromisoformat(data[begin])).total_seconds()


def test_a_token_lives_a_little_less_than_its_ttl(running: World) -> None:
    token = running.write("auth/token/create", {"ttl": "60s", "policies": "default"}).auth.client_token
    assert 59.99 < between(running.ask("read", "auth/token/lookup-self", token=token).data) < 60
    running.write("auth/token/renew-self", {"increment": "90s"}, token=token)
    renewed = running.ask("read", "auth/token/lookup-self", token=token).data
    assert 89.99 < between(renewed, "last_renewal") < 90


def test_a_batch_token_lives_as_long_as_its_ttl(running: World) -> None:
    """Its times are computed from the whole second of its creation."""
    asked = {"ttl": "60s", "policies": "default", "type": "batch"}
    token = running.write("auth/token/create", asked).auth.client_token
    assert between(running.ask("read", "auth/token/lookup-self", token=token).data) == 60


def test_a_lease_lives_a_little_more_than_its_ttl(running: World) -> None:
    running.write("sys/mounts/ssh/tune", {"default_lease_ttl": "60s"})
    lease = running.write("ssh/creds/r", {"ip": "10.0.0.1"}).lease
    found = running.write("sys/leases/lookup", {"lease_id": lease.lease_id}).data
    assert (lease.ttl, 60 < between(found) < 60.01) == (60, True)


def test_the_lease_of_a_certificate_ends_with_it(running: World) -> None:
    """Certificates end at a whole second: 59.6 seconds later."""
    answer = running.write("pki/issue/r", {"common_name": "a.example"})
    found = running.write("sys/leases/lookup", {"lease_id": answer.lease.lease_id}).data
    assert datetime.fromisoformat(found["expire_time"]).timestamp() == answer.data["expiration"]
    assert (answer.lease.ttl, 59 < between(found) < 60) == (60, True)


def test_on_a_frozen_clock_no_time_passes(world: World) -> None:
    token = world.write("auth/token/create", {"ttl": "60s", "policies": "default"}).auth.client_token
    assert between(world.ask("read", "auth/token/lookup-self", token=token).data) == 60
