"""Rotating an unseal key: shares of the old one in, shares of a new one out, checked by their holders if asked.

Two products, one procedure: ``Words`` holds what they say differently. All refusals are ``SealError``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mockkms.vault.seals import pgp_shares, shamir
from mockkms.vault.seals.barrier import (
    Barrier,
    InvalidKey,
    Random,
    Rotation,
    SealError,
    check_length,
    make_key,
    validate_shares,
)


@dataclass(frozen=True)
class Words:
    """Texts of one product."""

    invalid: str
    """Before what is wrong with a configuration."""
    running: str
    none: str
    finished: str
    nonce: str
    repeated: str
    combine: str
    authenticate: str
    unverifiable: str
    verification_none: str
    verification_failed: str
    verification_combine: str
    shows_go: bool
    """Inner errors appear as Go's ``%!w(…)``."""
    bounded: bool
    """The length of a share is checked before anything else."""

    def wrap(self, framing: str, text: str) -> SealError:
        """A refusal with an inner error."""
        return SealError(framing + (f"%!w(*errors.errorString=&{{{text}}})" if self.shows_go else text))


ROTATION = Words(
    invalid="invalid rotate seal configuration: ",
    running="rotation already in progress",
    none="no rotation in progress",
    finished="rotation already finished; verification must be performed; nonce for the verification operation is ",
    nonce="incorrect nonce supplied; nonce for rotation is ",
    repeated="given key has already been provided during this rotation",
    combine="failed to compute key: ",
    authenticate="failed to read root key: ",
    unverifiable="no rotation configuration found",
    verification_none="no rotation verification in progress",
    verification_failed="rotation verification failed; incorrect key shares supplied",
    verification_combine="failed to compute key for verification: ",
    shows_go=True,
    bounded=False,
)
REKEY = Words(
    invalid="invalid rekey seal configuration: ",
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
    verification_none="no rekey verification in progress",
    verification_failed="rekey verification failed; incorrect key shares supplied",
    verification_combine="failed to compute key for verification: ",
    shows_go=False,
    bounded=True,
)


@dataclass
class NewShares:
    """A finished rotation, or one that only wants its shares verified."""

    shares: list[bytes]
    backup: bool = False
    verification_nonce: str = ""
    fingerprints: list[str] = field(default_factory=list)


def start(barrier: Barrier, rotation: Rotation, words: Words) -> None:
    """Begin a rotation."""
    if barrier.rotation is not None and words is ROTATION:
        raise SealError(words.running)
    try:
        validate_shares(rotation.shares, rotation.threshold, rotation.pgp_keys)
        pgp_shares.check(rotation.pgp_keys)
    except SealError as error:
        raise words.wrap(words.invalid, error.text) from None
    if barrier.rotation is not None:
        raise SealError(words.running)
    barrier.rotation = rotation


def give(
    barrier: Barrier, key: bytes, nonce: str, words: Words, random: Random, new_nonce: Callable[[], str]
) -> NewShares | None:
    """Take a share of the present key; with enough of them, the shares of the new one."""
    if words.bounded:
        try:
            check_length(key)
        except InvalidKey as error:
            raise SealError(error.text.removeprefix("invalid key: ")) from None
    rotation = barrier.rotation
    if rotation is None:
        raise SealError(words.none)
    if rotation.verification_key:
        raise SealError(f'{words.finished}"{rotation.verification_nonce}"')
    if nonce != rotation.nonce:
        raise SealError(f'{words.nonce}"{rotation.nonce}"')
    if key in rotation.progress:
        raise SealError(words.repeated)
    rotation.progress.append(key)
    if len(rotation.progress) < barrier.threshold:
        return None
    given, rotation.progress = rotation.progress, []
    try:
        old = barrier.recover(given)
    except ValueError as error:
        raise words.wrap(words.combine, str(error)) from None
    _authenticate(barrier, old, words)
    new, shares = make_key(rotation.shares, rotation.threshold, random)
    result = NewShares(shares=pgp_shares.encrypted(shares, rotation.pgp_keys), backup=rotation.backup)
    if rotation.pgp_keys:
        result.fingerprints = [pgp_shares.fingerprint(key) for key in rotation.pgp_keys]
        if rotation.backup:
            pgp_shares.keep(barrier, rotation.nonce, result.shares, result.fingerprints)
    if rotation.verify:
        rotation.verification_key = new
        rotation.verification_nonce = result.verification_nonce = new_nonce()
        rotation.pending = shares
        return result
    _finish(barrier, new, shares, random)
    return result


def _authenticate(barrier: Barrier, key: bytes, words: Words) -> None:
    try:
        barrier.authenticate(key)
    except InvalidKey as error:
        text = error.text.removeprefix("unable to retrieve stored keys: ")
        if not words.shows_go:
            raise SealError(words.authenticate + text) from None
        if len(key) not in (16, 24, 32):
            raise SealError(f"failed to setup unseal key: %!w(aes.KeySizeError={len(key)})") from None
        raise SealError(f"{words.authenticate}%!w(*vault.ErrDecrypt=&{{0xc000000000}})") from None


def _finish(barrier: Barrier, key: bytes, shares: list[bytes], random: Random) -> None:
    rotation = barrier.rotation
    if rotation is not None:
        barrier.install(key, rotation.shares, rotation.threshold, random, shares)
    barrier.rotation = None


def verify(
    barrier: Barrier, key: bytes, nonce: str, words: Words, random: Random, new_nonce: Callable[[], str]
) -> str | None:
    """Take a share of the new key; its nonce once all is verified and the new key counts, else None."""
    rotation = barrier.rotation
    if rotation is None:
        raise SealError("no rotation in progress" if words is ROTATION else "no rekey in progress")
    if not rotation.verification_key:
        raise SealError(words.verification_none)
    if nonce != rotation.verification_nonce:
        raise SealError(f'incorrect nonce supplied; nonce for this verify operation is "{rotation.verification_nonce}"')
    if words.bounded and key in rotation.verification_progress:
        # The other product only notices where the shares are put together.
        raise SealError("given key has already been provided during this verify operation")
    rotation.verification_progress.append(key)
    if len(rotation.verification_progress) < rotation.threshold:
        return None
    given = rotation.verification_progress
    done = rotation.verification_nonce
    restart_verification(barrier, new_nonce)
    try:
        recovered = given[0] if rotation.threshold == 1 else shamir.combine(given)
    except ValueError as error:
        raise words.wrap(words.verification_combine, str(error)) from None
    if recovered != rotation.verification_key:
        raise SealError(words.verification_failed)
    _finish(barrier, recovered, rotation.pending, random)
    return done


def restart_verification(barrier: Barrier, new_nonce: Callable[[], str]) -> None:
    """Forget the shares given to verify, and go on under a new nonce."""
    if barrier.rotation is not None:
        barrier.rotation.verification_progress = []
        barrier.rotation.verification_nonce = new_nonce()
