"""Engines whose endpoints are imported at the first request."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ORDER = """
from importlib import import_module
from mockkms import MockKMS
from mockkms.vault.framework import loading, registry
if {started}:
    with MockKMS():
        pass
for name in registry.names():
    if {started}:
        engine = registry.engine(name)
    else:
        module = "mockkms.vault." + registry._TABLE[name].engine
        engine = import_module(module).engine
        loading.load_rest(module)
    print(name, *(endpoint.template for endpoint in engine))
"""
_START = """
import sys
from mockkms import MockKMS
with MockKMS():
    print(*sys.modules)
"""


def _printed(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_the_order_of_endpoints_is_that_of_the_package() -> None:
    assert _printed(_ORDER.format(started=True)) == _printed(_ORDER.format(started=False))


@pytest.mark.parametrize(
    "module",
    [
        "cryptography.hazmat.primitives.serialization",
        "yaml",
        "statistics",
        "mockkms.vault.secrets.identity.oidc",
        "mockkms.vault.framework.shapes",
    ],
)
def test_a_start_does_not_import(module: str) -> None:
    assert module not in _printed(_START).split()
