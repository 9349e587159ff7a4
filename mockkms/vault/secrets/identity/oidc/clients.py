"""``oidc/client``: applications that log their users in here."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import engine, listed
from mockkms.vault.secrets.identity.oidc.assignments import distinct
from mockkms.vault.secrets.identity.oidc.model import DEFAULT_KEY, OidcClient, default_key, service

_ID_LENGTH, _SECRET_LENGTH, _SECRET_PREFIX = 32, 64, "hvo_secret_"
_SHOWN = (
    "redirect_uris", "assignments", "key", "id_token_ttl", "access_token_ttl", "client_id", "client_type",
    "client_credentials", "authorization_code",
)  # fmt: skip

client = engine.path(
    "oidc/client/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the client."),
        "redirect_uris": Field(Kind.COMMA_STRINGS, help="Where users may be sent back to."),
        "assignments": Field(Kind.COMMA_STRINGS, help="Names of assignments: who may log in."),
        "key": Field(Kind.STRING, default=DEFAULT_KEY, help="Key that signs; cannot be changed."),
        "id_token_ttl": Field(Kind.SECONDS, default=86400, help="Lifetime of id tokens."),
        "access_token_ttl": Field(Kind.SECONDS, default=86400, help="Lifetime of access tokens."),
        "client_type": Field(Kind.STRING, default="confidential", help="confidential or public; cannot be changed."),
        "authorization_code": Field(
            Kind.BOOL, default=True, help="The authorization code flow is allowed.", needs=Feature.OIDC_GRANTS
        ),
        "client_credentials": Field(
            Kind.BOOL, default=False, help="The client credentials flow is allowed.", needs=Feature.OIDC_GRANTS
        ),
    },
    help="An application that logs its users in.",
)
clients = engine.path("oidc/client[/]", help="All clients.")


def with_id(call: Call, client_id: str) -> OidcClient | None:
    """The client with this id."""
    return next((entry for entry in service(call).clients.values() if entry.client_id == client_id), None)


@client.existence
def _exists(state: object, call: Call, *, name: str) -> bool:
    return name in service(call).clients


@client.on(Operation.CREATE, Operation.UPDATE)
def write_client(state: object, call: Call) -> None:
    """Make a client, or change what was sent of one. Raises ErrorResponse."""
    oidc, name = service(call), call["name"]
    found = oidc.clients.get(name)
    made = replace(found) if found else OidcClient(name)
    for member in ("redirect_uris", "assignments"):
        setattr(made, member, distinct(call.get(member, getattr(made, member))))
    for wanted in made.assignments:
        if wanted not in oidc.assignments:
            raise ErrorResponse(f'assignment "{wanted}" does not exist')
    if found and "key" in call and call["key"] != found.key:
        raise ErrorResponse("key modification is not allowed")
    made.key = found.key if found else call["key"]
    key = default_key(call) if made.key == DEFAULT_KEY else oidc.keys.get(made.key)
    if key is None:
        raise ErrorResponse(f'key "{made.key}" does not exist')
    for member in ("id_token_ttl", "access_token_ttl", "authorization_code", "client_credentials"):
        if found is None or member in call:
            setattr(made, member, call[member])
        if member == "id_token_ttl" and made.id_token_ttl > key.verification_ttl:
            raise ErrorResponse(
                "a client's id_token_ttl cannot be greater than the verification_ttl of the key it references"
            )
    _set_type(made, call, found is not None)
    made.client_id = made.client_id or call.core.entropy.base62(_ID_LENGTH)
    if made.client_type == "confidential" and not made.client_secret:
        made.client_secret = _SECRET_PREFIX + call.core.entropy.base62(_SECRET_LENGTH)
    oidc.clients[name] = made


def _set_type(made: OidcClient, call: Call, exists: bool) -> None:
    if "client_type" not in call:
        return
    wanted = call["client_type"]
    if exists and made.client_type != wanted:
        raise ErrorResponse("client_type modification is not allowed")
    if wanted not in ("confidential", "public"):
        raise ErrorResponse(f'invalid client_type "{wanted}"')
    made.client_type = wanted


@client.on(Operation.READ)
def read_client(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """A client, its secret included."""
    found = service(call).clients.get(name)
    if found is None:
        return None
    secret = {"client_secret": found.client_secret} if found.client_type == "confidential" else {}
    return {**_shown(call, found), **secret}


def _shown(call: Call, found: OidcClient) -> dict[str, object]:
    product, fields = call.core.product, client.fields
    known = (name for name in _SHOWN if name not in fields or fields[name].known_to(product))
    return {name: getattr(found, name) for name in known}


@client.on(Operation.DELETE)
def delete_client(state: object, call: Call, *, name: str) -> None:
    """Delete a client."""
    service(call).clients.pop(name, None)


@clients.on(Operation.LIST)
def list_clients(state: object, call: Call) -> dict[str, object]:
    """All clients, without their secrets."""
    known = service(call).clients
    return listed({name: _shown(call, entry) for name, entry in sorted(known.items())})
