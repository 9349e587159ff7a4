"""``sys/raw``: raw storage. This server stores nothing there, so it contains only what was written by this path."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

_ROOTS = ("core/", "logical/", "sys/")
_FIELDS = {
    "path": Field(Kind.STRING, help="Key in storage."),
    "value": Field(Kind.STRING, help="The value to store."),
    "encoding": Field(Kind.STRING, query=True, help="`base64` if the value is base64."),
    "compressed": Field(Kind.BOOL, default=True, query=True, help="Decompress a compressed value when reading."),
    "compression_type": Field(Kind.STRING, help="How to compress the value."),
    "after": Field(Kind.STRING, query=True, help="List what comes after this key.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, default=-1, query=True, help="List at most this many keys.", needs=Feature.PAGINATION),
}
_PROTECTED = ("core/keyring", "core/cluster/local/info")
_COMPRESSIONS = ("", "gzip", "snappy")
_OLDER_COMPRESSIONS = ("lz4", "lzw")

every = engine.path("raw[/]", fields=_FIELDS, help="Keys in storage.", sudo=True)
one = engine.path("raw/{path:some}", fields=_FIELDS, help="Read, write, list or delete storage.", sudo=True)


def _stored(call: Call) -> dict[str, str]:
    found: dict[str, str] = call.core.state.system.setdefault("raw", {})
    return found


@every.on(Operation.LIST)
@one.on(Operation.LIST)
def list_keys(_state: object, call: Call, *, path: str, after: str, limit: int) -> dict[str, object]:
    """Return the keys directly below a path."""
    prefix = path
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    _refuse_protected(call, prefix, "list")
    below = [key[len(prefix) :] for key in _stored(call) if key.startswith(prefix)]
    keys = {key.split("/")[0] + ("/" if "/" in key else "") for key in below}
    listed = [key for key in sorted(keys.union(() if prefix else _ROOTS)) if key > after]
    return {"keys": listed[:limit] if limit > 0 else listed}


def _checked(call: Call, action: str) -> str:
    """Return the requested key. Raises ErrorResponse for the server's own keys."""
    path: str = call["path"]
    _refuse_protected(call, path, action)
    return path


def _refuse_protected(call: Call, path: str, action: str) -> None:
    if path.startswith(_PROTECTED):
        verb = action if call.core.product.has(Feature.RAW_NAMES_OPERATION) else "access"
        raise ErrorResponse(f"cannot {verb} {quote(path)}")


@every.on(Operation.READ)
@one.on(Operation.READ)
def read_key(_state: object, call: Call) -> dict[str, object] | None:
    """Return the value stored at a key."""
    encoding = _encoding(call)
    value = _stored(call).get(_checked(call, "read"))
    if value is None:
        return None
    raw = b64.decode(value)
    if encoding == "base64":
        return {"value": value}
    return {"value": raw.decode("utf-8", "replace")}


def _encoding(call: Call) -> str:
    encoding: str = call["encoding"]
    if encoding not in ("", "base64"):
        raise ErrorResponse(f"invalid encoding {quote(encoding)}")
    return encoding


@every.existence
@one.existence
def exists(_state: object, call: Call, *, path: str) -> bool:
    """Return whether a key has a value."""
    if path.startswith(_PROTECTED) and not call.core.product.has(Feature.RAW_NAMES_OPERATION):
        raise BackendError("internal error")
    return path in _stored(call)


@every.on(Operation.CREATE, Operation.UPDATE)
@one.on(Operation.CREATE, Operation.UPDATE)
def write_key(_state: object, call: Call, *, value: str, compression_type: str) -> None:
    """Store a value; an existing one keeps its compression, unless the request removes it."""
    raw = value.encode("utf-8", "surrogatepass")
    older = call.core.product.has(Feature.RAW_NAMES_OPERATION)
    encoded = _encoding(call) == "base64"
    if older:
        _checked(call, "write")
    if encoded:
        with refusing():
            raw = b64.decode(value)
    path = _checked(call, "write")
    kinds: dict[str, str] = call.core.state.system.setdefault("raw_compression", {})
    kind: str = compression_type
    if call.request.operation is Operation.UPDATE:
        present = kinds.get(path, "")
        if kind not in ("", present):
            raise ErrorResponse("the entry uses a different compression scheme then compression_type")
        kind = kind if "compression_type" in call else present
    if kind not in _COMPRESSIONS and not (older and kind in _OLDER_COMPRESSIONS):
        raise ErrorResponse(f"invalid compression type {quote(kind)}")
    with refusing(of=BackendError):
        refuse_bytes(call.request)
    _stored(call)[path] = b64.encode(raw)
    kinds[path] = kind


@every.on(Operation.DELETE)
@one.on(Operation.DELETE)
def delete_key(_state: object, call: Call) -> None:
    """Delete a key."""
    path = _checked(call, "delete")
    _stored(call).pop(path, None)
    call.core.state.system.get("raw_compression", {}).pop(path, None)
