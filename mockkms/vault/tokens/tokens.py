"""The token store: creation, authentication, use and revocation of tokens."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mockkms.vault.framework.message import Auth, BackendError, ErrorResponse, PermissionDenied, Request, refusing
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr, token_ids
from mockkms.vault.tokens.token import REVOCATION_PENDING, Token, TokenState

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithNamespaces, WithTokens

    class TokenServices(Environment, WithNamespaces, WithTokens, Protocol):
        """What the tokens need of the server."""


__all__ = ["Token", "TokenState", "TokenStore"]

NO_TOKEN = "the request has no token"
UNKNOWN_TOKEN = "there is no such token: it never existed, has expired, or was revoked or used up"
WRONG_ADDRESS = "the token's bound CIDRs exclude the client's address"
"""Hints for readers of the journal, whose requests all look the same to a client: 403."""


class TokenStore:
    """Creation, look-up, use and revocation of tokens."""

    def __init__(self, core: TokenServices) -> None:
        self.core = core

    @property
    def state(self) -> TokenState:
        """The token table of the current state."""
        return self.core.state.tokens

    # -- making --------------------------------------------------------------------------------------------------

    def create_root(self, token_id: str) -> Token:
        """Create a root token that never expires and has the given id, as a dev server does."""
        return self.put(Token(id=token_id, accessor="", policies=["root"]), Auth())

    def create(self, token: Token, auth: Auth, lifetime: float | None = None) -> Token:
        """Create a service or batch token and its lease; sets id, accessor and creation time, also in ``auth``.

        The lease lasts for ``lifetime`` seconds, by default for the token's TTL, which has whole seconds.
        Raises ErrorResponse for an invalid custom id, and what ``put`` raises.
        """
        if token.type == "batch":
            return self._create_batch(token, auth)
        if token.id:
            self._check_custom_id(token)
        return self.put(token, auth, lifetime)

    def put(self, token: Token, auth: Auth, lifetime: float | None = None) -> Token:
        """Store a service token with its lease, which lasts for ``lifetime`` seconds, by default for its TTL.

        Raises BackendError if the path of its request has two dots anywhere, as in a user's name: such a path cannot
        have a lease.
        """
        if ".." in token.path:
            raise BackendError("internal error")
        core = self.core
        state = self.state
        suffix = self._suffix(token.namespace)
        if not token.id:
            root = token.policies == ["root"]
            key = self._salt().encode()
            token.id = token_ids.service(core.entropy, core.product, key, root=root, suffix=suffix)
        token.accessor = core.entropy.base62(token_ids.LENGTH) + (f".{suffix}" if suffix else "")
        token.creation_time = math.floor(core.clock.now())
        state.add(token)
        self._fill(token, auth)
        core.leases.register_token(token, auth, token.ttl if lifetime is None else lifetime)
        return token

    def _create_batch(self, token: Token, auth: Auth) -> Token:
        core = self.core
        token.creation_time = math.floor(core.clock.now())
        suffix = self._suffix(token.namespace)
        token.id = token_ids.seal_batch(core.entropy, core.product, self._batch_key(), token, suffix)
        self._fill(token, auth)
        auth.renewable = False
        return token

    @staticmethod
    def _fill(token: Token, auth: Auth) -> None:
        auth.client_token, auth.accessor, auth.orphan = token.id, token.accessor, token.orphan
        auth.lease_duration, auth.entity_id, auth.token_type = token.ttl, token.entity_id, token.type
        auth.num_uses, auth.metadata, auth.ttl = token.num_uses, token.meta, token.ttl

    def _check_custom_id(self, token: Token) -> None:
        for prefix in ("hvs.", "s."):
            if token.id.startswith(prefix):
                raise ErrorResponse(f"custom token ID cannot have the '{prefix}' prefix")
        if "." in token.id:
            raise ErrorResponse("custom token ID cannot have a '.' in the value")
        if token.id in self.state.by_id:
            raise ErrorResponse("cannot create a token with a duplicate ID")

    def _suffix(self, namespace: str) -> str:
        return self.core.namespaces.id_of(namespace) if namespace else ""

    def _salt(self) -> str:
        if not self.state.salt:
            self.state.salt = self.core.entropy.uuid()
        return self.state.salt

    def _batch_key(self) -> bytes:
        if not self.state.batch_key:
            self.state.batch_key = self.core.entropy.derived("batch tokens", 32)
        return self.state.batch_key

    def salted(self, token: Token) -> str:
        """Return the last part of the token's lease id."""
        return token_ids.salted(self._salt(), token.id)

    # -- finding and using ---------------------------------------------------------------------------------------

    def lookup(self, token_id: str, *, tainted: bool = False) -> Token | None:
        """Return the live token with this id; with ``tainted`` also one whose last use is in progress."""
        token = self.state.by_id.get(token_id)
        if token is not None:
            return token if tainted or token.num_uses >= 0 else None
        return self._lookup_batch(token_id)

    def checked(self, token_id: str, *, tainted: bool = False) -> Token | None:
        """Return the live token with this id. Raises ValueError for a malformed batch token, with the server's text."""
        token_ids.batch_content(token_id)
        return self.lookup(token_id, tainted=tainted)

    def _lookup_batch(self, token_id: str) -> Token | None:
        token = token_ids.open_batch(self._batch_key(), token_id)
        if token is None or self.core.clock.now() >= token.creation_time + token.ttl:
            return None
        if token.parent and self.lookup(token.parent) is None:
            return None
        return token

    def by_accessor(self, accessor: str) -> Token | None:
        """Return the token with this accessor, including one whose last use is in progress."""
        return self.state.by_id.get(self.state.by_accessor.get(accessor, ""))

    @staticmethod
    def check_form(request: Request) -> None:
        """Raise 500, unframed, for a request whose token has a batch token's prefix and is malformed."""
        if not request.token.startswith(token_ids.BATCH_PREFIXES):
            return
        with refusing("error performing token check: ", status=500):
            token_ids.batch_content(request.token)

    def authenticate(self, request: Request) -> Token:
        """Return the live token of a request.

        Raises 403, unframed, if there is none or its CIDR blocks exclude the client.
        """
        token = self.lookup(request.token)
        if token is None:
            request.trace.hint = UNKNOWN_TOKEN if request.token else NO_TOKEN
            if request.token and self.core.product.has(Feature.EXPLAINS_BAD_TOKENS):
                raise ErrorResponse(error_list(["permission denied", "invalid token"]), status=403)
            raise PermissionDenied
        if token.bound_cidrs and token.ttl and not cidr.contains(token.bound_cidrs, request.remote_address):
            request.trace.hint = WRONG_ADDRESS
            raise PermissionDenied
        return token

    @contextmanager
    def unstored(self, token: Token) -> Iterator[None]:
        """Hide a token from look-ups, in the body."""
        by_id = self.state.by_id
        held = by_id.pop(token.id, None)
        try:
            yield
        finally:
            if held is not None:
                by_id[token.id] = held

    def use(self, token: Token) -> tuple[Token, bool]:
        """Count a use of a token that has a limited number of them.

        Returns the token as it is stored now, and whether that was its last use, so that it must be revoked after this
        request.
        """
        token = self.state.edit(token)
        last = token.num_uses == 1
        token.num_uses = REVOCATION_PENDING if last else token.num_uses - 1
        return token, last

    # -- ending --------------------------------------------------------------------------------------------------

    def revoke(self, token: Token) -> None:
        """Revoke a token with all its descendants, their leases and their cubbyholes, children first."""
        children = self.state.children
        order: list[str] = []
        seen: set[str] = set()
        waiting = [token.id]
        while waiting:
            token_id = waiting.pop()
            if token_id not in seen:
                seen.add(token_id)
                order.append(token_id)
                waiting.extend(children.get(token_id, ()))
        for token_id in reversed(order):
            self._remove(token_id)

    def revoke_orphan(self, token: Token) -> None:
        """Revoke a token alone: its children live on as orphans."""
        for token_id in self.state.children.get(token.id, ()):
            child = self.state.by_id.get(token_id)
            if child is not None:
                self.state.edit(child).parent = ""
        self._remove(token.id)

    def _remove(self, token_id: str) -> None:
        state = self.state
        token = state.by_id.get(token_id)
        if token is None:
            return
        # A request in progress may still hold the token.
        token = state.edit(token)
        token.num_uses = REVOCATION_PENDING
        cubbyhole = self.core.state.mounts.get(token.namespace, "cubbyhole/")
        if cubbyhole is not None:
            cubbyhole.state.pop(token_id, None)
        self.core.leases.token_removed(token)
        state.remove(token)
