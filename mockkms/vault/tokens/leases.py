"""Leases of secrets and service tokens: registration, renewal, revocation and expiry by the world's clock.

Modelled on Vault's expiration manager (``vault/expiration.go``).
"""

from __future__ import annotations

import heapq
import math
from copy import copy
from typing import TYPE_CHECKING

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call, Endpoint
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Lease,
    Operation,
    Request,
    Response,
    VaultError,
    refusing,
    unsupported_operation,
)
from mockkms.vault.golang.fmt import quote
from mockkms.vault.mounts.table import Mount
from mockkms.vault.telemetry.events import count_lease
from mockkms.vault.tokens import ttl
from mockkms.vault.tokens.lease import LeaseEntry, LeaseState
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, LeaseLimits, WithIdentities, WithNamespaces, WithTokens

    class LeaseServices(Environment, LeaseLimits, WithIdentities, WithNamespaces, WithTokens, Protocol):
        """What the leases need of the server."""


__all__ = ["LeaseEntry", "LeaseState", "LeaseStore"]

_INTERNAL = Endpoint("internal", {}, arbitrary=True)
"""The endpoint by which renewals and revocations reach an engine; no path leads to it."""
_NO_RESPONSE = "resp: (*logical.Response)(nil)"
"""How Go shows the answer of an engine that gave an error instead."""


class LeaseStore:
    """Registration, renewal, revocation and expiry of leases."""

    def __init__(
        self, core: LeaseServices, call: Callable[[Mount, Endpoint, Request, dict[str, object]], Call]
    ) -> None:
        self.core = core
        self._new_call = call
        """Makes the call by which an engine renews or revokes; its arguments are the request and its parameters."""

    @property
    def state(self) -> LeaseState:
        """The lease table of the current state."""
        return self.core.state.leases

    # -- the clock -----------------------------------------------------------------------------------------------

    def expire_due(self) -> None:
        """Revoke every lease and token that has expired; called before each request."""
        state = self.state
        if not state.due or state.due[0][0] > (now := self.core.clock.now()):
            return
        while state.due and state.due[0][0] <= now:
            # A renewal pushes the lease again and leaves the old entry: one that no longer matches is stale.
            when, lease_id = heapq.heappop(state.due)
            entry = state.items.get(lease_id)
            if entry is not None and entry.expires == when:
                self.revoke_quietly(entry)

    def _watch(self, entry: LeaseEntry) -> None:
        if entry.expires:
            heapq.heappush(self.state.due, (entry.expires, entry.id))

    # -- registration --------------------------------------------------------------------------------------------

    def _suffix(self, namespace: str) -> str:
        return f".{self.core.namespaces.id_of(namespace)}" if namespace else ""

    def register(self, request: Request, mount: Mount, response: Response, token: Token) -> None:
        """Register the answer's lease: set its id and store it, with its lifetime limited as the mount requires."""
        lease = response.lease
        if lease is None or not lease.registered:
            return
        clock = self.core.clock
        granted, warnings = ttl.calculate(self.core.limits(mount), clock.now(), ttl=lease.ttl, max_ttl=lease.max_ttl)
        response.warnings.extend(warnings)
        entry = LeaseEntry(
            id=f"{request.path.rstrip('/')}/{self.core.entropy.base62(24)}{self._suffix(request.namespace)}",
            path=request.path,
            namespace=request.namespace,
            token=token.id,
            # As the server, which reads its clock for both: the lease is a little longer than was granted.
            issued=clock.now(),
            expires=clock.now() + granted,
            renewable=lease.renewable,
            ttl=lease.ttl,
            max_ttl=lease.max_ttl,
            internal=dict(lease.internal),
            data=dict(response.data or {}),
            batch=token.type == "batch",
        )
        entry.owner = token.id
        if lease.until:
            entry.expires = min(entry.expires, lease.until)
        if entry.batch:
            # A batch token is not stored and cannot be revoked: its leases end with it and are revoked with its parent.
            entry.expires = min(entry.expires, float(token.creation_time + token.ttl))
            entry.owner = token.parent
        self.state.add(entry)
        self._watch(entry)
        lease.lease_id, lease.ttl = entry.id, round(entry.expires - clock.now())
        count_lease(self.core.events, mount, lease.ttl)

    def register_token(self, token: Token, auth: Auth, lifetime: float) -> None:
        """Register the lease of a service token that expires after ``lifetime`` seconds; 0 is never.

        As with the server its times are a little less apart: its end is computed before it is issued.
        """
        expires = self.core.clock.now() + lifetime if lifetime else 0
        salted = self.core.tokens.salted(token)
        token.lease_id = f"{token.path.rstrip('/')}/{salted}{self._suffix(token.namespace)}"
        entry = LeaseEntry(
            id=token.lease_id,
            path=token.path,
            namespace=token.namespace,
            token=token.id,
            issued=self.core.clock.now(),
            expires=expires,
            renewable=auth.renewable,
            auth=copy(auth),
        )
        self.state.add(entry)
        self._watch(entry)

    # -- look-ups ------------------------------------------------------------------------------------------------

    def get(self, lease_id: str, namespace: str) -> LeaseEntry | None:
        """Return the lease with this id if it belongs to ``namespace``, else None."""
        entry = self.state.items.get(lease_id)
        return entry if entry is not None and entry.namespace == namespace else None

    def of_token(self, token: Token) -> LeaseEntry | None:
        """Return the lease of a token; for a batch token an unregistered one derived from its contents."""
        if token.type == "batch":
            issued = float(token.creation_time)
            return LeaseEntry("", token.path, token.namespace, token.id, issued, issued + token.ttl, batch=True)
        return self.state.items.get(token.lease_id)

    def below(self, prefix: str, namespace: str) -> list[LeaseEntry]:
        """Return the leases of a namespace whose ids begin with ``prefix``, sorted by id."""
        items = self.state.items
        found = (items[lease_id] for lease_id in self.state.below(prefix))
        return [entry for entry in found if entry.namespace == namespace]

    def ttl_left(self, entry: LeaseEntry) -> int:
        """Return the remaining seconds, rounded as the server does; 0 for a lease that never expires."""
        return int(entry.expires - math.floor(self.core.clock.now() + 0.5)) if entry.expires else 0

    def refusal(self, entry: LeaseEntry | None) -> str:
        """Return the server's text why this lease cannot be renewed; empty if it can."""
        if entry is None:
            return "lease not found"
        if entry.revoke_error:
            return "lease is expired and has failed previous revocation attempts"
        if not entry.expires:
            return "lease is not renewable"
        if entry.batch:
            return ""
        if entry.expires < self.core.clock.now():
            return "lease expired"
        return "" if entry.renewable else "lease is not renewable"

    def renewable(self, entry: LeaseEntry) -> bool:
        """Return whether the server reports this lease as renewable."""
        return not entry.batch and not self.refusal(entry)

    # -- renewal -------------------------------------------------------------------------------------------------

    def renew(self, entry: LeaseEntry, increment: int) -> Response | None:
        """Renew the lease of a secret by ``increment`` seconds (0: its engine's default). Raises VaultError.

        The mount's limits count from when the lease was issued, not from now.
        """
        mount = self._mount(entry)
        reply: object = None
        lease = Lease(ttl=entry.ttl, max_ttl=entry.max_ttl, renewable=entry.renewable, internal=entry.internal)
        if mount is not None:
            engine = registry.engine(mount.engine)
            with refusing(f"failed to renew entry: {_NO_RESPONSE} err: ", BackendError, of=BackendError):
                if engine.renew is not None:
                    reply = engine.renew(mount.state, self._call(mount, entry, {**entry.internal, "lease": lease}))
                elif not entry.renewable:
                    # The lease of a batch token's secret: whether it is renewable was not looked at.
                    raise unsupported_operation()
        response = reply if isinstance(reply, Response) else Response(lease=lease)
        if response.lease is None:
            return None
        now = self.core.clock.now()
        limits = self.core.limits(mount) if mount is not None else ttl.Limits(lease.ttl, lease.ttl)
        granted, warnings = ttl.calculate(
            limits,
            now,
            increment=increment,
            ttl=response.lease.ttl,
            max_ttl=response.lease.max_ttl,
            start=entry.issued,
        )
        response.warnings.extend(warnings)
        self._extend(entry, self.core.clock.now() + granted)
        response.lease.lease_id, response.lease.ttl, response.lease.registered = entry.id, granted, False
        return response

    def renew_token(
        self, token: Token, entry: LeaseEntry, increment: int, asking: Request | None = None
    ) -> Response | None:
        """Renew a token's lease by ``increment`` seconds; return None if its auth method no longer answers for it.

        ``asking`` is the request that renews, for methods that check its client certificate. Raises ErrorResponse and
        BackendError with the auth method's errors.
        """
        assert entry.auth is not None
        mount = self._mount(entry)
        auth: Auth | None = copy(entry.auth)
        if mount is None:
            return None
        engine = registry.engine(mount.engine)
        if engine.renew is not None:
            with refusing("failed to renew entry: ", BackendError, of=BackendError):
                reply = engine.renew(
                    mount.state, self._call(mount, entry, {**entry.auth.internal, "auth": auth}, asking)
                )
            auth = reply.auth if isinstance(reply, Response) else None
        if auth is None:
            return None
        if auth.entity_id and auth.group_aliases:
            self.core.identity.follow_groups(auth.entity_id, mount, auth.group_aliases)
        now = self.core.clock.now()
        granted, warnings = ttl.calculate(
            self.core.limits(mount),
            now,
            increment=increment,
            ttl=auth.ttl,
            period=auth.period,
            max_ttl=auth.max_ttl,
            explicit_max_ttl=auth.explicit_max_ttl,
            start=entry.issued,
        )
        auth.client_token, auth.lease_duration, auth.ttl = token.id, granted, granted
        entry = self.state.edit(entry)
        entry.auth = copy(auth)
        self._extend(entry, self.core.clock.now() + granted)
        return Response(auth=auth, warnings=warnings)

    def _extend(self, entry: LeaseEntry, expires: float) -> None:
        if entry.batch:
            # Renewal cannot outlive the batch token, whose end is fixed.
            expires = min(expires, entry.expires)
        entry = self.state.edit(entry)
        entry.expires, entry.last_renewal = expires, self.core.clock.now()
        self._watch(entry)

    def _mount(self, entry: LeaseEntry) -> Mount | None:
        return self.core.state.mounts.match(entry.namespace, entry.path)

    def _call(
        self, mount: Mount, entry: LeaseEntry, internal: dict[str, object], asking: Request | None = None
    ) -> Call:
        request = Request(Operation.UPDATE, entry.path, data=dict(internal), namespace=entry.namespace)
        if asking is not None:
            request.client_certificates = asking.client_certificates
        return self._new_call(mount, _INTERNAL, request, internal)

    # -- revocation ----------------------------------------------------------------------------------------------

    def revoke(self, entry: LeaseEntry, *, force: bool = False) -> None:
        """Revoke a lease now. Raises the engine's VaultError if that fails, unless ``force`` drops the lease anyway."""
        if entry.auth is not None:
            token = self.core.tokens.lookup(entry.token, tainted=True)
            if token is not None:
                self.core.tokens.revoke(token)
        else:
            try:
                self._revoke_secret(entry)
            except VaultError:
                if not force:
                    raise
        self._forget(entry)
        self.core.log.info("expiration", "revoked lease", lease_id=entry.id)

    def revoke_quietly(self, entry: LeaseEntry) -> None:
        """Revoke a lease as a background job does: if its engine fails, the lease becomes irrevocable."""
        try:
            self.revoke(entry)
        except VaultError as error:
            entry = self.state.edit(entry)
            entry.revoke_error = error.errors[0] if error.errors else "revocation failed"
            entry.expires = 0

    def _revoke_secret(self, entry: LeaseEntry) -> None:
        mount = self._mount(entry)
        if mount is None:
            return
        engine = registry.engine(mount.engine)
        if engine.revoke is not None:
            with refusing(f"failed to revoke entry: {_NO_RESPONSE} err: ", BackendError, of=BackendError):
                engine.revoke(mount.state, self._call(mount, entry, dict(entry.internal)))

    def _forget(self, entry: LeaseEntry) -> None:
        self.state.remove(entry.id)
        owned = self.state.by_token.get(entry.owner)
        if owned is not None:
            owned.pop(entry.id, None)
            if not owned:
                del self.state.by_token[entry.owner]

    def token_removed(self, token: Token) -> None:
        """Revoke the leases of a token that is being removed, and delete the token's own lease."""
        for lease_id in list(self.state.by_token.pop(token.id, ())):
            entry = self.state.items.get(lease_id)
            if entry is not None:
                self.revoke_quietly(entry)
        self.state.remove(token.lease_id)

    def revoke_prefix(self, namespace: str, prefix: str, *, force: bool = False, wait: bool = True) -> None:
        """Revoke the lease with exactly this id, else all below the prefix. Raises ErrorResponse if one fails.

        Without ``wait`` leases that fail become irrevocable instead.
        """
        exact = None if prefix.endswith("/") else self.get(prefix, namespace)
        entries = [exact] if exact else self.below(prefix.rstrip("/") + "/", namespace)
        for at, entry in enumerate(entries, 1):
            if not wait:
                self.revoke_quietly(entry)
                continue
            try:
                self.revoke(entry, force=force)
            except VaultError as error:
                count = "" if exact else f" ({at} / {len(entries)})"
                raise ErrorResponse(f"failed to revoke {quote(entry.id)}{count}: {error.errors[0]}") from None

    def revoke_mount(self, mount: Mount) -> None:
        """Revoke all leases of a mount that is being removed."""
        for entry in self.below(mount.path, mount.namespace):
            self.revoke(entry, force=True)

    def irrevocable(self, namespace: str) -> list[LeaseEntry]:
        """Return the leases of a namespace whose revocation failed, by id."""
        return [entry for entry in self.below("", namespace) if entry.revoke_error]
