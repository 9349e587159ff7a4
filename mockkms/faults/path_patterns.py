"""Patterns of paths that requests do not have, such as whole URLs; they are refused, so that no rule waits in vain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mockkms.faults.parsing import FaultError

_PARAMETER = re.compile(r"\{\w+(?::\w+)?\}")
_BELOW_V1 = frozenset(("auth", "cubbyhole", "identity", "kv", "pki", "secret", "sys", "transit"))
"""First segments of paths below ``/v1/``. Any other raw path may be one that a rule answers on its own."""


def check_path(pattern: object) -> None:
    """Raise FaultError for a pattern that fits the path of no request, with the one that is probably meant.

    ``{exact: …}`` is a way to name unusual paths: only a prefix ``v1/`` and whole URLs are refused there.
    """
    if isinstance(pattern, Mapping) and len(pattern) == 1:
        ((form, inner),) = pattern.items()
        if form == "glob":
            check_path(inner)
        elif form == "regex" and isinstance(inner, str) and inner.startswith("^v1/"):
            raise FaultError(f"paths are below /v1/: expected '^{inner[4:]}', or '^/{inner[1:]}' to match the raw path")
        elif form == "exact" and isinstance(inner, str):
            _check_start(inner)
    if not isinstance(pattern, str):
        return
    _check_start(pattern)
    if "?" in pattern:
        hint = f"expected {pattern.partition('?')[0]!r}, with the parameters under query, as in query: {{list: true}}"
        raise FaultError(f"a path has no query: {hint}")
    if _PARAMETER.search(pattern):
        meant = _PARAMETER.sub("+", pattern)
        raise FaultError(f"braces have no meaning in a path: expected {meant!r}, in which + is any one segment")
    first = pattern[1:].partition("/")[0]
    if pattern.startswith("/") and first in _BELOW_V1:
        both = f"expected {pattern[1:]!r}, or '/v1{pattern}', or {{exact: {pattern}}} if it is meant so"
        raise FaultError(f"with a leading / a path is the raw request path, which starts with /v1/: {both}")


def _check_start(path: str) -> None:
    if path.startswith("v1/"):
        raise FaultError(f"paths are below /v1/: expected {path[3:]!r}, or '/{path}' to match the raw path")
    if path.startswith(("http://", "https://")):
        meant = urlsplit(path).path.removeprefix("/v1").lstrip("/") or "*"
        raise FaultError(f"expected a path below /v1/ instead of a URL, such as {meant!r}")


def is_fixed(pattern: object) -> bool:
    """Return whether a pattern is the text of a path below ``/v1/``, without wildcards."""
    if not isinstance(pattern, str) or pattern.startswith("/"):
        return False
    return "*" not in pattern and "+" not in pattern.split("/")
