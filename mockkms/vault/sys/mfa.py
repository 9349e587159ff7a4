"""``sys/mfa/validate``: the MFA validation of a waiting login."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, VaultError, refusing
from mockkms.vault.golang.number import Number
from mockkms.vault.identity.mfa.model import PendingLogin
from mockkms.vault.kernel.login import grant
from mockkms.vault.sys.engine import engine

validate = engine.path(
    "mfa/validate",
    {
        "mfa_request_id": Field(Kind.STRING, help="Id from the login's answer."),
        "mfa_payload": Field(Kind.MAP, help="Passcodes by the id of the method; an empty list where none is used."),
    },
    login=True,
    help="Validate a login by MFA and return its token.",
    go_errors=True,
)


@validate.on(Operation.UPDATE)
def prove(_state: object, call: Call, *, mfa_request_id: str, mfa_payload: dict[str, object]) -> Response:
    """Return the token of the login; a login that fails validation remains waiting."""
    if not mfa_request_id:
        raise ErrorResponse("missing request ID")
    creds = _creds(mfa_payload)
    login = call.core.mfa.take_login(mfa_request_id)
    if login is None:
        raise ErrorResponse("invalid request ID")
    try:
        return _token(call, login, creds)
    except VaultError:
        call.core.mfa.hold_login(mfa_request_id, login)
        raise


def _creds(payload: dict[str, object]) -> dict[str, list[str]]:
    creds: dict[str, list[str]] = {}
    for method, passcodes in payload.items():
        if passcodes is None:
            continue
        if not isinstance(passcodes, list):
            raise ErrorResponse("invalid mfa payload")
        for passcode in passcodes:
            if passcode is not None and (isinstance(passcode, bool) or not isinstance(passcode, str | int | Number)):
                raise ErrorResponse("invalid mfa payload")
        creds[method] = ["" if passcode is None else str(passcode) for passcode in passcodes]
    return creds


def _token(call: Call, login: PendingLogin, creds: dict[str, list[str]]) -> Response:
    core, own = call.core, call.request.namespace
    if own != login.namespace:
        raise BackendError(
            f"original request was issued in a different namesapce {login.namespace}, current namespace is {own}"
        )
    entity = core.identity.entity(login.auth.entity_id)
    if entity is None:
        raise BackendError("MFA validation failed. entity not found: <nil>")
    mount = core.state.mounts.match(own, login.path)
    if mount is None:
        raise BackendError("failed to find MFAEnforcement configuration")
    subject_to = core.mfa.required(mount, entity)
    if not subject_to:
        raise BackendError("found nil or empty MFAEnforcement configuration")
    for enforcement in subject_to:
        with refusing(f"failed to satisfy enforcement {enforcement.name}. error: ", status=403):
            core.mfa.check(enforcement, entity, creds)
    with refusing("failed to create a token. error: ", BackendError, of=VaultError):
        warnings = grant(core, call.request, mount, login.auth, login.path)
    if login.user:
        core.lockout.unlock(mount.accessor, login.user)
    return Response(auth=login.auth, warnings=warnings)
