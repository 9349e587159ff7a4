"""The cache of descriptions of keys, and its counters in ``/status``."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.rustfs import RustfsAdmin
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.kernel.core import Core
from mockkms.world.entropy import Entropy
from tests.rustfs.driver import call, fresh, frozen

LOCAL = {"backend_type": "Local", "key_dir": "/var/keys", "master_key": "m"}


def running(admin: RustfsAdmin, **body: Any) -> RustfsAdmin:
    """A running service."""
    assert call(admin, "POST", "/configure", json=body)[1]["success"]
    assert call(admin, "POST", "/start")[1]["status"] == "Running"
    return admin


def local(**settings: Any) -> RustfsAdmin:
    return running(fresh(api="current"), **LOCAL, **settings)


def make(admin: RustfsAdmin, name: str) -> None:
    assert call(admin, "POST", "/keys", json={"tags": {"name": name}})[0].status == 200


def counters(admin: RustfsAdmin) -> list[int]:
    """Hits, misses, entries, evictions."""
    found = call(admin, "GET", "/status")[1]["cache_stats"]
    assert list(found) == ["hit_count", "miss_count", "entry_count", "eviction_count"]
    return list(found.values())


def test_descriptions_are_remembered_and_forgotten() -> None:
    admin = local()
    assert counters(admin) == [0, 0, 0, 0]
    make(admin, "k")
    call(admin, "GET", "/keys/k")
    call(admin, "GET", "/describe-key", "keyId=k")
    call(admin, "GET", "/keys/none")
    assert counters(admin) == [2, 1, 1, 0]
    call(admin, "POST", "/keys/disable", json={"key_id": "k"})  # forgets it, and describes it in the response
    assert counters(admin) == [2, 2, 1, 1]
    call(admin, "POST", "/keys/rotate", json={"key_id": "k"})  # refused by this backend
    assert counters(admin) == [2, 2, 1, 1]
    admin.core.clock.advance(300)
    assert counters(admin) == [2, 2, 0, 2]
    call(admin, "GET", "/keys/k")
    assert call(admin, "POST", "/clear-cache")[0].status == 200
    assert counters(admin) == [2, 3, 0, 3]
    call(admin, "POST", "/start", json={"force": True})
    assert counters(admin) == [0, 0, 0, 0]


def test_a_full_cache_forgets_the_description_that_was_not_used_for_longest() -> None:
    admin = local(max_cached_keys=2)
    for name in ("a", "b"):
        make(admin, name)
    call(admin, "GET", "/keys/a")
    make(admin, "c")
    assert list(admin.state.cache.entries) == ["a", "c"]
    assert counters(admin) == [1, 0, 2, 1]


def test_without_a_cache_there_are_no_counters() -> None:
    admin = local(enable_cache=False, max_cached_keys=0, cache_ttl_seconds=0)
    make(admin, "k")
    call(admin, "GET", "/keys/k")
    assert call(admin, "GET", "/status")[1]["cache_stats"] is None
    assert call(admin, "POST", "/clear-cache")[0].status == 200


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("max_cached_keys", "Cache max_keys must be greater than 0"),
        ("cache_ttl_seconds", "Cache ttl must be greater than 0"),
    ],
)
def test_a_cache_has_room_and_time(setting: str, text: str) -> None:
    reply, body = call(fresh(api="current"), "POST", "/configure", json={**LOCAL, setting: 0})
    assert (reply.status, body["message"]) == (200, f"Failed to configure KMS: Configuration error: {text}")


def test_descriptions_are_remembered_for_a_day_at_most() -> None:
    admin = local(cache_ttl_seconds=10**9)
    shown = call(admin, "GET", "/service-status")[1]["config_summary"]
    assert (shown["cache_ttl_seconds"], shown["cache_summary"]["ttl_seconds"]) == (86400, 86400)
    assert call(admin, "GET", "/config")[1]["cache_ttl_seconds"] == 86400
    make(admin, "k")
    admin.core.clock.advance(86400)
    assert counters(admin) == [0, 0, 0, 1]


def test_the_origin_after_a_cancelled_deletion_lasts_until_the_next_change() -> None:
    admin = local()
    make(admin, "k")
    call(admin, "DELETE", "/keys/delete", json={"key_id": "k"})
    assert call(admin, "POST", "/keys/cancel-deletion", json={"key_id": "k"})[1]["key_metadata"]["origin"] == "AWS_KMS"
    assert call(admin, "GET", "/keys/k")[1]["key_metadata"]["origin"] == "AWS_KMS"
    assert call(admin, "POST", "/keys/enable", json={"key_id": "k"})[1]["key_metadata"]["origin"] == "KMS"


@pytest.fixture
def core() -> Core:
    """A Vault with a transit mount."""
    core = Core(clock=frozen(), entropy=Entropy(1))
    core.bootstrap("root")
    assert ask(core, Operation.UPDATE, "sys/mounts/transit", type="transit") is None
    return core


def ask(core: Core, operation: Operation, path: str, **data: Any) -> list[str] | None:
    """The errors of a request of Vault; None if there are none."""
    return core.handle(Request(operation, path, data=data, token="root")).errors


@pytest.mark.parametrize(
    ("backend", "gone"),
    [("VaultTransit", "transit/keys/k"), ("VaultKV2", "secret/metadata/rustfs/kms/keys/k")],
)
def test_a_change_in_the_vault_is_noticed_when_the_description_is_forgotten(
    core: Core, backend: str, gone: str
) -> None:
    admin = running(
        RustfsAdmin(core, api="current", vault="embedded"),
        backend_type=backend,
        address="http://127.0.0.1:8200",
        auth_method={"Token": {"token": "root"}},
        allow_insecure_dev_defaults=True,
    )
    make(admin, "k")
    ask(core, Operation.UPDATE, "transit/keys/k/config", deletion_allowed=True)
    assert ask(core, Operation.DELETE, gone) is None
    assert call(admin, "GET", "/keys/k")[0].status == 200
    core.clock.advance(300)
    reply, body = call(admin, "GET", "/keys/k")
    assert (reply.status, body["message"]) == (404, "Failed to describe key: Key not found: k")
    core.seal.seal()
    assert call(admin, "GET", "/keys")[0].status == 500
    assert call(admin, "GET", "/list-keys")[0].status == 500


def test_a_key_of_another_client_of_transit_is_described_listed_and_recorded(core: Core) -> None:
    admin = running(
        RustfsAdmin(core, api="current", vault="embedded"),
        backend_type="VaultTransit",
        address="http://127.0.0.1:8200",
        auth_method={"Token": {"token": "root"}},
        allow_insecure_dev_defaults=True,
    )
    for name in ("a", "b"):
        ask(core, Operation.UPDATE, f"transit/keys/{name}")
    assert call(admin, "GET", "/keys/b")[1]["key_metadata"]["key_state"] == "Enabled"
    listed = call(admin, "GET", "/keys", "limit=2")[1]
    assert [key["key_id"] for key in listed["keys"]] == ["a", "b"]
    assert listed["next_marker"] == "b"
    assert ask(core, Operation.READ, "secret/data/rustfs/kms/transit-metadata/a") is None
    assert call(admin, "POST", "/keys/disable", json={"key_id": "a"})[1]["key_metadata"]["key_state"] == "Disabled"
