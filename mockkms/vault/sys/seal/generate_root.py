"""``sys/generate-root-token`` and ``sys/decode-token``: generating a root token with the unseal shares."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from mockkms.crypto import pgp
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.seals import pgp_shares
from mockkms.vault.seals.barrier import Barrier, RootGeneration, check_length, decode_key
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.seal.rotate_keyring import barrier_of
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context, Environment

_NEEDS = Feature.AUTHENTICATED_ROTATION
_TOKEN_LENGTH, _NAMESPACE_TOKEN_LENGTH = 24, 31
ATTEMPT_FIELDS = {
    "otp": Field(Kind.STRING, help="One-time password that the token is combined with; made if missing."),
    "pgp_key": Field(Kind.STRING, help="PGP key to encrypt the token with."),
}

attempt = engine.path(
    "generate-root-token/attempt", fields=ATTEMPT_FIELDS, help="Start, show or cancel making a root token.",
    needs=_NEEDS,
)  # fmt: skip
update = engine.path(
    "generate-root-token/update",
    fields={
        "key": Field(Kind.STRING, help="One share of the unseal key, hex or base64."),
        "nonce": Field(Kind.STRING, help="Nonce of the attempt."),
    },
    help="Add a share.",
    needs=_NEEDS,
    go_errors=True,
)
decode = engine.path(
    "decode-token",
    fields={
        "encoded_token": Field(Kind.STRING, help="The encoded token that the attempt returned."),
        "otp": Field(Kind.STRING, help="The one-time password."),
    },
    help="Decode a root token with its one-time password.",
    login=True,
    go_errors=True,
)


def otp_length(core: Environment, namespace: str) -> int:
    """Return the length of a one-time password, which is that of the token."""
    return (_NAMESPACE_TOKEN_LENGTH if namespace else _TOKEN_LENGTH) + len(core.product.service_prefix)


def start(core: Environment, namespace: str, barrier: Barrier, otp: str, pgp_key: str) -> str:
    """Start an attempt; return its one-time password if one was generated, else an empty text. Raises ErrorResponse."""
    made = "" if otp or pgp_key else core.entropy.base62(otp_length(core, namespace))
    otp = otp or made
    fingerprint = _checked(core, namespace, otp, pgp_key)
    if barrier.generation is not None:
        scope = " for this namespace" if core.product.has(Feature.NAMESPACES) else ""
        raise ErrorResponse("root generation already in progress" + scope)
    barrier.generation = RootGeneration(
        nonce=core.entropy.uuid(), otp=otp, pgp_key=pgp_key if fingerprint else "", pgp_fingerprint=fingerprint
    )
    return made


def _checked(core: Environment, namespace: str, otp: str, pgp_key: str) -> str:
    """Check a one-time password or, without one, a PGP key, whose fingerprint is returned. Raises ErrorResponse."""
    if otp:
        if len(otp.encode("utf-8", "replace")) != otp_length(core, namespace):
            raise ErrorResponse(f"OTP string {core.product.texts.otp_length}")
        return ""
    with refusing("error parsing PGP key: "):
        pgp_shares.check([pgp_key])
        return pgp.fingerprint(pgp_key)


def add_share(core: Context, namespace: str, barrier: Barrier, key: bytes, nonce: str) -> tuple[int, str]:
    """Add a share; return ``(progress, encoded token)``, the latter empty until there are enough.

    Raises ErrorResponse.
    """
    check_length(key)
    running = barrier.generation
    if running is None:
        raise ErrorResponse("no root generation in progress")
    if nonce != running.nonce:
        raise ErrorResponse(
            f"incorrect nonce supplied; nonce for this root generation operation is {quote(running.nonce)}"
        )
    if key in running.progress:
        raise ErrorResponse("given key has already been provided during this generation operation")
    running.progress.append(key)
    progress = len(running.progress)
    if progress < barrier.threshold:
        return progress, ""
    given, running.progress = running.progress, []
    with refusing("failed to compute root key: "):
        unseal_key = barrier.recover(given)
    with refusing("root generation aborted: unable to authenticate: unable to retrieve stored keys: "):
        barrier.authenticate(unseal_key)
    made = core.tokens.put(
        Token(
            id="",
            accessor="",
            policies=["root"],
            path="auth/token/root",
            display_name="root",
            namespace=namespace,
        ),
        Auth(policies=["root"], token_policies=["root"], orphan=True),
    )
    # A root token made this way has no lease (recorded: its look-up has no issue time).
    core.state.leases.remove(made.lease_id)
    made.lease_id = ""
    barrier.generation = None
    if running.pgp_key:
        with refusing():
            return progress, base64.b64encode(pgp.encrypt(made.id.encode(), running.pgp_key)).decode()
    mixed = bytes(a ^ b for a, b in zip(made.id.encode(), running.otp.encode("utf-8", "replace"), strict=True))
    return progress, base64.b64encode(mixed).decode().rstrip("=")


def fingerprint_of(barrier: Barrier) -> str:
    """Return the PGP fingerprint of the attempt in progress; empty if there is none."""
    return barrier.generation.pgp_fingerprint if barrier.generation else ""


def _shown(call: Call, otp: str = "") -> dict[str, object]:
    barrier = barrier_of(call)
    running = barrier.generation
    data: dict[str, object] = {
        "complete": False,
        "otp": otp,
        "otp_length": otp_length(call.core, call.request.namespace),
        "progress": len(running.progress) if running else 0,
        "required": barrier.threshold,
        "started": running is not None,
    }
    if running is not None:
        data.update(nonce=running.nonce, pgp_fingerprint=running.pgp_fingerprint)
    return data


@attempt.on(Operation.READ)
def read_attempt(_state: object, call: Call) -> dict[str, object]:
    """Return the progress of an attempt."""
    return _shown(call)


@attempt.on(Operation.UPDATE)
def start_attempt(_state: object, call: Call, *, otp: str, pgp_key: str) -> dict[str, object]:
    """Start an attempt; its one-time password is shown only here."""
    if otp or pgp_key:
        # Whether the namespace has a seal comes later.
        _checked(call.core, call.request.namespace, otp, pgp_key)
    made = start(call.core, call.request.namespace, barrier_of(call), otp, pgp_key)
    return _shown(call, made)


@attempt.on(Operation.DELETE)
def cancel_attempt(_state: object, call: Call) -> None:
    """Cancel an attempt."""
    namespace = call.core.namespaces.get(call.request.namespace)
    barrier = call.core.seal.barrier if namespace is None else namespace.barrier
    if barrier is not None:
        barrier.generation = None


@update.on(Operation.UPDATE)
def add_attempt_share(_state: object, call: Call, *, nonce: str) -> dict[str, object]:
    """Add a share."""
    for name in ("nonce", "key"):
        if not call[name]:
            raise ErrorResponse(f"{name} is required")
    with refusing("", BackendError, of=ErrorResponse):
        barrier = barrier_of(call)
        key = decode_key(call["key"].strip(), bounded=False)
        required, fingerprint = barrier.threshold, fingerprint_of(barrier)
        progress, token = add_share(call.core, call.request.namespace, barrier, key, nonce)
    return {
        "complete": progress == required,
        "encoded_token": token,
        "nonce": nonce,
        "pgp_fingerprint": fingerprint,
        "progress": progress,
        "required": required,
        "started": True,
    }


@decode.on(Operation.UPDATE)
def decode_token(_state: object, call: Call, *, encoded_token: str) -> dict[str, object]:
    """Decode the token that an attempt returned."""
    encoded, otp = encoded_token, call["otp"].encode("utf-8", "replace")
    if call.core.product.has(Feature.PLAIN_DECODING):
        return {"token": _decoded(encoded, otp)}
    if not encoded or not otp:
        raise ErrorResponse("provided 'encoded_token' or 'otp' is empty")
    return {"token": _xored(encoded, otp, ErrorResponse)}


def _decoded(encoded: str, otp: bytes) -> str:
    """Return the decoded token; the older decoder refuses an empty one-time password. Raises BackendError."""
    if not otp:
        with refusing("error xoring token: error decoding first base64 value: ", BackendError):
            first = b64.decode(encoded)
        which = "second" if first else "first"
        raise BackendError(f"error xoring token: decoded {which} base64 value is nil or empty")
    return _xored(encoded, otp, BackendError)


def _xored(encoded: str, otp: bytes, error: type[VaultError]) -> str:
    """Return a token that was combined with a one-time password. Raises ``error``."""
    with refusing("error decoding base64'd token: ", error):
        raw = b64.decode_raw(encoded)
    if len(raw) != len(otp):
        raise error(f"error xoring token: length of byte slices is not equivalent: {len(raw)} != {len(otp)}")
    return bytes(a ^ b for a, b in zip(raw, otp, strict=True)).decode("utf-8", "replace")
