"""A world back to YAML: readable as far as descriptions go, then ``exact`` for the rest."""

from __future__ import annotations

from typing import cast

import yaml

from mockkms.vault.framework.shapes.collections import Problems
from mockkms.vault.golang.number import Number
from mockkms.world.clock import parse_rfc3339, rfc3339
from mockkms.world.world import World
from mockkms.worldfile import exact, faults, rustfs, vault
from mockkms.worldfile.nodes import read_yaml
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.spec import VERSION, WorldSpec, _fill, world_shape

_ELSEWHEN = 86400.0 * 366
"""A moment at which no world is: what depends on the moment of loading differs, and is written down."""


_BASE = cast(type[yaml.SafeDumper], getattr(yaml, "CSafeDumper", yaml.SafeDumper))
_Dumper = cast(type[yaml.SafeDumper], type("_Dumper", (_BASE,), {"ignore_aliases": lambda self, data: True}))
"""libyaml's where it is there; every value is written where it stands, never as an alias."""


def _mapping(dumper: yaml.SafeDumper, value: dict[str, object]) -> yaml.Node:
    """In one line where it is short and holds only scalars of one line."""
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items())
    if any(isinstance(item, str) and len(item) > 60 for item in value.values()):
        node.flow_style = False
    return node


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value and value.isascii() and " \n" not in value and "\t" not in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(Number, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", number.text))


def dump(world: World) -> str:
    """Return the world as YAML that loads to an equal world: state, clock and randomness. Faults' counts begin anew.

    Raises SeedError for a world that holds a value too deep for YAML.
    """
    try:
        return _dumped(world)
    except RecursionError:
        fault = "a secret is nested too deeply to be written as YAML; delete it, or keep the world in a snapshot"
        raise SeedError([Problem("<dump>", 0, 0, "", fault)]) from None


def _dumped(world: World) -> str:
    with world.lock:
        head = _head(world)
        for body in (_described(world), {"vault": {"root_token": world.root_token}}):
            document = {**head, **{key: _whole(value) for key, value in body.items()}}
            found = _loaded(world, document)
            if found is not None:
                break
        else:
            raise SeedError([])
        wanted = exact.roots(world)
        others = exact.roots(found)
        writer = exact.StateWriter(wanted, others)
        for name, part in others.items():
            writer.compare(wanted[name], part, (name,))
        if writer.patches:
            document["exact"] = writer.patches
        return _yaml(document)


def _head(world: World) -> dict[str, object]:
    head: dict[str, object] = {"mockkms": VERSION, "flavor": world.core.product.name}
    if world.entropy.seed is not None:
        head["rng"] = world.entropy.seed
    if world.clock.frozen:
        now = world.clock.now()
        head["clock"] = rfc3339(now) if now > 0 and parse_rfc3339(rfc3339(now)) == now else now
    return head


def _described(world: World) -> dict[str, object]:
    body: dict[str, object] = {"vault": vault.dump(world.core, world.root_token), "rustfs": rustfs.dump(world)}
    rules = faults.dump(world)
    if rules:
        body["faults"] = rules
    if world.faults.header:
        body["fault_header"] = True
    if world.journal.redact:
        body["journal"] = {"redact": True}
    return body


def _whole(value: object) -> object:
    """Return the value with texts that YAML can hold; what that changes, the exact part puts right."""
    if isinstance(value, dict):
        return {_whole(str(key)): _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


def _loaded(world: World, document: dict[str, object]) -> World | None:
    """The world that the readable part makes, at another time and with other randomness; None if it makes none."""
    spec = _spec(document)
    if spec is None:
        return None
    made = World()
    rng = world.entropy.seed if world.entropy.seed is not None else "another"
    now = spec.clock if spec.clock is not None else _ELSEWHEN
    made.begin(root_token=world.root_token, rng=rng, flavor=world.core.product.name, clock=now)
    if _fill(made, spec):
        return None
    if not world.clock.frozen:
        made.clock.restore((0.0, None))
    if world.entropy.seed is None:
        made.entropy.reseed(None)
    return made


def _spec(document: dict[str, object]) -> WorldSpec | None:
    try:
        root = read_yaml(_yaml(document), "<dump>")
    except SeedError:
        return None
    problems: Problems = []
    sections = world_shape().read(root, "", problems)
    return None if problems else WorldSpec(sections, root)


def _yaml(document: dict[str, object]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
