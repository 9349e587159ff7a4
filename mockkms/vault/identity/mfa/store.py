"""The MFA store: which enforcements apply to a login, and whether its credentials satisfy them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mockkms.error_context import error_context
from mockkms.vault.framework.agenda import drop_expired
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.identity.mfa import services
from mockkms.vault.identity.mfa.model import DUO, TOTP, Enforcement, MfaMethod, MfaState, PendingLogin, Secret
from mockkms.vault.identity.model import Entity
from mockkms.vault.mounts.table import Mount
from mockkms.vault.policy.templates import Templates
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithIdentities

    class MfaServices(Environment, WithIdentities, Protocol):
        """What the MFA store needs of the server."""


WAITS = 300
"""Seconds that a login waits for its second proof."""
BAD = "MFA credentials not supplied or incorrect"
_NONE = MfaState()

Creds = Mapping[str, list[str]]
"""What was sent, by method id, or by the namespace and name of a method."""


class MfaStore:
    """Methods, enforcements, keys and waiting logins of all namespaces."""

    def __init__(self, core: MfaServices) -> None:
        self.core = core

    @property
    def _states(self) -> dict[str, MfaState]:
        return self.core.state.identity.mfa

    def state(self, namespace: str) -> MfaState:
        """Return the data of a namespace, created when first written to."""
        return self._states.setdefault(namespace, MfaState())

    def methods(self) -> Iterator[MfaMethod]:
        """Return the methods of all namespaces."""
        for state in self._states.values():
            yield from state.methods.values()

    def method(self, method_id: str) -> MfaMethod | None:
        """Return a method of any namespace."""
        return next((state.methods[method_id] for state in self._states.values() if method_id in state.methods), None)

    def enforcements(self) -> list[Enforcement]:
        """Return the enforcements of all namespaces, by id."""
        found = [one for state in self._states.values() for one in state.enforcements.values()]
        return sorted(found, key=lambda one: one.id)

    def enforcement(self, namespace: str, name: str) -> Enforcement | None:
        """Return an enforcement of a namespace by its name."""
        return self._states.get(namespace, _NONE).enforcements.get(name)

    # -- logins --------------------------------------------------------------------------------------------------

    def required(self, mount: Mount, entity: Entity | None) -> list[Enforcement]:
        """Return the enforcements that a login of ``entity`` on ``mount`` is subject to."""
        if not self._states:
            return []
        groups: set[str] = set()
        if entity is not None:
            groups = {group.id for group in self.core.identity.groups_of(entity.id)}
        found = []
        for one in self.enforcements():
            if not mount.namespace.startswith(one.namespace):
                continue
            named = entity is not None and (entity.id in one.entity_ids or not groups.isdisjoint(one.group_ids))
            if named or mount.accessor in one.accessors or mount.type in one.types:
                found.append(one)
        return found

    def requirement(self, request_id: str, subject_to: list[Enforcement]) -> dict[str, object]:
        """Return ``mfa_requirement`` as a login shows it."""
        constraints: dict[str, object] = {}
        for enforcement in sorted(subject_to, key=lambda one: one.name):
            ways = []
            for method_id in enforcement.method_ids:
                method = self.method(method_id)
                if method is not None:
                    ways.append(_way(method))
            constraints[enforcement.name] = {"any": ways} if ways else {}
        return {"mfa_request_id": request_id, "mfa_constraints": constraints}

    def hold_login(self, request_id: str, login: PendingLogin) -> None:
        """Store a login until it is validated."""
        waiting, now = self.state(login.namespace).waiting, self.core.clock.now()
        drop_expired(waiting, lambda one: one.since + WAITS, now)
        waiting[request_id] = login

    def take_login(self, request_id: str) -> PendingLogin | None:
        """Remove and return a waiting login of any namespace; None if there is none or it has expired."""
        for state in self._states.values():
            login = state.waiting.pop(request_id, None)
            if login is not None:
                return login if self.core.clock.now() < login.since + WAITS else None
        return None

    def forget_logins(self) -> None:
        """Drop what the real server keeps in memory only, on sealing: waiting logins, used passcodes, attempts."""
        for state in self._states.values():
            state.waiting, state.used, state.attempts = {}, {}, {}

    # -- checking ------------------------------------------------------------------------------------------------

    def check(self, enforcement: Enforcement, entity: Entity, creds: Creds) -> None:
        """Raise ValueError if none of the credentials sent satisfies ``enforcement``."""
        known = self._by_id(enforcement, creds)
        last = f"login MFA validation failed for methodID: [{' '.join(enforcement.method_ids)}]"
        faults = []
        for method_id in enforcement.method_ids:
            if known.get(method_id) is None:
                continue
            try:
                self._prove(method_id, entity, known[method_id])
            except ValueError as fault:
                faults.append(str(fault))
            else:
                return
        raise ValueError(error_list([*faults, last]))

    def _by_id(self, enforcement: Enforcement, creds: Creds) -> dict[str, list[str]]:
        known: dict[str, list[str]] = {}
        faults = []
        for method_id in enforcement.method_ids:
            if method_id in creds:
                known[method_id] = creds[method_id]
                continue
            method = self.method(method_id)
            if method is None:
                faults.append(f"failed to find MFA config for method ID {method_id}")
                continue
            name = method.namespace + method.name
            if name in creds:
                known[method_id] = creds[name]
            else:
                faults.append(
                    f"failed to find MFA credentials associated with an MFA method ID {method_id}, method name {name}"
                )
        if not known:
            raise ValueError("failed to sanitize MFA creds, " + (error_list(faults) if faults else "<nil>"))
        return known

    def _prove(self, method_id: str, entity: Entity, creds: list[str]) -> None:
        method = self.method(method_id)
        if method is None:
            raise ValueError("MFA method configuration not present")
        username = entity.name
        if method.type != TOTP and method.username_format:
            username = self._username(method.username_format, entity)
        with error_context("failed to parse MFA factor, "):
            passcode = passcode_of(creds)
        if method.type != TOTP:
            fault = services.fault(method, username, self._states.get(method.namespace, _NONE).services)
            if fault:
                raise ValueError(fault)
            return
        secret = entity.mfa.get(method_id)
        if secret is None:
            raise ValueError(
                f"MFA secret for method name {quote(method.name)} not present in entity {quote(entity.id)}"
            )
        self._totp(method, entity, secret, passcode)

    def _username(self, template: str, entity: Entity) -> str:
        core = self.core
        groups = core.identity.groups_of(entity.id)
        return Templates.of(core.product, entity, groups, core.clock.now(), entity.namespace).render(template)

    def _totp(self, method: MfaMethod, entity: Entity, secret: Secret, passcode: str) -> None:
        explains = self.core.product.has(Feature.MFA_EXPLAINS_TOTP)
        if explains and not passcode:
            raise ValueError("MFA credentials not supplied")
        wrong = "failed to validate TOTP passcode" if explains else BAD
        if len(passcode.encode("utf-8", "replace")) != secret.digits or passcode.strip() != passcode:
            if explains:
                self._count_try(method, entity, secret)
            raise ValueError(wrong)
        from mockkms.crypto import totp

        now, state = self.core.clock.now(), self.state(method.namespace)
        if state.used.get((method.id, passcode), 0) > now:
            used = f"code already used; new code is available in {secret.period} seconds"
            raise ValueError(used if explains else BAD)
        self._count_try(method, entity, secret)
        key = self.state(entity.namespace).keys.get((method.id, entity.id), "")
        if not key:
            raise ValueError("empty key for entity's TOTP secret")
        period, digits, algorithm = secret.period, secret.digits, secret.algorithm
        if not totp.valid(passcode, key, now, skew=secret.skew, period=period, digits=digits, algorithm=algorithm):
            raise ValueError(wrong)
        state.used = {code: until for code, until in state.used.items() if until > now}
        state.used[method.id, passcode] = now + secret.period * (2 + secret.skew)
        state.attempts.pop((method.id, entity.id), None)

    def _count_try(self, method: MfaMethod, entity: Entity, secret: Secret) -> None:
        state = self.state(method.namespace)
        now, most = self.core.clock.now(), int(method.config["max_validation_attempts"])
        tries, until = state.attempts.get((method.id, entity.id), (0, 0.0))
        if until <= now:
            tries, until = 0, now + secret.period
        explains = self.core.product.has(Feature.MFA_EXPLAINS_TOTP)
        tries = min(tries, most) if explains else tries
        state.attempts[method.id, entity.id] = (tries + 1, until)
        if tries + 1 > most:
            # The real server prints "seconds" after a formatted duration, and OpenBao adds the skew as nanoseconds.
            wait = go_duration(secret.period)
            if secret.skew and not explains:
                wait = wait.removesuffix("s") + f".{2 * secret.skew:09}s"
            raise ValueError(
                f"maximum TOTP validation attempts {tries + 1} exceeded the allowed attempts {most}. "
                f"Please try again in {wait} seconds"
            )


def passcode_of(creds: list[str]) -> str:
    """Return the single passcode among the factors sent; empty if there is none. Raises ValueError for several."""
    passcode = ""
    for cred in creds:
        if not cred:
            continue
        if cred.startswith("passcode="):
            if passcode:
                raise ValueError("found multiple passcodes for the same MFA method")
            passcode = cred.removeprefix("passcode=")
            if not passcode:
                raise ValueError("invalid passcode")
        elif "=" in cred:
            raise ValueError(f"found an invalid MFA cred: {cred}")
        elif passcode:
            raise ValueError("found multiple passcodes for the same MFA method")
        else:
            passcode = cred
    return passcode


def _way(method: MfaMethod) -> dict[str, object]:
    uses = method.type == TOTP or (method.type == DUO and method.config["use_passcode"])
    shown = {"type": method.type, "id": method.id, "uses_passcode": uses, "name": method.name}
    return {name: value for name, value in shown.items() if value}
