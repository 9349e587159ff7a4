"""``sys/seal-status``, ``sys/seal``, ``sys/unseal``, ``sys/init`` and ``sys/step-down``: outside the core."""

from __future__ import annotations

import base64

from mockkms.crypto import pgp
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, framed, permission_denied, refusing
from mockkms.vault.kernel.node import node_status, seal_document
from mockkms.vault.products.features import Feature
from mockkms.vault.seals import pgp_shares
from mockkms.vault.seals.barrier import decode_key, validate_shares
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.seal.bodies import InitRequest, UnsealRequest, decode

status = engine.path(
    "seal-status", help="Whether the server is sealed, and the progress of unsealing.", login=True, outside=True
)
backends = engine.path(
    "seal-backend-status",
    help="The seals, and whether they work.",
    login=True,
    outside=True,
    needs=Feature.SEAL_BACKENDS,
)
seal = engine.path("seal", help="Seal the server.", outside=True)
unseal = engine.path(
    "unseal",
    fields={
        "key": Field(Kind.STRING, help="One share of the unseal key, hex or base64."),
        "reset": Field(Kind.BOOL, help="Discard the shares entered so far."),
        "migrate": Field(Kind.BOOL, help="The share belongs to the seal that is migrated from."),
    },
    help="Enter a share of the unseal key.",
    login=True,
    outside=True,
)
init = engine.path(
    "init",
    fields={
        "secret_shares": Field(Kind.INT, help="Number of shares to split the unseal key into."),
        "secret_threshold": Field(Kind.INT, help="Number of shares that unseal."),
        "pgp_keys": Field(Kind.STRING_SLICE, help="PGP keys to encrypt the shares with."),
        "recovery_shares": Field(Kind.INT, help="Number of recovery shares; only for automatic seals."),
        "recovery_threshold": Field(Kind.INT, help="Number of shares that recover; only for automatic seals."),
        "recovery_pgp_keys": Field(Kind.STRING_SLICE, help="PGP keys to encrypt the recovery shares with."),
        "root_token_pgp_key": Field(Kind.STRING, help="PGP key to encrypt the root token with."),
    },
    help="Whether the server is initialised; initialise it.",
    login=True,
    outside=True,
)
step_down = engine.path("step-down", help="Step down as the active node.", outside=True)


@status.on(Operation.READ)
def read_seal_status(_state: object, call: Call) -> Response:
    """Return the seal's status."""
    return Response(document=seal_document(node_status(call.core)))


@seal.on(Operation.UPDATE)
def seal_server(_state: object, call: Call) -> None:
    """Seal the server; requires sudo. On a sealed server it has no effect."""
    core = call.core
    if core.seal.sealed:
        return
    if core.standing is not None and not core.standing.active:
        raise ErrorResponse("vault cannot seal when in standby mode; please restart instead", status=500)
    _authorize(call)
    core.seal.seal()


def _authorize(call: Call) -> None:
    """Authenticate and authorise the request, with sudo, as the core does for other paths."""
    core, request = call.core, call.request
    token = request.client = core.tokens.authenticate(request)
    if not core.policies.check(request, token, sudo=True).allowed:
        request.trace.denied = True
        raise framed(permission_denied())
    if token.num_uses:
        token, last = core.tokens.use(token)
        if last:
            core.tokens.revoke(token)


@step_down.on(Operation.UPDATE)
def step_down_node(_state: object, call: Call) -> None:
    """Step down as the active node; requires sudo. Without high availability it has no effect."""
    standing = call.core.standing
    if standing is not None and standing.active:
        _authorize(call)
        standing.stepped_down = True


@backends.on(Operation.READ)
def read_backends(_state: object, call: Call) -> Response:
    """Return the server's only seal, a Shamir seal, which is always healthy."""
    named: dict[str, object] = {"name": "shamir"}
    if call.core.product.has(Feature.SEAL_SETTINGS):
        named |= {"configured": True, "disabled": False}
    return Response(document={"healthy": True, "backends": [{**named, "healthy": True}], "fully_wrapped": True})


@unseal.on(Operation.UPDATE)
def unseal_server(_state: object, call: Call) -> Response:
    """Add a share, or discard those entered so far; return the seal status."""
    core = call.core
    body = decode(call, UnsealRequest, required=True)
    if body.reset:
        if not core.seal.sealed:
            raise ErrorResponse("vault is unsealed")
        core.seal.barrier.reset()
        return Response(document=seal_document(node_status(core)))
    if not body.key:
        raise ErrorResponse("'key' must be specified in request body as JSON, or 'reset' set to true")
    key = decode_key(body.key)
    if body.migrate:
        raise ErrorResponse("can't perform a seal migration, no migration seal found", status=500)
    if not core.seal.barrier.initialized:
        raise ErrorResponse(f"{core.product.texts.product} is not initialized")
    if core.seal.sealed:
        core.seal.unseal(key)
    return Response(document=seal_document(node_status(core)))


@init.on(Operation.READ)
def read_init(_state: object, call: Call) -> Response:
    """Return whether the server is initialised."""
    return Response(document={"initialized": call.core.seal.barrier.initialized})


@init.on(Operation.UPDATE)
def initialize(_state: object, call: Call) -> Response:
    """Initialise the server; return the unseal shares and the root token. The server stays sealed."""
    core = call.core
    body = decode(call, InitRequest, required=True)
    recovery = [name for name in ("recovery_shares", "recovery_threshold", "recovery_pgp_keys") if getattr(body, name)]
    if recovery:
        raise ErrorResponse(f"parameters {','.join(recovery)} not applicable to seal type shamir")
    with refusing("invalid seal configuration: "):
        validate_shares(body.secret_shares, body.secret_threshold, body.pgp_keys)
        pgp_shares.check(body.pgp_keys)
    if core.seal.barrier.initialized:
        raise ErrorResponse(f"{core.product.texts.product} is already initialized")
    owner = body.root_token_pgp_key
    with refusing("invalid seal configuration: "):
        # The real server detects a bad key only after initialising, when the new keys are lost.
        pgp_shares.check([owner] if owner else [])
        parts, token = core.initialize(body.secret_shares, body.secret_threshold)
        parts = pgp_shares.encrypt_shares(parts, body.pgp_keys)
        if owner:
            token = base64.b64encode(pgp.encrypt(token.encode(), owner)).decode()
    return Response(
        document={
            "keys": [part.hex() for part in parts],
            "keys_base64": [base64.b64encode(part).decode() for part in parts],
            "root_token": token,
        }
    )
