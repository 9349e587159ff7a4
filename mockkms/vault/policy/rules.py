"""Parsing policy texts (HCL or JSON) into rules, with the error texts of the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from mockkms.error_context import error_context
from mockkms.lazy_dataclass import dataclass
from mockkms.vault import hcl
from mockkms.vault.golang.duration import parse_moment, parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.control_groups import ControlGroup, check_control_group, decode_control_group
from mockkms.vault.policy.listing import check_filter
from mockkms.vault.policy.parameters import ParameterValues
from mockkms.vault.policy.templates import has_template
from mockkms.vault.products.policy_dialects import VAULT_POLICIES, PolicyDialect

Substitute = Callable[[str], str | None]
"""Fills the identity templates of a path; None where that cannot be done."""

_OLD_STYLE = {
    "deny": ["deny"],
    "read": ["read", "list"],
    "write": ["create", "read", "update", "delete", "list"],
    "sudo": ["create", "read", "update", "delete", "list", "sudo"],
}


class PolicyError(ValueError):
    """An invalid policy text: ``str()`` is the server's message, ``line`` and ``column`` its position (or 0)."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(f"failed to parse policy: {message}")
        self.line = line
        self.column = column


@dataclass(slots=True)
class PolicyRule:
    """One ``path`` block. Durations in seconds, 0 is none; times in seconds since the epoch."""

    path: str
    """As matched: without leading slash, with the namespace before it, a prefix rule without its ``*``."""
    written: str
    """As written in the policy."""
    is_prefix: bool = False
    has_wildcards: bool = False
    """Has a ``+`` segment; such a path keeps its ``*``."""
    capabilities: frozenset[str] = frozenset()
    min_wrapping_ttl: float = 0
    max_wrapping_ttl: float = 0
    allowed: ParameterValues | None = None
    denied: ParameterValues | None = None
    required: list[str] = field(default_factory=list)
    pagination_limit: int = 0
    keys_filter: str = ""
    expires: float | None = None
    line: int = 0
    namespace: str = ""
    """Of the policy, as it stands before the path."""


@dataclass(slots=True)
class ParsedPolicy:
    """The rules of a policy text."""

    rules: list[PolicyRule]
    templated: bool = False
    """Some path holds an identity template."""


def parse_policy(
    text: str | bytes,
    dialect: PolicyDialect = VAULT_POLICIES,
    *,
    namespace: str = "",
    now: float = 0,
    substitute: Substitute | None = None,
) -> ParsedPolicy:
    """Parse ``text`` into rules; rules that expired before ``now`` are left out. Raises PolicyError.

    ``substitute`` fills identity templates; rules whose templates cannot be filled are left out.
    """
    with _reported_at(hcl.Position()):
        items = hcl.parse(text, unique=dialect.unique_attributes)
        hcl.check_keys(items, ("name", "path"))
        for value in hcl.field_values(items, "name"):
            hcl.decode_string(value, "root.name")
    parsed = ParsedPolicy([])
    blocks = items.under("path").items
    # Each block is freed after its turn: all at once would stop every thread, where they are many.
    items.items.clear()
    blocks.reverse()
    while blocks:
        item = blocks.pop()
        written = item.keys[0].name if item.keys else "path"
        place = item.keys[0].position if item.keys else item.position
        with _reported_at(place):
            _add_rule(parsed, _Block(item, written, dialect), namespace, now, substitute)
    return parsed


@contextmanager
def _reported_at(place: hcl.Position) -> Iterator[None]:
    """Raise PolicyError for a ValueError of the body, at its own position or else at ``place``."""
    try:
        yield
    except ValueError as error:
        own = (isinstance(error, hcl.HclError) and error.position) or place
        raise PolicyError(str(error), own.line or place.line, own.column or place.column) from None


@dataclass
class _Values:
    """The decoded values of a ``path`` block, by its keys; None and empty values are missing."""

    policy: str = ""
    capabilities: list[str] = field(default_factory=list)
    expiration: str = ""
    min_wrapping_ttl: object = None
    max_wrapping_ttl: object = None
    allowed_parameters: ParameterValues | None = None
    denied_parameters: ParameterValues | None = None
    required_parameters: list[str] = field(default_factory=list)
    mfa_methods: list[str] = field(default_factory=list)
    control_group: ControlGroup | None = None
    pagination_limit: int = 0
    list_scan_response_keys_filter_path: str = ""


class _Block:
    """A ``path`` block that is being parsed."""

    def __init__(self, item: hcl.HclItem, path: str, dialect: PolicyDialect) -> None:
        self.item = item
        self.path = path
        self.dialect = dialect

    def check_keys(self) -> hcl.HclItems:
        """Check the block's keys and return its items. Raises HclError."""
        hcl.check_keys(self.item.value, self.dialect.rule_keys, f"path {quote(self.path)}: ")
        assert isinstance(self.item.value, hcl.Object)
        return self.item.value.members

    def read(self, items: hcl.HclItems) -> _Values:
        """Return the values of the block, decoded in the real server's order. Raises HclError."""
        values = _Values()
        for name, decode in _DECODERS.items():
            for node in hcl.field_values(items, name):
                try:
                    decoded = decode(node, f"root.{_SHOWN_AS.get(name, name)}")
                except hcl.HclError as error:
                    raise hcl.HclError(f"path {quote(self.path)}: {error}", place=error.position) from None
                before = getattr(values, name)
                if isinstance(before, list) and isinstance(decoded, list):
                    decoded = before + decoded
                elif isinstance(before, dict) and isinstance(decoded, dict):
                    decoded = {**before, **{key: before.get(key, []) + value for key, value in decoded.items()}}
                setattr(values, name, decoded)
        return values


def _parameter_lists(node: hcl.Node, name: str) -> dict[str, object]:
    return hcl.decode_map(node, name, lists=True)


_SHOWN_AS = {"policy": "Policy", "capabilities": "Capabilities"}
"""Keys that errors show as the real server's names of their fields, in which they differ."""

_DECODERS: dict[str, Callable[[hcl.Node, str], object]] = {
    "policy": hcl.decode_string,
    "capabilities": hcl.decode_strings,
    "expiration": hcl.decode_string,
    "min_wrapping_ttl": hcl.decode_any,
    "max_wrapping_ttl": hcl.decode_any,
    "allowed_parameters": _parameter_lists,
    "denied_parameters": _parameter_lists,
    "required_parameters": hcl.decode_strings,
    "mfa_methods": hcl.decode_strings,
    "control_group": decode_control_group,
    "pagination_limit": hcl.decode_int,
    "list_scan_response_keys_filter_path": hcl.decode_string,
}


def _add_rule(parsed: ParsedPolicy, block: _Block, namespace: str, now: float, substitute: Substitute | None) -> None:
    written = block.path
    if substitute is None:
        parsed.templated |= has_template(written)
    else:
        filled = substitute(written)
        if filled is None:
            return
        block.path = filled
    items = block.check_keys()
    values = block.read(items)
    line = block.item.position.line
    rule = PolicyRule(namespace + block.path.removeprefix("/"), written, line=line, namespace=namespace)
    if values.expiration:
        rule.expires = _moment(block, values.expiration)
        if rule.expires < now:
            return
    _shape_path(rule)
    _read_capabilities(rule, block, values)
    if "deny" not in rule.capabilities:
        _read_limits(rule, values)
    parsed.rules.append(rule)


def _moment(block: _Block, text: str) -> float:
    with error_context(f"path {quote(block.path)}: invalid expiration time: "):
        return parse_moment(text)


def _shape_path(rule: PolicyRule) -> None:
    path = rule.path
    if "+*" in path:
        raise ValueError(f"path {quote(path)}: invalid use of wildcards ('+*' is forbidden)")
    rule.has_wildcards = path == "+" or "/+" in path or path.startswith("+/")
    if path.endswith("*") and not rule.has_wildcards:
        rule.path, rule.is_prefix = path[:-1], True


def _read_capabilities(rule: PolicyRule, block: _Block, values: _Values) -> None:
    names = list(values.capabilities)
    old_style = values.policy
    if old_style:
        if old_style not in _OLD_STYLE:
            raise ValueError(f"path {quote(block.path)}: invalid policy {quote(old_style)}")
        names = _OLD_STYLE[old_style] if old_style == "deny" else names + _OLD_STYLE[old_style]
    known = block.dialect.capabilities
    for name in names:
        if name == "deny":
            rule.capabilities = frozenset({"deny"})
            return
        if name not in known:
            raise ValueError(f"path {quote(block.path)}: invalid capability {quote(name)}")
    rule.capabilities = frozenset(names)


def _read_limits(rule: PolicyRule, values: _Values) -> None:
    rule.allowed = _lowered(values.allowed_parameters)
    rule.denied = _lowered(values.denied_parameters)
    rule.min_wrapping_ttl = _duration("min_wrapping_ttl", values.min_wrapping_ttl)
    rule.max_wrapping_ttl = _duration("max_wrapping_ttl", values.max_wrapping_ttl)
    if values.control_group is not None:
        check_control_group(values.control_group, rule.capabilities)
    if rule.min_wrapping_ttl and 0 != rule.max_wrapping_ttl < rule.min_wrapping_ttl:
        raise ValueError("max_wrapping_ttl cannot be less than min_wrapping_ttl")
    rule.required = values.required_parameters
    rule.pagination_limit = values.pagination_limit
    rule.keys_filter = values.list_scan_response_keys_filter_path
    if rule.keys_filter:
        check_filter(rule.keys_filter, rule.path, rule.capabilities)


def _lowered(values: ParameterValues | None) -> ParameterValues | None:
    return None if values is None else {name.lower(): allowed for name, allowed in values.items()}


def _duration(name: str, value: object) -> float:
    """Return a duration in seconds; 0 if it is missing. Raises ValueError."""
    if value is None:
        return 0
    with error_context(f"error parsing {name}: "):
        return parse_seconds(int(value) if isinstance(value, float) else value)
