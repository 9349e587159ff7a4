"""A token and the table of tokens, as plain data."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import field
from functools import lru_cache
from hashlib import sha256

from mockkms.lazy_dataclass import dataclass
from mockkms.world.stored import stored

REVOCATION_PENDING = -1
"""``num_uses`` of a token during its last use: look-ups do not find it, and it is revoked after the request."""


@stored("tokens.Token")
@dataclass
class Token:
    """One token. Times are seconds since the epoch, lifetimes seconds. Its expiry is kept by its lease."""

    id: str
    accessor: str
    policies: list[str]
    path: str = "auth/token/create"
    """Path of the request that created it, without the namespace."""
    display_name: str = "token"
    meta: dict[str, str] | None = None
    num_uses: int = 0
    """Uses left; 0 is any number."""
    parent: str = ""
    """Id of the token whose revocation revokes this one too."""
    creation_time: int = 0
    ttl: int = 0
    """As created; 0 never expires."""
    explicit_max_ttl: int = 0
    period: int = 0
    type: str = "service"
    role: str = ""
    entity_id: str = ""
    namespace: str = ""
    bound_cidrs: list[str] = field(default_factory=list)
    no_identity_policies: bool = False
    inline_policy: str = ""
    """A policy of this token alone."""
    internal: dict[str, str] = field(default_factory=dict)
    """Internal data of a batch token's auth method; never shown."""
    lease_id: str = ""

    @property
    def orphan(self) -> bool:
        """Whether no parent's revocation reaches it."""
        return not self.parent

    @property
    def wrapping(self) -> bool:
        """Whether this is the token of a wrapped response."""
        return self.policies == ["response-wrapping"]


def client_id(token: Token, namespace_id: str) -> str:
    """Return the id under which a token's client is counted: its entity, else a hash of its policies (base64).

    ``namespace_id`` is the short id of the token's namespace. Source: the documentation of client counting.
    """
    if token.entity_id:
        return token.entity_id
    return _client_of(tuple(token.policies), namespace_id)


@lru_cache(maxsize=256)
def _client_of(names: tuple[str, ...], namespace_id: str) -> str:
    policies = "\x7f".join(sorted(names))
    return b64encode(sha256(f"{policies}\0{namespace_id}".encode()).digest()).decode()


@stored("tokens.TokenState")
@dataclass
class TokenState:
    """All live service tokens by id, their indexes, and the keys used to make tokens."""

    by_id: dict[str, Token] = field(default_factory=dict)
    by_accessor: dict[str, str] = field(default_factory=dict)
    children: dict[str, dict[str, None]] = field(default_factory=dict)
    """Ids of the children of a token, in the order they were made."""
    salt: str = ""
    """Salt of the token ids in lease ids."""
    batch_key: bytes = b""
    """Seals batch tokens (AES-256)."""
    wrapping_key: int = 0
    """Private number on P-521 that signs wrapping tokens in JWT form."""
