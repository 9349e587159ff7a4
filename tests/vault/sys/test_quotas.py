"""Rate limits on a clock that only the test moves."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from tests.vault.driving import World


def prepare(world: World) -> None:
    world.write("sys/mounts/kv", {"type": "kv"})
    world.write("kv/a", {"v": "1"})


pytestmark = pytest.mark.prepared(by=prepare)


def limit(world: World, name: str = "rule", **body: Any) -> None:
    assert world.write(f"sys/quotas/rate-limit/{name}", body).errors is None


def read(world: World, path: str = "kv/a", **more: Any) -> int:
    return world.ask("read", path, **more).status


def test_a_spent_limit_refuses_until_the_next_interval(world: World) -> None:
    limit(world, path="kv", rate=2, interval="10s")
    assert [read(world) for _ in range(3)] == [0, 0, 429]
    world.later(9.9)
    assert read(world) == 429
    world.later(0.2)
    assert read(world) == 0


def test_each_client_has_its_own(world: World) -> None:
    limit(world, path="kv", rate=1, interval="10s")
    assert [read(world, remote_address=a) for a in ("10.0.0.1", "10.0.0.2", "10.0.0.1")] == [0, 0, 429]


def test_a_block_outlasts_the_interval(world: World) -> None:
    limit(world, path="kv", rate=1, interval="1s", block_interval="60s")
    assert [read(world), read(world)] == [0, 429]
    world.later(30)
    assert read(world) == 429
    world.later(31)
    assert read(world) == 0


def test_the_nearest_rule_counts(world: World) -> None:
    limit(world, "all", rate=1000)
    limit(world, "mount", path="kv", rate=1, interval="10s")
    limit(world, "glob", path="kv/wide*", rate=1000)
    assert [read(world, "kv/wide/x") for _ in range(3)] == [404, 404, 404]
    assert [read(world), read(world)] == [0, 429]


def test_headers_tell_what_is_left_if_asked_to(world: World) -> None:
    world.write("sys/quotas/config", {"enable_rate_limit_response_headers": True})
    limit(world, path="kv", rate=2, interval="10s")
    headers = world.ask("read", "kv/a").headers
    assert headers == {"X-Ratelimit-Limit": "2", "X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": "9"}
    world.ask("read", "kv/a")
    refused = world.ask("read", "kv/a")
    assert refused.headers["Retry-After"] == "9"
    assert refused.errors == ['request path "kv/a": rate limit quota exceeded']


@pytest.mark.parametrize(("flavor", "first", "later"), [("openbao", "59", "29"), ("vault", "60", "30")])
def test_a_blocked_client_gets_the_remaining_time(flavor: str, first: str, later: str) -> None:
    world = World(flavor)
    world.write("sys/mounts/kv", {"type": "kv"})
    world.write("sys/quotas/config", {"enable_rate_limit_response_headers": True})
    limit(world, path="kv", rate=1, interval="1s", block_interval="60s")
    read(world)
    assert world.ask("read", "kv/a").headers["Retry-After"] == first
    world.later(30)
    assert world.ask("read", "kv/a").headers == {"Retry-After": later}


def test_the_methods_that_jwt_is_behind_have_roles(world: World) -> None:
    world.write("sys/auth/oidc", {"type": "oidc"})
    assert world.write("sys/quotas/rate-limit/r", {"path": "auth/oidc", "role": "a", "rate": 5}).errors is None


def test_exempt_paths_are_never_counted(world: World) -> None:
    limit(world, rate=1, interval="3600s")
    world.ask("read", "kv/a")
    assert read(world) == 429
    assert read(world, "sys/health") == 200
    world.core.state.quotas.exempt_paths.append("kv/")
    assert [read(world) for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("rate", [0, -1, "1e999", "-inf"])
def test_a_rate_is_a_number_above_zero(world: World, rate: Any) -> None:
    assert world.write("sys/quotas/rate-limit/r", {"rate": rate}).status == 400


@pytest.mark.parametrize("rate", ["nan", "inf"])
def test_a_rate_that_cannot_be_stored_is_an_error_of_the_server(world: World, rate: str) -> None:
    assert world.write("sys/quotas/rate-limit/r", {"rate": rate}).status == 500
    assert world.ask("read", "sys/quotas/rate-limit/r").status == 404


def test_rules_go_with_their_mount(world: World) -> None:
    limit(world, path="kv", rate=5)
    world.ask("delete", "sys/mounts/kv")
    assert world.ask("read", "sys/quotas/rate-limit/rule").status == 404


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({"group_by": "odd"}, 'invalid grouping mode "odd"'),
        ({"group_by": "none"}, 'grouping mode "none" is only available in Vault Enterprise'),
        ({"secondary_rate": 1}, "secondary rate is only valid when using entity-based grouping"),
        ({"inheritable": False}, "all global quotas must be inheritable"),
        ({"inheritable": True, "path": "secret"}, "only namespace quotas can be configured as inheritable"),
    ],
)
def test_limits_that_vault_refuses(flavor: str, sent: dict[str, Any], text: str) -> None:
    assert World(flavor).write("sys/quotas/rate-limit/a", {"rate": 5, **sent}).errors == [text]
    assert World("openbao").write("sys/quotas/rate-limit/a", {"rate": 5, **sent}).errors is None


@pytest.mark.parametrize("seed", range(3))
def test_rules_are_found_after_any_changes(seed: int) -> None:
    """Requests look rules up by what they hold for; that follows from writes, deletes, and moves of mounts."""
    chance = random.Random(seed)
    with MockKMS(root_token="root", rng=seed) as kms:
        core = kms.world.core

        def ask(operation: Operation, where: str, **data: object) -> None:
            core.handle(Request(operation, where, data=data, token="root"))

        for step in range(200):
            name, mount = f"q{chance.randrange(8)}", chance.choice(("a", "b", "auth/c"))
            match chance.randrange(6):
                case 0:
                    tree = "sys/auth/c" if mount.startswith("auth") else f"sys/mounts/{mount}"
                    ask(Operation.UPDATE, tree, type="approle" if mount.startswith("auth") else "kv")
                case 1 | 2:
                    role = chance.choice(("", "r")) if mount.startswith("auth") else ""
                    path = mount if role else f"{mount}/{chance.choice(('', 'x', 'y*'))}"
                    ask(Operation.UPDATE, f"sys/quotas/rate-limit/{name}", path=path, rate=1e9, role=role)
                case 3:
                    ask(Operation.DELETE, f"sys/quotas/rate-limit/{name}")
                case 4:
                    ask(Operation.DELETE, f"sys/mounts/{mount}")
                case 5:
                    ask(Operation.UPDATE, "sys/remount", **{"from": mount, "to": chance.choice(("a", "b"))})
            if step == 100:
                kms.snapshot("s")
            if step == 130:
                kms.restore("s")
            rules = core.state.quotas.rate_limits.values()
            assert {rule.factors for rule in rules} == {
                rule.factors for rule in rules if core.quotas.with_factors(rule.factors) is rule
            }
