"""What the OIDC token service of one namespace remembers, and its signing keys. Times in seconds."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from mockkms.crypto import jws
from mockkms.crypto.x509 import keys as x509_keys
from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.endpoint import Call

if TYPE_CHECKING:
    from mockkms.vault.identity import IdentityState

DEFAULT_KEY = "default"
DEFAULT_PROVIDER = "default"
ALLOW_ALL = "allow_all"
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
_KINDS = {"RS": "rsa", "ES": "ec", "Ed": "ed25519"}
_SIZES = {"ES256": 256, "ES384": 384, "ES512": 521}


@dataclass
class SigningKey:
    """One key pair: PKCS #8 DER, unencrypted."""

    id: str
    private: bytes
    algorithm: str
    expires: float = 0
    """When its signatures expire (Unix seconds); 0 while it signs."""

    def load(self) -> jws.PrivateKey:
        """The private key."""
        key = serialization.load_der_private_key(self.private, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey))
        return key

    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return jws.jwk(self.load().public_key(), self.algorithm, self.id)


@dataclass
class NamedKey:
    """A named key with its ring: the signing key, the next one, and those whose signatures still count."""

    algorithm: str = ""
    rotation_period: int = 0
    verification_ttl: int = 0
    allowed_client_ids: list[str] = field(default_factory=list)
    ring: list[SigningKey] = field(default_factory=list)
    next_rotation: float = 0

    def renew(self, call: Call) -> None:
        """Start a new ring, as for a changed algorithm."""
        first = new_key(call, self.algorithm)
        self.ring = [first, new_key(call, self.algorithm, first)]

    def rotate(self, call: Call, verification_ttl: int) -> None:
        """The next key signs from now on; the old one counts for ``verification_ttl`` more seconds."""
        now = call.now()
        kept = [key for key in self.ring if key.expires == 0 or key.expires > now]
        old = [key for key in kept if key.expires]
        signing, following = (key for key in kept if not key.expires)
        signing.expires = now + verification_ttl
        self.ring = [*old, signing, following, new_key(call, self.algorithm, *kept)]
        self.next_rotation = now + self.rotation_period

    def signing(self, call: Call) -> SigningKey:
        """The key that signs now, rotated if that is due."""
        if self.next_rotation <= call.now():
            self.rotate(call, self.verification_ttl)
        return next(key for key in self.ring if not key.expires)


@dataclass
class OidcRole:
    """What a token says and for how long."""

    key: str = ""
    template: str = ""
    client_id: str = ""
    ttl: int = 0


@dataclass
class Assignment:
    """Who may log in to a client."""

    entity_ids: list[str] = field(default_factory=list)
    group_ids: list[str] = field(default_factory=list)


@dataclass
class Scope:
    """Claims that a client can ask for."""

    template: str = ""
    description: str = ""


@dataclass
class OidcClient:
    """An application that logs its users in here. Lifetimes in seconds."""

    name: str
    client_id: str = ""
    client_secret: str = ""
    """Empty for a public client."""
    client_type: str = "confidential"
    redirect_uris: list[str] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)
    key: str = ""
    id_token_ttl: int = 0
    access_token_ttl: int = 0
    authorization_code: bool = True
    client_credentials: bool = False


@dataclass
class Provider:
    """An issuer with its own endpoints."""

    issuer: str = ""
    allowed_client_ids: list[str] = field(default_factory=list)
    scopes_supported: list[str] = field(default_factory=list)

    def allows(self, client_id: str) -> bool:
        """Whether a client may use it."""
        return "*" in self.allowed_client_ids or client_id in self.allowed_client_ids


@dataclass
class AuthCode:
    """What an authorization code stands for."""

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


@dataclass
class Oidc:
    """The token service of one namespace."""

    issuer: str = ""
    keys: dict[str, NamedKey] = field(default_factory=dict)
    roles: dict[str, OidcRole] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=lambda: {ALLOW_ALL: Assignment(["*"], ["*"])})
    scopes: dict[str, Scope] = field(default_factory=dict)
    clients: dict[str, OidcClient] = field(default_factory=dict)
    providers: dict[str, Provider] = field(default_factory=lambda: {DEFAULT_PROVIDER: Provider("", ["*"])})
    codes: dict[str, AuthCode] = field(default_factory=dict)


def service(call: Call) -> Oidc:
    """The token service of the request's namespace."""
    state: IdentityState = call.core.state.identity
    found: Oidc = state.oidc.setdefault(call.request.namespace, Oidc())
    return found


def new_key(call: Call, algorithm: str, *beside: SigningKey) -> SigningKey:
    """A fresh key pair that no other key of the namespace, nor one ``beside`` it, equals; a seeded world repeats it."""
    kind, size = _KINDS.get(algorithm[:2], ""), _SIZES.get(algorithm, 2048)
    rings = [*beside, *(key for named in service(call).keys.values() for key in named.ring)]
    taken = [x509_keys.public_of(key.private) for key in rings if kind == "rsa" and key.algorithm[:2] == "RS"]
    private = x509_keys.generate(kind, size, call.core.entropy, taken)
    return SigningKey(call.core.entropy.uuid(), private, algorithm)


def default_key(call: Call) -> NamedKey:
    """The key named ``default``, made when it is first needed."""
    keys = service(call).keys
    if DEFAULT_KEY not in keys:
        key = NamedKey("RS256", 86400, 86400, ["*"], next_rotation=call.now() + 86400)
        key.renew(call)
        keys[DEFAULT_KEY] = key
    return keys[DEFAULT_KEY]
