"""The failures that a phase mixes, by name, with their usual weights.

A mix is a mapping of names to weights. Names are those of this table and of the presets of ``answer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockkms.faults.parsing import Errors, FaultError, shown, unknown
from mockkms.faults.presets import PRESETS
from mockkms.faults.rule import read_weight


@dataclass(frozen=True, slots=True)
class ChaosFailure:
    """A failure of a mix."""

    weight: float
    """Its weight in the default mix; 0: not part of it."""
    kinds: Mapping[str, object]
    """What happens, as the fault kinds of a rule."""
    help: str


FAILURES = {
    "slow": ChaosFailure(
        4, {"delay": {"lognormal": ["500ms", 0.8]}}, "the answer is late, by half a second in the median"
    ),
    "rate-limited": ChaosFailure(3, {"answer": "rate-limited"}, "429 with Retry-After"),
    "overloaded": ChaosFailure(2, {"answer": "overloaded"}, "503 with Retry-After"),
    "internal-error": ChaosFailure(2, {"answer": "internal-error"}, "500"),
    "bad-gateway": ChaosFailure(2, {"answer": "bad-gateway"}, "502 with a proxy's HTML page"),
    "gateway-timeout": ChaosFailure(1, {"answer": "gateway-timeout"}, "504 with a proxy's HTML page"),
    "sealed": ChaosFailure(1, {"answer": "sealed"}, "503 of a sealed server"),
    "standby": ChaosFailure(1, {"answer": "standby"}, "503 of a standby that knows no active node"),
    "reset": ChaosFailure(2, {"reset": True}, "the connection is reset before the request takes effect"),
    "lost-answer": ChaosFailure(1, {"lose_answer": "reset"}, "the request takes effect, then the connection is reset"),
    "cut-answer": ChaosFailure(1, {"truncate": 20}, "the connection is closed after 20 bytes of the body"),
    "hang": ChaosFailure(0, {"hang": "30s"}, "no answer for 30 seconds, then the connection is closed"),
}
"""The failures by name."""


def default_mix() -> dict[str, float]:
    """Return the weights of the default mix."""
    return {name: failure.weight for name, failure in FAILURES.items() if failure.weight}


def kinds_of(name: str) -> Mapping[str, object]:
    """Return the fault kinds of a failure, or of the preset of that name. Raises FaultError."""
    if name in FAILURES:
        return FAILURES[name].kinds
    if name in PRESETS:
        return {"answer": name}
    raise unknown(name, [*FAILURES, *PRESETS], "failure")


def read_mix(value: object) -> list[dict[str, object]]:
    """Return a mix as the items of a rule's ``choose``. Raises FaultError for unknown names and wrong weights."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value, 1)
    if not isinstance(value, Mapping) or not value:
        raise FaultError(f"expected names of failures with their weights, such as {{reset: 2, sealed: 1}}, "
                         f"got {shown(value)}")  # fmt: skip
    items: list[dict[str, object]] = []
    errors = Errors()
    for name, weight in value.items():
        errors.read(str(name), read_weight, weight, 1.0)
        with errors.at():
            items.append({"weight": weight, **kinds_of(str(name))})
    errors.raise_all()
    return items
