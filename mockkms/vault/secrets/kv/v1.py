"""KV version 1: a secret is the body of its last write, stored as it was sent."""

from __future__ import annotations

from dataclasses import field

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import children, walk
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.json_text import Encoded, is_long, keep
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("kv1.KV1")
@dataclass
class KV1:
    """All secrets of one mount by path."""

    secrets: dict[str, Encoded] = field(default_factory=dict)

    def fork(self) -> KV1:
        """Return an equal mount that can change independently, though it shares every secret."""
        return KV1(dict(self.secrets))


engine = Engine(
    "kv", kind="secret", new_state=KV1, help="Stores arbitrary secrets, one value for each path.",
    size=lambda state: len(state.secrets),
    takes_long=lambda state, request, captures, now: is_long(state.secrets.get(captures.get("path", ""))),
)  # fmt: skip

secret = engine.path(
    "{path:all}",
    fields={"path": Field(Kind.STRING, help="Path of the secret.")},
    help="Write, read, list and delete secrets.",
    arbitrary=Feature.KV1_ARBITRARY,
    description="The whole body of a write is the secret. A member ttl or lease becomes the lease duration of a read.",
)


@secret.existence
def _exists(state: KV1, call: Call, *, path: str) -> bool:
    return path in state.secrets


@secret.on(Operation.READ)
def read(state: KV1, call: Call, *, path: str) -> Response | None:
    """Return the secret, with its own lease duration (seconds) or the mount's default."""
    _refuse_relative(call, "read failed: ")
    kept = state.secrets.get(path)
    if kept is None:
        return None
    data = kept.value()
    leased = (call.mount.options or {}).get("leased_passthrough") == "true"
    renewable = leased and ("ttl" in data or "lease" in data)
    return Response(data=data, lease=Lease(ttl=_ttl(call, data), renewable=renewable, registered=leased))


def _ttl(call: Call, data: dict[str, object]) -> int:
    asked = data.get("ttl") if "ttl" in data else data.get("lease", "")
    if "ttl" in data or "lease" in data:
        if asked is None:
            return 0
        try:
            return int(parse_seconds(asked))
        except (ValueError, OverflowError):
            pass
    return call.core.default_ttl(call.mount)


@secret.on(Operation.CREATE, Operation.UPDATE)
def write(state: KV1, call: Call, *, path: str) -> None:
    """Replace the secret by the body. Raises ErrorResponse without a path or without a body."""
    if not path:
        raise ErrorResponse("missing path")
    if not call.request.data:
        raise ErrorResponse("missing data fields")
    _refuse_relative(call, "failed to write: ")
    refuse_bytes(call.request, "failed to write: key contains invalid UTF-8 characters")
    state.secrets[path] = keep(call.request.data)


@secret.on(Operation.DELETE)
def delete(state: KV1, call: Call, *, path: str) -> None:
    """Delete the secret; succeed if it does not exist."""
    _refuse_relative(call)
    refuse_bytes(call.request)
    state.secrets.pop(path, None)


@secret.on(Operation.LIST)
def list_secrets(state: KV1, call: Call) -> dict[str, object]:
    """Return the names directly below a folder."""
    names = children(state.secrets, _folder(call))
    return {"keys": names} if names else {}


@secret.on(Operation.SCAN)
def scan(state: KV1, call: Call) -> dict[str, object]:
    """Return every path below a folder; without any, ``keys`` is missing."""
    keys = walk(state.secrets, _folder(call))
    return {"keys": keys} if keys else {}


def _refuse_relative(call: Call, what: str = "") -> None:
    """Raise BackendError for a path with dot segments that the server has not refused before."""
    if ".." in call["path"].split("/"):
        raise BackendError(f"{what}relative paths not supported", status=400)


def _folder(call: Call) -> str:
    path: str = call["path"]
    return path + "/" if path and not path.endswith("/") else path
