"""The policy store: policy texts and access decisions."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

from mockkms.collector import paused_collector
from mockkms.vault.framework.cache_bounds import MOST_CACHED, Budget
from mockkms.vault.framework.folders import walk
from mockkms.vault.framework.message import (
    BackendError,
    ErrorResponse,
    Operation,
    PermissionDenied,
    Request,
    Response,
    refusing,
)
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.acl import Acl, Decision
from mockkms.vault.policy.defaults import predefined_policies
from mockkms.vault.policy.listing import compile_filter, render_filter
from mockkms.vault.policy.policy import Policy
from mockkms.vault.policy.rules import ParsedPolicy, PolicyError, PolicyRule, parse_policy
from mockkms.vault.policy.templates import Templates
from mockkms.vault.products.policy_dialects import PolicyDialect
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, Mounting, WithIdentities
    from mockkms.vault.identity.model import Entity, Group

    class PolicyServices(Environment, Mounting, WithIdentities, Protocol):
        """What the policy store needs of the server."""


_CACHED_ACLS = 1024
"""Sets of policies whose merged rules are kept."""
_CACHED_RULES = 250_000
"""Rules of the access lists that are kept; the last one is kept whatever its size."""
_YEAR_10000 = 253_402_300_800
"""Seconds since the epoch: the first moment that Go does not write as JSON."""
_LARGE = 64 * 1024
"""Characters of a policy from which on it is large."""


class _Parsed(NamedTuple):
    """A policy's rules, and what they were parsed from."""

    text: str
    dialect: PolicyDialect
    policy: ParsedPolicy


def _cleaned(name: str) -> str:
    """Return a name as the path that it is in the real server's cache; empty for one that leads elsewhere."""
    if "/" not in name:
        return name
    cleaned = posixpath.normpath(f"cache/{name}")
    return cleaned[len("cache/") :] if cleaned.startswith("cache/") else ""


class PolicyStore:
    """Stores policy texts and decides requests.

    The merged rules of each set of policies are cached until a policy changes.
    """

    def __init__(self, core: PolicyServices) -> None:
        self.core = core
        self._parsed: dict[tuple[str, str], _Parsed] = {}
        self._large: bool | None = None
        self._acls: dict[tuple[object, ...], Acl] = {}
        self._kept_rules = 0
        self._budget = Budget()

    @property
    def dialect(self) -> PolicyDialect:
        """The policy language of the emulated product."""
        return self.core.product.policies

    # -- texts -------------------------------------------------------------------------------------------------

    def write_defaults(self, namespace: str) -> None:
        """Write the predefined policies of a new namespace."""
        for name, text in predefined_policies(self.dialect).items():
            self._put(namespace, Policy(name, text))

    def write(
        self,
        namespace: str,
        name: str,
        text: str,
        *,
        cas: int | None = None,
        cas_required: bool = False,
        expiration: float = 0,
        allow_wildcards: bool = False,
        allow_slashes: bool = False,
    ) -> Policy:
        """Create or replace a policy and return it; its name is converted to lower case.

        ``cas`` is the version that must be the present one; -1: there must be no such policy. ``expiration`` is in
        seconds since the epoch; 0: never. Raises PolicyError (message, line, column) for an invalid text, and
        ErrorResponse for a policy that cannot be changed or a failed check-and-set.
        """
        with paused_collector() if len(text) > _LARGE else nullcontext():
            parsed = _Parsed(text, self.dialect, parse_policy(text, self.dialect, namespace=namespace))
        name = name.strip().lower()
        if name in self.dialect.fixed:
            raise ErrorResponse(f"cannot update {quote(name)} policy")
        known = self.get(namespace, name)
        if cas is None and (cas_required or (known is not None and known.cas_required)):
            raise ErrorResponse("check-and-set parameter required for this call")
        if cas == -1 and known is not None:
            raise ErrorResponse("check-and-set parameter set to -1 on existing entry")
        if cas not in (None, -1) and cas != (known.version if known else 0):
            raise ErrorResponse("check-and-set parameter did not match the current version")
        if expiration >= _YEAR_10000:
            raise ErrorResponse(
                "failed to create entry: failed to encode storage entry: json: error calling MarshalJSON for type "
                "time.Time: Time.MarshalJSON: year outside of range [0,9999]"
            )
        policy = Policy(
            name,
            text,
            version=known.version + 1 if known else 1,
            cas_required=cas_required,
            expiration=expiration,
            allow_wildcards=allow_wildcards,
            allow_slashes=allow_slashes,
        )
        self._put(namespace, policy)
        self._parsed[namespace, name] = parsed
        return policy

    def _put(self, namespace: str, policy: Policy) -> None:
        policy.modified = self.core.clock.now()
        self.core.state.policies.acl[namespace, policy.name] = policy
        if self._large is False and len(policy.text) > _LARGE:
            self._large = True
        self._changed()

    def get(self, namespace: str, name: str) -> Policy | None:
        """Return the policy of this name, ``root`` included; None if there is none or it has expired.

        As the real servers look in their cache first, by a path that Go cleans, ``a/`` and ``b/../a`` are names of
        the policy ``a``. Raises BackendError for another name that is a relative path.
        """
        name = name.strip().lower()
        stored = self.core.state.policies.acl
        policy = stored.get((namespace, name))
        if policy is None:
            cleaned = _cleaned(name)
            if cleaned == "root":
                return Policy("root", "", version=0)
            policy = stored.get((namespace, cleaned))
        if policy is None:
            refuse_relative(self.core.product, name, "failed to read policy: ")
            return None
        if policy.expiration and policy.expiration < self.core.clock.now():
            self.remove(namespace, policy.name)
            return None
        return policy

    def delete(self, namespace: str, name: str) -> None:
        """Delete a policy if it exists. Raises ErrorResponse for a policy that cannot be deleted."""
        name = name.strip().lower()
        if name in self.dialect.fixed:
            raise ErrorResponse(f"cannot delete {quote(name)} policy")
        if name in self.dialect.undeletable:
            raise ErrorResponse(f"cannot delete {name} policy")
        self.remove(namespace, name)

    def remove(self, namespace: str, name: str) -> None:
        """Remove a policy without checks."""
        if self.core.state.policies.acl.pop((namespace, name), None) is not None:
            self._parsed.pop((namespace, name), None)
            if self._large:
                self._large = None
            self._changed()

    def names(self, namespace: str, prefix: str = "") -> list[str]:
        """Return the names to list, in the order of the real server's walk; ``root`` is not among them."""
        internal = self.dialect.internal
        stored = [name for space, name in self.core.state.policies.acl if space == namespace and name not in internal]
        return [name for name in walk(stored) if name.startswith(prefix)]

    def forget_namespace(self, namespace: str) -> None:
        """Remove the policies of a namespace that is being deleted."""
        state = self.core.state.policies
        for key in [key for key in state.acl if key[0] == namespace]:
            self.remove(*key)
        for key in [key for key in state.password if key[0] == namespace]:
            del state.password[key]

    def forget_caches(self) -> None:
        """Drop compiled policies after a restore."""
        there = self.core.state.policies.acl
        self._parsed = {key: parsed for key, parsed in self._parsed.items() if key in there}
        self._large = None
        self._changed()

    def _changed(self) -> None:
        self._acls.clear()
        self._kept_rules = 0
        self._budget.left = MOST_CACHED

    def _forget_decisions(self) -> None:
        for acl in self._acls.values():
            acl.forget()
        self._budget.left = MOST_CACHED

    @property
    def large(self) -> bool:
        """Whether a policy is so large that merging it takes long."""
        if self._large is None:
            self._large = any(len(policy.text) > _LARGE for policy in self.core.state.policies.acl.values())
        return self._large

    def takes_long(self, token: Token | None) -> bool:
        """Return whether the rules of a token have to be merged first, where policies are large."""
        return token is not None and (bool(token.entity_id) or (token.namespace, *token.policies) not in self._acls)

    # -- decisions ---------------------------------------------------------------------------------------------

    def check(self, request: Request, token: Token, sudo: bool) -> Decision:
        """Decide whether ``token`` may make this request. ``sudo``: the path is root-protected.

        Raises ErrorResponse 403 for a token whose entity was deleted or disabled. May set a listing's ``limit``.
        """
        acl = self.acl(token)
        trace = request.trace
        trace.policies = token.policies
        key = (request.operation, request.namespace + request.path, sudo)
        decision = acl.decisions.get(key) if acl.root is None and "limit" not in request.data else None
        if decision is None:
            decision = acl.decide(
                request.operation, request.path, request.data, request.wrap_ttl, sudo, request.namespace
            )
            if decision.final and acl.root is None:
                acl.keep(key, decision)
            if self._budget.left <= 0:
                self._forget_decisions()
        trace.rule = decision.rule
        return decision

    def capabilities(self, token: Token, path: str, namespace: str) -> list[str]:
        """Return the capabilities of ``token`` on ``path`` of a namespace, sorted.

        Raises ErrorResponse as ``check`` does.
        """
        for name in token.policies:
            with refusing("failed to get policy: ", BackendError, of=BackendError, status=400):
                self.get(token.namespace, name)
        found = self.acl(token).capabilities(path, namespace)
        if self._budget.left <= 0:
            self._forget_decisions()
        return found

    def reaches(self, token: Token, prefix: str, namespace: str) -> bool:
        """Return whether ``token`` may do anything at or below a mount path (``secret/``, ``auth/approle/``)."""
        return self.acl(token).reaches(prefix, namespace)

    def filter_keys(self, request: Request, token: Token, decision: Decision, response: Response) -> None:
        """Remove from a listing the keys that the deciding rule's filter hides from the token."""
        data = response.data
        if not data:
            return
        keys, info = data.get("keys"), data.get("key_info")
        if not isinstance(keys, list) or data.keys() - {"keys", "key_info"}:
            raise BackendError("internal error")
        acl = self.acl(token)
        kept = []
        with refusing(of=ValueError, error=BackendError, text="internal error"):
            template = compile_filter(decision.keys_filter, self.core.entropy, self.core.clock.now())
            paths = [render_filter(template, request.path, key) for key in keys]
        for key, path in zip(keys, paths, strict=True):
            operation = Operation.LIST if key.endswith("/") else Operation.READ
            sudo = self.core.needs_sudo(request.namespace, path)
            if acl.decide(operation, path, {}, 0, sudo, request.namespace).allowed:
                kept.append(key)
            if self._budget.left <= 0:
                self._forget_decisions()
        response.data = {**data, "keys": kept}
        if isinstance(info, dict):
            response.data["key_info"] = {key: info[key] for key in kept if key in info}

    def acl(self, token: Token) -> Acl:
        """Return the merged rules of a token.

        Raises ErrorResponse 403 if its entity was deleted or disabled, or is one of another namespace.
        """
        if token.entity_id:
            return self._identity_acl(token)
        key = (token.namespace, *token.policies)
        acl = self._acls.get(key)
        if acl is None or (acl.expires and acl.expires < self.core.clock.now()):
            acl = self._build(token, {}, None)
            self._keep(key, acl)
        return acl

    def _identity_acl(self, token: Token) -> Acl:
        identity = self.core.identity
        entity = identity.entity(token.entity_id)
        # A child of a token in another namespace has the entity of its parent, which is unknown there.
        if entity is None or entity.disabled or entity.namespace != token.namespace:
            raise PermissionDenied
        derived = {} if token.no_identity_policies else identity.policies_of(token.entity_id)
        frozen = tuple((namespace, *names) for namespace, names in sorted(derived.items()))
        # The identity store's generation is part of the key, so that a change there fills the templates again.
        key = (token.namespace, tuple(token.policies), entity.id, identity.generation, frozen, token.inline_policy)
        acl = self._acls.get(key)
        if acl is None or (acl.expires and acl.expires < self.core.clock.now()):
            acl = self._build(token, derived, entity)
            self._keep(key, acl)
        return acl

    def _keep(self, key: tuple[object, ...], acl: Acl) -> None:
        if len(self._acls) >= _CACHED_ACLS or self._kept_rules > _CACHED_RULES:
            self._acls.clear()
            self._kept_rules = 0
        self._acls[key] = acl
        self._kept_rules += acl.size

    def _build(self, token: Token, derived: dict[str, list[str]], entity: Entity | None) -> Acl:
        if "root" in token.policies:
            return Acl(root=token.namespace)
        names = {token.namespace: list(token.policies)}
        for namespace, more in derived.items():
            names[namespace] = sorted({*names.get(namespace, []), *map(str.lower, more)})
        chosen: list[tuple[str, list[PolicyRule]]] = []
        moments: list[float] = []
        for namespace, wanted in names.items():
            for name in wanted:
                with refusing("", BackendError, of=BackendError, text="internal error"):
                    policy = self.get(namespace, name)
                if policy is not None and policy.name == "root" and name != "root":
                    if len(wanted) > 1 or len(names) > 1:
                        raise BackendError("internal error")
                    return Acl(root=namespace)
                if policy is not None and name != "root":
                    chosen.append((policy.name, self._rules(namespace, policy, entity)))
                    moments.append(policy.expiration)
        if token.inline_policy:
            chosen.append(("", parse_policy(token.inline_policy, self.dialect, namespace=token.namespace).rules))
        acl = self.merged(chosen)
        for moment in moments:
            acl.expire_at(moment)
        return acl

    def merged(self, policies: Iterable[tuple[str, list[PolicyRule]]]) -> Acl:
        """Return the merged rules of some policies, with the priorities of the emulated product."""
        dialect = self.dialect
        return Acl(
            policies,
            now=self.core.clock.now(),
            lists_by_item=dialect.lists_by_item,
            policies_folded=dialect.policies_folded,
            folders_first=dialect.folders_first,
            budget=self._budget,
        )

    def _groups(self, entity: Entity | None) -> list[Group]:
        return [] if entity is None else self.core.identity.groups_of(entity.id)

    def _rules(self, namespace: str, policy: Policy, entity: Entity | None) -> list[PolicyRule]:
        known = self._parsed.get((namespace, policy.name))
        if known is None or known.text != policy.text or known.dialect is not self.dialect:
            known = _Parsed(policy.text, self.dialect, parse_policy(policy.text, self.dialect, namespace=namespace))
            self._parsed[namespace, policy.name] = known
        if not known.policy.templated:
            return known.policy.rules
        blocked: list[str] = []
        if self.dialect.template_values_restricted:
            blocked += [] if policy.allow_slashes else ["/"]
            blocked += [] if policy.allow_wildcards else ["*", "+"]
        now = self.core.clock.now()
        templates = Templates.of(self.core.product, entity, self._groups(entity), now, namespace, blocked)
        # A filled-in value may make the path invalid; the real server answers with the same error.
        with refusing("", BackendError, of=PolicyError, text="internal error"):
            return parse_policy(
                policy.text, self.dialect, namespace=namespace, now=now, substitute=templates.fill
            ).rules


__all__ = ["Decision", "PolicyError", "PolicyStore"]
