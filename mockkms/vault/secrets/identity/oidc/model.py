"""The state of the OIDC token service of a namespace, and its signing keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Annotated, TypeVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from mockkms.crypto import jws
from mockkms.crypto.x509 import keys as x509_keys
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.identity.model import IdentityState

R = TypeVar("R", bound=Record)

DEFAULT_KEY = "default"
_NEVER = 253402300799.0
"""The end of the year 9999, in Unix seconds."""
DEFAULT_PROVIDER = "default"
ALLOW_ALL = "allow_all"
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
_KINDS = {"RS": "rsa", "ES": "ec", "Ed": "ed25519"}
_SIZES = {"ES256": 256, "ES384": 384, "ES512": 521}


@stored("oidc.SigningKey")
@dataclass
class SigningKey:
    """One key pair: PKCS #8 DER, unencrypted."""

    id: str
    private: bytes
    algorithm: str
    expires: float = 0
    """When its signatures expire (Unix seconds); 0 while it signs."""

    def load(self) -> jws.PrivateKey:
        """Return the private key."""
        key = serialization.load_der_private_key(self.private, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey))
        return key

    def jwk(self) -> dict[str, str]:
        """Return the public half as a JSON Web Key."""
        return jws.jwk(self.load().public_key(), self.algorithm, self.id)


@stored("oidc.NamedKey")
@dataclass
class NamedKey(Record):
    """A named key with its ring: the signing key, the next one, and those whose signatures are still valid."""

    rotation_period: Annotated[int, param(Kind.SECONDS, help="Seconds between rotations.")] = 86400
    verification_ttl: Annotated[int, param(Kind.SECONDS, help="Seconds that old signatures stay valid.")] = 86400
    algorithm: Annotated[str, param(Kind.STRING, help="Signature algorithm.")] = "RS256"
    allowed_client_ids: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Ids of the clients that may use the key; * is all.")
    ] = field(default_factory=list)
    ring: list[SigningKey] = field(default_factory=list)
    """Empty until the key is written first."""
    next_rotation: float = 0
    """Unix seconds."""

    def renew(self, call: Call) -> None:
        """Let new keys sign, as for a changed algorithm; the real server keeps those of the old one without an end."""
        first = new_key(call, self.algorithm)
        following = new_key(call, self.algorithm, first)
        for key in self.ring:
            key.expires = key.expires or _NEVER
        self.ring = [*self.ring, first, following]

    def rotate(self, call: Call, verification_ttl: int) -> None:
        """Let the next key sign from now on; signatures of the old one stay valid for ``verification_ttl`` seconds."""
        now = call.now()
        kept = [key for key in self.ring if key.expires == 0 or key.expires > now]
        old = [key for key in kept if key.expires]
        signing, following = (key for key in kept if not key.expires)
        added = new_key(call, self.algorithm, *kept)
        signing.expires = now + verification_ttl
        self.ring = [*old, signing, following, added]
        self.next_rotation = now + self.rotation_period

    def signing(self, call: Call) -> SigningKey:
        """Return the key that signs now, after a rotation if one is due."""
        if self.next_rotation <= call.now():
            self.rotate(call, self.verification_ttl)
        return next(key for key in self.ring if not key.expires)


@stored("oidc.OidcRole")
@dataclass
class OidcRole(Record):
    """What an identity token contains and how long it is valid."""

    key: Annotated[str, param(Kind.STRING, help="Key that signs.")] = ""
    template: Annotated[
        str, param(Kind.STRING, help="JSON of further claims with identity templates, which may be in base64.")
    ] = ""
    client_id: Annotated[str, param(Kind.STRING, help="The aud claim; generated if absent.")] = ""
    ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of a token in seconds.")] = 86400


@stored("oidc.Assignment")
@dataclass
class Assignment(Record):
    """Who may log in to a client."""

    entity_ids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Ids of entities.")] = field(default_factory=list)
    group_ids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Ids of groups.")] = field(default_factory=list)


@stored("oidc.Scope")
@dataclass
class OidcScope(Record):
    """Claims that a client can request."""

    template: Annotated[
        str, param(Kind.STRING, help="JSON of claims with identity templates, which may be in base64.")
    ] = ""
    description: Annotated[str, param(Kind.STRING, help="Purpose of the scope.")] = ""


@stored("oidc.OidcClient")
@dataclass
class OidcClient(Record):
    """An application whose users log in here."""

    redirect_uris: Annotated[list[str], param(Kind.COMMA_STRINGS, help="URIs to which users may be sent back.")] = (
        field(default_factory=list)
    )
    assignments: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Names of assignments: who may log in.")] = field(
        default_factory=list
    )
    key: Annotated[str, param(Kind.STRING, help="Key that signs; cannot be changed.")] = DEFAULT_KEY
    id_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of id tokens in seconds.")] = 86400
    access_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of access tokens in seconds.")] = 86400
    client_type: Annotated[str, param(Kind.STRING, help="confidential or public; cannot be changed.")] = "confidential"
    authorization_code: Annotated[
        bool, param(Kind.BOOL, help="Allow the authorization code flow.", needs=Feature.OIDC_GRANTS)
    ] = True
    client_credentials: Annotated[
        bool, param(Kind.BOOL, help="Allow the client credentials flow.", needs=Feature.OIDC_GRANTS)
    ] = False
    client_id: str = ""
    client_secret: str = ""
    """Empty for a public client."""


@stored("oidc.Provider")
@dataclass
class Provider(Record):
    """An issuer with its own endpoints."""

    issuer: Annotated[
        str, param(Kind.STRING, help="Scheme, host and port of the iss claim; empty: this server.", show=Show.NEVER)
    ] = ""
    allowed_client_ids: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Ids of the clients that may use it; * is all.")
    ] = field(default_factory=list)
    scopes_supported: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Scopes that clients can request.")] = field(
        default_factory=list
    )

    def allows(self, client_id: str) -> bool:
        """Return whether a client may use the provider."""
        return "*" in self.allowed_client_ids or client_id in self.allowed_client_ids


@stored("oidc.AuthCode")
@dataclass
class AuthCode:
    """What an authorization code was issued for."""

    provider: str
    client_id: str
    entity_id: str
    redirect_uri: str
    nonce: str
    scopes: list[str]
    expires: float
    auth_time: int = 0
    challenge: str = ""
    challenge_method: str = ""


@stored("oidc.Oidc")
@dataclass
class Oidc:
    """The token service of one namespace."""

    issuer: str = ""
    keys: dict[str, NamedKey] = field(default_factory=dict)
    roles: dict[str, OidcRole] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=lambda: {ALLOW_ALL: Assignment(["*"], ["*"])})
    scopes: dict[str, OidcScope] = field(default_factory=dict)
    clients: dict[str, OidcClient] = field(default_factory=dict)
    providers: dict[str, Provider] = field(
        default_factory=lambda: {DEFAULT_PROVIDER: Provider(allowed_client_ids=["*"])}
    )
    codes: dict[str, AuthCode] = field(default_factory=dict)


class OidcCollection(Collection[Oidc, R]):
    """Records of a token service, which is that of the request's namespace, not in the state of the mount."""

    def records_of(self, state: Oidc, call: Call) -> dict[str, R]:
        """Return the records of the request's namespace."""
        return self.records(service(call))


def service(call: Call) -> Oidc:
    """Return the token service of the request's namespace."""
    state: IdentityState = call.core.state.identity
    found: Oidc = state.oidc.setdefault(call.request.namespace, Oidc())
    return found


def new_key(call: Call, algorithm: str, *beside: SigningKey) -> SigningKey:
    """Make a key pair that differs from those of the namespace and those ``beside`` it; seeded worlds repeat it."""
    kind, size = _KINDS.get(algorithm[:2], ""), _SIZES.get(algorithm, 2048)
    rings = chain(beside, (key for named in service(call).keys.values() for key in named.ring))
    taken = (key.private for key in rings if key.algorithm[:2] == "RS")
    private = x509_keys.generate(kind, size, call.core.entropy, taken)
    return SigningKey(call.core.entropy.uuid(), private, algorithm)


def default_key(call: Call) -> NamedKey:
    """Return the key named ``default``, which is made when it is first needed."""
    keys = service(call).keys
    if DEFAULT_KEY not in keys:
        key = NamedKey(allowed_client_ids=["*"], next_rotation=call.now() + 86400)
        key.renew(call)
        keys[DEFAULT_KEY] = key
    return keys[DEFAULT_KEY]
