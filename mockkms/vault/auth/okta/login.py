"""``login/{username}``: a token for a password at Okta."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import sleep

from mockkms import outside
from mockkms.outside.turn import gives_way, waiting
from mockkms.vault.auth import NO_USERS
from mockkms.vault.auth.okta.model import Okta, OktaConfig, OktaPerson, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    ErrorResponse,
    LoginAlias,
    Operation,
    Response,
    permission_denied,
)
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

_PROVIDERS = ("GOOGLE", "OKTA")
_FAILED = "okta authentication failed"
TAPPING = 2.0
"""Seconds until a user taps the number of a number challenge: Vault's command line asks for the number each second."""

login = engine.path(
    "login/{username:some}",
    fields={
        "username": Field(Kind.STRING, help="Name at Okta."),
        "password": Field(Kind.STRING, help="Password at Okta."),
        "totp": Field(Kind.STRING, help="Code of the second factor."),
        "nonce": Field(Kind.STRING, help="Identifies the login for a number challenge."),
        "provider": Field(Kind.STRING, help="Provider of the second factor: GOOGLE or OKTA."),
    },
    login=True,
    help="Log in.",
)
verify = engine.path(
    "verify/{nonce:some}",
    {"nonce": Field(Kind.STRING, help="As given to the login.")},
    login=True,
    help="The number of a number challenge.",
)
engine.open_folders("login", "verify")


@dataclass
class _OktaUserFound:
    config: OktaConfig
    groups: list[str]
    policies: list[str]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Proof:
    """What a login sends of a second factor; a renewal sends nothing."""

    totp: str = ""
    nonce: str = ""
    provider: str = ""


@verify.on(Operation.READ)
def read_number(state: Okta, call: Call, *, nonce: str) -> Reply:
    """Return the number that the user of the login with this nonce is to tap; 404 once the login is answered."""
    number = state.numbers.get(nonce)
    return None if number is None else {"correct_answer": number}


@login.on(Operation.UPDATE)
def log_in(state: Okta, call: Call, *, username: str, password: str, totp: str, nonce: str, provider: str) -> Response:
    """Log in. Raises ErrorResponse, BackendError 403 for an address that is not allowed."""
    name, provider = username, provider.upper()
    if provider and provider not in _PROVIDERS:
        raise ErrorResponse(f"provider {provider} is not among the supported ones [{' '.join(_PROVIDERS)}]")
    found = _ask(state, call, name, password, _Proof(totp, nonce, provider))
    auth = Auth(
        metadata={"username": name, "policies": ",".join(found.policies)},
        display_name=name,
        alias={"name": name},
        group_aliases=_aliases(found.groups),
        internal={"password": password},
    )
    found.config.apply(auth, call.request)
    auth.policies += found.policies
    return Response(data={}, auth=auth, warnings=found.warnings)


@engine.renews
def renew(state: Okta, call: Call) -> Response:
    """Renew a login while Okta returns the same policies; a code cannot be sent, a push is. Raises VaultError."""
    auth = call.login
    name = (auth.metadata or {}).get("username", "")
    found = _ask(state, call, name, call.kept("password"), _Proof())
    policies = names.appended(found.config.token_policies, found.policies)
    names.check_unchanged(call.core.product, policies, auth.token_policies)
    auth.group_aliases = _aliases(found.groups)
    return Response(auth=found.config.renewed(auth), warnings=found.warnings)


def _aliases(groups: list[str]) -> list[LoginAlias]:
    return [{"name": name} for name in groups if name]


def _ask(state: Okta, call: Call, name: str, password: str, proof: _Proof) -> _OktaUserFound:
    config = state.config
    if config is None:
        raise ErrorResponse("Okta auth method not configured")
    if config.token_bound_cidrs and not cidr.contains(config.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    if not state.directory:
        call.request.trace.hint = NO_USERS
        host = config.address.removeprefix("https://")
        raise ErrorResponse(f'Okta auth failed: Post "{config.address}/api/v1/authn": {outside.refusal(host, 443)}')
    person = state.directory.get(name)
    if person is None or person.password != password:
        raise ErrorResponse(_wrong_password(config))
    warnings = _check_status(state, config, person, proof)
    theirs = person.groups if config.api_token else []
    if config.api_token and not theirs:
        warnings.append("no Okta groups found; only policies from locally-defined groups available")
    user = state.users.get(name)
    groups = [*theirs, *(user.groups if user else [])]
    policies = [policy for group in groups for policy in state.groups.get(state.known_group(group) or "", [])]
    policies += user.policies if user else []
    return _OktaUserFound(config, groups, policies, warnings)


def _wrong_password(config: OktaConfig) -> str:
    if config.api_token:
        return "Okta auth failed: the API returned an error: Authentication failed (code=E0000004)"
    return (
        f"Okta auth failed: HTTP Method: POST - URL: {config.address}/api/v1/authn: - HTTP Status Code: 401, "
        "OKTA Error Code: E0000004, OKTA Error Summary: Authentication failed, OKTA Error Causes: []"
    )


def _check_status(state: Okta, config: OktaConfig, person: OktaPerson, proof: _Proof) -> list[str]:
    """Check the account's status after a correct password; return warnings. Raises ErrorResponse."""
    status = person.status
    if status in ("LOCKED_OUT", "PASSWORD_EXPIRED"):
        raise ErrorResponse(_FAILED)
    if status == "PASSWORD_WARN":
        return ["Your Okta password is in warning state and needs to be changed soon."]
    if config.bypass_okta_mfa:
        return []
    if status in ("MFA_ENROLL", "MFA_ENROLL_ACTIVATE"):
        raise ErrorResponse(f"{_FAILED}: you must complete MFA enrollment to continue")
    if status == "MFA_REQUIRED":
        _check_factor(state, person, proof)
    return []


def _check_factor(state: Okta, person: OktaPerson, proof: _Proof) -> None:
    """Check the second factor: a code, if one was sent and the user has such a factor. Raises ErrorResponse."""
    codes = {"OKTA": person.totp, "GOOGLE": person.google_totp}
    code = codes[proof.provider] if proof.provider else person.totp or person.google_totp
    if code and proof.totp:
        if proof.totp != code:
            raise ErrorResponse("Okta auth failed: the API returned an error: Invalid Passcode/Answer")
    elif person.push and proof.provider in ("", "OKTA"):
        _push(state, person, proof.nonce)
    elif code:
        raise ErrorResponse("'totp' passcode parameter is required to perform MFA")
    else:
        raise ErrorResponse("Okta Verify Push or TOTP or Google TOTP factor is required in order to perform MFA")


def _push(state: Okta, person: OktaPerson, nonce: str) -> None:
    """Wait for the user's answer to a push, and show the number of a number challenge meanwhile.

    Raises ErrorResponse unless the user approves.
    """
    if person.number:
        if not nonce:
            raise ErrorResponse("nonce must be provided during login request when presented with number challenge")
        state.numbers[nonce] = person.number
        try:
            if gives_way():
                with waiting():
                    sleep(TAPPING)
        finally:
            state.numbers.pop(nonce, None)
    if person.push == "deny":
        raise ErrorResponse("multi-factor authentication denied")
    if person.push == "ignore":
        raise ErrorResponse("failed to complete multi-factor authentication")
