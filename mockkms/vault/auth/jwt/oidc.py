"""``oidc/*``: logins with a browser, which the provider sends back with a code."""

from __future__ import annotations

import hashlib
import html
import json
import re
from urllib.parse import parse_qsl, urlencode, urlunsplit

from mockkms.crypto import jws
from mockkms.urls import urlsplit
from mockkms.vault.auth.claims import Claims, ExpectedClaims, validate
from mockkms.vault.auth.jwt import provider as providers
from mockkms.vault.auth.jwt.login import auth_of
from mockkms.vault.auth.jwt.model import JWT, JwtConfig, JwtRole, PendingOidcLogin, engine
from mockkms.vault.auth.jwt.provider import OidcIssuer, Unreachable
from mockkms.vault.framework.agenda import drop_expired
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Operation,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.addresses import is_ip, parse_ip
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

_ADDED = Feature.JWT_ADDITIONS
_LASTS = 600
"""Seconds until a login without a callback expires."""
_USUAL_INTERVAL = 5
_NO_CODE = "no_code"
_MOUNT = re.compile(r"(?:^|/)v1/auth/[^/]")
"""The mount in an address that a form returns to."""
_KNOWN_FAULTS = frozenset((
    "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
    "server_error", "temporarily_unavailable",
))  # fmt: skip
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_STATE = Field(Kind.STRING, query=True, help="The state returned by auth_url.")

auth_url = engine.path(
    "oidc/auth_url",
    fields={
        "role": Field(Kind.LOWER_STRING, help="Role to log in with; default: the configured one."),
        "redirect_uri": Field(Kind.STRING, help="Address to which the provider sends the browser back."),
        "client_nonce": Field(Kind.STRING, help="A value that the client must repeat."),
    },
    login=True,
    help="Address to which the browser is sent.",
)
callback = engine.path(
    "oidc/callback",
    fields={
        "state": _STATE,
        "code": Field(Kind.STRING, query=True, help="The provider's code."),
        "id_token": Field(Kind.STRING, query=True, help="The provider's token."),
        "client_nonce": Field(Kind.STRING, query=True, help="As given to auth_url."),
        "error": Field(Kind.STRING, query=True, help="The provider's error code.", needs=_ADDED),
        "error_description": Field(Kind.STRING, query=True, help="The provider's error description.", needs=_ADDED),
        "error_uri": Field(Kind.STRING, query=True, help="Address of the provider's explanation.", needs=_ADDED),
        "confirmation": Field(Kind.STRING, query=True, help="Any value confirms the login.", needs=_ADDED),
    },
    login=True,
    help="Address to which the provider sends the browser back.",
)
poll = engine.path(
    "oidc/poll",
    fields={"state": _STATE, "client_nonce": Field(Kind.STRING, help="As given to auth_url.")},
    login=True,
    help="Return the login, once it is complete.",
    needs=_ADDED,
)


@auth_url.on(Operation.UPDATE)
def make_url(state: JWT, call: Call, *, role: str, client_nonce: str, redirect_uri: str) -> Reply:
    """Return the provider's address for a login; empty if the provider does not respond.

    Raises ErrorResponse and BackendError.
    """
    config = _configured(state)
    name = role or config.default_role
    if not name:
        raise ErrorResponse("missing role")
    if not redirect_uri and not call.core.product.has(_ADDED):
        # Where no callback mode does without an address, it is looked at before the role.
        raise ErrorResponse("missing redirect_uri")
    found = state.roles.get(name)
    if found is None:
        raise ErrorResponse(f"role {quote(name)} could not be found")
    if not client_nonce and found.callback_mode in ("direct", "device"):
        raise ErrorResponse("missing client_nonce")
    if found.callback_mode == "device":
        raise BackendError("no device auth endpoint url discovered")
    if not redirect_uri:
        raise ErrorResponse("missing redirect_uri")
    redirect, namespace = _without_namespace(config, redirect_uri)
    folded = call.core.product.has(Feature.OIDC_REDIRECTS_FOLDED)
    if not valid_redirect(redirect, found.allowed_redirect_uris or [], folded=folded):
        return {"auth_url": ""}
    if config.oidc_response_mode == "form_post":
        redirect = redirect.replace("ui/vault", "v1", 1)
    try:
        provider = providers.discover(call, config)
    except Unreachable as error:
        call.request.trace.hint = f"the OIDC provider does not answer as one: {error}"
        return {"auth_url": ""}
    state_id, pending = _started(state, call, name, redirect)
    answer = {"auth_url": _address(config, found, provider, state_id, pending, namespace)}
    if found.callback_mode == "direct":
        answer |= {"state": state_id, "poll_interval": str(found.poll_interval or _USUAL_INTERVAL)}
    return answer


def _configured(state: JWT) -> JwtConfig:
    if state.config is None:
        raise ErrorResponse("could not load configuration")
    if not state.config.oidc_discovery_url or not state.config.oidc_client_id:
        raise ErrorResponse("OIDC login is not configured for this mount")
    return state.config


def _without_namespace(config: JwtConfig, uri: str) -> tuple[str, str]:
    """Return a redirect address without namespace, and the namespace of its query if the state carries it."""
    parts = urlsplit(uri)
    query = parse_qsl(parts.query, keep_blank_values=True)
    namespace = next((text for word, text in query if word == "namespace"), "")
    if not namespace or not config.namespace_in_state:
        return uri, ""
    rest = sorted((word, text) for word, text in query if word != "namespace")
    return urlunsplit(parts._replace(query=urlencode(rest))), namespace


def valid_redirect(uri: str, allowed: list[str], *, folded: bool = False) -> bool:
    """Return whether a redirect address is allowed; the port of a loopback address is ignored (RFC 8252).

    ``folded``: other addresses are compared in any case, and all of 127.0.0.0/8 is loopback.
    """
    host = urlsplit(uri).hostname or ""
    if host not in _LOOPBACK and not (folded and is_ip(host) and parse_ip(host).is_loopback):
        return uri.lower() in [one.lower() for one in allowed] if folded else uri in allowed
    return _without_port(uri) in [_without_port(one) for one in allowed]


def _without_port(uri: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.hostname or ""))


def _started(state: JWT, call: Call, role: str, redirect: str) -> tuple[str, PendingOidcLogin]:
    now, entropy = call.now(), call.core.entropy
    drop_expired(state.pending, lambda one: one.until, now)
    pending = PendingOidcLogin(
        role=role, redirect_uri=redirect, nonce=f"n_{entropy.base62(20)}", client_nonce=call["client_nonce"],
        verifier=entropy.base62(43), until=now + _LASTS, address=call.request.remote_address,
    )  # fmt: skip
    state_id = f"st_{entropy.base62(20)}"
    state.pending[state_id] = pending
    return state_id, pending


def _address(
    config: JwtConfig, role: JwtRole, provider: OidcIssuer, state_id: str, pending: PendingOidcLogin, namespace: str
) -> str:
    query = {
        "client_id": config.oidc_client_id,
        "nonce": pending.nonce,
        "redirect_uri": pending.redirect_uri,
        "response_type": "code",
        "scope": " ".join(["openid", *(one for one in role.oidc_scopes or [] if one != "openid")]),
        "state": f"{state_id},ns={namespace}" if namespace else state_id,
    }
    if "id_token" in config.oidc_response_types:
        query |= {"response_type": "id_token", "response_mode": "form_post"}
    else:
        challenge = jws.encode(hashlib.sha256(pending.verifier.encode()).digest())
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if role.max_age:
        query["max_age"] = str(role.max_age)
    mark = "&" if "?" in provider.authorization_endpoint else "?"
    return provider.authorization_endpoint + mark + urlencode(sorted(query.items()))


@callback.on(Operation.UPDATE)
def store_form(state: JWT, call: Call, *, code: str, id_token: str) -> Response:
    """Store the code or token of a form until the browser returns with its state. Raises ErrorResponse."""
    failed = _failed(call)
    if state.config is None:
        raise ErrorResponse(f"{failed} Could not load configuration.")
    if state.config.oidc_response_mode != "form_post":
        return Response(raw=b"", status=405)
    pending = _pending(state, call)
    if pending is None:
        return _page(400, failed, "Expired or missing OAuth state.")
    pending.code, pending.id_token = code, id_token
    if not _MOUNT.search(pending.redirect_uri):
        return _page(400, failed, "Invalid redirect path.")
    query = urlencode({"state": call["state"], "code": _NO_CODE})
    return _page(200, "Signed in with the provider", "Continue to finish the login.", f"callback?{query}")


@callback.on(Operation.READ)
def finish_login(state: JWT, call: Call, *, confirmation: str, code: str) -> Response:
    """Finish a login. Raises ErrorResponse, BackendError, and 403 for an address that the role does not allow."""
    failed = _failed(call)
    config = state.config
    if config is None:
        raise ErrorResponse(f"{failed} Could not load configuration")
    pending = _pending(state, call)
    if pending is None or pending.auth is not None:
        raise ErrorResponse(f"{failed} Expired or missing OAuth state.")
    added = call.core.product.has(_ADDED)
    if not added and not _shows_nonce(call, pending):
        del state.pending[call["state"]]
        raise ErrorResponse("invalid client_nonce")
    role = state.roles.get(pending.role)
    direct = role is not None and role.callback_mode == "direct"
    if direct and role is not None and not role.oidc_disable_confirmation and not confirmation:
        query = urlencode({"state": call["state"], "code": code, "confirmation": "1"})
        return _page(200, "Confirm the login", f"{pending.address} wants to log in as {pending.role}.", f"?{query}")
    if not direct:
        del state.pending[call["state"]]
    if role is None:
        raise ErrorResponse(f"{failed} Role could not be found")
    try:
        auth = _complete(call, config, role, pending)
    except ErrorResponse as error:
        if direct and error.status == 400:
            return _page(400, failed, error.errors[0].removeprefix(failed).strip())
        raise
    if not direct:
        return Response(auth=auth)
    pending.auth = auth
    return _page(200, "Signed in", "You can close this window and go back to where you came from.")


def _complete(call: Call, config: JwtConfig, role: JwtRole, pending: PendingOidcLogin) -> Auth:
    failed = _failed(call)
    fault = call["error"].strip().lower() if call.core.product.has(_ADDED) else ""
    if fault:
        unknown = "An unknown error occurred during OIDC authentication. Check server logs for details"
        raise ErrorResponse(f"{failed} {fault if fault in _KNOWN_FAULTS else unknown}")
    if role.callback_mode != "direct" and not _shows_nonce(call, pending):
        raise ErrorResponse("invalid client_nonce")
    if role.token_bound_cidrs and not cidr.contains(role.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    with refusing("error getting provider for login operation: ", BackendError, of=Unreachable):
        provider = providers.discover(call, config)
    code = pending.code if call["code"] == _NO_CODE else call["code"]
    if not code and not pending.id_token:
        raise ErrorResponse(f"{failed} No code or id_token received.")
    claims, tokens = _verified_claims(call, config, role, provider, pending, code)
    claims.pop("nonce", None)
    bare = call.core.product.has(Feature.OIDC_REFUSALS_BARE)
    if role.bound_subject and claims.get("sub") != role.bound_subject:
        mismatch = "sub claim does not match bound subject"
        raise BackendError(mismatch) if bare else ErrorResponse(f"{failed} {mismatch}")
    if tokens.get("access_token") and provider.userinfo_endpoint:
        claims |= _provider_claims(call, config, provider, str(tokens["access_token"]), claims.get("sub"))
    with refusing("" if bare else f"{failed} ", of=ErrorResponse):
        auth = auth_of(call, config, role, pending.role, claims, str(tokens.get("access_token") or ""))
    for name in role.oauth2_metadata or []:
        auth.metadata = {**(auth.metadata or {}), f"oauth2_{name}": str(tokens.get(name) or "")}
    return auth


def _verified_claims(
    call: Call, config: JwtConfig, role: JwtRole, provider: OidcIssuer, pending: PendingOidcLogin, code: str
) -> tuple[Claims, dict[str, object]]:
    """Return the claims of the valid id token, and the token endpoint's response. Raises ErrorResponse."""
    expected = ExpectedClaims(
        issuer=provider.issuer, audiences=role.bound_audiences or [config.oidc_client_id],
        algorithms=config.jwt_supported_algs or ["RS256"],
    )  # fmt: skip
    form = {"code": code, "grant_type": "authorization_code", "redirect_uri": pending.redirect_uri}
    tokens: dict[str, object] = {"id_token": pending.id_token}
    try:
        if code:
            tokens = providers.exchange_code(call, config, provider, {**form, "code_verifier": pending.verifier})
        claims = validate(str(tokens.get("id_token") or ""), provider.keys, expected, call.now())
        if claims.get("nonce") != pending.nonce:
            raise ValueError("invalid id_token nonce")
    except (Unreachable, ValueError) as error:
        if code:
            raise ErrorResponse(f"{_failed(call)} Error exchanging oidc code: {json.dumps(str(error))}.") from None
        raise ErrorResponse(f"Token verification failed. {error}") from None
    return claims, tokens


def _provider_claims(
    call: Call, config: JwtConfig, provider: OidcIssuer, access_token: str, subject: object
) -> dict[str, object]:
    """Return the provider's user info; errors there do not prevent a login."""
    try:
        told = providers.user_info(call, config, provider, access_token)
    except Unreachable:
        return {}
    return told if told.get("sub") == subject else {}


@poll.on(Operation.UPDATE)
def poll_login(state: JWT, call: Call, *, client_nonce: str) -> Response:
    """Return the login, once the browser returned. Raises ErrorResponse."""
    failed, pending = _failed(call), _pending(state, call)
    if pending is None:
        raise ErrorResponse(f"{failed} Expired or missing OAuth state.")
    if pending.client_nonce and client_nonce != pending.client_nonce:
        del state.pending[call["state"]]
        raise ErrorResponse("invalid client_nonce")
    if pending.role not in state.roles:
        del state.pending[call["state"]]
        raise ErrorResponse(f"{failed} Role could not be found")
    if pending.auth is None:
        raise ErrorResponse("authorization_pending")
    del state.pending[call["state"]]
    return Response(auth=pending.auth)


def _shows_nonce(call: Call, pending: PendingOidcLogin) -> bool:
    return not pending.client_nonce or call["client_nonce"] == pending.client_nonce


def _pending(state: JWT, call: Call) -> PendingOidcLogin | None:
    found = state.pending.get(call["state"])
    return found if found is not None and found.until > call.now() else None


def _failed(call: Call) -> str:
    return f"{call.core.product.texts.product} login failed."


def _page(status: int, title: str, text: str, link: str = "") -> Response:
    go = f'<p><a href="{html.escape(link)}">Continue</a></p>' if link else ""
    title, text = html.escape(title), html.escape(text)
    body = f"<!doctype html><title>{title}</title><h1>{title}</h1><p>{text}</p>{go}\n"
    return Response(raw=body.encode(), content_type="text/html", status=status)
