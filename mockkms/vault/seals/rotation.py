"""Rotation (rekeying) of an unseal key: shares of the old key are given, shares of a new one returned.

If requested, the holders verify the new shares before the new key takes effect. Both products follow this procedure;
``RotationTexts`` holds their messages. All errors are ``ErrorResponse``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field

from mockkms.crypto import pgp
from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.seals import pgp_shares, shamir
from mockkms.vault.seals.barrier import Barrier, Random, Rotation, check_length, make_key, validate_shares


@dataclass(frozen=True)
class RotationTexts:
    """The messages of one product, and the differences in how it forms them."""

    invalid: str
    """The prefix of an error in the configuration."""
    invalid_status: int
    """The HTTP status of such an error."""
    running: str
    none: str
    finished: str
    nonce: str
    repeated: str
    combine: str
    authenticate: str
    unverifiable: str
    not_rotating: str
    """The error of a verification while no rotation is in progress."""
    verification_none: str
    verification_failed: str
    verification_combine: str
    shows_go: bool
    """Inner errors appear as Go's ``%!w(…)``."""
    bounded: bool
    """Whether the length of a share is checked first, and a repeated share refused when it is given."""
    running_first: bool
    """Whether a running rotation is refused before the new configuration is validated."""

    @contextmanager
    def refusing(self, framing: str, status: int = 400) -> Iterator[None]:
        """Raise ErrorResponse for a ValueError of the body."""
        try:
            yield
        except ValueError as error:
            shown = _verb_w(str(error)) if self.shows_go else error
            raise ErrorResponse(f"{framing}{shown}", status=status) from None


_UNDECRYPTED = "failed to decrypt keys from storage: cipher: message authentication failed"
_WRAPPED = re.compile(r".*: (?:illegal base64 data at input byte (\d+)|openpgp: invalid data: (tag byte .*))")
"""Errors with another one in them, of which ``fmt`` prints the underlying value: a number or a text."""


def _verb_w(text: str) -> str:
    """Return an error as ``fmt`` prints it for a ``%w`` that it does not support: the members of its Go value."""
    wrapped = _WRAPPED.fullmatch(text)
    return (
        f"%!w(*fmt.wrapError=&{{{text} {wrapped[1] or wrapped[2]}}})"
        if wrapped
        else f"%!w(*errors.errorString=&{{{text}}})"
    )


ROTATION = RotationTexts(
    invalid="invalid rotate seal configuration: ",
    invalid_status=400,
    running="rotation already in progress",
    none="no rotation in progress",
    finished="rotation already finished; verification must be performed; nonce for the verification operation is ",
    nonce="incorrect nonce supplied; nonce for rotation is ",
    repeated="given key has already been provided during this rotation",
    combine="failed to compute key: ",
    authenticate="failed to read root key: ",
    unverifiable="no rotation configuration found",
    not_rotating="no rotation in progress",
    verification_none="no rotation verification in progress",
    verification_failed="rotation verification failed; incorrect key shares supplied",
    verification_combine="failed to compute key for verification: ",
    shows_go=True,
    bounded=False,
    running_first=True,
)
REKEY = RotationTexts(
    invalid="invalid rekey seal configuration: ",
    invalid_status=500,
    running="rekey already in progress",
    none="no barrier rekey in progress",
    finished=(
        "rekey operation already finished; verification must be performed; nonce for the verification operation is "
    ),
    nonce="incorrect nonce supplied; nonce for this rekey operation is ",
    repeated="given key has already been provided during this generation operation",
    combine="failed to compute root key: ",
    authenticate="failed to read root key: ",
    unverifiable="rekey operation not in progress",
    not_rotating="no rekey in progress",
    verification_none="no rekey verification in progress",
    verification_failed="rekey verification failed; incorrect key shares supplied",
    verification_combine="failed to compute key for verification: ",
    shows_go=False,
    bounded=True,
    running_first=False,
)


@dataclass
class NewShares:
    """The result of a rotation: the new shares, to be verified if ``verification_nonce`` is set."""

    shares: list[bytes]
    backup: bool = False
    verification_nonce: str = ""
    fingerprints: list[str] = field(default_factory=list)


def start(barrier: Barrier, rotation: Rotation, texts: RotationTexts) -> None:
    """Start a rotation. Raises ErrorResponse."""
    if barrier.rotation is not None and texts.running_first:
        raise ErrorResponse(texts.running)
    with texts.refusing(texts.invalid, texts.invalid_status):
        validate_shares(rotation.shares, rotation.threshold, rotation.pgp_keys)
        pgp_shares.check(rotation.pgp_keys)
    if barrier.rotation is not None:
        raise ErrorResponse(texts.running)
    barrier.rotation = rotation


def add_share(
    barrier: Barrier, key: bytes, nonce: str, texts: RotationTexts, random: Random, new_nonce: Callable[[], str]
) -> NewShares | None:
    """Add a share of the current key; return the shares of the new key once there are enough. Raises ErrorResponse."""
    if texts.bounded:
        check_length(key, "")
    rotation = barrier.rotation
    if rotation is None:
        raise ErrorResponse(texts.none)
    if rotation.verification_key:
        raise ErrorResponse(f'{texts.finished}"{rotation.verification_nonce}"')
    if nonce != rotation.nonce:
        raise ErrorResponse(f'{texts.nonce}"{rotation.nonce}"')
    if key in rotation.progress:
        raise ErrorResponse(texts.repeated)
    rotation.progress.append(key)
    if len(rotation.progress) < barrier.threshold:
        return None
    given, rotation.progress = rotation.progress, []
    with texts.refusing(texts.combine):
        old = barrier.recover(given)
    _authenticate(barrier, old, texts)
    new, shares = make_key(rotation.shares, rotation.threshold, random)
    with refusing():
        result = NewShares(shares=pgp_shares.encrypt_shares(shares, rotation.pgp_keys), backup=rotation.backup)
    if rotation.pgp_keys:
        result.fingerprints = [pgp.fingerprint(key) for key in rotation.pgp_keys]
        if rotation.backup:
            pgp_shares.store_backup(barrier, rotation.nonce, result.shares, result.fingerprints)
    if rotation.verify:
        rotation.verification_key = new
        rotation.verification_nonce = result.verification_nonce = new_nonce()
        rotation.pending = shares
        return result
    _finish(barrier, new, shares, random)
    return result


def _authenticate(barrier: Barrier, key: bytes, texts: RotationTexts) -> None:
    try:
        barrier.authenticate(key)
    except ValueError as error:
        if not texts.shows_go:
            raise ErrorResponse(f"{texts.authenticate}{error}") from None
        if len(key) not in (16, 24, 32):
            raise ErrorResponse(f"failed to setup unseal key: %!w(aes.KeySizeError={len(key)})") from None
        raise ErrorResponse(f"{texts.authenticate}%!w(*vault.ErrInvalidKey=&{{{_UNDECRYPTED}}})") from None


def _finish(barrier: Barrier, key: bytes, shares: list[bytes], random: Random) -> None:
    rotation = barrier.rotation
    if rotation is not None:
        barrier.install(key, rotation.shares, rotation.threshold, random, shares)
    barrier.rotation = None


def verify(
    barrier: Barrier, key: bytes, nonce: str, texts: RotationTexts, random: Random, new_nonce: Callable[[], str]
) -> str | None:
    """Add a share of the new key; return the nonce once the new key is verified and in effect, else None.

    Raises ErrorResponse.
    """
    rotation = barrier.rotation
    if rotation is None:
        raise ErrorResponse(texts.not_rotating)
    if not rotation.verification_key:
        raise ErrorResponse(texts.verification_none)
    if nonce != rotation.verification_nonce:
        raise ErrorResponse(
            f"incorrect nonce supplied; nonce for this verify operation is {quote(rotation.verification_nonce)}"
        )
    if texts.bounded and key in rotation.verification_progress:
        # Otherwise a repeated share is noticed when the shares are combined.
        raise ErrorResponse("given key has already been provided during this verify operation")
    rotation.verification_progress.append(key)
    if len(rotation.verification_progress) < rotation.threshold:
        return None
    given = rotation.verification_progress
    # A failed verification starts again under a new nonce, so the shares are dropped before they are combined.
    done = rotation.verification_nonce
    restart_verification(barrier, new_nonce)
    with texts.refusing(texts.verification_combine):
        recovered = given[0] if rotation.threshold == 1 else shamir.combine(given)
    if recovered != rotation.verification_key:
        raise ErrorResponse(texts.verification_failed)
    _finish(barrier, recovered, rotation.pending, random)
    return done


def restart_verification(barrier: Barrier, new_nonce: Callable[[], str]) -> None:
    """Drop the shares given for verification and continue under a new nonce."""
    if barrier.rotation is not None:
        barrier.rotation.verification_progress = []
        barrier.rotation.verification_nonce = new_nonce()
