"""Mount types that are known by name only: they mount like the others, and what is below them is loudly missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hvac
import pytest
from hvac.exceptions import InvalidPath, InvalidRequest

from mockkms import MockKMS, SeedError
from mockkms.vault.framework import registry
from mockkms.worldfile.sections.vault import definitions
from mockkms.worldfile.spec import world_shape

_BY_NAME = [("vault", "secret", "nomad"), ("vault", "auth", "kerberos"), ("openbao", "secret", "rabbitmq")]


@pytest.fixture(autouse=True)
def by_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """These types have no row in the table, whether or not they are emulated."""
    absent = ("nomad", "rabbitmq", "auth/kerberos", "kerberos")
    # In a table of its own: rows that are put back would stand at the end of the table, in another order than before.
    monkeypatch.setattr(registry, "_TABLE", {n: row for n, row in registry._TABLE.items() if n not in absent})
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Forget which engines were looked up, and what worlds may have with them."""
    for cached in (registry.engine, registry.bare_engine, registry.world_section, definitions, world_shape):
        cached.cache_clear()


def client_of(server: MockKMS) -> hvac.Client:
    return hvac.Client(server.url, token=server.token)


@pytest.mark.parametrize(("flavor", "kind", "type"), _BY_NAME)
def test_a_type_without_emulation_is_mounted_tuned_moved_and_disabled(flavor: Any, kind: str, type: str) -> None:
    with MockKMS(flavor=flavor) as server:
        sys = client_of(server).sys
        if kind == "secret":
            sys.enable_secrets_engine(type, path="here")
            sys.tune_mount_configuration("here", default_lease_ttl="1h")
            sys.move_backend("here", "there")
            shown = sys.list_mounted_secrets_engines()["data"]["there/"]
            sys.disable_secrets_engine("there")
            assert "there/" not in sys.list_mounted_secrets_engines()["data"]
            assert shown["config"]["default_lease_ttl"] == 3600
        else:
            sys.enable_auth_method(type, path="here")
            shown = sys.list_auth_methods()["data"]["here/"]
            sys.disable_auth_method("here")
            assert "here/" not in sys.list_auth_methods()["data"]
        assert shown["type"] == type
        assert shown["deprecation_status"] == "supported"
        server.journal.assert_no_unhandled()


def test_paths_below_it_are_unhandled() -> None:
    with MockKMS() as server:
        client = client_of(server)
        client.sys.enable_secrets_engine("nomad")
        with pytest.raises(InvalidPath, match="unsupported path"):
            client.write("nomad/role/app", policies="x")
        with pytest.raises(AssertionError, match="nomad/role/app"):
            server.journal.assert_no_unhandled()


def test_a_login_there_is_missing_and_not_refused() -> None:
    with MockKMS() as server:
        client_of(server).sys.enable_auth_method("kerberos")
        with pytest.raises(InvalidPath, match="unsupported path"):
            hvac.Client(server.url).login("/v1/auth/kerberos/login")
        with pytest.raises(AssertionError, match="auth/kerberos/login"):
            server.journal.assert_no_unhandled()


def test_a_type_of_the_other_product_is_not_there() -> None:
    absent = pytest.raises(InvalidRequest, match="plugin not found in the catalog: consul")
    with MockKMS(flavor="openbao") as server, absent:
        client_of(server).sys.enable_secrets_engine("consul")
    with pytest.raises(SeedError, match=r"OpenBao has no consul; it has .*transit"):
        MockKMS(seed={"mockkms": 1, "flavor": "openbao", "vault": {"mounts": {"consul/": {"type": "consul"}}}}).start()


def test_a_world_names_it_and_a_dump_keeps_it() -> None:
    mounts = {"db/": {"type": "nomad", "description": "d"}}
    world = {"mockkms": 1, "rng": 7, "vault": {"mounts": mounts, "auth": {"k/": {"type": "kerberos"}}}}
    with MockKMS(seed=world) as server:
        dump = server.dump()
    with MockKMS(seed=dump) as again:
        assert again.dump() == dump
        sys = client_of(again).sys
        assert sys.list_mounted_secrets_engines()["data"]["db/"]["description"] == "d"
        assert sys.list_auth_methods()["data"]["k/"]["type"] == "kerberos"


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_every_type_of_the_catalog_can_be_mounted(flavor: Any) -> None:
    with MockKMS(flavor=flavor) as server:
        sys = client_of(server).sys
        catalog = client_of(server).read("sys/plugins/catalog")["data"]
        for type in catalog["secret"]:
            sys.enable_secrets_engine(type, path=f"mine/{type}")
        for type in catalog["auth"]:
            sys.enable_auth_method(type, path=f"mine/{type}")
        mounted = sys.list_mounted_secrets_engines()["data"]
        assert {f"mine/{type}/" for type in catalog["secret"]} <= set(mounted)
