"""``sys/remount``: moving a mount to another path or namespace, and the status of a move."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.json_text import in_order
from mockkms.vault.kernel import mounting
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import conflict, protected, sanitized

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

remount = engine.path(
    "remount",
    fields={
        "from": Field(Kind.STRING, help="Path of the mount to move; an auth method's with `auth/`."),
        "to": Field(Kind.STRING, help="Path to move it to."),
    },
    help="Move a mount.",
    sudo=True,
)
status = engine.path(
    "remount/status/{migration_id:some}",
    fields={"migration_id": Field(Kind.STRING, help="Id that the move returned.")},
    help="The status of a move.",
)


@remount.on(Operation.UPDATE)
def move(_state: object, call: Call) -> Response:
    """Move a mount with its data and revoke its leases; it is done at once but reported as queued."""
    core = call.core
    source, target = call["from"], call["to"]
    if not source or not target:
        raise ErrorResponse("both 'from' and 'to' path must be specified as a string")
    for which, path in (("from", source), ("to", target)):
        if path.startswith(" ") or path.endswith(" "):
            raise ErrorResponse(f"'{which}' path cannot contain trailing whitespace")
    namespace = call.request.namespace
    from_namespace, from_path = _split(call, source)
    to_namespace, to_path = _split(call, target)
    _check_target(target, to_path)
    _check_protected(call.core, from_path, to_path)
    mount = core.state.mounts.match(namespace, sanitized(source)) or core.state.mounts.match(from_namespace, from_path)
    if mount is None:
        raise ErrorResponse(f"no matching mount at {quote(sanitized(source))}")
    whole = to_namespace + to_path
    taken = conflict(core.state.mounts, namespace, whole.removeprefix(namespace))
    if taken not in ("", to_namespace):
        raise ErrorResponse(f"path already in use at {quote(taken)}")
    migration = core.entropy.uuid()
    exact = (mount.namespace, mount.path) == (from_namespace, from_path)
    if exact:
        mounting.move(core, mount, to_namespace, to_path)
    core.state.system.setdefault("migrations", {})[migration] = {
        "source_mount": from_namespace + from_path,
        "target_mount": whole,
        "status": "success" if exact else "failure",
    }
    text = (
        f"Mount move has been queued. Progress will be reported in {core.product.texts.product}'s server log, "
        "tagged with the returned migration_id"
    )
    return Response(data={"migration_id": migration}, warnings=[text], flat=True)


def _split(call: Call, path: str) -> tuple[str, str]:
    """Split a path into namespace and mount path; one that is a namespace's without a slash is a mount's above it."""
    own = call.request.namespace
    namespace, below = call.core.namespaces.locate(own, path)
    if namespace == f"{own}{path}/":
        namespace, _, below = f"/{own}{path}".rpartition("/")
        namespace = f"{namespace}/"[1:]
    return namespace or "", sanitized(below)


def _check_target(given: str, path: str) -> None:
    if path == "":
        raise ErrorResponse(f"invalid destination mount path {quote(given)}")
    cleaned = re.sub("^//+", "/", posixpath.normpath(path)) + "/"
    if path != cleaned:
        raise ErrorResponse(f"invalid destination mount: path '{path}' does not match cleaned path '{cleaned}'")
    if not path.isprintable():
        raise ErrorResponse("invalid destination mount: path cannot contain non-printable characters")


def _check_protected(core: Environment, source: str, target: str) -> None:
    if source.startswith("auth/"):
        if not target.startswith("auth/"):
            raise ErrorResponse(f"cannot remount auth mount to non-auth mount {quote(target)}")
        if source.startswith("auth/token"):
            raise ErrorResponse(f"cannot remount {quote(source)}")
        if target.startswith("auth/token"):
            raise ErrorResponse(f"cannot remount to destination {quote(target)}")
        return
    for path in protected(core):
        if source.startswith(path):
            raise ErrorResponse(f"cannot remount {quote(source)}")
        if target.startswith(path):
            raise ErrorResponse(f"cannot remount to destination {target}")


@status.on(Operation.READ)
def migration_status(_state: object, call: Call) -> Reply:
    """Return the status of one move; None for an unknown id."""
    found = call.core.state.system.get("migrations", {}).get(call["migration_id"])
    return None if found is None else {"migration_id": call["migration_id"], "migration_info": in_order(found)}
