"""A token and the table of tokens, as plain data."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import field, replace
from functools import lru_cache
from hashlib import sha256

from mockkms.lazy_dataclass import dataclass
from mockkms.world.sharing import ForkedTable
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
class TokenState(ForkedTable):
    """All live service tokens by id, their indexes, and the keys used to make tokens.

    Snapshots share the tokens (``fork``), so a stored token is changed only after ``edit``.
    """

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

    def fork(self) -> TokenState:
        """Return an equal table that can change independently, though it shares every token."""
        children = {parent: dict(ids) for parent, ids in self.children.items()}
        forked = replace(self, by_id=dict(self.by_id), by_accessor=dict(self.by_accessor), children=children)
        forked._shared = self._shared.fork()
        return forked

    def add(self, token: Token) -> None:
        """Store a new token."""
        self.by_id[token.id] = token
        self.by_accessor[token.accessor] = token.id
        if token.parent:
            self.children.setdefault(token.parent, {})[token.id] = None
        self._shared.own(token.id)

    def edit(self, token: Token) -> Token:
        """Return a stored token for a change: itself, or a copy in its place if snapshots share it."""
        if token.id in self._shared and self.by_id.get(token.id) is token:
            token = replace(token)
            self.by_id[token.id] = token
            self._shared.own(token.id)
        return token

    def remove(self, token: Token) -> None:
        """Remove a token, not its children."""
        siblings = self.children.get(token.parent)
        if siblings is not None:
            siblings.pop(token.id, None)
            if not siblings:
                del self.children[token.parent]
        self.children.pop(token.id, None)
        self.by_accessor.pop(token.accessor, None)
        del self.by_id[token.id]
        self._shared.disown(token.id)
