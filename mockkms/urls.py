"""``urlsplit`` that keeps no long texts in memory.

That of the standard library remembers its last 128 results, whatever their size: what requests send would stay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import SplitResult
from urllib.parse import urlsplit as _remembering

_LONGEST = 2048
"""Characters of a URL whose parts are remembered."""
_forgetting = cast("Callable[[str], SplitResult]", getattr(_remembering, "__wrapped__", _remembering))


def urlsplit(url: str) -> SplitResult:
    """Return the parts of a URL. Raises ValueError for a malformed one."""
    return _remembering(url) if len(url) <= _LONGEST else _forgetting(url)
