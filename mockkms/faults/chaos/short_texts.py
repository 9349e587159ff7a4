"""Plans of chaos as short texts: a percentage, a failure, an incident, or phases as in ``normal=30s sealed=10s``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mockkms.faults.chaos.failures import FAILURES, kinds_of
from mockkms.faults.chaos.incidents import incident_files
from mockkms.faults.parsing import FaultError, shown, unknown
from mockkms.faults.presets import PRESETS

NORMAL, FAILOVER = "normal", "failover"
_LONGEST_TEXT = 2000
_PERCENT = re.compile(r"[+-]?\d+(?:\.\d*)?\s*%?|[+-]?\d*\.\d+\s*%?")


def words_of_text(value: str) -> Mapping[str, object]:
    """Return the plan that a short text stands for. Raises FaultError."""
    written = value.strip()
    if len(written) > _LONGEST_TEXT:
        raise FaultError(f"expected at most {_LONGEST_TEXT:,} characters; a plan that long is written as phases")
    if _PERCENT.fullmatch(written):
        return {"rate": written}
    if "=" in written:
        parts = [part for part in re.split(r"[,\s]+", written) if part]
        return {"name": "timeline", "phases": _unique([_short_phase(part) for part in parts])}
    if written in FAILURES or written in PRESETS:
        return {"name": written, "phases": [{"name": written, "rules": [kinds_of(written)]}]}
    if written not in incident_files():
        known = [*incident_files(), *FAILURES, *PRESETS]
        wanted = (
            f"a percentage such as 2%, phases as in normal=30s sealed=10s, or one of: {', '.join(sorted({*known}))}"
        )
        raise unknown(written, known, "incident or failure", wanted)
    return {"incident": written}


def _short_phase(part: str) -> dict[str, object]:
    """Return the phase of ``name=duration``: normal, failover, a percentage, or a failure's name."""
    name, _, lasts = part.partition("=")
    if not name or not lasts:
        raise FaultError(f"expected phases as in normal=30s, got {shown(part)}")
    phase: dict[str, object] = {"name": name, "lasts": lasts}
    if name == FAILOVER:
        return phase | {"begin": {"restart": "keep"}, "rules": [{"answer": "standby"}]}
    if name == NORMAL:
        return phase
    if _PERCENT.fullmatch(name):
        return phase | {"rate": name}
    if name not in FAILURES and name not in PRESETS:
        raise unknown(name, [NORMAL, FAILOVER, *FAILURES, *PRESETS], "phase")
    return phase | {"rules": [kinds_of(name)]}


def _unique(phases: list[dict[str, object]]) -> list[dict[str, object]]:
    """Give phases with the same name a number."""
    seen: dict[object, int] = {}
    for phase in phases:
        name = phase["name"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            phase["name"] = f"{name} {seen[name]}"
    return phases
