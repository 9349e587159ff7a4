"""``sys/rekey`` and ``sys/generate-root``: unauthenticated, or disabled, depending on the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    BackendError,
    ErrorResponse,
    Operation,
    Request,
    Response,
    unsupported_operation,
    unsupported_path,
)
from mockkms.vault.products.features import Feature
from mockkms.vault.seals import pgp_shares, rotation
from mockkms.vault.seals.barrier import Barrier, Rotation, decode_key
from mockkms.vault.seals.rotation import REKEY
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.seal import generate_root
from mockkms.vault.sys.seal.bodies import (
    GenerateRootInitRequest,
    GenerateRootUpdateRequest,
    RekeyDeleteRequest,
    RekeyRequest,
    RekeyUpdateRequest,
    RekeyVerificationUpdateRequest,
    Struct,
    decode,
    from_fields,
)
from mockkms.vault.sys.seal.rotate_root import INIT_FIELDS, SHARE_FIELDS, shown_shares

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_ALL = (Operation.READ, Operation.UPDATE, Operation.DELETE)
_OPEN = Feature.OPEN_KEY_ENDPOINTS
_STORED = Field(Kind.INT, help="Has no effect with this seal.")
_HELD = 600
"""Seconds in which cancelling a rekey requires its nonce."""


def _enabled(core: Context, request: Request) -> None:
    """Raise 405 where the product disables these endpoints, whatever the parameters; help on them remains."""
    if request.operation is not Operation.HELP and not core.product.has(Feature.KEY_ENDPOINTS):
        raise unsupported_operation()


def _aliased(core: Context, request: Request) -> None:
    """Raise 405 where the product disables these endpoints or lacks this path."""
    _enabled(core, request)
    if request.operation is not Operation.HELP and not core.product.has(Feature.GENERATE_ROOT_ALIAS):
        raise unsupported_operation()


def _recovery(core: Context, _request: Request) -> None:
    """Raise 404 where the paths are unauthenticated and have no endpoint."""
    if not core.product.has(Feature.KEY_ENDPOINTS):
        raise unsupported_path()


init = engine.path(
    "rekey/init",
    fields={**INIT_FIELDS, "nonce": SHARE_FIELDS["nonce"], "stored_shares": _STORED},
    help="Start, show or cancel a rekeying.",
    login=_OPEN,
    requires=_enabled,
    go_errors=True,
)
update = engine.path(
    "rekey/update", fields=SHARE_FIELDS, help="Add a share of the unseal key.", login=_OPEN, requires=_enabled
)
verify = engine.path("rekey/verify", fields=SHARE_FIELDS, help="Verify a new share.", login=_OPEN, requires=_enabled)
recovery = engine.path(
    "rekey-recovery-key/{step:one(init|verify)}",
    fields={"step": Field(Kind.STRING, help="Which step."), **INIT_FIELDS, **SHARE_FIELDS, "stored_shares": _STORED},
    help="Rekeying of the recovery key; this seal does not have one.",
    login=_OPEN,
    requires=_recovery,
)
recovery_update = engine.path(
    "rekey-recovery-key/update",
    fields=SHARE_FIELDS,
    help="Add a share of the recovery key.",
    login=_OPEN,
    requires=_recovery,
    go_errors=True,
)
recovery_list = engine.path(
    "rekey-recovery-key/{step:one(init|update|verify)}/",
    fields={"step": Field(Kind.STRING, help="Which step.")},
    help="The same for other methods.",
    login=True,
    needs=Feature.KEY_HANDLERS,
)
attempt = engine.path(
    "generate-root/attempt", fields=generate_root.ATTEMPT_FIELDS, help="Start, show or cancel making a root token.",
    login=_OPEN, requires=_enabled,
)  # fmt: skip
attempt_update = engine.path(
    "generate-root/update", fields=SHARE_FIELDS, help="Add a share of the unseal key.", login=_OPEN, requires=_enabled
)
backup = engine.path("rekey/backup", help="The backup of encrypted shares.")
recovery_backup = engine.path("rekey/recovery-key-backup", help="The backup of encrypted recovery shares.")
old_attempt = engine.path(
    "generate-root", fields=generate_root.ATTEMPT_FIELDS, help="See `generate-root/attempt`.", requires=_aliased
)


def _status(barrier: Barrier) -> dict[str, object]:
    running = barrier.rotation
    fingerprints, backup = pgp_shares.rotation_fingerprints(barrier)
    document: dict[str, object] = {
        "nonce": running.nonce if running else "",
        "started": running is not None,
        "t": running.threshold if running else 0,
        "n": running.shares if running else 0,
        "progress": len(running.progress) if running else 0,
        "required": barrier.threshold,
        "pgp_fingerprints": fingerprints,
        "backup": backup,
        "verification_required": running.verify if running else False,
    }
    if running is not None and running.verification_nonce:
        document["verification_nonce"] = running.verification_nonce
    return document


@init.on(Operation.READ)
def read_rekey(_state: object, call: Call) -> Response:
    """Return the progress of a rekeying."""
    return Response(document=_status(call.core.seal.barrier))


@init.on(Operation.UPDATE)
def start_rekey(_state: object, call: Call) -> Response:
    """Start a rekeying."""
    barrier = call.core.seal.barrier
    body = _body(call, RekeyRequest)
    if body.secret_threshold > body.secret_shares:
        raise ErrorResponse("provided threshold greater than the total shares")
    if body.backup and not body.pgp_keys:
        raise ErrorResponse("cannot request a backup of the new keys without providing PGP keys for encryption")
    if body.pgp_keys and len(body.pgp_keys) != body.secret_shares:
        raise ErrorResponse("incorrect number of PGP keys for rekey")
    wanted = Rotation(
        nonce=call.core.entropy.uuid(),
        shares=body.secret_shares,
        threshold=body.secret_threshold,
        pgp_keys=list(body.pgp_keys),
        backup=body.backup,
        verify=body.require_verification,
        started=call.now(),
    )
    rotation.start(barrier, wanted, REKEY)
    return Response(document=_status(barrier))


@init.on(Operation.DELETE)
def cancel_rekey(_state: object, call: Call) -> None:
    """Cancel a rekeying. Raises ErrorResponse if its nonce is required and not given."""
    barrier = call.core.seal.barrier
    if call.core.product.has(Feature.REKEY_NONCE):
        nonce = _nonce(call)
        running = barrier.rotation
        if running is not None and nonce != running.nonce and call.now() - running.started < _HELD:
            if call.core.product.has(Feature.OPEN_KEY_ENDPOINTS):
                raise ErrorResponse("invalid request")
            raise BackendError("failed to cancel rekey: invalid request", status=400)
    barrier.rotation = None


def _nonce(call: Call) -> str:
    """Return the nonce in the body, which is required where the endpoint reads its body outside the core.

    Vault's Go client sends it in the body of the DELETE, to products whose other DELETEs read only the query, too.
    """
    if call.core.product.has(Feature.OPEN_KEY_ENDPOINTS):
        return _body(call, RekeyDeleteRequest).nonce
    sent: str = call["nonce"]
    return sent or decode(call, RekeyDeleteRequest).nonce


def _body(call: Call, struct: type[Struct], *, required: bool = True) -> Struct:
    """Return the body: a struct where the endpoint is open, else fields like those of other endpoints."""
    if call.core.product.has(Feature.OPEN_KEY_ENDPOINTS):
        return decode(call, struct, required=required)
    return from_fields(call, struct)


@update.on(Operation.UPDATE)
def add_rekey_share(_state: object, call: Call) -> Response:
    """Add a share of the current key."""
    barrier = call.core.seal.barrier
    key, nonce = _share(_body(call, RekeyUpdateRequest))
    entropy = call.core.entropy
    result = rotation.add_share(barrier, key, nonce, REKEY, entropy.bytes, entropy.uuid)
    if result is None:
        return Response(document=_status(barrier))
    shown = shown_shares(result)
    order = ("keys", "keys_base64", "pgp_fingerprints", "backup", "verification_required", "verification_nonce")
    listed = {name: shown[name] for name in order if name != "verification_nonce" or shown[name]}
    return Response(document={"nonce": nonce, "complete": True, **listed})


def _share(
    body: RekeyUpdateRequest | RekeyVerificationUpdateRequest | GenerateRootUpdateRequest,
) -> tuple[bytes, str]:
    """Return the share and the nonce of a body. Raises ErrorResponse."""
    if not body.key:
        raise ErrorResponse("'key' must be specified in request body as JSON")
    return decode_key(body.key), body.nonce


@verify.on(Operation.READ)
def read_rekey_verification(_state: object, call: Call) -> Response:
    """Return the progress of the verification of new shares."""
    return Response(document=_verification(call.core.seal.barrier))


def _verification(barrier: Barrier) -> dict[str, object]:
    running = barrier.rotation
    if running is None:
        raise ErrorResponse("no rekey configuration found")
    return {
        "nonce": running.verification_nonce,
        "started": bool(running.verification_key),
        "t": running.threshold,
        "n": running.shares,
        "progress": len(running.verification_progress),
    }


@verify.on(Operation.UPDATE)
def verify_rekey_share(_state: object, call: Call) -> Response:
    """Add a share of the new key."""
    barrier = call.core.seal.barrier
    key, nonce = _share(_body(call, RekeyVerificationUpdateRequest))
    entropy = call.core.entropy
    done = rotation.verify(barrier, key, nonce, REKEY, entropy.bytes, entropy.uuid)
    return Response(document=_verification(barrier) if done is None else {"nonce": done, "complete": True})


@verify.on(Operation.DELETE)
def restart_rekey_verification(_state: object, call: Call) -> Response:
    """Restart the verification."""
    barrier = call.core.seal.barrier
    rotation.restart_verification(barrier, call.core.entropy.uuid)
    return Response(document=_verification(barrier))


@recovery.on(*_ALL)
def refuse_recovery(_state: object, call: Call) -> None:
    """Refuse, as a Shamir seal has no recovery key."""
    raise ErrorResponse("recovery rekeying not supported")


@recovery_update.on(Operation.UPDATE)
def refuse_recovery_share(_state: object, call: Call) -> None:
    """Refuse, as a Shamir seal has no recovery key; whether a share was sent is checked first."""
    _share(_body(call, RekeyUpdateRequest))
    raise ErrorResponse("failed to fetch existing recovery config: recovery not supported", status=500)


@recovery_update.on(Operation.READ, Operation.DELETE)
def refuse_recovery_method(_state: object, call: Call) -> None:
    """Refuse the method. If the endpoint is outside the core, it treats every method as a share."""
    if not call.core.product.has(Feature.KEY_HANDLERS):
        raise unsupported_operation()
    refuse_recovery_share(_state, call)


@recovery_list.on(Operation.LIST)
def list_recovery(_state: object, call: Call, *, step: str) -> None:
    """Answer any other method as the step does."""
    (refuse_recovery_share if step == "update" else refuse_recovery)(_state, call)


@attempt.on(Operation.READ)
def read_attempt(_state: object, call: Call) -> Response:
    """Return the progress of an attempt."""
    return Response(document=_attempt(call, call.core.seal.barrier))


def _attempt(call: Call, barrier: Barrier, otp: str = "") -> dict[str, object]:
    running = barrier.generation
    return {
        "nonce": running.nonce if running else "",
        "started": running is not None,
        "progress": len(running.progress) if running else 0,
        "required": barrier.threshold,
        "complete": False,
        "encoded_token": "",
        "encoded_root_token": "",
        "pgp_fingerprint": running.pgp_fingerprint if running else "",
        "otp": otp,
        "otp_length": generate_root.otp_length(call.core, ""),
    }


@attempt.on(Operation.UPDATE)
def start_attempt(_state: object, call: Call) -> Response:
    """Start an attempt; its one-time password is shown only here."""
    return _start(call)


def _start(call: Call) -> Response:
    barrier = call.core.seal.barrier
    body = _body(call, GenerateRootInitRequest, required=False)
    made = generate_root.start(call.core, "", barrier, body.otp, body.pgp_key)
    return Response(document=_attempt(call, barrier, made))


@attempt.on(Operation.DELETE)
def cancel_attempt(_state: object, call: Call) -> None:
    """Cancel an attempt."""
    call.core.seal.barrier.generation = None


@attempt_update.on(Operation.UPDATE)
def add_attempt_share(_state: object, call: Call) -> Response:
    """Add a share."""
    barrier = call.core.seal.barrier
    key, nonce = _share(_body(call, GenerateRootUpdateRequest))
    required, fingerprint = barrier.threshold, generate_root.fingerprint_of(barrier)
    progress, token = generate_root.add_share(call.core, "", barrier, key, nonce)
    document = _attempt(call, barrier)
    document.update(
        nonce=nonce, started=True, progress=progress, required=required, complete=progress == required,
        encoded_token=token, encoded_root_token=token, otp_length=0, pgp_fingerprint=fingerprint,
    )  # fmt: skip
    return Response(document=document)


@backup.on(Operation.READ)
def read_backup(_state: object, call: Call) -> Response:
    """Return the backup of encrypted shares."""
    found = pgp_shares.shown_backup(call.core.seal.barrier)
    if found is None:
        raise ErrorResponse("no backed-up keys found")
    return Response(data=found, flat=True)


@recovery_backup.on(Operation.READ)
def read_recovery_backup(_state: object, call: Call) -> None:
    """Refuse, as a Shamir seal has no recovery key to back up."""
    raise ErrorResponse("no backed-up keys found")


@backup.on(Operation.DELETE)
def delete_backup(_state: object, call: Call) -> None:
    """Delete the backup of encrypted shares."""
    call.core.seal.barrier.backup = None


@recovery_backup.on(Operation.DELETE)
def delete_recovery_backup(_state: object, call: Call) -> None:
    """Do nothing: a Shamir seal has no recovery key."""


@old_attempt.on(Operation.READ)
def read_old(_state: object, call: Call) -> Response:
    """Return the progress of an attempt."""
    return Response(document=_attempt(call, call.core.seal.barrier))


@old_attempt.on(Operation.UPDATE)
def start_old(_state: object, call: Call) -> Response:
    """Start an attempt."""
    return _start(call)


@old_attempt.on(Operation.DELETE)
def cancel_old(_state: object, call: Call) -> None:
    """Cancel an attempt."""
    call.core.seal.barrier.generation = None
