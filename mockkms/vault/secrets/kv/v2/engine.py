"""The engine object of KV version 2, and what its endpoint files share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import BackendError, Request, Response
from mockkms.vault.golang.json_text import Encoded, is_long
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v1 import KV1
from mockkms.vault.secrets.kv.v2.model import KV2, SecretMetadata, Version
from mockkms.vault.secrets.kv.v2.payload import Unreadable, stored
from mockkms.vault.tokens.token import client_id
from mockkms.world.clock import rfc3339

UPGRADED = {"actor": "kv_upgrade", "operation": "upgrade"}
"""The author of what an upgrade writes."""


def upgrade(before: KV1, now: float) -> KV2:
    """Return the state of version 2 that a version 1 mount gets at ``now`` (Unix seconds)."""
    after = KV2()
    for path, kept in before.secrets.items():
        key = after.open(path, now)
        key.updated_by = UPGRADED
        after.append(path, key, Version(created=now, created_by=UPGRADED), stored(kept.value()))
        # The real server migrates with a window of one version, of which this is left.
        key.oldest = 1
    return after


def takes_long(state: KV2, request: Request, captures: Mapping[str, str], _now: Callable[[], float]) -> bool:
    """Return whether a request is about a large version of a secret."""
    path = captures.get("path", "")
    key = state.find(path)
    if key is None:
        return False
    asked = str(request.data.get("version", ""))
    number = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    return is_long(state.payloads.get((path, number or key.current)))


engine = Engine(
    "kv2",
    kind="secret",
    new_state=KV2,
    take_over=upgrade,
    policy_folders=("data/", "metadata/"),
    size=lambda state: len(state.keys),
    takes_long=takes_long,
    help="Stores arbitrary secrets in versions.",
)


def time_text(moment: float | None) -> str:
    """Return a time (Unix seconds) in RFC 3339; empty for None."""
    return "" if moment is None else rfc3339(moment)


def described(key: SecretMetadata, number: int, version: Version) -> dict[str, object]:
    """Return what every response about a version shows."""
    return {
        "created_time": time_text(version.created),
        "custom_metadata": key.custom_metadata,
        "deletion_time": time_text(version.deleted),
        "destroyed": version.destroyed,
        "version": number,
    }


def not_found(data: dict[str, object] | None, *warnings: str) -> Response:
    """Return status 404 with the usual envelope, as for a deleted version."""
    return Response(data=data, status=404, warnings=list(warnings))


def payload(state: KV2, path: str, number: int) -> Encoded | None:
    """Return the data of a version. Raises BackendError if it is missing under this exact path, or cannot be read."""
    if (path, number) not in state.payloads:
        raise BackendError("could not find version data")
    data = state.payloads[path, number]
    if isinstance(data, Unreadable):
        raise BackendError(data.error)
    return data


def author(call: Call, operation: str = "") -> dict[str, str] | None:
    """Return the author and the operation (by default the request's) of a change; None if the product omits them.

    Empty members are left out, as in the real server's responses.
    """
    if not call.core.product.has(Feature.KV_ATTRIBUTION):
        return None
    token = call.request.client
    kind = operation or str(call.request.operation)
    if token is None:
        return {"operation": kind}
    found = {"actor": token.display_name, "operation": kind} if token.display_name else {"operation": kind}
    found["client_id"] = client_id(token, call.core.namespaces.id_of(token.namespace))
    if token.entity_id:
        found["entity_id"] = token.entity_id
    return found
