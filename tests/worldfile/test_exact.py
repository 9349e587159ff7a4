"""``exact`` in dumps: names of classes that outlive moves of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockkms import MockKMS
from mockkms.vault.framework import registry
from mockkms.vault.framework.message import Operation, Request
from mockkms.world import stored
from mockkms.world.diff import difference
from mockkms.worldfile import SeedError, dump, dumping, exact
from tests.worldfile.test_dump import busy


def classes(value: Any) -> set[type]:
    """Return the dataclasses of a value and of all below it."""
    own = {type(value)} if is_dataclass(value) and not isinstance(value, type) else set()
    return own.union(*(classes(below) for _, below in exact.parts(value)))


@pytest.mark.parametrize("engine", registry.names())
def test_the_state_of_every_engine_has_stored_names(engine: str) -> None:
    assert [cls for cls in classes(registry.engine(engine).new_state()) if stored.name_of(cls) is None] == []


@pytest.mark.parametrize("seed", ["dev", "payments", "rustfs"])
def test_the_classes_of_a_world_have_stored_names(seed: str) -> None:
    found = set().union(*(classes(part) for part in exact.roots(MockKMS(seed=seed).world).values()))
    assert [cls for cls in found if stored.name_of(cls) is None] == []


def test_a_dump_names_no_module() -> None:
    world = MockKMS(seed="payments").world
    busy(world)
    text = dump(world)
    assert "$object" in text
    assert re.findall(r"\b[a-z_]+(?:\.[a-z_0-9]+)*:[A-Z]\w+", text) == []


@pytest.mark.parametrize("name", ["kv.Gone", "vault.gone:Gone", "os:system", 3])
def test_an_unknown_class_is_refused_with_what_to_do(name: Any) -> None:
    patch = {"at": ["vault", "system", "x"], "is": {"$object": [name, {}]}}
    with pytest.raises(SeedError, match=r"unknown class .* Dump the world again with this version, or remove"):
        MockKMS(seed={"exact": [patch]})


def test_a_dump_loads_in_a_process_that_has_imported_nothing_else(tmp_path: Path) -> None:
    with MockKMS(seed="payments") as kms:
        busy(kms.world)
        (tmp_path / "world.yaml").write_text(kms.dump())
        tokens = list(kms.world.core.state.tokens.by_id)
    code = "import mockkms, pathlib; kms = mockkms.MockKMS(seed=pathlib.Path('world.yaml'))\n"
    code += "print(*kms.world.core.state.tokens.by_id)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert run.stdout.split() == tokens


def test_classes_of_engines_that_were_not_used_are_found() -> None:
    """Their modules are imported when a dump names them."""
    code = "from mockkms.worldfile import exact; print(*[exact._class(name).__qualname__ for name in {names!r}])"
    names = sorted(stored._CLASSES)
    run = subprocess.run([sys.executable, "-c", code.format(names=names)], check=True, capture_output=True, text=True)
    assert run.stdout.split() == [stored._CLASSES[name].__qualname__ for name in names]


def test_two_classes_cannot_share_a_name() -> None:
    with pytest.raises(ValueError, match="already that of Mount"):
        stored.stored("mounts.Mount")(MockKMS)


def test_large_tables_are_written_in_pieces_and_load_to_an_equal_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumping, "_PIECE", 5)
    texts = ["x: y # {a}", "line\nline \n\ttab", "é\x7f\u2028", "", "- [", "*a", "12", "1e3", "yes", "~", "'\""]
    with MockKMS() as kms:
        for number, text in enumerate(texts * 2):
            token = {"policies": ["default"], "display_name": text, "metadata": {"a": text}, "ttl": f"{number + 1}h"}
            kms.world.core.handle(Request(Operation.UPDATE, "auth/token/create", data=token, token="root"))
            secret = {"data": {text or "empty": text, "b": 1e300, "c": [1.5, None, True, {"d": [text] * 7}]}}
            kms.world.core.handle(Request(Operation.UPDATE, f"secret/data/{number}", data=secret, token="root"))
        text = kms.dump()
        monkeypatch.undo()
        with MockKMS(seed=text) as other:
            assert difference(kms.world.core.state, other.world.core.state) == ""


def test_patches_do_not_depend_on_the_order_in_which_mounts_were_made() -> None:
    """A loaded world has its mounts in the order of the file, which need not be that of the dumped world."""
    mounts = {"zeta/": {"type": "transit"}, "alpha/": {"type": "kv"}, "middle/": {"type": "pki"}}
    with MockKMS(seed={"rng": 4, "clock": "2026-01-01T00:00:00Z", "vault": {"mounts": mounts}}) as kms:
        for path in ("yota", "beta"):
            request = Request(Operation.UPDATE, f"sys/mounts/{path}", data={"type": "transit"}, token=kms.token)
            assert kms.world.core.handle(request).errors is None
        text = kms.dump()
    with MockKMS(seed=text) as again:
        assert again.dump() == text
    document = yaml.safe_load(text)
    document["vault"]["mounts"] = dict(reversed(document["vault"]["mounts"].items()))
    with MockKMS(seed=document) as turned:
        assert turned.dump() == text
