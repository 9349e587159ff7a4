"""The page on secrets engines: its examples run, its world loads, its table has every engine of that kind."""

from __future__ import annotations

import re

import hvac
import pytest
import yaml

from mockkms import MockKMS
from mockkms.vault.framework import registry
from mockkms.vault.products import PRODUCTS
from tests.docs.pages import ROOT, blocks

PAGE = "docs/engines.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
_OWN = {"kv", "pki", "ssh", "totp", "transit"}
"""Engines that need no other service."""


@pytest.mark.parametrize("place", range(2))
def test_an_example_prints_what_it_says(place: int, capsys: pytest.CaptureFixture[str]) -> None:
    code = blocks(PAGE, "python")[place]
    exec(compile(code, PAGE, "exec"), {"__name__": "example"})
    said = re.findall(r"print\(.*\)  # (.*)", code)
    assert said
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line in said] == said


def test_the_world_loads_and_its_engines_answer() -> None:
    [world] = blocks(PAGE, "yaml")
    mounts = yaml.safe_load(world)["vault"]["mounts"]
    with MockKMS(seed=world) as kms:
        client = hvac.Client(kms.url, token=kms.token)
        assert client.read("ldap/static-cred/batch")["data"]["password"] == "current"
        assert client.write("ldap/library/ci/check-out")["data"]["password"] == "known"
        for path in ("consul/creds/app", "rabbitmq/creds/app", "azure/creds/reader"):
            assert client.read(path)["lease_id"]
        assert client.write("kubernetes/creds/deploy")["data"]["service_account_name"] == "deployer"
        sealed = client.write_data("gcpkms/encrypt/orders", data={"plaintext": "hello"})["data"]["ciphertext"]
        opened = client.write_data("gcpkms/decrypt/orders", data={"ciphertext": sealed})
        assert opened["data"] == {"plaintext": "hello"}
    assert set(mounts) == {"consul/", "rabbitmq/", "kubernetes/", "ldap/", "azure/", "gcpkms/"}


def test_the_table_has_every_engine_and_its_flavors() -> None:
    rows = re.findall(r"^\| (`.*?`) \| (Vault|all) \|", TEXT, re.MULTILINE)
    listed = {name: flavors for names, flavors in rows for name in re.findall(r"`([a-z]+)`", names)}
    products = PRODUCTS.values()
    engines = {name for product in products for name in product.builtins.mountable("secret")} - _OWN
    assert set(listed) == engines
    for name, flavors in listed.items():
        assert registry.emulated("secret", name)
        everywhere = all(product.builtins.has("secret", name) for product in products)
        assert flavors == ("all" if everywhere else "Vault"), name


@pytest.mark.parametrize("paid", re.findall(r"`([a-z]+)`", TEXT.split("`kmip`")[1].split("and other")[0] + "`kmip`"))
def test_paid_engines_are_refused(paid: str) -> None:
    with MockKMS() as kms, pytest.raises(hvac.exceptions.InvalidRequest, match="plugin not found in the catalog"):
        hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine(paid)
