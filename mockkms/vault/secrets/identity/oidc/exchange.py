"""``oidc/provider/{name}/token`` and ``…/userinfo``: tokens for a code or a client, and claims about their user."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Annotated

from mockkms.crypto import jws
from mockkms.json_reading import read_json
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, Operation, Response
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang import json_text
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.model import Entity
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import bare_json, engine, namespace_id, own, store
from mockkms.vault.secrets.identity.oidc.authorize import OAuthError, asked_scopes, assigned
from mockkms.vault.secrets.identity.oidc.clients import with_id
from mockkms.vault.secrets.identity.oidc.model import AuthCode, NamedKey, OidcClient, service
from mockkms.vault.secrets.identity.oidc.providers import issuer_of
from mockkms.vault.secrets.identity.oidc.template import filled
from mockkms.vault.secrets.identity.oidc.tokens import RESERVED
from mockkms.vault.tokens.token import Token

_TOKEN_STATUS = {"invalid_client": 401, "server_error": 500}
_USERINFO_STATUS = {"invalid_token": 401, "access_denied": 403, "server_error": 500}
_HASHES = {"256": "sha256", "384": "sha384", "512": "sha512", "DSA": "sha512"}
"""By the end of the algorithm's name."""
_NAME = {"name": Field(Kind.STRING, help="Name of the provider.")}


@dataclass
class OidcTokenRequest(Record):
    """The parameters of a request for tokens (RFC 6749, sections 4.1.3 and 4.4.2; RFC 7636)."""

    code: Annotated[str, param(Kind.STRING, help="Code from the authorization endpoint.")] = ""
    grant_type: Annotated[str, param(Kind.STRING, help="authorization_code or client_credentials.")] = ""
    redirect_uri: Annotated[str, param(Kind.STRING, help="The redirect URI of the request for the code.")] = ""
    code_verifier: Annotated[str, param(Kind.STRING, help="PKCE verifier.")] = ""
    scope: Annotated[str, param(Kind.STRING, help="Scopes, for client credentials.", needs=Feature.OIDC_GRANTS)] = ""
    client_id: Annotated[str, param(Kind.STRING, help="Id of the client, unless it is in a header.")] = ""
    client_secret: Annotated[str, param(Kind.STRING, help="Secret of the client.")] = ""


token = engine.path(
    "oidc/provider/{name}/token",
    lambda: {**_NAME, **OidcTokenRequest.fields()},
    login=True,
    help="Exchange a code for tokens.",
)
engine.open_paths("oidc/provider/{name:re([^/]+)}/token")
userinfo = engine.path("oidc/provider/{name}/userinfo", fields=_NAME, help="Claims about the user of an access token.")


@token.on(Operation.UPDATE)
def exchange(state: object, call: Call, *, name: str) -> Response:
    """Return tokens, or the error, outside the envelope."""
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    try:
        return bare_json(_tokens(call, name, OidcTokenRequest.from_call(call)), headers=headers)
    except OAuthError as error:
        if error.code == "invalid_client":
            headers["WWW-Authenticate"] = "Basic"
        return bare_json(error.document, _TOKEN_STATUS.get(error.code, 400), headers)


def _tokens(call: Call, name: str, asked: OidcTokenRequest) -> dict[str, object]:
    oidc = service(call)
    provider = oidc.providers.get(name)
    if provider is None:
        raise OAuthError("invalid_request", "provider not found")
    client = _client(call, asked)
    if not provider.allows(client.client_id):
        raise OAuthError("invalid_client", "client is not authorized to use the provider")
    key = oidc.keys.get(client.key)
    if key is None:
        raise OAuthError("server_error", f"client key {quote(client.key)} not found")
    if "*" not in key.allowed_client_ids and client.client_id not in key.allowed_client_ids:
        raise OAuthError("invalid_client", "client is not authorized to use the key")
    if not call.core.product.has(Feature.OIDC_GRANTS):
        if not asked.grant_type:
            raise OAuthError("invalid_request", "grant_type parameter is required")
        if asked.grant_type != "authorization_code":
            raise OAuthError("unsupported_grant_type", "unsupported grant_type value")
        return _by_code(call, name, asked, client, key)
    grants = {"authorization_code": client.authorization_code, "client_credentials": client.client_credentials}
    if asked.grant_type not in grants:
        raise OAuthError("unsupported_grant_type", "unsupported grant_type or parameter is empty value")
    if not grants[asked.grant_type]:
        raise OAuthError("invalid_grant", "client is not authorized to use given credentials flow")
    if asked.grant_type == "authorization_code":
        return _by_code(call, name, asked, client, key)
    scopes = asked_scopes(asked.scope, provider)
    claims = _claims(call, name, client.client_id, client)
    claims["jti"] = call.core.entropy.uuid()
    signed = _signed(call, key, {**claims, **_scoped(call, scopes, None)})
    return {"access_token": signed, "expires_in": client.id_token_ttl, "token_type": "Bearer"}


def _client(call: Call, asked: OidcTokenRequest) -> OidcClient:
    basic = _basic(call.request.headers.get("Authorization", ""))
    client_id, secret = basic or (asked.client_id, asked.client_secret)
    if not basic and not client_id:
        raise OAuthError("invalid_request", "client_id parameter is required")
    client = with_id(call, client_id)
    if client is None or (
        client.client_type == "confidential"
        and not hmac.compare_digest(client.client_secret.encode(), secret.encode("utf-8", "replace"))
    ):
        raise OAuthError("invalid_client", "client failed to authenticate")
    return client


def _basic(header: str) -> tuple[str, str] | None:
    if header[:6].lower() != "basic ":
        return None
    try:
        name, colon, secret = base64.b64decode(header[6:], validate=True).decode("utf-8", "replace").partition(":")
    except binascii.Error:
        return None
    return (name, secret) if colon else None


def _claims(call: Call, name: str, subject: str, client: OidcClient) -> dict[str, object]:
    now = call.now()
    return {
        "aud": client.client_id,
        "exp": int(now + client.id_token_ttl),
        "iat": int(now),
        "iss": issuer_of(call, name),
        "namespace": namespace_id(call, call.request.namespace),
        "sub": subject,
    }


def _signed(call: Call, key: NamedKey, claims: dict[str, object]) -> str:
    signing = key.signing(call)
    return jws.sign(json_text.encode(claims), signing.load(), key.algorithm, signing.id)


def _by_code(call: Call, name: str, asked: OidcTokenRequest, client: OidcClient, key: NamedKey) -> dict[str, object]:
    code = asked.code
    if not code:
        raise OAuthError("invalid_request", "code parameter is required")
    key.signing(call)  # A rotation that is due makes a key: before the code is used up (``outside/turn``).
    entry = service(call).codes.pop(code, None)
    if entry is None or entry.expires <= call.now():
        raise OAuthError("invalid_grant", "authorization grant is invalid or expired")
    entity = _granted(call, name, asked.redirect_uri, client, entry)
    _verify_challenge(asked.code_verifier, client, entry)
    access = _access_token(call, name, client, entry)
    claims = _claims(call, name, entry.entity_id, client)
    claims["at_hash"], claims["c_hash"] = _half_hash(key.algorithm, access), _half_hash(key.algorithm, code)
    if entry.nonce:
        claims["nonce"] = entry.nonce
    if entry.auth_time:
        claims["auth_time"] = entry.auth_time
    signed = _signed(call, key, {**claims, **_scoped(call, entry.scopes, entity)})
    return {
        "access_token": access,
        "expires_in": client.access_token_ttl,
        "id_token": signed,
        "token_type": "Bearer",
    }


def _granted(call: Call, name: str, redirect_uri: str, client: OidcClient, entry: AuthCode) -> Entity:
    if entry.client_id != client.client_id:
        raise OAuthError("invalid_grant", "authorization code was not issued to the client")
    if entry.provider != name:
        raise OAuthError("invalid_grant", "authorization code was not issued by the provider")
    if not redirect_uri:
        raise OAuthError("invalid_request", "redirect_uri parameter is required")
    if entry.redirect_uri != redirect_uri:
        text = "redirect_uri does not match the redirect_uri used in the authorization request"
        raise OAuthError("invalid_grant", text)
    entity = own(call, store(call).state.entities, entry.entity_id)
    if entity is None:
        raise OAuthError("invalid_request", "identity entity associated with the request not found")
    if not assigned(call, entity, client):
        raise OAuthError("invalid_request", "identity entity not authorized by client assignment")
    return entity


def _verify_challenge(verifier: str, client: OidcClient, entry: AuthCode) -> None:
    if not entry.challenge:
        if client.client_type == "public":
            raise OAuthError("invalid_request", "PKCE is required for public clients")
        if verifier:
            raise OAuthError("invalid_request", "unexpected code_verifier for token exchange")
        return
    if not verifier:
        raise OAuthError("invalid_request", "expected code_verifier for token exchange")
    given = verifier.encode("utf-8", "replace")
    if entry.challenge_method == "S256":
        given = jws.encode(hashlib.sha256(given).digest()).encode()
    if not hmac.compare_digest(given, entry.challenge.encode("utf-8", "replace")):
        raise OAuthError("invalid_grant", "invalid code_verifier for token exchange")


def _access_token(call: Call, name: str, client: OidcClient, entry: AuthCode) -> str:
    """Make a batch token that is good for the userinfo endpoint only."""
    policy = f'path "identity/oidc/provider/{name}/userinfo" {{ capabilities = ["read", "update"] }}'
    made = Token(
        id="",
        accessor="",
        policies=[],
        path=call.request.path,
        display_name="",
        meta={"oidc_token_type": "access token"},
        ttl=client.access_token_ttl,
        type="batch",
        entity_id=entry.entity_id,
        namespace=call.request.namespace,
        no_identity_policies=True,
        inline_policy=policy,
        internal={"client_id": client.client_id, "scopes": " ".join(entry.scopes)},
    )
    return call.core.tokens.create(made, Auth()).id


def _half_hash(algorithm: str, text: str) -> str:
    """Return ``at_hash`` or ``c_hash``: the left half of the hash that belongs to the signature."""
    digest = hashlib.new(_HASHES[algorithm[-3:]], text.encode()).digest()
    return jws.encode(digest[: len(digest) // 2])


def _scoped(call: Call, scopes: list[str], entity: Entity | None) -> dict[str, object]:
    """Return the claims of some scopes. Raises OAuthError if two scopes have the same one."""
    claims: dict[str, object] = {}
    owners: dict[str, str] = {}
    for name in scopes:
        found = service(call).scopes.get(name)
        for claim, value in _filled(call, found.template, entity).items() if found else ():
            if claim in owners:
                text = "found scopes with conflicting top-level claim: claim "
                raise OAuthError("invalid_request", f'{text}"{claim}" in scopes {quote(name)}, "{owners[claim]}"')
            owners[claim] = name
            if claim not in RESERVED:
                claims[claim] = value
    return claims


def _filled(call: Call, template: str, entity: Entity | None) -> dict[str, object]:
    """Return a template's claims; none if it cannot be filled, which the real server only logs."""
    if not template or (entity is None and "identity.entity" in template):
        return {}
    groups = store(call).groups_of(entity.id) if entity is not None else []
    try:
        made = read_json(filled(template, entity or Entity("", "", "", 0, 0), groups, call.now()))
    except ValueError:
        return {}
    return made if isinstance(made, dict) else {}


@userinfo.on(Operation.READ, Operation.UPDATE)
def tell(state: object, call: Call, *, name: str) -> Response:
    """Return claims about the user of an access token, or the error, outside the envelope."""
    try:
        return bare_json(dict(sorted(_about(call, name).items())))
    except OAuthError as error:
        status, headers = _USERINFO_STATUS.get(error.code, 400), {}
        if status in (400, 401):
            headers["WWW-Authenticate"] = f"Bearer error={quote(error.code)},error_description={quote(error.text)}"
        return bare_json(error.document, status, headers)


def _about(call: Call, name: str) -> dict[str, object]:
    provider = service(call).providers.get(name)
    if provider is None:
        raise OAuthError("invalid_request", "provider not found")
    headers, caller = call.request.headers, call.request.client
    if headers.get("X-Vault-Token", "") or not headers.get("Authorization", "").startswith("Bearer "):
        raise OAuthError("invalid_token", "access token must be sent as a Bearer token")
    if caller is None or caller.type != "batch":
        raise OAuthError("invalid_token", "access token is malformed or invalid")
    if "client_id" not in caller.internal:
        raise OAuthError("server_error", "expected client ID in token metadata")
    client = with_id(call, caller.internal["client_id"])
    if client is None:
        raise OAuthError("access_denied", "client not found")
    entity = own(call, store(call).state.entities, caller.entity_id)
    if entity is None:
        raise OAuthError("access_denied", "identity entity associated with the request not found")
    if not assigned(call, entity, client):
        raise OAuthError("access_denied", "identity entity not authorized by client assignment")
    if not provider.allows(client.client_id):
        raise OAuthError("access_denied", "client is not authorized to use the provider")
    scopes = [name for name in caller.internal.get("scopes", "").split(" ") if name in provider.scopes_supported]
    return {"sub": entity.id, **_scoped(call, scopes, entity)}
