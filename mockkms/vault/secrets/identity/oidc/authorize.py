"""``oidc/provider/{name}/authorize``: a code for a user who is logged in, to be exchanged by a client."""

from __future__ import annotations

from urllib.parse import urlsplit

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.identity import Entity
from mockkms.vault.secrets.identity import bare_json, engine, own, store
from mockkms.vault.secrets.identity.oidc.assignments import OPENID
from mockkms.vault.secrets.identity.oidc.clients import with_id
from mockkms.vault.secrets.identity.oidc.model import ALLOW_ALL, AuthCode, OidcClient, Provider, service

CODE_LIFETIME = 300
"""Seconds."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

authorize = engine.path(
    "oidc/provider/{name}/authorize",
    fields={
        "name": Field(Kind.STRING, help="Name of the provider."),
        "client_id": Field(Kind.STRING, help="Id of the client that asks."),
        "scope": Field(Kind.STRING, help="Scopes with blanks between; openid is needed."),
        "redirect_uri": Field(Kind.STRING, help="Where the answer goes."),
        "response_type": Field(Kind.STRING, help="code."),
        "state": Field(Kind.STRING, help="Returned as it is."),
        "nonce": Field(Kind.STRING, help="Put into the id token."),
        "max_age": Field(Kind.INT, help="Seconds since the login at most."),
        "code_challenge": Field(Kind.STRING, help="PKCE challenge."),
        "code_challenge_method": Field(Kind.STRING, default="plain", help="S256 or plain."),
    },
    help="A code for the caller's entity.",
)


class OAuthError(Exception):
    """A refusal in OAuth's form: an error code and a text."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def document(self) -> dict[str, object]:
        """As it is sent."""
        return {"error": self.code, "error_description": self.text}


@authorize.on(Operation.READ, Operation.UPDATE)
def give_code(state: object, call: Call) -> Response:
    """A code, or why there is none, outside the envelope."""
    client_state = call["state"]
    try:
        entry = _entry(call)
    except OAuthError as error:
        if error.code in ("request_not_supported", "request_uri_not_supported"):
            client_state = ""
        return bare_json({**error.document, "state": client_state}, 500 if error.code == "server_error" else 400)
    codes, now = service(call).codes, call.now()
    for old in [code for code, item in codes.items() if item.expires <= now]:
        del codes[old]
    code = call.core.entropy.base62(32)
    codes[code] = entry
    return bare_json({"code": code, "state": client_state})


def _entry(call: Call) -> AuthCode:
    if not call["client_id"]:
        raise OAuthError("invalid_client_id", "client_id parameter is required")
    client = with_id(call, call["client_id"])
    if client is None:
        raise OAuthError("invalid_client_id", "client with client_id not found")
    if not client.authorization_code:
        raise OAuthError("invalid_grant", "client not allowed to perform authorization code credential flow")
    provider = _provider(call, client)
    scopes = asked_scopes(call["scope"], provider)
    if call["response_type"] != "code":
        if not call["response_type"]:
            raise OAuthError("invalid_request", "response_type parameter is required")
        raise OAuthError("unsupported_response_type", "unsupported response_type value")
    entity = _entity(call, client)
    entry = AuthCode(
        provider=call["name"], client_id=client.client_id, entity_id=entity.id, redirect_uri=call["redirect_uri"],
        nonce=call["nonce"], scopes=scopes, expires=call.now() + CODE_LIFETIME,
    )  # fmt: skip
    _challenge(call, client, entry)
    _max_age(call, entry)
    return entry


def _provider(call: Call, client: OidcClient) -> Provider:
    if not call["redirect_uri"]:
        raise OAuthError("invalid_request", "redirect_uri parameter is required")
    if not _allowed(call["redirect_uri"], client.redirect_uris):
        raise OAuthError("invalid_redirect_uri", "redirect_uri is not allowed for the client")
    provider = service(call).providers.get(call["name"])
    if provider is None:
        raise OAuthError("invalid_request", "provider not found")
    if not provider.allows(client.client_id):
        raise OAuthError("unauthorized_client", "client is not authorized to use the provider")
    for name in ("request", "request_uri"):
        if name in call.raw:
            raise OAuthError(f"{name}_not_supported", f"{name} parameter is not supported")
    return provider


def _allowed(uri: str, allowed: list[str]) -> bool:
    """Whether a user may be sent there; the port of this very machine does not matter."""
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
    """The scopes asked for that a provider has. Raises OAuthError where ``openid`` is not among them."""
    wanted = sorted({part.strip() for part in text.split(" ")} - {""})
    if OPENID not in wanted:
        raise OAuthError("invalid_request", f'scope parameter must contain the "{OPENID}" value')
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
    """Whether a client's assignments let an entity log in. Raises OAuthError for one that is gone."""
    if entity.disabled:
        return False
    if ALLOW_ALL in client.assignments:
        return True
    groups = {group.id for group in store(call).groups_of(entity.id)}
    for name in client.assignments:
        found = service(call).assignments.get(name)
        if found is None:
            raise OAuthError("server_error", f'client assignment "{name}" not found')
        if entity.id in found.entity_ids or groups.intersection(found.group_ids):
            return True
    return False


def _challenge(call: Call, client: OidcClient, entry: AuthCode) -> None:
    if "code_challenge" not in call:
        if client.client_type == "public":
            raise OAuthError("invalid_request", "PKCE is required for public clients")
        return
    method = call["code_challenge_method"] or "plain"
    if method not in ("plain", "S256"):
        raise OAuthError("invalid_request", "invalid code_challenge_method")
    if not 43 <= len(call["code_challenge"].encode("utf-8", "replace")) <= 128:
        raise OAuthError("invalid_request", "invalid code_challenge")
    entry.challenge, entry.challenge_method = call["code_challenge"], method


def _max_age(call: Call, entry: AuthCode) -> None:
    if "max_age" not in call:
        return
    if call["max_age"] < 1:
        raise OAuthError("invalid_request", "max_age must be greater than zero")
    caller = call.request.client
    assert caller is not None
    if int(call.now() - caller.creation_time) > call["max_age"]:
        raise OAuthError("max_age_violation", "active re-authentication is required by max_age")
    entry.auth_time = caller.creation_time
