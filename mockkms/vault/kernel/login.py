"""Turning a successful login into a token: its entity, lifetime and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.error_context import error_context
from mockkms.vault.framework.message import Auth, BackendError, ErrorResponse, PermissionDenied, Request
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.mfa.model import Enforcement, PendingLogin
from mockkms.vault.mounts.table import Mount
from mockkms.vault.policy import names
from mockkms.vault.telemetry.events import count_token
from mockkms.vault.tokens import ttl
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import (
        Environment,
        LeaseLimits,
        Lockouts,
        Policies,
        WithIdentities,
        WithNamespaces,
        WithSecondFactors,
        WithTokens,
    )

    class LoginServices(
        Environment, LeaseLimits, WithIdentities, WithNamespaces, WithSecondFactors, WithTokens, Protocol
    ):
        """What turning a login into a token needs of the server."""

        @property
        def lockout(self) -> Lockouts: ...
        @property
        def policies(self) -> Policies: ...


_WAITS = (
    "A login request was issued that is subject to MFA validation. Please make sure to validate the login by sending "
    "another request to mfa/validate endpoint."
)


def login(core: LoginServices, request: Request, mount: Mount, auth: Auth, user: str = "") -> tuple[Auth, list[str]]:
    """Create the token, or store the login until MFA validates it; return the ``auth`` to show and the warnings.

    ``user`` is the name under which user lockout counts failures. Raises ErrorResponse (a root policy, a disabled
    entity, failed MFA) and BackendError (no alias name, an impossible lifetime).
    """
    auth.token_type = token_type(auth.token_type, mount.config.token_type)
    if auth.alias is not None:
        if not auth.alias.get("name"):
            raise BackendError("missing name in alias")
        known = core.identity.by_factors(mount.accessor, auth.alias["name"])
        auth.entity_created = known is None
        auth.entity_id = core.identity.login(mount, auth.alias, auth.group_aliases, auth.alias_metadata)
    warnings: list[str] = []
    subject_to = core.mfa.required(mount, core.identity.entity(auth.entity_id))
    if subject_to or (request.mfa and auth.entity_id):
        waiting = _check_mfa(core, request, mount, auth, user, subject_to, warnings)
        if waiting is not None:
            return waiting, warnings
    warnings += grant(core, request, mount, auth, request.path)
    if user:
        core.lockout.unlock(mount.accessor, user)
    return auth, warnings


def _check_mfa(
    core: LoginServices,
    request: Request,
    mount: Mount,
    auth: Auth,
    user: str,
    subject_to: list[Enforcement],
    warnings: list[str],
) -> Auth | None:
    """Check the MFA credentials sent with the login and return None, or store it and return the ``auth`` to show."""
    entity = core.identity.entity(auth.entity_id)
    if not subject_to:
        warnings.append("Found MFA header but failed to find MFA Enforcement Config")
        return None
    if entity is None:
        raise PermissionDenied
    if request.mfa:
        for enforcement in subject_to:
            with error_context(raised=lambda _text: PermissionDenied()):
                core.mfa.check(enforcement, entity, request.mfa)
        return None
    request_id = core.entropy.uuid()
    login = PendingLogin(auth, request.path, request.namespace, core.clock.now(), mount.accessor, user)
    core.mfa.hold_login(request_id, login)
    warnings.append(_WAITS)
    return Auth(token_type="default", mfa_requirement=core.mfa.requirement(request_id, subject_to))


def grant(core: LoginServices, request: Request, mount: Mount, auth: Auth, path: str) -> list[str]:
    """Create the token of a login at ``path`` that has passed MFA, if any; return the warnings.

    Raises ErrorResponse and BackendError.
    """
    source = (mount.namespace + mount.path).removeprefix("auth/").replace("/", "-")
    auth.display_name = (source + auth.display_name).removesuffix("-")
    granted, warnings = ttl.calculate(
        core.limits(mount),
        core.clock.now(),
        ttl=auth.ttl,
        period=auth.period,
        max_ttl=auth.max_ttl,
        explicit_max_ttl=auth.explicit_max_ttl,
    )
    auth.token_policies = names.sanitize(auth.policies, add_default=not auth.no_default_policy)
    auth.identity_policies = identity_policies(core, auth.entity_id, request.namespace)
    auth.policies = names.sanitize(auth.token_policies + auth.identity_policies)
    for name in auth.policies:
        if name == "root":
            raise ErrorResponse("auth methods cannot create root tokens")
        if name in core.policies.dialect.internal:
            raise ErrorResponse(f"cannot assign policy {quote(name)}")
    token = Token(
        id="",
        accessor="",
        policies=list(auth.token_policies),
        path=path,
        display_name=auth.display_name,
        meta=auth.metadata,
        num_uses=auth.num_uses,
        ttl=granted,
        explicit_max_ttl=auth.explicit_max_ttl,
        period=auth.period,
        type=auth.token_type,
        entity_id=auth.entity_id,
        namespace=request.namespace,
        bound_cidrs=list(auth.bound_cidrs),
    )
    core.tokens.create(token, auth)
    count_token(core.events, token, mount)
    request.trace.accessor, request.trace.display_name = token.accessor, token.display_name
    return warnings


def identity_policies(core: LoginServices, entity_id: str, namespace: str) -> list[str]:
    """Return the policies that a token gets from its entity and its groups, in one namespace."""
    if not entity_id:
        return []
    return names.sanitize(core.identity.policies_of(entity_id).get(namespace, []))


def token_type(requested: str, mount: str) -> str:
    """Return ``service`` or ``batch``, from the type that the role requests and the type that the mount is tuned to."""
    if mount in ("service", "batch"):
        return mount
    if mount == "default-batch":
        return "batch" if requested in ("", "default", "default-batch", "batch") else "service"
    return "service" if requested in ("", "default", "default-service", "service") else "batch"
