"""``config``: whose tokens a JWT mount accepts."""

from __future__ import annotations

from mockkms.crypto import jws
from mockkms.crypto.x509.certificate_parser import certificates
from mockkms.vault.auth.jwt import custom
from mockkms.vault.auth.jwt.model import JWT, JwtConfig, engine
from mockkms.vault.auth.jwt.provider import Unreachable, keys_of
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_LENIENT = Field(Kind.BOOL, help="Accept a URL that does not respond.", needs=Feature.JWT_ADDITIONS)
config = engine.path(
    "config", lambda: {**JwtConfig.fields(), "skip_jwks_validation": _LENIENT}, help="Whose tokens are accepted."
)


@config.on(Operation.READ)
def read(state: JWT, call: Call) -> Reply:
    """Return the configuration without the client secret."""
    if state.config is None:
        return None
    product = call.core.product
    shown = state.config.shown(product) | {"provider_config": custom.shown(state.config.provider_config)}
    if not product.has(Feature.JWT_ADDITIONS):
        return shown
    try:
        keys_of(state, call, state.config)
    except Unreachable as error:
        if error.configuring:
            warning = f"failed to construct JWK validator: keyset configuration error: {error}"
            return Response(data={**shown, "status": "invalid"}, warnings=[warning])
    return {**shown, "status": "valid"}


@config.on(Operation.UPDATE)
def write(state: JWT, call: Call, *, skip_jwks_validation: bool) -> Response | None:
    """Replace the configuration. Raises ErrorResponse."""
    product = call.core.product
    made = JwtConfig.from_call(call)
    made.namespace_in_state = call.get("namespace_in_state", state.config.namespace_in_state if state.config else True)
    lenient = product.has(Feature.JWT_ADDITIONS) and skip_jwks_validation
    warning = _check_source(state, call, made, lenient=lenient)
    _check_rest(made, product)
    state.config = made
    return Response(warnings=[warning]) if warning else None


def _check_source(state: JWT, call: Call, made: JwtConfig, *, lenient: bool) -> str:
    pairs = call.core.product.has(Feature.JWKS_PAIRS)
    kubernetes = not pairs and made.provider_config.get("provider") == "kubernetes"
    sources = (made.oidc_discovery_url, made.jwt_validation_pubkeys, made.jwks_url, made.jwks_pairs, kubernetes)
    if sum(bool(source) for source in sources) != 1:
        choices = "'jwks_pairs' or 'oidc_discovery_url'" if pairs else (
            "'jwks_pairs', 'oidc_discovery_url', or 'provider_config'")  # fmt: skip
        raise ErrorResponse(f"exactly one of 'jwt_validation_pubkeys', 'jwks_url', {choices} must be set")
    if bool(made.oidc_client_id) != bool(made.oidc_client_secret):
        raise ErrorResponse("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC")
    if not pairs and ".well-known/openid-configuration" in made.oidc_discovery_url:
        raise ErrorResponse("'oidc_discovery_url' contains '.well-known' component")
    if made.oidc_client_id and not made.oidc_discovery_url:
        raise ErrorResponse("'oidc_discovery_url' must be set for OIDC")
    if made.jwks_pairs:
        _check_pairs(made)
    for pem in made.jwt_validation_pubkeys:
        parsed(pem, "error parsing public key: ")
    if made.jwks_url and made.jwks_ca_pem and not _is_certificates(made.jwks_ca_pem):
        raise ErrorResponse("error checking jwks_ca_pem")
    try:
        keys_of(state, call, made)
    except Unreachable as error:
        warning = "error checking oidc discovery URL" if made.oidc_discovery_url else "error checking jwks URL"
        if pairs and not made.oidc_discovery_url:
            warning = f"{warning} {error.url or made.jwks_url}"
        call.request.trace.hint = f"the world gives no keys for this URL, and {error}"
        if not lenient:
            raise ErrorResponse(warning) from None
        return warning
    return ""


def _check_pairs(made: JwtConfig) -> None:
    """Raise ErrorResponse for JWKS URLs that the real plugin refuses (source: `path_config.go`)."""
    if made.jwks_ca_pem:
        raise ErrorResponse("CA PEMs must be provided as part of the 'jwks_pairs' when using multiple JWKS URLs")
    if made.bound_issuer:
        raise ErrorResponse("Bound issuer is not supported for use with 'jwks_pairs'")
    pairs = [pair for pair in made.jwks_pairs if isinstance(pair, dict)]
    if len(pairs) < len(made.jwks_pairs):
        text = "jwks_pairs must be provided as a list of json objects with the fields jwks_url and jwks_ca_pem"
        raise ErrorResponse(f"invalid jwks_pairs: {text}")
    for pair in pairs:
        # A pair without an address, too, is reported as one with wrong certificates.
        if not pair.get("jwks_url") or (pair.get("jwks_ca_pem") and not _is_certificates(str(pair["jwks_ca_pem"]))):
            raise ErrorResponse("error checking jwks_ca_pem")


def parsed(pem: str, prefix: str = "") -> jws.PublicKey:
    """Return a public key from PEM. Raises ErrorResponse."""
    with refusing(prefix):
        return jws.load_key(pem)


def _is_certificates(pem: str) -> bool:
    return bool(certificates(pem))


def _check_rest(made: JwtConfig, product: Product) -> None:
    for algorithm in made.jwt_supported_algs:
        if algorithm not in jws.ALGORITHMS:
            raise ErrorResponse(f"invalid jwt_supported_algs: unsupported signing algorithm {quote(algorithm)}")
    if not set(made.oidc_response_types) <= {"code", "id_token"}:
        listed = " ".join(made.oidc_response_types)
        raise ErrorResponse(f"invalid response_types [{listed}]. 'code' and 'id_token' are allowed")
    if made.oidc_response_mode in ("", "query"):
        if "id_token" in made.oidc_response_types:
            raise ErrorResponse("query response_mode may not be used with an id_token response_type")
    elif made.oidc_response_mode != "form_post":
        raise ErrorResponse(f"invalid response_mode: {quote(made.oidc_response_mode)}")
    with refusing("invalid provider_config: "):
        custom.check(made.provider_config, product)
