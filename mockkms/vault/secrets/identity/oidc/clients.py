"""``oidc/client``: applications whose users log in here."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.secrets.identity import engine, listed
from mockkms.vault.secrets.identity.oidc.assignments import distinct
from mockkms.vault.secrets.identity.oidc.model import DEFAULT_KEY, OidcClient, OidcCollection, default_key, service

_ID_LENGTH, _SECRET_LENGTH, _SECRET_PREFIX = 32, 64, "hvo_secret_"


def _shown(client: OidcClient, product: Product) -> dict[str, object]:
    """Return what a read and the list show."""
    return {**client.shown(product), "client_id": client.client_id}


def _with_secret(client: OidcClient, product: Product) -> dict[str, object]:
    secret = {"client_secret": client.client_secret} if client.client_type == "confidential" else {}
    return {**_shown(client, product), **secret}


clients = OidcCollection(
    engine,
    "oidc/client/{name}",
    OidcClient,
    lambda oidc: oidc.clients,
    help="An application whose users log in here.",
    list_help="All clients.",
    paged=False,
    supplies=(Operation.READ, Operation.DELETE),
    shown=_with_secret,
)


def with_id(call: Call, client_id: str) -> OidcClient | None:
    """Return the client with this id, or None."""
    return next((entry for entry in service(call).clients.values() if entry.client_id == client_id), None)


@clients.write
def write_client(state: object, call: Call, name: str, client: OidcClient) -> None:
    """Create or change a client. Raises ErrorResponse."""
    oidc = service(call)
    before = oidc.clients.get(name)
    client.update_from(call)
    client.redirect_uris, client.assignments = distinct(client.redirect_uris), distinct(client.assignments)
    for wanted in client.assignments:
        refuse_relative(call.core.product, wanted)
        if wanted not in oidc.assignments:
            raise ErrorResponse(f"assignment {quote(wanted)} does not exist")
    if before is not None and client.key != before.key:
        raise ErrorResponse("key modification is not allowed")
    refuse_relative(call.core.product, client.key)
    key = default_key(call) if client.key == DEFAULT_KEY else oidc.keys.get(client.key)
    if key is None:
        raise ErrorResponse(f"key {quote(client.key)} does not exist")
    if client.id_token_ttl > key.verification_ttl:
        raise ErrorResponse(
            "a client's id_token_ttl cannot be greater than the verification_ttl of the key it references"
        )
    if before is not None and client.client_type != before.client_type:
        raise ErrorResponse("client_type modification is not allowed")
    if client.client_type not in ("confidential", "public"):
        raise ErrorResponse(f"invalid client_type {quote(client.client_type)}")
    client.client_id = client.client_id or call.core.entropy.base62(_ID_LENGTH)
    if client.client_type == "confidential" and not client.client_secret:
        client.client_secret = _SECRET_PREFIX + call.core.entropy.base62(_SECRET_LENGTH)


@clients.listing.on(Operation.LIST)
def list_clients(state: object, call: Call) -> dict[str, object]:
    """Return all clients, without their secrets."""
    product = call.core.product
    return listed({name: _shown(entry, product) for name, entry in service(call).clients.items()})
