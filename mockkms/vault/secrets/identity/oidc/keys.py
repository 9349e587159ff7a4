"""``oidc/config``, ``oidc/key`` and the published documents: the keys of identity tokens."""

from __future__ import annotations

import math

from mockkms.urls import urlsplit
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import bare_json, engine
from mockkms.vault.secrets.identity.oidc.model import (
    ALGORITHMS,
    DEFAULT_KEY,
    NamedKey,
    OidcCollection,
    SigningKey,
    default_key,
    service,
)

INVALID_ISSUER = (
    "invalid issuer, which must include only a scheme, host, and optional port (e.g. https://example.com:8200)"
)
ISSUER_WARNING = (
    'If "issuer" is set explicitly, all tokens must be validated against that address, including those issued '
    'by secondary clusters. Setting issuer to "" will restore the default behavior of using the cluster\'s '
    "api_addr as the issuer."
)
_NAME = Field(Kind.STRING, help="Name of the key.")

config = engine.path(
    "oidc/config[/]",
    fields={"issuer": Field(Kind.STRING, help="The iss claim: scheme, host and port; empty: this server.")},
    help="The issuer of identity tokens.",
)
rotation = engine.path(
    "oidc/key/{name}/rotate[/]",
    fields={
        "name": _NAME,
        "verification_ttl": Field(
            Kind.SECONDS, help="Seconds that old signatures stay valid; absent: as the key has it."
        ),
    },
    help="Rotate a key.",
)
keys = OidcCollection(
    engine,
    "oidc/key/{name}",
    NamedKey,
    lambda oidc: oidc.keys,
    help="A key that signs identity tokens.",
    list_help="The names of all keys.",
    name=_NAME,
    paged=False,
    supplies=(),
)
discovery = engine.path("oidc/.well-known/openid-configuration[/]", login=True, help="The discovery document.")
published = engine.path("oidc/.well-known/keys[/]", login=True, help="The public keys.")
engine.open_folders("oidc/.well-known")
_CHILD = {"child": Field(Kind.STRING, help="Name of the child issuer.")}
child_discovery = engine.path(
    "oidc/{child:re([^/]+)}/.well-known/openid-configuration[/]",
    fields=_CHILD,
    login=True,
    needs=Feature.CHILD_ISSUERS,
    help="The discovery document of a child issuer.",
)
child_published = engine.path(
    "oidc/{child:re([^/]+)}/.well-known/keys[/]",
    fields=_CHILD,
    login=True,
    needs=Feature.CHILD_ISSUERS,
    help="The public keys of a child issuer.",
)


def issuer(call: Call) -> str:
    """Return the ``iss`` claim."""
    return issued_by(call, service(call).issuer)


def issued_by(call: Call, base: str) -> str:
    """Return the ``iss`` claim below ``base``, or below this server's address if that is empty."""
    base = base or call.core.state.system.get("api_addr", "http://127.0.0.1:8200")
    return f"{base}/v1/{call.request.namespace}identity/oidc"


@config.on(Operation.READ)
def read_config(state: object, call: Call) -> dict[str, object]:
    """Return the issuer that is set."""
    return {"issuer": service(call).issuer}


@config.on(Operation.UPDATE)
def write_config(state: object, call: Call, *, issuer: str) -> Response | None:
    """Set the issuer. Raises ErrorResponse for one that is more than scheme, host and port."""
    if "issuer" not in call:
        return None
    text = issuer
    if text and not is_issuer(text):
        raise ErrorResponse(INVALID_ISSUER)
    service(call).issuer = text
    if not text:
        return None
    return Response(warnings=[ISSUER_WARNING])


def is_issuer(text: str) -> bool:
    """Return whether a text consists of scheme, host and perhaps port."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text == f"{parts.scheme}://{parts.netloc}"


@keys.write
def write_key(state: object, call: Call, name: str, key: NamedKey) -> None:
    """Create or change a key; a new algorithm starts a new ring. Raises ErrorResponse."""
    oidc = service(call)
    before = oidc.keys.get(name)
    if name == DEFAULT_KEY and before is None:
        before = default_key(call)
        key.allowed_client_ids, key.ring = list(before.allowed_client_ids), list(before.ring)
        key.next_rotation = before.next_rotation
    key.update_from(call)
    if key.rotation_period < 60:
        raise ErrorResponse("rotation_period must be at least one minute")
    longest = key.verification_ttl
    if longest > 10 * key.rotation_period:
        raise ErrorResponse("verification_ttl cannot be longer than 10x rotation_period")
    if before and any(role.ttl > longest for role in oidc.roles.values() if role.key == name):
        raise ErrorResponse(
            f"unable to update key {quote(name)} because it is currently referenced by one or more "
            "roles with a token ttl "
            f"greater than {longest} seconds"
        )
    if before and any(client.id_token_ttl > longest for client in oidc.clients.values() if client.key == name):
        raise ErrorResponse(
            f"unable to update key {quote(name)} because it is currently referenced by one or more clients with an "
            f"id_token_ttl greater than {longest} seconds"
        )
    if key.algorithm not in ALGORITHMS:
        raise ErrorResponse(f"unknown signing algorithm {quote(key.algorithm)}")
    key.next_rotation = min(key.next_rotation or math.inf, call.now() + key.rotation_period)
    if before is None or key.algorithm != before.algorithm:
        key.renew(call)


@keys.one.on(Operation.READ)
def read_key(state: object, call: Call, *, name: str) -> Reply:
    """Return a key's settings, never its private half."""
    found = default_key(call) if name == DEFAULT_KEY else service(call).keys.get(name)
    return None if found is None else found.shown(call.core.product)


@keys.one.on(Operation.DELETE)
def delete_key(state: object, call: Call, *, name: str) -> None:
    """Delete a key. Raises ErrorResponse for the default key, and while roles use it."""
    oidc = service(call)
    if name == DEFAULT_KEY:
        raise ErrorResponse(f"deletion of key {quote(name)} not allowed")
    users = sorted(role for role, entry in oidc.roles.items() if entry.key == name)
    if users:
        raise ErrorResponse(
            f"unable to delete key {quote(name)} because it is currently referenced by these roles: {', '.join(users)}"
        )
    clients = sorted(client for client, entry in oidc.clients.items() if entry.key == name)
    if clients:
        raise ErrorResponse(
            f"unable to delete key {quote(name)} because it is currently referenced by these "
            f"clients: {', '.join(clients)}"
        )
    oidc.keys.pop(name, None)


@keys.listing.on(Operation.LIST)
def list_keys(state: object, call: Call) -> dict[str, object]:
    """Return the names of all keys."""
    default_key(call)
    return {"keys": sorted(service(call).keys)}


@rotation.on(Operation.UPDATE)
def rotate_key(state: object, call: Call, *, name: str) -> None:
    """Rotate a key. Raises ErrorResponse if it is unknown."""
    found = default_key(call) if name == DEFAULT_KEY else service(call).keys.get(name)
    if found is None:
        raise ErrorResponse(f"no named key found at {quote(name)}")
    found.rotate(call, call.get("verification_ttl", found.verification_ttl))


@discovery.on(Operation.READ)
def discover(state: object, call: Call) -> Response:
    """Return the discovery document, outside the envelope."""
    base = issuer(call)
    document = {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/keys",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
    }
    return bare_json(document, headers={"Cache-Control": "max-age=3600"})


@published.on(Operation.READ)
def publish(state: object, call: Call) -> Response:
    """Return the public halves of the keys that roles use, as long as their signatures are valid."""
    return bare_json({"keys": [entry.jwk() for entry in published_keys(call)]})


@child_discovery.on(Operation.READ)
@child_published.on(Operation.READ)
def refuse_child(state: object, call: Call, *, child: str) -> Response:
    """Raise ErrorResponse: child issuers belong to the paid edition."""
    raise ErrorResponse(f'invalid child issuer "{child}"')


def published_keys(call: Call) -> list[SigningKey]:
    """Return the keys whose signatures are valid, of the named keys that roles refer to."""
    oidc, now = service(call), call.now()
    used = {role.key for role in oidc.roles.values()}
    rings = [named.ring for name, named in oidc.keys.items() if name in used]
    return [entry for ring in rings for entry in ring if not entry.expires or entry.expires > now]
