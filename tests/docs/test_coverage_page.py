"""docs/coverage.md says what the endpoint declarations say, of every operation that a product's surface names."""

from __future__ import annotations

import pytest

from mockkms.vault.framework.endpoint import Emulation
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.products import OPENBAO, VAULT, Product
from scripts import coverage
from scripts.coverage import SURVEYED, SurfaceOperation
from tests.vault.driving import World

_DAILY = [
    *((OPENBAO, name) for name in ("auth-approle", "auth-token", "auth-userpass", "cubbyhole", "kv-v1", "kv-v2")),
    *((VAULT, name) for name in ("auth-approle", "auth-token", "auth-userpass", "cubbyhole", "kv", "kv2")),
    (OPENBAO, "transit"),
]
_CHECKS_ITSELF = {
    "/sys/metrics": "a dev server shows them to anyone",
    "/sys/seal": "answered before the core, and asks for the token itself",
    "/sys/step-down": "answered before the core, and asks for the token itself",
    "/sys/internal/ui/feature-flags": "recorded: open to anyone",
}
"""Paths that are open or protected otherwise than the surface says, and why."""
_MOUNTED = {"kv-v1": ("kv1", "kv"), "kv": ("kv", "kv"), "kv2": ("kv2", "kv-v2")}
"""Path and type of the mount of a group, where they are not its name."""


def test_page_is_current() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run scripts/coverage.py"


@pytest.mark.parametrize(("product", "name"), _DAILY, ids=lambda value: getattr(value, "name", value))
def test_the_engines_in_daily_use_are_emulated_whole(product: Product, name: str) -> None:
    group = next(group for group in coverage.groups(product) if group.name == name)
    assert group.operations
    assert not group.lacking_operations
    assert not group.lacking_parameters


@pytest.mark.parametrize("product", SURVEYED, ids=lambda product: product.name)
def test_every_operation_is_in_one_of_three_columns(product: Product) -> None:
    found = coverage.groups(product)
    assert sum(group.operations for group in found) == len(coverage.surface(product))
    for group in found:
        listed = [*group.emulated, *group.refused, *group.lacking_operations]
        assert len(listed) == group.operations == len(set(listed))


@pytest.mark.parametrize("product", SURVEYED, ids=lambda product: product.name)
def test_what_answers_without_a_token_and_what_needs_sudo(product: Product) -> None:
    wrong = []
    for operation in coverage.surface(product):
        endpoints = [endpoint for _, endpoint in coverage.routed(operation, product)]
        if operation.path in _CHECKS_ITSELF or not endpoints:
            continue
        first = endpoints[0]
        is_open = first.outside or first.is_login(product)
        if (is_open, first.needs_sudo(product)) != (operation.open, operation.protected):
            wrong.append(f"{operation.name}: open {is_open}, protected {first.needs_sudo(product)}")
    assert wrong == []


@pytest.fixture(scope="module", params=SURVEYED, ids=lambda product: product.name)
def surveyed(request: pytest.FixtureRequest) -> World:
    """A server on which every engine and method of the surface is mounted."""
    product: Product = request.param
    made = World(product.name)
    for group in dict.fromkeys(operation.group for operation in coverage.surface(product)):
        path, type = _MOUNTED.get(group, (group.removeprefix("auth-"), group.removeprefix("auth-")))
        table = "sys/auth" if group.startswith("auth-") else "sys/mounts"
        if group not in ("auth-token", "cubbyhole", "identity", "sys", "kv-v2"):
            assert made.write(f"{table}/{path}", {"type": type}).errors is None
    return made


def _ask(world: World, operation: SurfaceOperation, below: str, **more: str) -> tuple[Request, Response]:
    mount = operation.path[1 : len(operation.path) - len(operation.below)]
    wanted = operation.operations[0] if not below.endswith("/") or operation.method != "GET" else Operation.LIST
    request = Request(wanted, mount + below, data={}, token=more.get("token", "root"))
    return request, world.core.handle(request)


_DANGEROUS = ("/sys/seal", "/sys/step-down", "/sys/init", "/auth/token/revoke-self", "/sys/rotate", "/sys/pprof")


def test_the_server_answers_as_the_page_says(surveyed: World) -> None:
    product = surveyed.core.product
    wrong = []
    for operation in coverage.surface(product):
        if operation.path.startswith(_DANGEROUS):
            continue
        how = coverage.emulation(operation, product)
        paths = [at for at, endpoint in coverage.routed(operation, product) if endpoint.emulation is how]
        handled = []
        for below in paths:
            request, answer = _ask(surveyed, operation, below)
            handled.append(not request.trace.unhandled)
            if how is Emulation.REFUSED and answer.status in (404, 405):
                assert answer.errors == ["enterprise-only feature"] or answer.status == 405
        if how is not Emulation.NONE and not any(handled):
            wrong.append(operation.name)
    assert wrong == []
