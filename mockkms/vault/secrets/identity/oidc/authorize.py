"""``oidc/provider/{name}/authorize``: a code for a user who has logged in, which a client exchanges for tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mockkms.urls import urlsplit
from mockkms.vault.framework.agenda import drop_expired
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.model import Entity
from mockkms.vault.secrets.identity import bare_json, engine, own, store
from mockkms.vault.secrets.identity.oidc.assignments import OPENID
from mockkms.vault.secrets.identity.oidc.clients import with_id
from mockkms.vault.secrets.identity.oidc.model import ALLOW_ALL, AuthCode, OidcClient, Provider, service

CODE_LIFETIME = 300
"""Seconds."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass
class AuthorizationRequest(Record):
    """The parameters of a request for a code (OpenID Connect Core, section 3.1.2.1)."""

    client_id: Annotated[str, param(Kind.STRING, help="Id of the client.")] = ""
    scope: Annotated[str, param(Kind.STRING, help="Scopes, separated by blanks; openid is required.")] = ""
    redirect_uri: Annotated[str, param(Kind.STRING, help="URI to which the response is sent.")] = ""
    response_type: Annotated[str, param(Kind.STRING, help="code.")] = ""
    state: Annotated[str, param(Kind.STRING, help="Returned as it is.")] = ""
    nonce: Annotated[str, param(Kind.STRING, help="Put into the id token.")] = ""
    max_age: Annotated[int, param(Kind.INT, help="Seconds since the login at most.")] = 0
    code_challenge: Annotated[str, param(Kind.STRING, help="PKCE challenge.")] = ""
    code_challenge_method: Annotated[str, param(Kind.STRING, help="S256 or plain.")] = "plain"


authorize = engine.path(
    "oidc/provider/{name}/authorize",
    lambda: {"name": Field(Kind.STRING, help="Name of the provider."), **AuthorizationRequest.fields()},
    help="A code for the caller's entity.",
)


class OAuthError(ErrorResponse):
    """An error response in OAuth's format: a code and a description (RFC 6749, section 5.2)."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text, data={"error": code, "error_description": text})
        self.code = code
        self.text = text

    @property
    def document(self) -> dict[str, object]:
        """The JSON document of the response."""
        return dict(self.data or {})


@authorize.on(Operation.READ, Operation.UPDATE)
def give_code(state: object, call: Call, *, name: str) -> Response:
    """Return a code, or the error, outside the envelope."""
    asked = AuthorizationRequest.from_call(call)
    client_state = asked.state
    try:
        entry = _entry(call, name, asked)
    except OAuthError as error:
        if error.code in ("request_not_supported", "request_uri_not_supported"):
            client_state = ""
        return bare_json({**error.document, "state": client_state}, 500 if error.code == "server_error" else 400)
    codes, now = service(call).codes, call.now()
    drop_expired(codes, lambda one: one.expires, now)
    code = call.core.entropy.base62(32)
    codes[code] = entry
    return bare_json({"code": code, "state": client_state})


def _entry(call: Call, provider_name: str, asked: AuthorizationRequest) -> AuthCode:
    if not asked.client_id:
        raise OAuthError("invalid_client_id", "client_id parameter is required")
    client = with_id(call, asked.client_id)
    if client is None:
        raise OAuthError("invalid_client_id", "client with client_id not found")
    if not client.authorization_code:
        raise OAuthError("invalid_grant", "client not allowed to perform authorization code credential flow")
    provider = _provider(call, provider_name, asked.redirect_uri, client)
    scopes = asked_scopes(asked.scope, provider)
    if asked.response_type != "code":
        if not asked.response_type:
            raise OAuthError("invalid_request", "response_type parameter is required")
        raise OAuthError("unsupported_response_type", "unsupported response_type value")
    entity = _entity(call, client)
    entry = AuthCode(
        provider=provider_name, client_id=client.client_id, entity_id=entity.id, redirect_uri=asked.redirect_uri,
        nonce=asked.nonce, scopes=scopes, expires=call.now() + CODE_LIFETIME,
    )  # fmt: skip
    if "code_challenge" in call:
        entry.challenge, entry.challenge_method = _challenge(asked)
    elif client.client_type == "public":
        raise OAuthError("invalid_request", "PKCE is required for public clients")
    if "max_age" in call:
        entry.auth_time = _login_time(call, asked.max_age)
    return entry


def _provider(call: Call, name: str, redirect_uri: str, client: OidcClient) -> Provider:
    if not redirect_uri:
        raise OAuthError("invalid_request", "redirect_uri parameter is required")
    if not _allowed(redirect_uri, client.redirect_uris):
        raise OAuthError("invalid_redirect_uri", "redirect_uri is not allowed for the client")
    provider = service(call).providers.get(name)
    if provider is None:
        raise OAuthError("invalid_request", "provider not found")
    if not provider.allows(client.client_id):
        raise OAuthError("unauthorized_client", "client is not authorized to use the provider")
    for unsupported in ("request", "request_uri"):
        if unsupported in call.raw:
            raise OAuthError(f"{unsupported}_not_supported", f"{unsupported} parameter is not supported")
    return provider


def _allowed(uri: str, allowed: list[str]) -> bool:
    """Return whether a client has this redirect URI; on this machine the port does not matter (RFC 8252)."""
    try:
        if urlsplit(uri).hostname not in _LOOPBACK:
            return uri in allowed
        return any(_portless(uri) == _portless(other) for other in allowed)
    except ValueError:
        return False


def _portless(uri: str) -> tuple[str | None, ...]:
    parts = urlsplit(uri)
    return (parts.scheme, parts.username, parts.password, parts.hostname, parts.path, parts.query, parts.fragment)


def asked_scopes(text: str, provider: Provider) -> list[str]:
    """Return the requested scopes that a provider has. Raises OAuthError if ``openid`` is not requested."""
    wanted = sorted({part.strip() for part in text.split(" ")} - {""})
    if OPENID not in wanted:
        raise OAuthError("invalid_request", f"scope parameter must contain the {quote(OPENID)} value")
    return [name for name in wanted if name in provider.scopes_supported and name != OPENID]


def _entity(call: Call, client: OidcClient) -> Entity:
    caller = call.request.client
    if caller is None or not caller.entity_id:
        raise OAuthError("access_denied", "identity entity must be associated with the request")
    entity = own(call, store(call).state.entities, caller.entity_id)
    if entity is None:
        raise OAuthError("access_denied", "identity entity associated with the request not found")
    if not assigned(call, entity, client):
        raise OAuthError("access_denied", "identity entity not authorized by client assignment")
    return entity


def assigned(call: Call, entity: Entity, client: OidcClient) -> bool:
    """Return whether a client's assignments let an entity log in. Raises OAuthError for one that was deleted."""
    if entity.disabled:
        return False
    if ALLOW_ALL in client.assignments:
        return True
    groups = {group.id for group in store(call).groups_of(entity.id)}
    for name in client.assignments:
        found = service(call).assignments.get(name)
        if found is None:
            raise OAuthError("server_error", f"client assignment {quote(name)} not found")
        if entity.id in found.entity_ids or groups.intersection(found.group_ids):
            return True
    return False


def _challenge(asked: AuthorizationRequest) -> tuple[str, str]:
    """Return the PKCE challenge and its method. Raises OAuthError."""
    method = asked.code_challenge_method or "plain"
    if method not in ("plain", "S256"):
        raise OAuthError("invalid_request", "invalid code_challenge_method")
    if not 43 <= len(asked.code_challenge.encode("utf-8", "replace")) <= 128:
        raise OAuthError("invalid_request", "invalid code_challenge")
    return asked.code_challenge, method


def _login_time(call: Call, max_age: int) -> int:
    """Return when the caller logged in (Unix seconds). Raises OAuthError if it is more than ``max_age`` seconds ago."""
    if max_age < 1:
        raise OAuthError("invalid_request", "max_age must be greater than zero")
    caller = call.request.client
    assert caller is not None
    if int(call.now() - caller.creation_time) > max_age:
        raise OAuthError("max_age_violation", "active re-authentication is required by max_age")
    return caller.creation_time
