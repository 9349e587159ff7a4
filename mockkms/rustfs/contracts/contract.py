"""Choose the contract of a request: by its path, by ``api``, or by its fields and parameters.

With ``api: current``, paths of the older contract do not exist, as in the released server.
"""

from __future__ import annotations

from mockkms.json_reading import read_json
from mockkms.rustfs.contracts import v1, v2
from mockkms.rustfs.message import MAX_BODY, AdminRequest, query_pairs
from mockkms.rustfs.state import RustfsState


def choose(state: RustfsState, request: AdminRequest, path: str) -> str:
    """Return ``v1`` or ``v2``."""
    route = (request.method, path)
    if state.api == "current" or route not in v1.ROUTES:
        return "v2"
    if route == v1.CONFIG and state.api != "handler":
        return "v2"
    if state.api != "auto" or v2.find(*route) is None:
        return "v1"
    return _contract_of_fields(request, path) or state.contract


def _contract_of_fields(request: AdminRequest, path: str) -> str:
    """Return the contract that alone has a field or parameter of the request; empty if none does."""
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


def _object(body: bytes) -> dict[str, object]:
    if len(body) > MAX_BODY:
        return {}
    try:
        value = read_json(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
