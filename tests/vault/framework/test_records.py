"""Records and collections: what one declaration gives an endpoint, a read, a write, a dump, a world file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import pytest

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products import PRODUCTS
from mockkms.vault.products.features import Feature
from tests.vault.driving import World


@dataclass
class Lamp(Record):
    """A record with one of everything."""

    old_names: ClassVar = ("colour",)

    name: str = ""
    color: Annotated[str, param(Kind.STRING, help="The colour.", old="colour")] = "white"
    watts: Annotated[int, param(Kind.INT, default=7, help="The power in watts.")] = 0
    pin: Annotated[str, param(Kind.STRING, help="Who may switch it.", show=Show.NEVER)] = ""
    rooms: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Where it is.", show=Show.SET)] = field(
        default_factory=list
    )
    smart: Annotated[bool, param(Kind.BOOL, help="Has an address.", needs=Feature.PAGINATION)] = False


@dataclass
class Lamps:
    """The state of a mount."""

    lamps: dict[str, Lamp] = field(default_factory=dict)


engine = Engine("lamps", kind="secret", new_state=Lamps)
lamps = Collection[Lamps, Lamp](
    engine, "lamp/{name}", Lamp, lambda state: state.lamps, help="A lamp.", list_help="All lamps.", lower=True
)
seen: list[Any] = []


@lamps.write
def write(state: Lamps, call: Call, name: str, lamp: Lamp, *, watts: int, rooms: list[str] | None = None) -> Reply:
    """Write a lamp."""
    seen.append((name, watts, rooms))
    lamp.update_from(call)
    if lamp.color == "black":
        raise ValueError("no lamp is black")
    return None


class Mounted:
    """A mount of lamps, asked without the kernel."""

    def __init__(self, flavor: str = "openbao") -> None:
        self.core = World(flavor).core
        self.state = Lamps()
        self.mount = Mount("lamps/", "lamps", "", "", self.state)

    def ask(self, operation: Operation, path: str, **data: Any) -> Reply:
        found = engine.route(path, self.core.product)
        assert found is not None
        endpoint, captures = found
        call, _ = endpoint.call(self.core, self.mount, Request(operation, path, data=data), captures, "")
        return endpoint.operations[operation](self.state, call)


def test_a_declaration_gives_the_fields_with_former_names() -> None:
    fields = Lamp.fields()
    assert list(fields) == ["color", "watts", "pin", "rooms", "smart", "colour"]
    assert (fields["color"].default, fields["watts"].default, fields["rooms"].default) == ("white", 7, None)
    assert fields["colour"].deprecated
    assert fields["colour"].help == "The former name of color."
    assert list(Lamp.fields("pin")) == ["pin"]


def test_a_derived_record_has_its_base_classes_parameters_first() -> None:
    @dataclass
    class Torch(Lamp):
        old_names: ClassVar = ()
        cells: Annotated[int, param(Kind.INT, help="How many cells.")] = 2

    assert list(Torch.params())[-1] == "cells"
    assert list(Torch.fields())[-1] == "cells"
    assert "cells" not in Lamp.params()


def test_a_read_shows_what_is_declared_for_the_product() -> None:
    lamp = Lamp(name="hall", pin="1234", watts=3)
    assert lamp.shown(PRODUCTS["openbao"]) == {"color": "white", "watts": 3, "smart": False}
    assert lamp.shown(PRODUCTS["vault"]) == {"color": "white", "watts": 3}
    lamp.rooms = ["hall"]
    shown = lamp.shown(PRODUCTS["vault"])
    shown["rooms"].append("attic")
    assert lamp.rooms == ["hall"]


def test_a_dump_writes_what_differs_from_a_new_record() -> None:
    assert Lamp(pin="1", watts=7).changed() == {"pin": "1", "watts": 7}
    assert Lamp().changed() == {}


def test_a_collection_lists_reads_and_deletes_what_was_written() -> None:
    mounted = Mounted()
    assert mounted.ask(Operation.LIST, "lamp") == {}
    assert mounted.ask(Operation.READ, "lamp/hall") is None
    for name in ("Hall", "attic", "cellar"):
        mounted.ask(Operation.CREATE, f"lamp/{name}", color="red")
    assert mounted.ask(Operation.LIST, "lamp/") == {"keys": ["attic", "cellar", "hall"]}
    assert mounted.ask(Operation.LIST, "lamp", after="attic", limit=1) == {"keys": ["cellar"]}
    assert mounted.ask(Operation.READ, "lamp/HALL") == {"color": "red", "watts": 0, "smart": False}
    mounted.ask(Operation.DELETE, "lamp/HALL")
    assert mounted.ask(Operation.READ, "lamp/hall") is None


def test_a_refused_write_changes_nothing() -> None:
    mounted = Mounted()
    mounted.ask(Operation.CREATE, "lamp/hall", rooms="a,b")
    with pytest.raises(ValueError, match="black"):
        mounted.ask(Operation.UPDATE, "lamp/hall", rooms="c", color="black")
    assert mounted.state.lamps["hall"].rooms == ["a", "b"]
    with pytest.raises(ValueError, match="black"):
        mounted.ask(Operation.CREATE, "lamp/new", color="black")
    assert "new" not in mounted.state.lamps


def test_a_write_gets_the_name_as_kept_and_typed_parameters() -> None:
    seen.clear()
    mounted = Mounted()
    mounted.ask(Operation.CREATE, "lamp/Hall")
    mounted.ask(Operation.UPDATE, "lamp/Hall", watts="12", rooms="a, b")
    assert seen == [("hall", 7, None), ("hall", 12, ["a", "b"])]


def test_the_existence_check_tells_a_create_from_an_update() -> None:
    mounted = Mounted()
    exists = lamps.one.exists
    assert exists is not None
    call, _ = lamps.one.call(mounted.core, mounted.mount, Request(Operation.UPDATE, "lamp/hall"), {"name": "hall"}, "")
    assert exists(mounted.state, call) is False
    mounted.state.lamps["hall"] = Lamp()
    assert exists(mounted.state, call) is True


def test_a_world_file_accepts_the_declared_parameters() -> None:
    keys = parameters_of(lamps.one).keys
    assert list(keys) == ["color", "colour", "pin", "rooms", "smart", "watts"]
    assert keys["watts"].help == "The power in watts."
