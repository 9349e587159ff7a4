"""``sys/storage/raft/…`` of a server with raft storage; on all others, as on a dev server, the paths do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Request, Response, unsupported_path
from mockkms.vault.kernel.node import RAFT
from mockkms.vault.sys.engine import engine

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_OTHER_KEYS = (
    "could not verify hash file, possibly the snapshot is using a different set of unseal keys; use the snapshot-force "
    "API to bypass this check"
)
_HINT = "raft storage is not in use here: mockkms serve --storage raft, or MockKMS(storage='raft')"


def _raft(core: Context, request: Request) -> None:
    """Raise 404 unless the server has raft storage."""
    if core.server.storage != RAFT:
        request.trace.hint = _HINT
        raise unsupported_path()


snapshot = engine.path(
    "storage/raft/snapshot",
    help="Take and restore snapshots of the storage.",
    binary=True,
    requires=_raft,
    go_errors=True,
)
forced = engine.path(
    "storage/raft/snapshot-force",
    help="Restore a snapshot of other unseal keys.",
    binary=True,
    requires=_raft,
    go_errors=True,
)
configuration = engine.path("storage/raft/configuration", help="The peers of the raft cluster.", requires=_raft)


def _key(call: Call) -> bytes:
    """Return what the unseal keys of the server are known by."""
    return "\n".join(call.core.seal.unseal_keys).encode()


@snapshot.on(Operation.READ)
def take(_state: object, call: Call) -> Response:
    """Return an archive of the server's state."""
    from mockkms.vault.sys.storage.archive import pack  # Not needed by a start.

    core = call.core
    assert core.backup is not None
    index = core.standing.index if core.standing is not None else 0
    packed = pack(core.backup.take(), _key(call), index=index, moment=call.now())
    return Response(raw=packed, content_type="application/gzip", headers={"Content-Disposition": "attachment"})


@snapshot.on(Operation.UPDATE)
def restore(_state: object, call: Call) -> None:
    """Restore an archive that the present unseal keys have sealed."""
    _restore(call, _key(call))


@forced.on(Operation.UPDATE)
def restore_forced(_state: object, call: Call) -> None:
    """Restore an archive of any server; this one is sealed afterwards if the archive has other keys."""
    _restore(call, None)


def _restore(call: Call, key: bytes | None) -> None:
    from mockkms.vault.sys.storage.archive import SealMismatch, unpack

    core, before = call.core, call.core.seal.unseal_keys
    assert core.backup is not None
    try:
        state = unpack(call.request.body, key)
        core.backup.put_back(state)
    except SealMismatch:
        raise ErrorResponse(_OTHER_KEYS) from None
    except ValueError as error:
        raise BackendError(str(error)) from None
    barrier = core.seal.barrier
    barrier.reset()
    barrier.sealed = core.seal.unseal_keys != before


@configuration.on(Operation.READ)
def read_configuration(_state: object, call: Call) -> dict[str, object]:
    """Return the peers: the nodes of a cluster, or the server alone."""
    standing = call.core.standing
    servers = [
        {
            "node_id": peer.hostname,
            "address": urlsplit(peer.cluster_address).netloc,
            "leader": peer.active,
            "protocol_version": "3",
            "voter": True,
        }
        for peer in (standing.peers if standing is not None else ())
    ]
    return {"config": {"index": 0, "servers": servers}}
