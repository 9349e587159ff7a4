"""JWT: logins with tokens of an outside issuer whose keys are known; the state of a mount. Durations in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.cel.roles import ProgramRole
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import Auth
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

_ADDED = Feature.JWT_ADDITIONS


@stored("auth.jwt.JwtConfig")
@dataclass
class JwtConfig(Record):
    """Whose tokens are accepted: exactly one of the key sources is set."""

    oidc_discovery_url: Annotated[str, param(Kind.STRING, help="Base of the issuer's discovery document.")] = ""
    oidc_discovery_ca_pem: Annotated[str, param(Kind.STRING, help="CA certificates for the discovery URL.")] = ""
    oidc_client_id: Annotated[str, param(Kind.STRING, help="OAuth client id at the issuer.")] = ""
    oidc_client_secret: Annotated[
        str, param(Kind.STRING, help="OAuth client secret at the issuer.", show=Show.NEVER)
    ] = ""
    oidc_response_mode: Annotated[str, param(Kind.STRING, help="query or form_post.")] = ""
    oidc_response_types: Annotated[list[str], param(Kind.COMMA_STRINGS, help="code, id_token, or both.")] = field(
        default_factory=list
    )
    jwks_url: Annotated[str, param(Kind.STRING, help="Address of the issuer's keys.")] = ""
    jwks_ca_pem: Annotated[str, param(Kind.STRING, help="CA certificates for jwks_url.")] = ""
    default_role: Annotated[str, param(Kind.LOWER_STRING, help="Role of logins without one.")] = ""
    jwt_validation_pubkeys: Annotated[list[str], param(Kind.COMMA_STRINGS, help="The issuer's public keys, PEM.")] = (
        field(default_factory=list)
    )
    jwt_supported_algs: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Accepted signature algorithms.")] = field(
        default_factory=list
    )
    bound_issuer: Annotated[str, param(Kind.STRING, help="Required ``iss`` claim.")] = ""
    provider_config: Annotated[
        dict[str, object], param(Kind.MAP, help="Settings of a known identity provider.", show=Show.NEVER)
    ] = field(default_factory=dict)
    override_allowed_server_names: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Host names accepted in TLS.", needs=_ADDED)
    ] = field(default_factory=list)
    jwks_pairs: Annotated[
        list[object],
        param(Kind.SLICE, help="Several JWKS URLs, each with its CA certificates.", needs=Feature.JWKS_PAIRS),
    ] = field(default_factory=list)
    """``jwks_url`` and ``jwks_ca_pem`` of each of several issuers."""
    unsupported_critical_cert_extensions: Annotated[
        list[str],
        param(Kind.COMMA_STRINGS, help="Critical extensions of TLS certificates to ignore.", needs=Feature.JWKS_PAIRS),
    ] = field(default_factory=list)
    namespace_in_state: Annotated[bool, param(Kind.BOOL, help="The OIDC state carries the namespace.")] = True

    @property
    def keys_url(self) -> str:
        """The address of the issuer's keys or discovery document; empty if the keys are configured."""
        return self.oidc_discovery_url or self.jwks_url


@stored("auth.jwt.JwtRole")
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
        int, param(Kind.SIGNED_SECONDS, default=60, help="Allowed clock skew in seconds; -1 is none.")
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

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        data = super().shown(product)
        if self.poll_interval < 0:
            data.pop("poll_interval", None)
        return data


@stored("auth.jwt.CelRole")
@dataclass
class CelRole(ProgramRole):
    """A role that is a program: it examines a token's claims and returns the login or the reason for a refusal."""

    message: Annotated[str, param(Kind.STRING, help="Error message if the program fails.")] = ""
    expiration_leeway: Annotated[
        int, param(Kind.SIGNED_SECONDS, help="Leeway in seconds if ``exp`` is missing; -1 is none.")
    ] = 150
    not_before_leeway: Annotated[
        int, param(Kind.SIGNED_SECONDS, help="Leeway in seconds if ``nbf`` is missing; -1 is none.")
    ] = 150
    clock_skew_leeway: Annotated[int, param(Kind.SIGNED_SECONDS, help="Allowed clock skew in seconds; -1 is none.")] = (
        60
    )
    bound_audiences: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Accepted aud claims; one must match.")] = (
        field(default_factory=list)
    )


@stored("auth.jwt.PendingOidcLogin")
@dataclass
class PendingOidcLogin:
    """A login whose browser was sent to the provider."""

    role: str
    redirect_uri: str
    nonce: str
    client_nonce: str
    verifier: str
    """The code verifier of PKCE (RFC 7636)."""
    until: float
    """Seconds since the epoch."""
    address: str = ""
    """The address of the client that requested it."""
    code: str = ""
    id_token: str = ""
    auth: Auth | None = None
    """The login, if a client other than the browser receives it."""


@stored("auth.jwt.JWT")
@dataclass
class JWT:
    """One mount."""

    config: JwtConfig | None = None
    roles: dict[str, JwtRole] = field(default_factory=dict)
    cel_roles: dict[str, CelRole] = field(default_factory=dict)
    jwks: dict[str, list[str]] = field(default_factory=dict)
    """Public keys (PEM) that the world serves at a JWKS or OIDC discovery URL, without contacting it."""
    pending: dict[str, PendingOidcLogin] = field(default_factory=dict)
    """Logins in progress, by their state."""


engine = Engine("jwt", kind="auth", new_state=JWT, help="Logins with JSON Web Tokens of an outside issuer.", waits=True)

load_endpoints(__name__, "cel_login", "cel_roles", "config", "login", "oidc", "roles")
