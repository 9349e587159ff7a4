"""``oidc/role``, ``oidc/token`` and ``oidc/introspect``: signed tokens that identify the caller."""

from __future__ import annotations

from mockkms.crypto import jws
from mockkms.crypto.encoding import b64
from mockkms.json_reading import read_json
from mockkms.vault.auth import token_headers
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang import json_text
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.json import decode_object
from mockkms.vault.identity.model import Entity
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import bare_json, engine, namespace_id, own, store
from mockkms.vault.secrets.identity.oidc.keys import issuer, published_keys
from mockkms.vault.secrets.identity.oidc.model import DEFAULT_KEY, OidcCollection, OidcRole, default_key, service
from mockkms.vault.secrets.identity.oidc.template import filled

RESERVED = (
    "iat", "aud", "exp", "iss", "sub", "namespace", "nonce", "auth_time", "at_hash", "c_hash",
)  # fmt: skip
_SKEW = 60
_ALGORITHMS = (
    "ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
)  # fmt: skip
"""The algorithms of tokens to check, in the order in which messages name them."""

roles = OidcCollection(
    engine,
    "oidc/role/{name}",
    OidcRole,
    lambda oidc: oidc.roles,
    help="What an identity token contains.",
    list_help="The names of all roles.",
    paged=False,
)
token = engine.path(
    "oidc/token/{name}",
    fields={"name": Field(Kind.STRING, help="Role of the token.")},
    help="A token for the caller's entity.",
    go_errors=True,
)
introspection = engine.path(
    "oidc/introspect[/]",
    fields={
        "token": Field(Kind.STRING, help="The token to check."),
        "client_id": Field(Kind.STRING, help="Required aud claim."),
    },
    help="Check a token.",
)


@roles.write
def write_role(state: object, call: Call, name: str, role: OidcRole) -> None:
    """Create or change a role. Raises ErrorResponse."""
    role.update_from(call)
    if not role.key:
        raise ErrorResponse("the key parameter is required")
    if role.key == DEFAULT_KEY:
        default_key(call)
    role.template = checked_template(role.template, call.now())
    refuse_relative(call.core.product, role.key)
    key = service(call).keys.get(role.key)
    if key is None:
        raise ErrorResponse(f"cannot find key {quote(role.key)}")
    if role.ttl > key.verification_ttl:
        raise ErrorResponse("a role's token ttl cannot be longer than the verification_ttl of the key it references")
    role.client_id = role.client_id or call.core.entropy.base62(26)


def decoded_template(template: str) -> str:
    """Return a template, decoded if it is base64; invalid UTF-8 becomes surrogates."""
    try:
        return b64.decode(template).decode("utf-8", "surrogateescape") if template else ""
    except ValueError:
        return template


def checked_template(template: str, now: float) -> str:
    """Return a template as it is stored: decoded if it is base64. Raises ErrorResponse if it is invalid."""
    text = decoded_template(template)
    check_template(text, now)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def check_template(template: str, now: float) -> None:
    """Raise ErrorResponse for a template that does not give a JSON object, or that sets a reserved claim."""
    if not template:
        return
    with refusing("error parsing template: "):
        text = filled(template, Entity("", "", "", 0, 0), [], now)
    with refusing("error parsing template JSON: "):
        claims = decode_object(text.encode("utf-8", "surrogateescape"), whole=True) or {}
    for name in claims:
        if name in RESERVED:
            raise ErrorResponse(f"top level key {quote(name)} not allowed. Restricted keys: {', '.join(RESERVED)}")


@token.on(Operation.READ)
def make_token(state: object, call: Call, *, name: str) -> Response:
    """Return a signed token of the caller's entity. Raises ErrorResponse."""
    oidc = service(call)
    found = oidc.roles.get(name)
    if found is None:
        raise ErrorResponse(f"role {quote(name)} not found")
    key = oidc.keys.get(found.key)
    if key is None:
        raise ErrorResponse(f"key {quote(found.key)} not found")
    if "*" not in key.allowed_client_ids and found.client_id not in key.allowed_client_ids:
        raise ErrorResponse(
            f"the key {quote(found.key)} does not list the client ID of the role {quote(name)} as an allowed client ID"
        )
    entity = _caller(call)
    now, lifetime = call.now(), min(found.ttl, key.verification_ttl)
    claims: dict[str, object] = {
        "aud": found.client_id,
        "exp": int(now + lifetime),
        "iat": int(now),
        "iss": issuer(call),
        "namespace": namespace_id(call, call.request.namespace),
        "sub": entity.id,
    }
    if found.template:
        try:
            more = read_json(filled(found.template, entity, store(call).groups_of(entity.id), now))
            claims = {**more, **claims}
        except ValueError:
            # The real server logs this and leaves the template out.
            pass
    signing = key.signing(call)
    text = jws.sign(json_text.encode(claims), signing.load(), key.algorithm, signing.id)
    return Response(data={"client_id": found.client_id, "token": text, "ttl": found.ttl})


def _caller(call: Call) -> Entity:
    caller = call.request.client
    if caller is None or not caller.entity_id:
        raise ErrorResponse("no entity associated with the request's token")
    entity = own(call, store(call).state.entities, caller.entity_id)
    if entity is None:
        raise BackendError(f"error loading entity ID {quote(caller.entity_id)}")
    return entity


@introspection.on(Operation.UPDATE)
def introspect(state: object, call: Call, *, token: str, client_id: str) -> Response:
    """Return whether a token is valid, and if not why, outside the envelope."""
    fault = _fault(call, token, client_id)
    document: dict[str, object] = {"active": False, "error": fault} if fault else {"active": True}
    return bare_json(document)


def _fault(call: Call, token: str, client_id: str) -> str:
    """Return what is wrong with a token; empty if it is valid."""
    strict = call.core.product.has(Feature.OIDC_STRICT_TOKENS)
    try:
        algorithms = _ALGORITHMS if strict else None
        parsed = token_headers.parse(token, blanks=not strict, padding=not strict, algorithms=algorithms)
    except (ValueError, RecursionError) as error:
        return f"error parsing token: {error}"
    if not any(jws.verified(parsed, entry.load().public_key()) for entry in published_keys(call)):
        return "unable to validate the token signature"
    claims = parsed.claims()
    wrong = _wrong_claim(call, claims, client_id)
    if wrong:
        return f"error validating claims: go-jose/go-jose/jwt: validation failed, {wrong}"
    entity = own(call, store(call).state.entities, str(claims.get("sub", "")))
    if entity is None:
        return "entity was not found"
    return "entity is disabled" if entity.disabled else ""


def _wrong_claim(call: Call, claims: dict[str, object], client_id: str) -> str:
    if claims.get("iss") != issuer(call):
        return "invalid issuer claim (iss)"
    if client_id and claims.get("aud") != client_id:
        return "invalid audience claim (aud)"
    expires = claims.get("exp")
    if isinstance(expires, int) and call.now() - _SKEW > expires:
        return "token is expired (exp)"
    return ""
