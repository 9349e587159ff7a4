"""The table has every resource of every type: an endpoint that is written and read has a row."""

from __future__ import annotations

import re
from functools import cache

import pytest

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Emulation, Endpoint
from mockkms.vault.framework.message import Operation
from mockkms.vault.products import product_named
from tests.clients.cycles.rows import ID, PRODUCTS, Row, rows

ROWS = tuple(rows())
WRITES = {Operation.UPDATE, Operation.CREATE}
NOT_RESOURCES = {
    "system": (
        "rotate/root", "rotate/recovery", "generate-root", "internal/inspect", "storage/raft/snapshot",
        "raw", "loggers", "mounts/auth/", "plugins/pins", "plugins/catalog",
    ),
    "identity": ("alias/id", "persona/id", "oidc/provider/{name}/"),
    "kv2": ("data/{path:re(",),
    "totp": ("code/",),
    "pki": ("acme/",),
    "secret/aws": ("creds/", "sts/"),
    "ad": ("rotate-root",),
    "mongodbatlas": ("creds/",),
    "terraform": ("creds/",),
    "secret/gcp": ("roleset/{roleset}/", "token/", "key/", "static-account/{name}/", "impersonated-account/{name}/"),
    "auth/aws": ("{list:",),
    "token": ("lookup",),
}  # fmt: skip
"""Endpoints, by their beginnings, that act instead of keeping something, are other names of endpoints with a row, or
refuse without what a server has to be started with (plugin directory, raw access, raft)."""


def kept(endpoint: Endpoint) -> bool:
    """Whether an endpoint keeps what is written to it."""
    return bool(
        Operation.READ in endpoint.operations
        and WRITES & endpoint.operations.keys()
        and endpoint.emulation is Emulation.FULL
        and not endpoint.login
    )


@cache
def without_row(flavor: str) -> list[tuple[str, str]]:
    """The endpoints of a product that keep something and have no row: implementation and template."""
    found = []
    product = product_named(flavor)
    table = [row for row in ROWS if row.product == flavor]
    for name in filter(lambda name: _mounts(name, flavor), registry.names()):
        paths = [path for row in table for path in _below(row, name)]
        for endpoint in registry.engine(name).endpoints:
            known = endpoint.needs is None or product.has(endpoint.needs)
            if known and kept(endpoint) and not any(map(endpoint.pattern.fullmatch, paths)):
                found.append((name, endpoint.template))
    return found


@pytest.mark.parametrize("flavor", PRODUCTS)
def test_every_endpoint_that_keeps_something_has_a_row(flavor: str) -> None:
    missing = [one for one in without_row(flavor) if not one[1].startswith(NOT_RESOURCES.get(one[0], ()))]
    assert missing == []


def test_the_exceptions_are_needed() -> None:
    found = [one for flavor in PRODUCTS for one in without_row(flavor)]
    for name, beginnings in NOT_RESOURCES.items():
        for beginning in beginnings:
            assert any(name == one[0] and one[1].startswith(beginning) for one in found), (name, beginning)


def _mounts(name: str, flavor: str) -> bool:
    """Whether the product has a type, by the name of its implementation."""
    kind = registry.bare_engine(name).kind
    mount_type = {"kv2": "kv"}.get(name, name.rpartition("/")[2])
    only_once = kind == "system" or registry.only_path(kind, mount_type)
    return bool(only_once) or product_named(flavor).builtins.has(kind, mount_type)


def _below(row: Row, name: str) -> list[str]:
    """The paths of a row below the mount of an implementation; none if it is another one's."""
    own = {"system": "sys/", "identity": "identity/", "token": "auth/token/", "cubbyhole": "cubbyhole/"}
    prefix = own.get(name, f"{row.base}/" if row.mount and _implementation(row) == name else "\n")
    paths = (row.full(path) for path in (row.path, row.read, row.create, row.update) if path)
    return [re.sub(r"\$\{\w+\}", ID, path.removeprefix(prefix)) for path in paths if path.startswith(prefix)]


def _implementation(row: Row) -> str:
    kind, _, mount_type = row.mount.partition("/")
    return registry.implementation(mount_type, dict(row.options), kind).type
