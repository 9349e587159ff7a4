"""Comparison of worlds: what a failure changed in the state of a server.

Ids, keys and times differ in every run. What differs between two runs without failures is therefore noise, and so are
times in general. Tokens and leases are left out: a client that logs in again after a failure leaves a token behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockkms.world.world import World

_LEFT_OUT = frozenset(("tokens", "leases", "lockout", "quotas", "seal"))
"""Members of the state of a Vault that follow from requests alone."""
_COUNTERS = frozenset(("num_uses", "uses_left", "last_used", "last_update_time"))
"""Members of engines' states that a login changes."""
_BOOKKEEPING = frozenset(("Policy.version",))
"""Counters of writes to a record that is otherwise the same after each of them."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_LARGEST = 10**8
"""Integers from here on are times, serial numbers or key material, not counts and versions."""
_DEEPEST = 40
_SHOWN = 60

State = Mapping[str, object]


def state_of(world: World) -> State:
    """Return the state of a world, as a copy that later requests do not change."""
    vault, rustfs = world.snapshot().load()
    found: dict[str, object] = {
        field.name: getattr(vault, field.name) for field in fields(vault) if field.name not in _LEFT_OUT
    }
    mounts: dict[str, object] = {}
    for key, mount in vault.mounts.entries.items():
        # A cubbyhole belongs to a token. Accessor and id of a mount are random.
        mounts[key] = {"type": mount.type, "config": mount.config, "options": mount.options} | (
            {} if mount.type == "cubbyhole" else {"state": mount.state}
        )
    return {**found, "mounts": mounts, "rustfs": rustfs}


def differences(first: object, second: object, other: object) -> Iterator[str]:
    """Yield what ``other`` has different from ``first``, without the noise: what ``second`` has different too."""
    yield from _differences(first, second, other, "", 0)


def difference(before: object, after: object) -> str:
    """Return the first difference of two states of one run; empty if there is none."""
    return next(differences(before, before, after), "")


def _differences(first: object, second: object, other: object, path: str, depth: int) -> Iterator[str]:
    if first is other or depth > _DEEPEST:
        return
    a, b, c = _members(first), _members(second), _members(other)
    if a is None or b is None or c is None:
        same = type(first) is type(other)
        if not _noise(first, second, other) if same else type(first) is type(second):
            yield f"{path}: {_short(first)} -> {_short(other)}"
        return
    if a.keys() == b.keys():
        for name in [*a, *(name for name in c if name not in a)]:
            if name in _COUNTERS or f"{type(first).__name__}.{name}" in _BOOKKEEPING:
                continue
            here = f"{path}{name}" if name.startswith("[") or not path else f"{path}.{name}"
            if name not in c:
                yield f"{here}: missing"
            elif name not in a:
                yield f"{here}: added"
            else:
                yield from _differences(a[name], b[name], c[name], here, depth + 1)
        return
    # Random names: members are compared by their number and order.
    if len(a) != len(b):
        return
    if len(a) != len(c):
        yield f"{path}: {len(a)} -> {len(c)} entries"
        return
    for place, (one, two, three) in enumerate(zip(a.values(), b.values(), c.values(), strict=True)):
        yield from _differences(one, two, three, f"{path}[{place}]", depth + 1)


def _members(value: object) -> dict[str, object] | None:
    """Return the members of a record, mapping or list by name; None for a single value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {f"[{key!r}]": item for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return {f"[{place}]": item for place, item in enumerate(value)}
    if isinstance(value, (set, frozenset)):
        return {f"[{item!r}]": True for item in sorted(value, key=repr)}
    return dict(vars(value)) if hasattr(value, "__dict__") and not isinstance(value, type) else None


def _noise(first: object, second: object, other: object) -> bool:
    """Return whether the difference of two single values is to be ignored."""
    if first == other or first != second or isinstance(first, float):
        return True
    if isinstance(first, int) and isinstance(other, int):
        return max(abs(first), abs(other)) >= _LARGEST
    return isinstance(first, str) and isinstance(other, str) and bool(_TIME.match(first) and _TIME.match(other))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
