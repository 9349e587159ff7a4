"""``sys/namespaces``: list, read, create, change, delete, lock, unlock, seal and unseal namespaces."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.namespaces import canonical, parse_name, validate
from mockkms.vault.kernel.state import Namespace
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.namespaces.seal import install_seal, parse_seal

_NEEDS = Feature.NAMESPACES
_LOCK_PATH = Field(Kind.STRING, help="Path of the namespace below the one of the request.")

every = engine.path("namespaces[/]", help="Namespaces within that of the request.", needs=_NEEDS)
lock = engine.path(
    "namespaces/api-lock/lock[/{path:some}]", fields={"path": _LOCK_PATH}, help="Lock a namespace's API.", needs=_NEEDS
)
unlock = engine.path(
    "namespaces/api-lock/unlock[/{path:some}]",
    fields={
        "path": _LOCK_PATH,
        "unlock_key": Field(Kind.STRING, help="The key that locking returned; not required with sudo."),
    },
    help="Unlock a namespace's API.",
    needs=_NEEDS,
)
one = engine.path(
    "namespaces/{path:some}",
    fields={
        "path": Field(Kind.STRING, help="Name of the namespace within the one of the request."),
        "custom_metadata": Field(Kind.MAP, help="Custom metadata: texts by name."),
        "seal": Field(Kind.STRING, help="The configuration of its seal, in HCL or JSON: type, shares and threshold."),
        "pgp_keys": Field(Kind.STRING_SLICE, help="PGP keys to encrypt its unseal shares with."),
    },
    help="Create, show, change or delete a namespace.",
    needs=_NEEDS,
    go_errors=True,
)


@every.on(Operation.LIST)
def list_namespaces(_state: object, call: Call) -> dict[str, object]:
    """Return the namespaces directly within that of the request."""
    return _listed(call, recursive=False)


@every.on(Operation.SCAN)
def scan_namespaces(_state: object, call: Call) -> dict[str, object]:
    """Return all namespaces within that of the request, at any depth."""
    return _listed(call, recursive=True)


def _listed(call: Call, *, recursive: bool) -> dict[str, object]:
    parent = call.request.namespace
    store = call.core.namespaces
    found = {n.path[len(parent) :]: store.shown(n) for n in store.children(parent, recursive=recursive)}
    return {"keys": list(found), "key_info": found} if found else {}


@lock.on(Operation.UPDATE)
def lock_namespace(_state: object, call: Call) -> dict[str, object]:
    """Lock the API of a namespace and those below it; return the key that unlocks it."""
    found = _lockable(call)
    locking = call.core.namespaces.locking(found.path)
    if locking is found:
        raise ErrorResponse(f"cannot lock namespace {quote(found.path)}: is already locked")
    if locking is not None:
        raise ErrorResponse(
            f"cannot lock namespace {quote(found.path)}: ancestor namespace {quote(locking.path)} is already locked"
        )
    found.locked, found.unlock_key = True, call.core.entropy.base62(24)
    return {"unlock_key": found.unlock_key}


def _lockable(call: Call) -> Namespace:
    path = call.request.namespace + canonical(call["path"])
    if not path:
        raise ErrorResponse("root namespace cannot be locked/unlocked")
    found = call.core.namespaces.get(path)
    if found is None:
        raise ErrorResponse("requested namespace does not exist")
    return found


@unlock.on(Operation.UPDATE)
def unlock_namespace(_state: object, call: Call, *, unlock_key: str) -> Response | None:
    """Unlock a namespace, with its key or the sudo capability."""
    if not unlock_key and not _sudo(call):
        raise BackendError("provided empty key")
    found = _lockable(call)
    if not found.locked:
        raise ErrorResponse(f"namespace {quote(found.path)} is not locked")
    locking = call.core.namespaces.locking(found.path)
    if locking is not None and locking is not found:
        raise ErrorResponse(f"cannot unlock {quote(found.path)} with namespace {quote(locking.path)} being locked")
    if unlock_key and unlock_key != found.unlock_key:
        raise ErrorResponse("incorrect unlock key")
    found.locked, found.unlock_key = False, ""
    return None if unlock_key else Response(warnings=["Namespace unlocked using sudo capabilities"])


def _sudo(call: Call) -> bool:
    """Return whether the token has the sudo capability on the request's path."""
    core, request = call.core, call.request
    return core.policies.check(request, core.tokens.authenticate(request), sudo=True).allowed


@one.on(Operation.READ)
def read_namespace(_state: object, call: Call, *, path: str) -> dict[str, object] | None:
    """Return one namespace."""
    found = call.core.namespaces.get(call.request.namespace + parse_name(path))
    return None if found is None else call.core.namespaces.shown(found)


@one.on(Operation.UPDATE)
def write_namespace(
    _state: object, call: Call, *, custom_metadata: dict[str, object], seal: str, pgp_keys: list[str]
) -> dict[str, object]:
    """Create a namespace, or replace the metadata of one."""
    store = call.core.namespaces
    path = call.request.namespace + parse_name(call["path"])
    metadata = {name: value for name, value in custom_metadata.items() if isinstance(value, str)}
    if len(metadata) < len(custom_metadata):
        raise ErrorResponse("custom_metadata values must be strings")
    wanted = parse_seal(seal, pgp_keys) if "seal" in call else None
    found = store.get(path)
    if found is not None:
        if wanted is not None:
            raise ErrorResponse("cannot modify existing namespace seal config")
        found.custom_metadata = metadata
        return store.shown(found)
    validate(path)
    mounts = call.core.state.mounts
    if mounts.index.occupied(path):
        conflict = min(place for place in mounts.entries if place.startswith(path))
        raise ErrorResponse(f"new namespace conflicts with existing mount: {conflict}")
    found = store.create(path, metadata)
    shown = store.shown(found)
    return shown if wanted is None else {**shown, **install_seal(call, found, *wanted)}


@one.on(Operation.PATCH)
def patch_namespace(_state: object, call: Call, *, custom_metadata: dict[str, object]) -> dict[str, object]:
    """Merge metadata: null removes a name."""
    store = call.core.namespaces
    path = call.request.namespace + parse_name(call["path"])
    given: dict[str, str | None] = {}
    for name, value in custom_metadata.items():
        if value is not None and not isinstance(value, str):
            raise ErrorResponse(f"metadata patch can only have string or null values, got {_go_name(value)}")
        given[name] = value
    found = store.get(path)
    if found is None:
        raise ErrorResponse("namespace not found")
    if "custom_metadata" in call.raw and call.raw["custom_metadata"] is None:
        found.custom_metadata = {}
    merged = {**found.custom_metadata, **given}
    found.custom_metadata = {name: value for name, value in merged.items() if value is not None}
    return store.shown(found)


def _go_name(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "map[string]interface {}"
    return "[]interface {}" if isinstance(value, list) else "json.Number"


@one.on(Operation.DELETE)
def delete_namespace(_state: object, call: Call) -> Response:
    """Delete a namespace with its contents; it is done at once but reported as in progress."""
    store = call.core.namespaces
    path = call.request.namespace + parse_name(call["path"])
    found = store.get(path)
    if found is None:
        return Response(warnings=["requested namespace does not exist"])
    if store.sealed(path):
        raise ErrorResponse("namespace is sealed", status=503)
    if store.children(path, recursive=True):
        raise ErrorResponse("unable to delete namespace containing child namespaces")
    store.delete(path)
    return Response(data={"status": "in-progress"})
