"""``sys/rotate/root`` and ``sys/rotate/recovery``: generating new unseal shares, authenticated by a token."""

from __future__ import annotations

import base64
from contextlib import suppress

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.seals import pgp_shares, rotation
from mockkms.vault.seals.barrier import Barrier, Rotation, decode_key
from mockkms.vault.seals.rotation import ROTATION, NewShares
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.seal.rotate_keyring import barrier_of

_NEEDS = Feature.AUTHENTICATED_ROTATION
INIT_FIELDS = {
    "secret_shares": Field(Kind.INT, help="Number of shares to split the new key into."),
    "secret_threshold": Field(Kind.INT, help="Number of shares that unseal."),
    "pgp_keys": Field(Kind.STRING_SLICE, help="PGP keys to encrypt the shares with."),
    "backup": Field(Kind.BOOL, help="Keep a copy of the encrypted shares."),
    "require_verification": Field(Kind.BOOL, help="The new shares take effect after they have been verified."),
}
SHARE_FIELDS = {
    "key": Field(Kind.STRING, help="One share, hex or base64."),
    "nonce": Field(Kind.STRING, help="Nonce of the operation."),
}

root = engine.path(
    "rotate/root", help="Make a new root key; no shares needed.", sudo=True, needs=_NEEDS, go_errors=True
)
root_init = engine.path("rotate/root/init", fields=INIT_FIELDS, help="Start, show or cancel a rotation.", needs=_NEEDS)
root_update = engine.path("rotate/root/update", fields=SHARE_FIELDS, help="Add a share.", needs=_NEEDS)
root_verify = engine.path("rotate/root/verify", fields=SHARE_FIELDS, help="Verify a new share.", needs=_NEEDS)
root_backup = engine.path("rotate/root/backup", help="The backup of encrypted shares.", needs=_NEEDS)
recovery_init = engine.path(
    "rotate/recovery/init", fields=INIT_FIELDS, help="Rotation of the recovery key; this seal does not have one.",
    needs=_NEEDS,
)  # fmt: skip
recovery_update = engine.path("rotate/recovery/update", fields=SHARE_FIELDS, help="Add a share.", needs=_NEEDS)
recovery_verify = engine.path("rotate/recovery/verify", fields=SHARE_FIELDS, help="Verify a share.", needs=_NEEDS)
recovery_backup = engine.path("rotate/recovery/backup", help="The backup of encrypted shares.", needs=_NEEDS)


@root.on(Operation.UPDATE)
def rotate_root(_state: object, call: Call) -> None:
    """Generate a new root key; the unseal shares stay the same."""
    with refusing("failed to rotate barrier root key: ", BackendError, of=ErrorResponse):
        barrier_of(call)


@root_init.on(Operation.READ)
def read_rotation(_state: object, call: Call) -> dict[str, object]:
    """Return the progress of a rotation."""
    return _shown(barrier_of(call))


def _shown(barrier: Barrier) -> dict[str, object]:
    running = barrier.rotation
    if running is None:
        return {"n": 0, "required": barrier.threshold, "started": False, "t": 0}
    fingerprints, backup = pgp_shares.rotation_fingerprints(barrier)
    encryption = {} if fingerprints is None else {"pgp_fingerprints": fingerprints, "backup": backup}
    return {
        **encryption,
        "n": running.shares,
        "nonce": running.nonce,
        "progress": len(running.progress),
        "required": barrier.threshold,
        "started": True,
        "t": running.threshold,
        "verification_nonce": running.verification_nonce,
        "verification_required": running.verify,
    }


@root_init.on(Operation.UPDATE)
def start_rotation(
    _state: object,
    call: Call,
    *,
    secret_shares: int,
    secret_threshold: int,
    pgp_keys: list[str],
    backup: bool,
    require_verification: bool,
) -> dict[str, object]:
    """Start a rotation."""
    barrier = barrier_of(call)
    wanted = Rotation(
        nonce=call.core.entropy.uuid(),
        shares=secret_shares,
        threshold=secret_threshold,
        pgp_keys=pgp_keys,
        backup=backup,
        verify=require_verification,
        started=call.now(),
    )
    rotation.start(barrier, wanted, ROTATION)
    return _shown(barrier)


@root_init.on(Operation.DELETE)
def cancel_rotation(_state: object, call: Call) -> None:
    """Cancel a rotation, if there is one."""
    with suppress(ErrorResponse):
        barrier_of(call).rotation = None


@root_update.on(Operation.UPDATE)
def add_rotation_share(_state: object, call: Call) -> dict[str, object]:
    """Add a share of the current key."""
    key, nonce = _share(call)
    barrier = barrier_of(call)
    entropy = call.core.entropy
    result = rotation.add_share(barrier, decode_key(key), nonce, ROTATION, entropy.bytes, entropy.uuid)
    return _shown(barrier) if result is None else {"complete": True, "nonce": nonce, **shown_shares(result)}


def shown_shares(result: NewShares) -> dict[str, object]:
    """Return new shares as the API shows them."""
    return {
        "backup": result.backup,
        "keys": [share.hex() for share in result.shares],
        "keys_base64": [base64.b64encode(share).decode() for share in result.shares],
        "pgp_fingerprints": result.fingerprints or None,
        "verification_nonce": result.verification_nonce,
        "verification_required": bool(result.verification_nonce),
    }


def _share(call: Call) -> tuple[str, str]:
    for name in ("key", "nonce"):
        if not call[name]:
            raise ErrorResponse(f"missing required field '{name}'")
    return call["key"], call["nonce"]


@root_verify.on(Operation.READ)
def read_verification(_state: object, call: Call) -> dict[str, object]:
    """Return the progress of the verification of new shares."""
    return _shown_verification(_verified(call))


def _verified(call: Call) -> Barrier:
    """Return the barrier of the request's namespace. Raises ErrorResponse if it can have no rotation."""
    try:
        return barrier_of(call)
    except ErrorResponse:
        raise ErrorResponse(ROTATION.unverifiable) from None


def _shown_verification(barrier: Barrier) -> dict[str, object]:
    running = barrier.rotation
    if running is None:
        raise ErrorResponse(ROTATION.unverifiable)
    return {
        "n": running.shares,
        "nonce": running.verification_nonce,
        "progress": len(running.verification_progress),
        "started": bool(running.verification_key),
        "t": running.threshold,
    }


@root_verify.on(Operation.UPDATE)
def verify_share(_state: object, call: Call) -> dict[str, object]:
    """Add a share of the new key."""
    key, nonce = _share(call)
    barrier = barrier_of(call)
    entropy = call.core.entropy
    done = rotation.verify(barrier, decode_key(key), nonce, ROTATION, entropy.bytes, entropy.uuid)
    return _shown_verification(barrier) if done is None else {"complete": True, "nonce": done}


@root_verify.on(Operation.DELETE)
def restart_verification(_state: object, call: Call) -> dict[str, object]:
    """Restart the verification."""
    barrier = _verified(call)
    rotation.restart_verification(barrier, call.core.entropy.uuid)
    return _shown_verification(barrier)


@root_backup.on(Operation.READ)
def read_backup(_state: object, call: Call) -> Response:
    """Return the backup of encrypted shares."""
    found = pgp_shares.shown_backup(barrier_of(call))
    if found is None:
        raise ErrorResponse("no backed-up keys found")
    return Response(data=found, flat=True)


@root_backup.on(Operation.DELETE)
def delete_backup(_state: object, call: Call) -> None:
    """Delete the backup of encrypted shares."""
    barrier_of(call).backup = None


@recovery_backup.on(Operation.READ)
def read_recovery_backup(_state: object, call: Call) -> None:
    """Refuse, as a Shamir seal has no recovery key to back up."""
    raise ErrorResponse("no backed-up keys found")


@recovery_backup.on(Operation.DELETE)
def delete_recovery_backup(_state: object, call: Call) -> None:
    """Do nothing: a Shamir seal has no recovery key."""


@recovery_init.on(Operation.READ)
def read_recovery(_state: object, call: Call) -> None:
    """Refuse: a Shamir seal has no recovery key."""
    barrier_of(call)
    raise ErrorResponse("unable to look up config: %!w(*errors.errorString=&{recovery not supported})")


@recovery_init.on(Operation.UPDATE)
def start_recovery(_state: object, call: Call) -> None:
    """Refuse: a Shamir seal has no recovery key."""
    barrier_of(call)
    raise ErrorResponse("recovery keys not supported")


@recovery_init.on(Operation.DELETE)
def cancel_recovery(_state: object, call: Call) -> None:
    """Do nothing: a Shamir seal has no recovery key."""


@recovery_update.on(Operation.UPDATE)
def add_recovery_share(_state: object, call: Call) -> None:
    """Refuse: a Shamir seal has no recovery key."""
    _check_share(call)
    raise ErrorResponse("failed to fetch existing config: %!w(*errors.errorString=&{recovery not supported})")


@recovery_verify.on(Operation.UPDATE)
def verify_recovery_share(_state: object, call: Call) -> None:
    """Refuse: a Shamir seal has no recovery key."""
    _check_share(call)
    raise ErrorResponse("no rotation in progress")


def _check_share(call: Call) -> None:
    """Raise ErrorResponse for a share that cannot be one, or in a namespace without a seal."""
    key, _nonce = _share(call)
    barrier_of(call)
    decode_key(key)


@recovery_verify.on(Operation.READ, Operation.DELETE)
def read_recovery_verification(_state: object, call: Call) -> None:
    """Refuse: a Shamir seal has no recovery key."""
    raise ErrorResponse(ROTATION.unverifiable)
