"""The state of a JWT mount. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.cel import Program
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth
from mockkms.vault.framework.records import Show, param
from mockkms.vault.products.features import Feature

_ADDED = Feature.JWT_ADDITIONS


@dataclass
class JwtConfig:
    """Whose tokens are accepted: exactly one of the key sources is set."""

    jwt_validation_pubkeys: list[str] = field(default_factory=list)
    """PEM."""
    jwks_url: str = ""
    jwks_ca_pem: str = ""
    oidc_discovery_url: str = ""
    oidc_discovery_ca_pem: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_response_mode: str = ""
    oidc_response_types: list[str] = field(default_factory=list)
    jwt_supported_algs: list[str] = field(default_factory=list)
    default_role: str = ""
    bound_issuer: str = ""
    provider_config: dict[str, object] = field(default_factory=dict)
    override_allowed_server_names: list[str] = field(default_factory=list)
    jwks_pairs: list[dict[str, str]] = field(default_factory=list)
    """``jwks_url`` and ``jwks_ca_pem`` of each of several issuers."""
    unsupported_critical_cert_extensions: list[str] = field(default_factory=list)
    namespace_in_state: bool = True


@dataclass
class JwtRole(TokenParams):
    """Required claims of a token, and the parameters of its login."""

    old_names: ClassVar = ("policies", "bound_cidrs", "num_uses", "ttl", "max_ttl", "period")

    role_type: Annotated[str, param(Kind.STRING, help="jwt or oidc.")] = ""
    expiration_leeway: Annotated[
        int, param(Kind.SIGNED_SECONDS, default=150, help="Leeway in seconds if ``exp`` is missing; -1 is none.")
    ] = 0
    not_before_leeway: Annotated[
        int, param(Kind.SIGNED_SECONDS, default=150, help="Leeway in seconds if ``nbf`` is missing; -1 is none.")
    ] = 0
    clock_skew_leeway: Annotated[
        int, param(Kind.SIGNED_SECONDS, default=60, help="How far clocks may differ; -1 is none.")
    ] = 0
    bound_subject: Annotated[str, param(Kind.STRING, help="Required sub claim.")] = ""
    bound_audiences: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted aud claims; one must match.")
    ] = None
    bound_claims_type: Annotated[str, param(Kind.STRING, help="string or glob.")] = "string"
    bound_claims: Annotated[
        dict[str, object] | None, param(Kind.MAP, help="Claims and the values that they must have.")
    ] = None
    claim_mappings: Annotated[
        dict[str, str] | None, param(Kind.KV_PAIRS, help="Claims to copy into metadata, with the names there.")
    ] = None
    oauth2_metadata: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Tokens to return in metadata.", needs=_ADDED)
    ] = None
    user_claim: Annotated[str, param(Kind.STRING, help="Claim that names the client.")] = ""
    user_claim_json_pointer: Annotated[bool, param(Kind.BOOL, help="user_claim is a JSON pointer.")] = False
    groups_claim: Annotated[str, param(Kind.STRING, help="Claim that names the client's groups.")] = ""
    oidc_scopes: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Scopes to request.")] = None
    allowed_redirect_uris: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Allowed redirect URIs of OIDC logins.")
    ] = None
    callback_mode: Annotated[str, param(Kind.STRING, help="client, direct or device.", needs=_ADDED)] = "client"
    poll_interval: Annotated[
        int, param(Kind.INT, help="Seconds between polls of the device and direct flows.", needs=_ADDED, show=Show.SET)
    ] = 0
    verbose_oidc_logging: Annotated[bool, param(Kind.BOOL, help="Log received tokens.")] = False
    max_age: Annotated[
        int, param(Kind.SECONDS, help="Maximum seconds since the user's last login at the provider.")
    ] = 0
    token_policies_template_claims: Annotated[
        bool, param(Kind.BOOL, help="token_policies are templates over claims.", needs=_ADDED)
    ] = False
    oidc_disable_confirmation: Annotated[
        bool, param(Kind.BOOL, help="Skip the confirmation page in the direct flow.", needs=_ADDED)
    ] = False


@dataclass
class CelRole:
    """A role that is a program: it examines a token's claims and returns the login or the reason for a refusal."""

    program: Program
    message: str = ""
    expiration_leeway: int = 150
    not_before_leeway: int = 150
    clock_skew_leeway: int = 60
    bound_audiences: list[str] = field(default_factory=list)


@dataclass
class Pending:
    """A login whose browser is with the provider."""

    role: str
    redirect_uri: str
    nonce: str
    client_nonce: str
    verifier: str
    """Of PKCE (RFC 7636)."""
    until: float
    """Seconds since the epoch."""
    address: str = ""
    """Who asked for it."""
    code: str = ""
    id_token: str = ""
    auth: Auth | None = None
    """The login, if a client other than the browser receives it."""


@dataclass
class JWT:
    """One mount."""

    config: JwtConfig | None = None
    roles: dict[str, JwtRole] = field(default_factory=dict)
    cel_roles: dict[str, CelRole] = field(default_factory=dict)
    jwks: dict[str, list[str]] = field(default_factory=dict)
    """Public keys (PEM) that the world serves at a JWKS or OIDC discovery URL, without contacting it."""
    pending: dict[str, Pending] = field(default_factory=dict)
    """Logins under way, by their state."""


engine = Engine("jwt", kind="auth", new_state=JWT, help="Logins with JSON Web Tokens of an outside issuer.", waits=True)
