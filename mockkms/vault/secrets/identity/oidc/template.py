"""Identity templates with JSON values: ``{{identity.entity.groups.names}}`` gives a list, a name a string."""

from __future__ import annotations

import re

from mockkms.error_context import error_context
from mockkms.vault.golang import json_text
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.identity.model import Alias, Entity, Group


def filled(template: str, entity: Entity, groups: list[Group], now: float) -> str:
    """Replace each directive of ``template`` by its value as JSON. Raises ValueError with the server's text."""
    first, *pieces = template.split("{{")
    if "}}" in first or any(piece.count("}}") != 1 for piece in pieces):
        raise ValueError("unbalanced templating characters")
    out = [first]
    for piece in pieces:
        directive, _, after = piece.partition("}}")
        out += [json_text.encode(_value(directive.strip(), entity, groups, now)), after]
    return "".join(out)


def _value(directive: str, entity: Entity, groups: list[Group], now: float) -> object:
    if directive.startswith("identity.entity."):
        return _of_entity(directive.removeprefix("identity.entity."), entity, groups)
    if directive == "time.now":
        return int(now)
    match = re.fullmatch(r"time\.now\.(plus|minus)\.(.+)", directive)
    if match is None:
        raise ValueError("no value could be found for one of the template directives")
    with error_context("invalid duration: "):
        shift = parse_seconds(match.group(2))
    return int(now + shift if match.group(1) == "plus" else now - shift)


def _of_entity(selector: str, entity: Entity, groups: list[Group]) -> object:
    if selector in ("id", "name"):
        return getattr(entity, selector)
    if selector == "groups.names":
        return [group.name for group in groups] or None
    if selector == "groups.ids":
        return [group.id for group in groups] or None
    if selector.startswith("aliases."):
        accessor, _, attribute = selector.removeprefix("aliases.").partition(".")
        alias = next((item for item in entity.aliases if item.mount_accessor == accessor), None)
        return _of_alias(attribute, alias)
    return _mapped(selector, {"metadata": entity.metadata})


def _of_alias(selector: str, alias: Alias | None) -> object:
    if selector in ("id", "name"):
        return getattr(alias, selector) if alias is not None else ""
    maps = {"metadata": alias.metadata, "custom_metadata": alias.custom_metadata} if alias is not None else {}
    return _mapped(selector, {"metadata": None, "custom_metadata": None, **maps})


def _mapped(selector: str, maps: dict[str, dict[str, str] | None]) -> object:
    name, dot, key = selector.partition(".")
    if name not in maps:
        raise ValueError("no value could be found for one of the template directives")
    values = maps[name] or {}
    return values.get(key, "") if dot else values
