"""Identity templates in policy paths, such as ``{{identity.entity.name}}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mockkms.error_context import error_context
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.identity.model import Entity, Group
    from mockkms.vault.products import Product


def has_template(text: str) -> bool:
    """Return whether ``text`` contains a template. Raises ValueError for unbalanced braces."""
    with error_context("failed to validate policy templating: "):
        return bool(_split(text)[1])


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Split ``text`` into the text before the first directive, and pairs of a directive and the text after it."""
    first, *rest = text.split("{{")
    if "}}" in first:
        raise ValueError("unbalanced templating characters")
    parts = []
    for piece in rest:
        halves = piece.split("}}")
        if len(halves) != 2:
            raise ValueError("unbalanced templating characters")
        parts.append((halves[0].strip(), halves[1]))
    return first, parts


class Templates:
    """Fills templates for one token.

    ``entity`` is None or has ``id``, ``name``, ``metadata`` and ``aliases`` (each with ``mount_accessor``, ``id``,
    ``name``, ``metadata``, ``custom_metadata``); a group has ``id``, ``name``, ``metadata`` and ``namespace``.
    """

    def __init__(
        self,
        entity: Entity | None,
        groups: Sequence[Group],
        now: float,
        *,
        namespace: str = "",
        blocked: Sequence[str] = (),
        wildcards: bool = True,
    ) -> None:
        self.entity = entity
        self.groups = groups
        self.now = now
        self.namespace = namespace
        self.blocked = blocked
        """Texts that a filled-in value must not hold."""
        self.wildcards = wildcards
        """Filled-in values may hold ``*`` and ``+``."""

    @classmethod
    def of(
        cls,
        product: Product,
        entity: Entity | None,
        groups: Sequence[Group],
        now: float,
        namespace: str,
        blocked: Sequence[str] = (),
    ) -> Templates:
        """Return the templates of an entity (None if there is none) and its groups, by the rules of ``product``."""
        wildcards = not product.has(Feature.PLAIN_TEMPLATE_VALUES)
        return cls(entity, groups, now, namespace=namespace, blocked=blocked, wildcards=wildcards)

    def fill(self, text: str) -> str | None:
        """Return ``text`` with its templates filled; None if one cannot be filled."""
        try:
            return self.render(text)
        except ValueError:
            return None

    def render(self, text: str) -> str:
        """Return ``text`` with its templates filled. Raises ValueError with the reason."""
        filled, parts = _split(text)
        for directive, after in parts:
            value = self._value(directive)
            if not self.wildcards and ("*" in value or "+" in value):
                raise ValueError("globs and wildcards are not allowed in template result")
            for blocked in self.blocked:
                if blocked in value:
                    raise ValueError(f"template substitution contains forbidden value {quote(blocked)}")
            filled += value + after
        return filled

    def _value(self, directive: str) -> str:
        if directive.startswith("identity.entity."):
            if self.entity is None:
                raise ValueError("string contains entity template directives but no entity was provided")
            return self._entity(self.entity, directive.removeprefix("identity.entity."))
        if directive.startswith("identity.groups."):
            if not self.groups:
                raise ValueError("string contains groups template directives but no groups were provided")
            return self._group(directive.removeprefix("identity.groups."))
        if directive.startswith("time."):
            return self._time(directive.removeprefix("time."))
        raise _not_found()

    @staticmethod
    def _entity(entity: Entity, selector: str) -> str:
        if selector.startswith("aliases."):
            accessor, dot, attribute = selector.removeprefix("aliases.").partition(".")
            if not dot:
                raise ValueError("invalid alias selector")
            for alias in entity.aliases:
                if alias.mount_accessor == accessor:
                    return _attribute(alias, attribute, ("id", "name"), ("metadata", "custom_metadata"))
            raise ValueError("alias not found")
        return _attribute(entity, selector, ("id", "name"), ("metadata",))

    def _group(self, selector: str) -> str:
        kind, dot, rest = selector.partition(".")
        if not dot or kind not in ("ids", "names"):
            raise ValueError("invalid groups selector")
        wanted, dot, attribute = rest.partition(".")
        if not dot:
            raise ValueError("invalid groups accessor")
        for group in self.groups:
            if kind == "names" and group.namespace != self.namespace:
                continue
            if wanted == (group.id if kind == "ids" else group.name):
                return _attribute(group, attribute, ("id", "name"), ("metadata",))
        raise ValueError(f"entity is not a member of group {quote(wanted)}")

    def _time(self, selector: str) -> str:
        parts = selector.split(".", 2)
        if parts[0] != "now":
            raise ValueError(f"invalid time selector {quote(parts[0])}")
        if len(parts) == 1:
            return str(int(self.now))
        if len(parts) == 2:
            raise ValueError("missing time operand")
        if parts[1] not in ("plus", "minus"):
            raise ValueError(f"invalid time operator {quote(parts[1])}")
        with error_context("invalid duration: "):
            shift = parse_seconds(parts[2])
            return str(int(self.now + (shift if parts[1] == "plus" else -shift)))


def _attribute(thing: object, selector: str, plain: Sequence[str], maps: Sequence[str]) -> str:
    name, dot, key = selector.partition(".")
    value: object = None
    if name in plain and not dot:
        value = getattr(thing, name) or None
    elif name in maps and dot:
        values: Mapping[str, str] = getattr(thing, name) or {}
        value = values.get(key)
    if value is None:
        raise _not_found()
    return str(value)


def _not_found() -> ValueError:
    return ValueError("no value could be found for one of the template directives")
