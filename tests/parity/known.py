"""Steps that are known to be answered otherwise than recorded, with the reason; meant to be empty.

``known.json`` maps a product to ``area/name`` to ``{"reason": …, "steps": [ids]}``. A step that differs and is not
listed fails its scenario, and so does a listed one that is equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_LISTED: dict[str, dict[str, dict[str, Any]]] = json.loads(
    Path(__file__).with_name("known.json").read_text(encoding="utf-8")
)


def listed(product: str) -> dict[str, dict[str, Any]]:
    """What ``known.json`` says of a product, by scenario."""
    return _LISTED.get(product, {})


def check(product: str, name: str, found: dict[str, list[str]]) -> list[str]:
    """What is wrong with a scenario's outcome, for people; nothing where it is as listed."""
    excused = set(listed(product).get(name, {}).get("steps", ()))
    wrong = [f"{name}/{step}: {line}" for step, lines in found.items() if step not in excused for line in lines]
    return wrong + [f"{name}/{step}: equal, strike it from known.json" for step in sorted(excused - found.keys())]
