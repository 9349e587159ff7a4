"""Lists of keys: parameters, filters and pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.shapes import info

STATUSES = ("Active", "Disabled", "PendingDeletion", "Deleted")
USAGES = ("EncryptDecrypt", "SignVerify")
EMPTY: dict[str, object] = {"keys": [], "truncated": False, "next_marker": None}


@dataclass(slots=True)
class ListQuery:
    """The parameters of a list."""

    limit: int | None
    marker: str
    status: str | None
    usage: str | None


def read(query: dict[str, str]) -> ListQuery:
    """Parse the parameters. Raises ValueError with the server's message."""
    raw = query.get("limit")
    if raw is not None and not (re.fullmatch(r"\+?[0-9]+", raw) and int(raw) < 2**64):
        raise ValueError(f"invalid limit '{raw}': expected a non-negative integer")
    return ListQuery(
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


def page(keys: Keyring, wanted: ListQuery) -> dict[str, object]:
    """Return one page. Filters apply after the page was cut, so an empty page is not always the last one."""
    found, more = keys.page(wanted.limit, wanted.marker)
    shown = [info(key, keys.backend) for key in found]
    return {
        "keys": [
            key for key in shown if wanted.status in (None, key["status"]) and wanted.usage in (None, key["usage"])
        ],
        "truncated": more,
        "next_marker": found[-1].name if more else None,
    }
