"""``oidc/provider``: issuers with their own endpoints, and the documents that they publish."""

from __future__ import annotations

from mockkms.json_reading import read_json
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.model import Entity
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import bare_json, engine, listed
from mockkms.vault.secrets.identity.oidc.assignments import OPENID, distinct
from mockkms.vault.secrets.identity.oidc.keys import INVALID_ISSUER, ISSUER_WARNING, is_issuer, issued_by
from mockkms.vault.secrets.identity.oidc.model import ALGORITHMS, DEFAULT_PROVIDER, Oidc, Provider, service
from mockkms.vault.secrets.identity.oidc.template import filled

_NAME = {"name": Field(Kind.STRING, help="Name of the provider.")}

provider = engine.path(
    "oidc/provider/{name}", lambda: {**_NAME, **Provider.fields()}, help="An issuer with its own endpoints."
)
providers = engine.path(
    "oidc/provider[/]",
    fields={"allowed_client_id": Field(Kind.STRING, query=True, help="Only providers that this client may use.")},
    help="All providers.",
)
discovery = engine.path(
    "oidc/provider/{name}/.well-known/openid-configuration", fields=_NAME, login=True, help="The discovery document."
)
published = engine.path("oidc/provider/{name}/.well-known/keys", fields=_NAME, login=True, help="The public keys.")
engine.open_folders("oidc/provider/{name:re([^/]+)}/.well-known")


def issuer_of(call: Call, name: str) -> str:
    """Return the ``iss`` claim of a provider."""
    return f"{issued_by(call, service(call).providers[name].issuer)}/provider/{name}"


@provider.existence
def _exists(state: object, call: Call, *, name: str) -> bool:
    return name in service(call).providers


@provider.on(Operation.CREATE, Operation.UPDATE)
def write_provider(state: object, call: Call, *, name: str) -> Response | None:
    """Create or change a provider. Raises ErrorResponse and BackendError."""
    oidc = service(call)
    made = oidc.providers.get(name, Provider()).copy()
    made.update_from(call)
    made.allowed_client_ids = distinct(made.allowed_client_ids)
    made.scopes_supported = distinct(made.scopes_supported)
    if made.issuer and not is_issuer(made.issuer):
        raise ErrorResponse(INVALID_ISSUER)
    warnings = [ISSUER_WARNING] if made.issuer else []
    warnings += _clashes(call, oidc, made.scopes_supported)
    oidc.providers[name] = made
    return Response(warnings=warnings) if warnings else None


def _clashes(call: Call, oidc: Oidc, names: list[str]) -> list[str]:
    """Return warnings about claims of more than one scope. Raises ErrorResponse for an unknown scope."""
    now = call.now()
    owners: dict[str, str] = {}
    warnings = []
    for name in names:
        refuse_relative(call.core.product, name)
        if name not in oidc.scopes:
            raise ErrorResponse(f"scope {quote(name)} does not exist")
        template = oidc.scopes[name].template
        if not template:
            raise BackendError("unexpected end of JSON input")
        for claim in read_json(filled(template, Entity("", "", "", 0, 0), [], now)):
            if owners.get(claim, name) != name:
                warnings.append(
                    f"Found scope templates with conflicting top-level keys: conflict "
                    f"{quote(claim)} in scopes {quote(name)}, "
                    f"{quote(owners[claim])}. This may result in an error if the scopes are requested in an OIDC "
                    "Authentication Request."
                )
            owners[claim] = name
    return warnings


def _shown(call: Call, name: str) -> dict[str, object]:
    return {**service(call).providers[name].shown(call.core.product), "issuer": issuer_of(call, name)}


@provider.on(Operation.READ)
def read_provider(state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return a provider, or None."""
    return _shown(call, name) if name in service(call).providers else None


@provider.on(Operation.DELETE)
def delete_provider(state: object, call: Call, *, name: str) -> None:
    """Delete a provider. Raises ErrorResponse for the default one."""
    if name == DEFAULT_PROVIDER:
        raise ErrorResponse(f"deletion of OIDC provider {quote(DEFAULT_PROVIDER)} not allowed")
    service(call).providers.pop(name, None)


@providers.on(Operation.LIST)
def list_providers(state: object, call: Call, *, allowed_client_id: str) -> dict[str, object]:
    """Return all providers, or those that a client may use."""
    wanted = allowed_client_id
    names = sorted(n for n, entry in service(call).providers.items() if not wanted or entry.allows(wanted))
    return listed({name: _shown(call, name) for name in names})


@discovery.on(Operation.READ)
def discover(state: object, call: Call, *, name: str) -> Response | None:
    """Return the discovery document of a provider."""
    found = service(call).providers.get(name)
    if found is None:
        return None
    base = issuer_of(call, name)
    methods = call.core.product.has(Feature.CHALLENGE_METHODS)
    document = {
        "issuer": base,
        "jwks_uri": f"{base}/.well-known/keys",
        "authorization_endpoint": base.replace("/v1/", "/ui/vault/", 1) + "/authorize",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/userinfo",
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "response_types_supported": ["code"],
        "scopes_supported": [*found.scopes_supported, OPENID],
        "claims_supported": [],
        "subject_types_supported": ["public"],
        "grant_types_supported": ["authorization_code"],
        **({"code_challenge_methods_supported": ["plain", "S256"]} if methods else {}),
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
    }
    return bare_json(document, headers={"Cache-Control": "max-age=3600"})


@published.on(Operation.READ)
def publish(state: object, call: Call) -> Response | None:
    """Return the public keys of the clients that may use a provider."""
    oidc = service(call)
    found = oidc.providers.get(call["name"])
    if found is None:
        return None
    names = sorted({client.key for client in oidc.clients.values() if found.allows(client.client_id)})
    rings = [entry for name in names if name in oidc.keys for entry in oidc.keys[name].ring]
    live = [entry.jwk() for entry in rings if not entry.expires or entry.expires > call.now()]
    return bare_json({"keys": live})
