"""Which contract a request means: told by a path that only one has, fixed by ``api``, or told by the request itself.

``current`` alone refuses the paths of the older contract, as the released server does.
"""

from __future__ import annotations

import json
from typing import Any

from mockkms.rustfs.contracts import v1, v2
from mockkms.rustfs.message import AdminRequest, query_pairs
from mockkms.rustfs.state import RustfsState


def choose(state: RustfsState, request: AdminRequest, path: str) -> str:
    """``v1`` or ``v2``."""
    route = (request.method, path)
    if state.api == "current" or route not in v1.ROUTES:
        return "v2"
    if route == v1.CONFIG and state.api != "handler":
        return "v2"
    if state.api != "auto" or v2.find(*route) is None:
        return "v1"
    return _told(request, path) or state.contract


def _told(request: AdminRequest, path: str) -> str:
    """What a field or parameter that only one contract knows says; nothing where there is none."""
    if path == "/status":
        return ""
    if path == "/configure":
        body = _object(request.body)
        return "v1" if "kms_type" in body else "v2" if "backend_type" in body else ""
    query = query_pairs(request.query_string)
    if "keyName" in query:
        return "v1"
    if "keyId" in query or "key-id" in query:
        return "v2"
    return "v2" if _object(request.body) else ""


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
