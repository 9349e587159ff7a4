"""CONTRIBUTING.md's examples (an endpoint, an engine, a world key, a product), applied to a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks

PAGE = "CONTRIBUTING.md"
DRIVE = """
import requests
from mockkms import MockKMS

with MockKMS(root_token="root") as kms:
    def ask(method, **data):
        answer = requests.request(method, kms.url + "/v1/sys/config/greeting", json=data or None,
                                  headers={"X-Vault-Token": "root"}, timeout=60)
        return answer.status_code, answer.json() if answer.content else None

    told = [ask("GET"), ask("POST"), ask("POST", text="hello"), ask("GET")]
    assert told[0] == (404, {"errors": []}), told
    assert told[1] == (400, {"errors": ["missing text"]}), told
    assert told[2] == (204, None), told
    assert told[3][1]["data"] == {"text": "hello"}, told
    kept = kms.snapshot()
    kms.reset()
    assert ask("GET")[0] == 404
    kms.restore(kept)
    assert ask("GET")[1]["data"] == {"text": "hello"}
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A scratch copy of the package."""
    shutil.copytree(ROOT / "mockkms", tmp_path / "mockkms", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_new_endpoint_answers_as_the_page_says(copied: Path) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    (place,) = re.findall(r"One file, `(mockkms/vault/sys/\w+\.py)`", page)
    (copied / place).write_text(blocks(PAGE, "python")[0], encoding="utf-8")
    topics = copied / "mockkms" / "vault" / "sys" / "__init__.py"
    listed = topics.read_text(encoding="utf-8")
    topics.write_text(listed.replace("    __name__,", '    __name__, "greeting",', 1), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(copied)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVE],
        cwd=copied,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_places_that_are_named_exist() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    named = {
        name
        for name in re.findall(r"`((?:mockkms|tests|scripts|docs)/[\w./-]+)`", page)
        if "greeting" not in name and "2_2" not in name and "mqtt" not in name
    }
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


ENGINE = """
import requests
from mockkms import MockKMS
from mockkms.worldfile import json_schema

seed = {"vault": {"mounts": {"broker/": {"type": "mqtt", "roles": {"app": {"tags": "monitoring"}}}}}}
with MockKMS(seed=seed, root_token="root") as kms:
    def ask(method, path, **data):
        answer = requests.request(method, kms.url + "/v1/broker/roles" + path, json=data or None,
                                  headers={"X-Vault-Token": "root"}, timeout=60)
        return answer.status_code, answer.json() if answer.content else None

    assert ask("GET", "/app")[1]["data"] == {"tags": "monitoring", "vhosts": ""}
    assert ask("POST", "/other") == (400, {"errors": ["both tags and vhosts not specified"]})
    assert ask("POST", "/other", tags="administrator") == (204, None)
    assert ask("LIST", "")[1]["data"]["keys"] == ["app", "other"]
    kept = kms.snapshot()
    assert ask("DELETE", "/app") == (204, None)
    assert ask("GET", "/app")[0] == 404
    kms.restore(kept)
    text = kms.dump()
mounts = MockKMS(seed=text).world.core.state.mounts
assert sorted(mounts.get("", "broker/").state.roles) == ["app", "other"]
assert "vhosts" in str(json_schema())
"""


def test_the_new_engine_and_its_section_of_a_world(copied: Path) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    (place,) = re.findall(r"emulated, in `(mockkms/vault/secrets/\w+\.py)`", page)
    (row,) = re.findall(r'`("\w+": Type\(.*?\),)`', page)
    (copied / place).write_text(blocks(PAGE, "python")[1], encoding="utf-8")
    registry = copied / "mockkms" / "vault" / "framework" / "registry.py"
    text = registry.read_text(encoding="utf-8")
    assert text.count("_TABLE = {\n") == 1
    registry.write_text(text.replace("_TABLE = {\n", f"_TABLE = {{\n    {row}\n"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(copied)}
    done = subprocess.run(
        [sys.executable, "-c", ENGINE], cwd=copied, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


WORLD = """
import json
from mockkms import MockKMS
from mockkms.worldfile import SeedError, check, dump, json_schema, load

kms = MockKMS(seed={"vault": {"greeting": "hello"}})
assert kms.world.core.state.system["greeting"] == "hello"
text = kms.dump()
assert load(text).sections["vault"]["greeting"] == "hello"
assert MockKMS(seed=text).world.core.state.system["greeting"] == "hello"
assert json_schema()["properties"]["vault"]["properties"]["greeting"]["type"] == "string"
try:
    (fault,) = check(["vault:\\n  greeting: 7\\n"])
except SeedError as error:
    (fault,) = error.problems
assert (fault.line, fault.column, fault.path) == (2, 13, "vault.greeting"), fault
assert 'quote it: "7"' in fault.message, fault
"""


def test_the_new_key_is_read_applied_and_dumped(copied: Path) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    (key,) = re.findall(r'`("greeting": Key\(.*?\),)`', page)
    _, _, applied, dumped, _ = blocks(PAGE, "python")
    section = copied / "mockkms" / "worldfile" / "sections" / "vault.py"
    text = section.read_text(encoding="utf-8")
    for anchor, added in (
        ('            "state": Key(', f"            {key}\n"),
        ('    if state == "sealed":\n', applied),
        ("    spaces = {}\n", dumped),
    ):
        assert text.count(anchor) == 1
        text = text.replace(anchor, added + anchor)
    section.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(copied)}
    done = subprocess.run(
        [sys.executable, "-c", WORLD], cwd=copied, env=environment, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_new_product_is_a_flavor_everywhere(copied: Path) -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    (place,) = re.findall(r"`(mockkms/vault/products/vault_\w+\.py)` derives", page)
    (copied / place).write_text(blocks(PAGE, "python")[-1], encoding="utf-8")
    products = copied / "mockkms" / "vault" / "products" / "__init__.py"
    text = products.read_text(encoding="utf-8")
    listed = text.replace("(VAULT, ", "(VAULT, VAULT_2_2, ", 1)
    assert listed != text
    head = "from mockkms.vault.products.vault import VAULT\n"
    listed = listed.replace(head, head + "from mockkms.vault.products.vault_2_2 import VAULT_2_2\n", 1)
    products.write_text(listed, encoding="utf-8")
    program = """
import mockkms
assert mockkms.FLAVORS[:2] == ("vault", "vault-2.2"), mockkms.FLAVORS
with mockkms.MockKMS(seed={"flavor": "vault-2.2"}) as kms:
    assert kms.flavor == "vault-2.2"
"""
    environment = {**os.environ, "PYTHONPATH": str(copied)}
    subprocess.run([sys.executable, "-c", program], cwd=copied, env=environment, check=True, timeout=60)
