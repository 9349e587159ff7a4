"""hvac's methods for roles and configurations: what is written is read, listed and deleted (``typed.yaml``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hvac
import pytest
import yaml
from hvac.exceptions import InternalServerError, InvalidPath, InvalidRequest

from mockkms.vault.products import product_named
from tests.clients.cycles.drivers import by_hvac
from tests.clients.cycles.judge import differences
from tests.clients.cycles.rows import Row, with_values
from tests.clients.cycles.values import VALUES

TABLE = with_values(yaml.safe_load((Path(__file__).parent / "typed.yaml").read_text()), VALUES)


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of each product that has the type, with the product."""
    for product in ("vault", "openbao"):
        builtins = product_named(product).builtins
        for entry in TABLE:
            kind, _, mount_type = entry.get("mount", "").partition("/")
            if not mount_type or builtins.has(kind, mount_type):
                yield product, entry


def bound(client: hvac.Client, entry: dict[str, Any], row: Row) -> Callable[..., Any]:
    """A function that calls a method of the entry's class with the mount, and returns the data of the answer."""
    methods: Any = client
    for part in entry["api"].split("."):
        methods = getattr(methods, part)
    where = {} if entry.get("bare") or not row.mount else {entry.get("paths", "mount_point"): row.at}

    def call(method: str, *arguments: Any, **more: Any) -> Any:
        found = getattr(methods, method)(*arguments, **more, **where)
        return found.get("data", found) if isinstance(found, dict) else found

    return call


@pytest.mark.parametrize(
    ("product", "entry"),
    list(entries()),
    ids=lambda value: value if isinstance(value, str) else f"{value['api']}.{value['write']}",
)
def test_what_a_method_writes_is_read(product: str, entry: dict[str, Any], clients: dict[str, hvac.Client]) -> None:
    kind_and_type = entry.get("mount", "")
    row = Row(
        name="typed", path="", group="typed", product=product, mount=kind_and_type, at=f"typed-{kind_and_type[-4:]}",
        options=entry.get("options", {}), before=tuple(entry.get("before", ())),
    )  # fmt: skip
    client = clients[product]
    name = [entry["name"]] if "name" in entry else []
    ask = bound(client, entry, row)
    try:
        assert {answer.status for answer in by_hvac(client, row.setup())} <= {200, 204}
        ask(entry["write"], *name, **entry["send"])
        if "read" in entry:
            expected = {**entry["send"], **entry.get("shows", {})}
            assert list(differences("read", row, expected, ask(entry["read"], *name), {})) == []
        if "list" in entry:
            assert name[0] in ask(entry["list"])["keys"]
        if "delete" in entry:
            ask(entry["delete"], *name)
            if entry.get("gone") == "empty":
                assert not any(ask(entry["read"], *name).values())
            else:
                refusals = (InvalidRequest, InternalServerError) if entry.get("gone") == "refused" else InvalidPath
                with pytest.raises(refusals):
                    ask(entry["read"], *name)
    finally:
        by_hvac(client, row.teardown())
