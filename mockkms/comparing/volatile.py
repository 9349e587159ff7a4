"""Volatile values, which differ between equivalent answers: identifiers, times, random values, remaining lifetimes.

``docs/diff.md`` lists it.
"""

from __future__ import annotations

import re

from mockkms.vault.golang.number import Number

NAMES = frozenset((
    "accessor", "barcode", "build_date", "clock_skew_ms", "cluster_id", "cluster_name", "echo_duration_ms", "hmac",
    "lease_id", "nonce", "replication_primary_canary_age_ms", "request_id", "role_id", "root_token_accessor",
    "secret_id_accessor", "serial_number", "server_time_utc", "signature", "ttl", "url",
))  # fmt: skip
"""Fields whose values are ignored; they must be there in both answers, and of the same type."""
_EPOCH = range(1_000_000_000, 10_000_000_000)
"""Seconds since the epoch, from 2001 on."""
_FORMS = (
    re.compile(r"(?P<time>)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
    re.compile(r"(?P<uuid>)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    re.compile(r"(?P<vault>)vault:(?P<version>v\d+):[A-Za-z0-9+/=_-]+"),
    re.compile(r"(?P<serial>)[0-9a-f]{2}(?::[0-9a-f]{2}){7,}"),
    re.compile(r"(?P<pem>)-----BEGIN (?P<label>[A-Z0-9 ]+)-----.*-----END (?P=label)-----\s*", re.DOTALL),
)
"""Values that are ignored under any name, if both have the same form."""


def stable(value: object, name: str = "") -> object:
    """Return JSON with a mark in place of each volatile value, so that equivalent documents are equal."""
    if isinstance(value, dict):
        return {key: stable(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [stable(item, name) for item in value]
    if name in NAMES and value not in (None, ""):
        return "(number)" if isinstance(value, int | Number) else f"({type(value).__name__})"
    if isinstance(value, str):
        return _form(value)
    if isinstance(value, int) and not isinstance(value, bool) and value in _EPOCH:
        return "(time)"
    return value


def _form(text: str) -> str:
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            kind, *rest = [name for name, part in found.groupdict().items() if part is not None]
            return f"({' '.join([kind, *(found[name] for name in rest)])})"
    return text
