"""Accepted challenges: each is validated in the background, up to seven times.

As in the real server, a failed attempt is repeated after 5, 10, 15, 20, 25 and 30 seconds of the world's time; then
the challenge is invalid. The first attempt starts when the client accepts the challenge, the others with the first
request to the mount after their time, such as the client's next look at the authorization.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from mockkms.outside.turn import in_background
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.problems import (
    INCORRECT_RESPONSE,
    MALFORMED,
    AcmeProblem,
    before,
    kept,
)
from mockkms.vault.secrets.pki.acme.state import (
    HTTP_01,
    INVALID,
    PENDING,
    PROCESSING,
    TLS_ALPN_01,
    VALID,
    AcmeAuthorization,
    AcmeChallenge,
    AcmeRecords,
    AcmeValidation,
)
from mockkms.vault.secrets.pki.acme.validation.hosts import Reach
from mockkms.vault.secrets.pki.model import PKI

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.secrets.pki.settings import AcmeConfig

_MOST_RETRIES = 5
_PAUSE = 5
"""Seconds by which the pause before each further attempt grows."""
_LIFETIME = 15 * 24 * 3600
"""Seconds for which a valid authorization is shown to last."""
_WORKERS = 5
"""Challenges of a mount that are validated at a time."""
_ADVICE = (
    "; this may occur if the validation target was misconfigured: check that challenge responses are available at the "
    "required locations and retry."
)
_running: WeakValueDictionary[int, AcmeValidation] = WeakValueDictionary()
"""The validations that a thread works on, of all worlds, by identity. They are not state: a restored world starts its
own attempts."""


def accept(call: Call, state: PKI, authorization: AcmeAuthorization, challenge: AcmeChallenge, thumbprint: str) -> None:
    """Start to validate a challenge, unless that has begun. Raises AcmeProblem if it cannot be validated any more."""
    records, name = state.acme_records, f"{authorization.id}-{challenge.kind}"
    if name in records.validations:
        return
    if authorization.status != PENDING:
        fault = f"cannot accept already validated authorization {authorization.id} ({authorization.status})"
        raise before(MALFORMED, fault)
    for other in authorization.challenges:
        if other.kind != challenge.kind and other.status != PENDING:
            fault = "only a single challenge within an authorization can be accepted"
            raise before(MALFORMED, f"{fault} ({other.kind}) in status {other.status}")
        if other.status not in (PENDING, PROCESSING):
            fault = f"challenge is in invalid state ({challenge.status}) in authorization {authorization.id}"
            raise before(MALFORMED, fault)
    records.validations[name] = AcmeValidation(authorization.id, challenge.kind, thumbprint, due=call.now())
    challenge.status = PROCESSING
    catch_up(state, call)


def catch_up(state: PKI, call: Call) -> None:
    """Start the attempts that are due."""
    if state.acme_records.validations:
        _start(state, call.core)


def _start(state: PKI, core: Context) -> None:
    waiting, now = state.acme_records.validations, core.clock.now()
    free = _WORKERS - sum(1 for one in waiting.values() if id(one) in _running)
    for name, one in waiting.items():
        if free <= 0:
            return
        if one.due <= now and id(one) not in _running and in_background(partial(_attempt, state, core, name, one)):
            _running[id(one)] = one
            free -= 1


def _attempt(state: PKI, core: Context, name: str, one: AcmeValidation) -> None:
    """Validate a challenge once, while other requests are answered, and store the outcome."""
    records = state.acme_records
    try:
        problem = _outcome(records, core, state.acme, name, one)
        if records.validations.get(name) is one:
            _store(records, core, name, one, problem)
    finally:
        _running.pop(id(one), None)
    _start(state, core)


def _outcome(
    records: AcmeRecords, core: Context, config: AcmeConfig, name: str, one: AcmeValidation
) -> AcmeProblem | None:
    """Return the problem of an attempt, None if the challenge is met."""
    from mockkms.vault.secrets.pki.acme.validation import checks

    authorization = records.authorizations.get(one.authorization)
    challenge = authorization.challenge(one.kind) if authorization is not None else None
    if authorization is None or challenge is None:
        return None
    reach, host, token = reach_of(config), authorization.identifier.value, challenge.token
    try:
        checks.check(reach, one.kind, host, token, one.thumbprint)
    except AcmeProblem as problem:
        text = problem.detail(core.product)
        if not core.product.has(Feature.ACME_REASONS):
            text = text.removeprefix(f"{problem.kind.text_in(core.product)}: ")
        advice = "" if one.kind == TLS_ALPN_01 else _ADVICE
        return before(INCORRECT_RESPONSE, f"error validating {one.kind} challenge {name}: {text}{advice}")
    return None


def reach_of(config: AcmeConfig) -> Reach:
    """Return the settings of a mount for names, addresses and ports of challenges."""
    return Reach(
        config.dns_resolver, tuple(one.lower() for one in config.hosts), tuple(config.challenge_permitted_ip_ranges),
        tuple(config.challenge_excluded_ip_ranges), {HTTP_01: config.http_port, TLS_ALPN_01: config.tls_port},
    )  # fmt: skip


def _store(records: AcmeRecords, core: Context, name: str, one: AcmeValidation, problem: AcmeProblem | None) -> None:
    now = core.clock.now()
    authorization = records.authorizations.get(one.authorization)
    challenge = authorization.challenge(one.kind) if authorization is not None else None
    if authorization is None or challenge is None or authorization.status != PENDING:
        del records.validations[name]  # Deactivated, or removed by a tidy.
    elif problem is None:
        del records.validations[name]
        challenge.status, challenge.validated, challenge.error = VALID, now, {}
        authorization.status, authorization.expires = VALID, now + _LIFETIME
    else:
        challenge.error = kept(problem, core.product)
        if one.failures > _MOST_RETRIES:
            challenge.status = authorization.status = INVALID
            del records.validations[name]
            return
        one.failures += 1
        one.due = now + one.failures * _PAUSE
