"""Dumps of worlds as YAML: sections that people can edit, then ``exact`` for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import cast

import yaml

from mockkms.collector import paused_collector
from mockkms.vault.framework.shapes.collections import Problems
from mockkms.vault.golang.number import Number
from mockkms.world.clock import parse_rfc3339, rfc3339
from mockkms.world.world import World
from mockkms.worldfile import exact
from mockkms.worldfile.nodes import read_yaml
from mockkms.worldfile.problems import Problem, SeedError
from mockkms.worldfile.sections import chaos, faults, rustfs, vault
from mockkms.worldfile.spec import VERSION, WorldSpec, fill, world_shape

_ELSEWHEN = 86400.0 * 366
"""A moment unlike that of any world: values that depend on the moment of loading differ, and are dumped."""


_PIECE = 200
"""The most items of a list or mapping that are written in one go."""
_LONGEST_KEY = 512
_BASE = cast(type[yaml.SafeDumper], getattr(yaml, "CSafeDumper", yaml.SafeDumper))
_Dumper = cast(type[yaml.SafeDumper], type("_Dumper", (_BASE,), {"ignore_aliases": lambda self, data: True}))
"""The dumper of libyaml if available; it writes no aliases."""


def _mapping(dumper: yaml.SafeDumper, value: dict[str, object]) -> yaml.Node:
    """Represent a mapping, on one line if it is short and has only one-line scalars."""
    node = dumper.represent_mapping("tag:yaml.org,2002:map", value.items())
    if any(isinstance(item, str) and len(item) > 60 for item in value.values()):
        node.flow_style = False
    return node


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value and value.isascii() and " \n" not in value and "\t" not in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


class _InBlock(list[object]):
    """A list that is written with a line for each item."""


class _MappingInBlock(dict[str, object]):
    """A mapping that is written with a line for each entry."""


def _list_in_block(dumper: yaml.SafeDumper, value: _InBlock) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=False)


def _mapping_in_block(dumper: yaml.SafeDumper, value: _MappingInBlock) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)


_Dumper.add_representer(_InBlock, _list_in_block)
_Dumper.add_representer(_MappingInBlock, _mapping_in_block)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(Number, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", number.text))


def dump(world: World) -> str:
    """Return the world as YAML that loads to an equal world: state, clock and randomness. Counts of rules start at 0.

    Raises SeedError for a world that holds a value too deep for YAML.
    """
    try:
        with paused_collector():
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
        pieces = [yaml_text(document)]
        if writer.patches:
            pieces.append("exact:\n")
            pieces += _list(_taken(writer.patches), "")
        writer.let_go()
        exact.empty_large(others)
        return "".join(pieces)


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
    plan = chaos.dump(world)
    if plan is not None:
        body["chaos"] = faults.plain(plan)
    if world.faults.header:
        body["fault_header"] = True
    if world.journal.redact:
        body["journal"] = {"redact": True}
    return body


def _whole(value: object) -> object:
    """Return the value with strings that YAML can represent; ``exact`` restores what that changes."""
    if isinstance(value, dict):
        return {_whole(str(key)): _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return value


def _loaded(world: World, document: dict[str, object]) -> World | None:
    """Return the world that ``document`` makes, at another time and with another seed; None if it is invalid."""
    spec = _spec(document)
    if spec is None:
        return None
    made = World()
    rng = world.entropy.seed if world.entropy.seed is not None else "another"
    now = spec.clock if spec.clock is not None else _ELSEWHEN
    made.begin(root_token=world.root_token, rng=rng, flavor=world.core.product.name, clock=now)
    if fill(made, spec):
        return None
    if not world.clock.frozen:
        made.clock.restore((0.0, None))
    if world.entropy.seed is None:
        made.entropy.reseed(None)
    return made


def _spec(document: dict[str, object]) -> WorldSpec | None:
    try:
        root = read_yaml(yaml_text(document), "<dump>")
    except SeedError:
        return None
    problems: Problems = []
    sections = world_shape().read(root, "", problems)
    return None if problems else WorldSpec(sections, root)


def yaml_text(document: object) -> str:
    """Return plain data as YAML."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)


# -- large values: in pieces, for libyaml lets no other thread run while it writes -------------------------------------
#
# Nor does Python while it frees millions of objects at once: what is written is taken out of its list or mapping.


def _taken(values: list[object]) -> Iterator[object]:
    """Return the items of a list, which is empty afterwards."""
    values.reverse()
    while values:
        yield values.pop()


def _list(values: Iterable[object], indent: str) -> Iterator[str]:
    """Write the items of a list, the large ones in pieces."""
    small: list[object] = []
    for value in values:
        if isinstance(value, dict) and _is_large(value):
            yield from _block(_InBlock(small), indent)
            small = []
            pieces = _map(value, indent + "  ")
            yield indent + "- " + next(pieces)[len(indent) + 2 :]
            yield from pieces
            continue
        small.append(value)
        if len(small) == _PIECE:
            yield from _block(_InBlock(small), indent)
            small = []
    yield from _block(_InBlock(small), indent)


def _map(value: dict[str, object], indent: str) -> Iterator[str]:
    """Write the entries of a mapping: the large ones in pieces, and where it is large itself, the others as JSON.

    The mapping is empty afterwards.
    """
    in_lines = len(value) > _PIECE
    for key in list(value):
        item = value.pop(key)
        if isinstance(item, dict) and len(item) > _PIECE:
            yield f"{indent}{json.dumps(key)}:\n"
            yield from _map(item, indent + "  ")
        elif isinstance(item, list) and len(item) > _PIECE:
            yield f"{indent}{json.dumps(key)}:\n"
            yield from _list(_taken(item), indent + "  ")
        elif in_lines and _is_plain(key) and _is_plain(item):
            yield f"{indent}{json.dumps(key)}: {json.dumps(item, ensure_ascii=False)}\n"
        else:
            yield from _block(_MappingInBlock({key: item}), indent)


def _block(value: object, indent: str) -> Iterator[str]:
    if value:
        text = yaml_text(value)
        yield "".join(indent + line for line in text.splitlines(keepends=True)) if indent else text


def _is_large(value: dict[str, object]) -> bool:
    return any(
        isinstance(item, dict | list) and (len(item) > _PIECE or (isinstance(item, dict) and _is_large(item)))
        for item in value.values()
    )


def _is_plain(value: object) -> bool:
    """Return whether a value reads the same as YAML and as JSON."""
    if isinstance(value, str):
        return value.isascii() and value.isprintable() and len(value) < _LONGEST_KEY
    if isinstance(value, float):
        return isfinite(value) and "e" not in repr(value)
    if isinstance(value, dict):
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int)
