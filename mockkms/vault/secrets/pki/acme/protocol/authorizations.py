"""``authorization/`` and ``challenge/``: reading and deactivating authorizations, and accepting challenges."""

from __future__ import annotations

from mockkms.vault.secrets.pki.acme.problems import MALFORMED, AcmeProblem, after, within
from mockkms.vault.secrets.pki.acme.protocol import orders
from mockkms.vault.secrets.pki.acme.protocol.directory import AcmeDirectory, AcmeReply, for_accounts, resource
from mockkms.vault.secrets.pki.acme.protocol.values import kind_of
from mockkms.vault.secrets.pki.acme.state import DEACTIVATED, INVALID, PENDING, VALID, AcmeAuthorization, AcmeChallenge
from mockkms.vault.secrets.pki.acme.validation import queue
from mockkms.vault.secrets.pki.acme.validation.hosts import NOT_HERE
from mockkms.world.clock import rfc3339

_HINT = (
    "challenges are validated on this machine only: list the name under acme.hosts of the world, or set dns_resolver "
    "to a server here that resolves it to a loopback address"
)


def _authorization(found: AcmeDirectory) -> AcmeReply:
    """Return an authorization, or deactivate it."""
    data, authorization = found.data or {}, _of_request(found)
    if "status" in data and not isinstance(data["status"], str):
        raise after(MALFORMED, f"bad type ({kind_of(data['status'])}) for value 'status'")
    if data:
        if data.get("status") != DEACTIVATED:
            raise AcmeProblem(MALFORMED)
        if authorization.status not in (PENDING, VALID):
            raise after(MALFORMED, f"unable to deactivate authorization in '{authorization.status}' status")
        authorization.status = DEACTIVATED
        for challenge in authorization.challenges:
            challenge.status = INVALID
    return AcmeReply(_shown(found, authorization))


def _challenge(found: AcmeDirectory) -> AcmeReply:
    """Return a challenge; a payload without members accepts it."""
    authorization, kind = _of_request(found), str(found.call["challenge_type"])
    challenge = authorization.challenge(kind)
    if challenge is None:
        raise after(MALFORMED, f"unknown challenge of type '{kind}' in authorization")
    if found.data:
        raise after(MALFORMED, "unexpected request parameters")
    if found.data is not None:
        try:
            queue.accept(found.call, found.state, authorization, challenge, found.signer().thumbprint)
        except AcmeProblem as problem:
            raise within("error submitting challenge for validation", problem) from None
    shown = _shown_challenge(found, authorization, challenge)
    return AcmeReply(shown, up=found.url("authorization", authorization.id))


def _of_request(found: AcmeDirectory) -> AcmeAuthorization:
    try:
        return orders.authorization(found.records, found.account_id, str(found.call["auth_id"]))
    except AcmeProblem as problem:
        raise within("failed to load authorization", problem) from None


def _shown(found: AcmeDirectory, authorization: AcmeAuthorization) -> dict[str, object]:
    identifier = authorization.identifier
    data: dict[str, object] = {
        "identifier": {"type": identifier.kind, "value": identifier.value},
        "status": authorization.status,
        "wildcard": identifier.wildcard,
        "challenges": [_shown_challenge(found, authorization, one) for one in authorization.challenges],
    }
    if authorization.expires:
        data["expires"] = rfc3339(int(authorization.expires))
    return data


def _shown_challenge(
    found: AcmeDirectory, authorization: AcmeAuthorization, challenge: AcmeChallenge
) -> dict[str, object]:
    data: dict[str, object] = {
        "type": challenge.kind,
        "url": found.url("challenge", authorization.id, challenge.kind),
        "status": challenge.status,
        "token": challenge.token,
    }
    if challenge.validated:
        data["validated"] = rfc3339(int(challenge.validated))
    if challenge.error:
        data["error"] = challenge.error
        if any(text in str(challenge.error.get("detail")) for text in NOT_HERE):
            found.call.request.trace.hint = _HINT
    return data


_PART = "re([^/]*)"
"""What the real server lets pass without a token; its endpoints take any text, slashes included."""
authorizations = resource(f"authorization/{{auth_id:{_PART}}}", for_accounts(_authorization), "an authorization.")
challenges = resource(
    f"challenge/{{auth_id:{_PART}}}/{{challenge_type:{_PART}}}", for_accounts(_challenge), "a challenge."
)
resource("authorization/{auth_id:all}", for_accounts(_authorization), "an authorization.", login=False)
resource("challenge/{auth_id:all}/{challenge_type:all}", for_accounts(_challenge), "a challenge.", login=False)
