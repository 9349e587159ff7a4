"""``data/{path}``: write, read, patch and delete the versions of a secret; ``subkeys/{path}``: its structure."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.json_text import Encoded, encode
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v2.engine import author, described, engine, not_found, payload
from mockkms.vault.secrets.kv.v2.model import KV2, Payload, SecretMetadata, Version
from mockkms.vault.secrets.kv.v2.payload import leaves_removed, merge, stored

_PATH = Field(Kind.STRING, help="Path of the secret.")
_VERSION = Field(Kind.INT, help="The version to read; the current one if absent or not positive.", query=True)

data = engine.path(
    "data/{path:all}",
    fields={
        "path": _PATH,
        "version": _VERSION,
        "options": Field(Kind.MAP, help="cas: the current version that the write expects, 0 for no secret."),
        "data": Field(Kind.MAP, help="The secret."),
    },
    help="Write, patch, read and delete secrets.",
    description="Each write makes a new version. A delete is soft: it marks the current version.",
    go_errors=True,
)
subkeys = engine.path(
    "subkeys/{path:all}",
    fields={
        "path": _PATH,
        "version": _VERSION,
        "depth": Field(Kind.INT, help="Deepest level shown; 0 means unlimited.", query=True),
    },
    help="Read the structure of a secret without its values.",
    go_errors=True,
)


@data.existence
def _exists(state: KV2, call: Call, *, path: str) -> bool:
    return state.find(path) is not None


@data.on(Operation.READ)
def read(state: KV2, call: Call, *, path: str) -> Reply:
    """Return a version of the secret; 404 with its metadata if it is deleted or destroyed."""
    found = _version(state, call)
    if found is None:
        return None
    key, number, version = found
    shown: dict[str, object] = {"data": None, "metadata": described(key, number, version)}
    if version.gone(call.now()):
        return not_found(shown)
    secret = payload(state, path, number)
    # Written as JSON here, because the data is stored as text already.
    return Response(data=Encoded(f'{{"data":{encode(secret)},"metadata":{encode(shown["metadata"])}}}'))


@subkeys.on(Operation.READ)
def read_subkeys(state: KV2, call: Call, *, path: str, depth: int) -> Reply:
    """Return the keys of a version with null for every leaf."""
    found = _version(state, call)
    if found is None:
        return None
    key, number, version = found
    shown: dict[str, object] = {"metadata": described(key, number, version), "subkeys": None}
    if version.gone(call.now()):
        return not_found(shown)
    secret = payload(state, path, number)
    shown["subkeys"] = None if secret is None else leaves_removed(secret.value(), depth)
    return shown


def _version(state: KV2, call: Call) -> tuple[SecretMetadata, int, Version] | None:
    key = state.find(call["path"])
    if key is None:
        return None
    number = call["version"] if call["version"] > 0 else key.current
    version = key.versions.get(number)
    return None if version is None else (key, number, version)


@data.on(Operation.CREATE, Operation.UPDATE)
def write(state: KV2, call: Call, *, path: str) -> Reply:
    """Make a new version. Raises ErrorResponse without path or data, or if check-and-set refuses it."""
    if not path:
        raise ErrorResponse("missing path")
    if "data" not in call:
        raise ErrorResponse("no data provided")
    key = state.open(path, call.now())
    _check_and_set(state, call, key)
    refuse_bytes(call.request, "string field contains invalid UTF-8")
    return _append(state, call, key, stored(call["data"]) if call.raw["data"] is not None else None)


@data.on(Operation.PATCH)
def patch(state: KV2, call: Call, *, path: str) -> Reply:
    """Make a new version from the current one by a JSON merge patch; 404 if that does not exist."""
    if "data" not in call:
        raise ErrorResponse("no data provided")
    key = state.edit(path)
    if key is None:
        return Response(status=404, raw=b"")
    _check_and_set(state, call, key)
    version = key.versions.get(key.current)
    if version is None:
        return Response(status=404, raw=b"")
    if version.gone(call.now()):
        return not_found(described(key, key.current, version))
    before = payload(state, path, key.current)
    if before is None:
        raise BackendError("resource does not exist")
    if call.raw["data"] is not None:
        return _append(state, call, key, stored(merge(before.value(), call["data"])))
    if not call.core.product.has(Feature.KV_NULL_PATCH):
        raise BackendError("Invalid JSON Patch")
    return _append(state, call, key, None)


def _append(state: KV2, call: Call, key: SecretMetadata, secret: Payload) -> dict[str, object]:
    now = call.now()
    key.updated_by = author(call)
    version = Version(created=now, deleted=state.expiry(key, now), created_by=key.updated_by)
    state.append(call["path"], key, version, secret)
    return described(key, key.current, version)


@data.on(Operation.DELETE)
def delete(state: KV2, call: Call, *, path: str) -> None:
    """Mark the current version as deleted."""
    key = state.edit(path)
    version = key.versions.get(key.current) if key else None
    if key is not None and version is not None and not version.gone(call.now()):
        version.deleted = call.now()
        version.deleted_by = key.updated_by = author(call)


def _check_and_set(state: KV2, call: Call, key: SecretMetadata) -> None:
    options = call["options"]
    if "cas" in options:
        if _weak_int(options["cas"]) != key.current:
            raise ErrorResponse("check-and-set parameter did not match the current version")
    elif state.config.cas_required or key.cas_required:
        raise ErrorResponse("check-and-set parameter required for this call")


def _weak_int(value: object) -> int:
    with refusing(text="error parsing check-and-set parameter"):
        number = convert(Kind.INT64, value)[1]
    return number if isinstance(number, int) else 0
