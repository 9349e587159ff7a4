"""``sys/storage/raft/…`` of a server with raft storage; on all others, as on a dev server, the paths do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Request, Response, unsupported_path
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.node import RAFT
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.seal.bodies import JoinRequest, decode

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


def _no_help(_core: Context, request: Request) -> None:
    """Raise 404 for help, which is given by the core: these endpoints are outside it alone."""
    if request.operation is Operation.HELP:
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
join = engine.path(
    "storage/raft/join",
    help="Join the cluster of another node.",
    login=True,
    outside=True,
    requires=_no_help,
    go_errors=True,
)
bootstrap = engine.path(
    "storage/raft/bootstrap",
    help="Make raft store who is active.",
    login=True,
    outside=True,
    binary=True,
    requires=_no_help,
    go_errors=True,
)
configuration = engine.path("storage/raft/configuration", help="The peers of the raft cluster.", requires=_raft)


@join.on(Operation.UPDATE)
def join_cluster(_state: object, call: Call) -> Response:
    """Return that the node is in a cluster, if it has raft storage and is initialised. Raises ErrorResponse."""
    body = decode(call, JoinRequest)
    if body.non_voter and not call.core.product.has(Feature.RAFT_NON_VOTERS):
        raise ErrorResponse("non-voting nodes not allowed")
    if bool(body.leader_client_cert) is not bool(body.leader_client_key):
        raise ErrorResponse("invalid certificate parameters")
    if body.auto_join_scheme not in ("", "http", "https"):
        raise ErrorResponse(f"invalid scheme {quote(body.auto_join_scheme)}; must either be http or https")
    _check_in_use(call)
    if not call.core.seal.barrier.initialized:
        raise ErrorResponse("failed to join raft cluster: failed to join any raft leader node", status=500)
    return Response(document={"joined": True})


@bootstrap.on(Operation.UPDATE)
def bootstrap_raft(_state: object, call: Call) -> None:
    """Raise ErrorResponse: raft is either not in use, or was bootstrapped when the server was initialised."""
    if call.core.seal.sealed:
        raise ErrorResponse("node must be unsealed to bootstrap")
    _check_in_use(call)
    text = "could not bootstrap clustered storage: error bootstrapping cluster: cluster already has state"
    raise ErrorResponse(text, status=500)


@bootstrap.on(*(set(Operation) - {Operation.UPDATE, Operation.HELP}))
def refuse_method(_state: object, _call: Call) -> None:
    """Raise ErrorResponse: the real server does not answer 405 here."""
    raise ErrorResponse


def _check_in_use(call: Call) -> None:
    if call.core.server.storage != RAFT:
        call.request.trace.hint = _HINT
        raise ErrorResponse("raft backend not in use", status=500)


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
