"""Lists of keys: parameters, filters and pages."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.requests import unsigned_number
from mockkms.rustfs.contracts.v2.shapes import info, rotation_due

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
    limit = None if raw is None else unsigned_number(raw, 64)
    if raw is not None and limit is None:
        raise ValueError(f"invalid limit '{raw}': expected a non-negative integer")
    return ListQuery(
        limit,
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
    found, following = keys.page(wanted.limit, wanted.marker)
    max_age = keys.state.environment.rotation_max_age
    shown = [info(key, keys.backend, rotation_due(key, keys.backend, max_age, keys.now)) for key in found]
    return {
        "keys": [
            key for key in shown if wanted.status in (None, key["status"]) and wanted.usage in (None, key["usage"])
        ],
        "truncated": following is not None,
        "next_marker": following,
    }
