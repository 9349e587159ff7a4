"""A page of keys: its parameters, its filters, its markers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.shapes import info

STATUSES = ("Active", "Disabled", "PendingDeletion", "Deleted")
USAGES = ("EncryptDecrypt", "SignVerify")
EMPTY: dict[str, Any] = {"keys": [], "truncated": False, "next_marker": None}


@dataclass(slots=True)
class Wanted:
    """What a list request asks for."""

    limit: int | None
    marker: str
    status: str | None
    usage: str | None


def read(query: dict[str, str]) -> Wanted:
    """The parameters. Raises ValueError with the sentence for one that cannot be read."""
    raw = query.get("limit")
    if raw is not None and not (re.fullmatch(r"\+?[0-9]+", raw) and int(raw) < 2**64):
        raise ValueError(f"invalid limit '{raw}': expected a non-negative integer")
    return Wanted(
        int(raw) if raw is not None else None,
        query.get("marker", ""),
        _filter("status", query, STATUSES),
        _filter("usage", query, USAGES),
    )


def _filter(name: str, query: dict[str, str], accepted: tuple[str, ...]) -> str | None:
    value = query.get(name)
    if value is None:
        return None
    for word in accepted:
        if word.lower() == value.replace("_", "").replace("-", "").lower():
            return word
    raise ValueError(f"invalid value for '{name}': expected one of {', '.join(accepted)}, got '{value}'")


def page(keys: Keyring, wanted: Wanted) -> dict[str, Any]:
    """The page; filters apply after it was cut, so a page may be empty and not the last."""
    found, more = keys.page(wanted.limit, wanted.marker)
    shown = [info(key, keys.backend) for key in found]
    return {
        "keys": [
            key for key in shown if wanted.status in (None, key["status"]) and wanted.usage in (None, key["usage"])
        ],
        "truncated": more,
        "next_marker": found[-1].name if more else None,
    }
