"""What a JWT mount remembers. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.cel import Program
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Auth


@dataclass
class Config:
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
    provider_config: dict[str, Any] = field(default_factory=dict)
    override_allowed_server_names: list[str] = field(default_factory=list)
    jwks_pairs: list[dict[str, str]] = field(default_factory=list)
    """``jwks_url`` and ``jwks_ca_pem`` of each of several issuers."""
    unsupported_critical_cert_extensions: list[str] = field(default_factory=list)
    namespace_in_state: bool = True


@dataclass
class Role(TokenParams):
    """What a token must say to log in, and what its login gets."""

    role_type: str = "jwt"
    expiration_leeway: int = 0
    not_before_leeway: int = 0
    clock_skew_leeway: int = 0
    bound_subject: str = ""
    bound_audiences: list[str] | None = None
    bound_claims_type: str = "string"
    bound_claims: dict[str, Any] | None = None
    claim_mappings: dict[str, str] | None = None
    oauth2_metadata: list[str] | None = None
    user_claim: str = ""
    user_claim_json_pointer: bool = False
    groups_claim: str = ""
    oidc_scopes: list[str] | None = None
    allowed_redirect_uris: list[str] | None = None
    callback_mode: str = "client"
    poll_interval: int = 0
    verbose_oidc_logging: bool = False
    max_age: int = 0
    token_policies_template_claims: bool = False
    oidc_disable_confirmation: bool = False


@dataclass
class CelRole:
    """A role that is a program: it looks at a token's claims and makes the login, or tells why not."""

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
    """The login, where somebody else than the browser is to have it."""


@dataclass
class JWT:
    """One mount."""

    config: Config | None = None
    roles: dict[str, Role] = field(default_factory=dict)
    cel_roles: dict[str, CelRole] = field(default_factory=dict)
    jwks: dict[str, list[str]] = field(default_factory=dict)
    """Public keys (PEM) that the world serves at a JWKS or OIDC discovery URL; there nobody is asked."""
    pending: dict[str, Pending] = field(default_factory=dict)
    """Logins under way, by their state."""


engine = Engine("jwt", kind="auth", new_state=JWT, help="Logins with JSON Web Tokens of an outside issuer.", waits=True)
