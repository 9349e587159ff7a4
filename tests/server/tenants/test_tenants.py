"""Tenants: isolated worlds behind one port."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from mockkms import MockKMS, RemoteError, RemoteKMS, SeedError
from mockkms.server.tenants.tenants import TenantError, Tenants
from mockkms.world.world import World
from tests.waiting import eventually

WORLD = {
    "mockkms": 1,
    "rng": 3,
    "vault": {
        "root_token": "boss",
        "mounts": {"secret/": {"type": "kv", "version": 2, "secrets": {"app": {"n": 0}}}},
    },
    "faults": [{"id": "first", "match": {"path": "secret/data/flaky"}, "times": 1, "answer": 503}],
}


pytestmark = pytest.mark.server(seed=WORLD)


def call(url: str, method: str, path: str, data: object = None) -> requests.Response:
    return requests.request(method, url + path, json=data, headers={"X-Vault-Token": "boss"}, timeout=60)


def read(url: str) -> object:
    return call(url, "GET", "/v1/secret/data/app").json()["data"]["data"]["n"]


def write(url: str, value: int) -> int:
    return call(url, "POST", "/v1/secret/data/app", {"data": {"n": value}}).status_code


def test_each_tenant_begins_at_the_baseline_and_keeps_to_itself(kms: MockKMS) -> None:
    write(kms.url, 9)
    one, two = kms.url + "/t/one", kms.url + "/t/two"
    write(one, 1)
    write(two, 2)
    assert (read(kms.url), read(one), read(two)) == (9, 1, 2)
    assert kms.tenant("one").journal.lines() == ["POST /v1/secret/data/app", "GET /v1/secret/data/app"]
    assert kms.journal.total == 2


def test_rules_of_the_baseline_count_for_each_tenant_alone(kms: MockKMS) -> None:
    flaky = "/v1/secret/data/flaky"
    seen = [call(kms.url + place, "GET", flaky).status_code for place in ("", "/t/a", "", "/t/a", "/t/b")]
    assert seen == [503, 503, 404, 404, 503]
    assert kms.faults.get("first").fired == 1
    assert kms.tenant("b").faults.get("first").fired == 1


def test_faults_clock_seal_and_reset_of_one_tenant(kms: MockKMS) -> None:
    one, two = kms.tenant("one"), kms.tenant("two")
    one.faults.add("secret/*", answer="rate-limited", times=1)
    one.clock.freeze(1_000_000.0)
    assert call(one.url, "GET", "/v1/secret/data/app").status_code == 429
    assert read(two.url) == 0
    assert not two.clock.frozen
    two.seal()
    assert (read(one.url), call(two.url, "GET", "/v1/secret/data/app").status_code) == (0, 503)
    two.unseal()
    assert read(two.url) == 0
    kept = one.snapshot()
    write(one.url, 5)
    one.restore(kept)
    assert read(one.url) == 0
    one.reset()
    assert not one.clock.frozen
    assert one.journal.total == 0


def test_the_control_api_of_a_tenant(kms: MockKMS) -> None:
    base = kms.url + "/t/x/_mockkms/"
    assert requests.post(base + "faults", json={"path": "secret/*", "close": True}, timeout=60).status_code == 200
    with pytest.raises(requests.ConnectionError):
        read(kms.url + "/t/x")
    assert read(kms.url) == 0
    assert requests.get(base + "journal", timeout=60).json()["count"] == 1
    assert requests.get(base + "tenants", timeout=60).json()["tenants"] == []
    assert requests.get(kms.url + "/t/x/t/y/_mockkms/tenants", timeout=60).status_code == 404
    listed = requests.get(kms.url + "/_mockkms/tenants", timeout=60).json()
    assert (listed["tenants"], listed["dropped"]) == (["x"], 0)
    assert requests.delete(kms.url + "/_mockkms/tenants/x", timeout=60).json() == {"ok": True}
    assert requests.delete(kms.url + "/_mockkms/tenants/x", timeout=60).status_code == 404
    assert read(kms.url + "/t/x") == 0
    assert requests.delete(kms.url + "/_mockkms/tenants", timeout=60).json() == {"ok": True}
    refused = requests.get(base + "faults", headers={"Origin": "http://evil.example"}, timeout=60)
    assert refused.status_code == 403


def test_a_tenant_has_tenants_of_its_own(kms: MockKMS) -> None:
    with RemoteKMS(kms.url) as server:
        _use_tenants_of(server.tenant("one"), kms)


def _use_tenants_of(remote: RemoteKMS, kms: MockKMS) -> None:
    remote.load({"vault": {"mounts": {"secret/": {"secrets": {"app": {"n": 7}}}}}})
    write(remote.url, 1)
    below = remote.tenant("two")
    assert below.url == f"{kms.url}/t/one/t/two"
    write(below.url, 2)
    assert (read(remote.url), read(below.url), read(kms.url)) == (1, 2, 0)
    below.faults.add("secret/*", answer="sealed", times=1)
    assert [call(url, "GET", "/v1/secret/data/app").status_code for url in (remote.url, below.url)] == [200, 503]
    assert (remote.tenants(), kms.tenant("one").journal.total) == (["two"], 3)
    remote.reset()
    assert remote.tenants() == []
    assert read(below.url) == 7  # it starts from its tenant's baseline
    with pytest.raises(RemoteError):
        below.tenant("three")
    for number in range(17):
        remote.tenant(f"t{number}")
    assert len(remote.tenants()) == 16


def test_reset_and_load_over_http_drop_all_tenants_as_in_the_process(kms: MockKMS) -> None:
    with RemoteKMS(kms.url) as remote:
        for renew in (kms.reset, remote.reset, kms.load, remote.load):
            write(kms.tenant("one").url, 5)
            renew()
            assert read(kms.tenant("one").url) == 0


def test_the_world_of_a_dropped_tenant_leaves_the_memory(kms: MockKMS) -> None:
    worlds = []
    for name in ("one", "two"):
        assert read(kms.tenant(name).url) == 0
        worlds.append(weakref.ref(kms.tenant(name).world))
    kms.reset()
    assert read(kms.tenant("three").url) == 0

    def gone() -> bool:
        gc.collect()
        return all(world() is None for world in worlds)

    eventually(gone)


def test_an_invalid_world_leaves_the_tenants(kms: MockKMS) -> None:
    invalid = {"mockkms": 1, "vault": {"odd": 1}}
    with RemoteKMS(kms.url) as remote:
        write(kms.tenant("one").url, 5)
        for load in (kms.load, remote.load):
            with pytest.raises(SeedError):
                load(invalid)
            assert read(kms.tenant("one").url) == 5


def test_a_refused_port_is_refused_to_the_tenant_alone(kms: MockKMS) -> None:
    one = kms.tenant("one")
    one.faults.add("secret/*", refuse=30, times=1)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            read(one.url)
    assert read(kms.url) == 0
    assert read(kms.url + "/t/two") == 0


@pytest.mark.parametrize("id", ["", "%2e%2e", "-x", "a b", "x" * 129, "ü"])
def test_ids_that_no_tenant_can_have(kms: MockKMS, id: str) -> None:
    assert call(kms.url, "GET", f"/t/{id}/v1/sys/health").status_code == 404
    assert len(kms._gateway.tenants) == 0
    with RemoteKMS(kms.url) as remote:
        for one in (kms, remote):
            for call_with in (one.tenant, one.forget_tenant):
                with pytest.raises(ValueError, match=r"^tenant=.*: expected a name of up to 128 letters"):
                    call_with(id)


def test_redirects_stay_with_the_tenant(kms: MockKMS) -> None:
    for path, location in (("/", "/ui/"), ("/v1//secret/data/app", "/v1/secret/data/app"), ("", "/ui/")):
        answer = requests.get(f"{kms.url}/t/one{path}", allow_redirects=False, timeout=60)
        assert (answer.status_code, answer.headers["Location"]) == (307, "/t/one" + location)


def test_tenants_of_one_seed_repeat_each_other(kms: MockKMS) -> None:
    made = [call(f"{kms.url}/t/{id}", "POST", "/v1/auth/token/create", {}).json()["auth"] for id in "ab"]
    assert made[0]["client_token"] == made[1]["client_token"]


def test_many_tenants_in_parallel(kms: MockKMS) -> None:
    def work(n: int) -> object:
        url = f"{kms.url}/t/worker-{n}"
        write(url, n)
        return read(url)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == list(range(40))


def test_the_number_is_bounded_and_the_idle_tenant_is_dropped() -> None:
    world = World()
    world.begin(root_token="root", rng=1, flavor="vault")
    tenants = Tenants(world, limit=2)
    busy = tenants.enter("busy")
    second = tenants.world("second")
    tenants.world("third")
    assert tenants.names() == ["busy", "third"]
    assert tenants.dropped == 1
    tenants.enter("third")
    with pytest.raises(TenantError, match="busy"):
        tenants.world("fourth")
    tenants.leave("third")
    assert tenants.world("second") is not second
    assert tenants.world("busy") is busy


def test_a_tenants_server_has_the_same_lease_limits() -> None:
    with MockKMS(root_token="boss", default_lease_ttl=60, max_lease_ttl=120) as kms:
        made = call(kms.tenant("short").url, "POST", "/v1/auth/token/create", {"policies": ["default"]}).json()
        assert made["auth"]["lease_duration"] == 60
