"""``If-Modified-Since``: a copy that is still current is not sent again.

The real server sees the header only where the mount lets it pass (``passthrough_request_headers``), and sends
``Last-Modified`` only where the mount may (``allowed_response_headers``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, Response, refusing
from mockkms.vault.golang.fmt import quote

_HEADER, _LAYOUT = "If-Modified-Since", "Mon, 02 Jan 2006 15:04:05 MST"
_DATE = re.compile(r"([A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}) [A-Z]{3,4}", re.ASCII)


def unchanged(call: Call, moment: float) -> Response | None:
    """Return 304 for a copy newer than ``moment`` (seconds since the epoch), otherwise None. Raises BackendError."""
    config = call.mount.config
    text = call.request.headers.get(_HEADER.lower(), "")
    if not text or not moment or not _among(_HEADER, config.passthrough_request_headers):
        return None
    match = _DATE.fullmatch(text)
    fault = f'parsing time {quote(text)} as "{_LAYOUT}": cannot parse {quote(text)} as "Mon"'
    with refusing(error=BackendError, text=f"failed to parse given value for '{_HEADER}' header: {fault}"):
        if match is None:
            raise ValueError(text)
        since = datetime.strptime(match[1], "%a, %d %b %Y %H:%M:%S").replace(tzinfo=UTC).timestamp()
    if moment >= since:
        return None
    last = datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    shown = _among("Last-Modified", config.allowed_response_headers)
    return Response(raw=b"", status=304, headers={"Last-Modified": last} if shown else {})


def _among(name: str, names: Iterable[str]) -> bool:
    return any(name.lower() == one.strip().lower() for one in names)
