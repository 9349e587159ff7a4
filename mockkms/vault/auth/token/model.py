"""The token auth method's engine and its roles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Auth, BackendError, Response
from mockkms.vault.kernel.login import identity_policies
from mockkms.vault.policy import names


@dataclass
class TokenRole:
    """A token role; lifetimes in seconds. The fields without ``token_`` hold what deprecated names set."""

    name: str
    allowed_policies: list[str] = field(default_factory=list)
    disallowed_policies: list[str] = field(default_factory=list)
    allowed_policies_glob: list[str] = field(default_factory=list)
    disallowed_policies_glob: list[str] = field(default_factory=list)
    orphan: bool = False
    renewable: bool = True
    path_suffix: str = ""
    allowed_entity_aliases: list[str] | None = None
    period: int = 0
    explicit_max_ttl: int = 0
    bound_cidrs: list[str] = field(default_factory=list)
    token_period: int = 0
    token_explicit_max_ttl: int = 0
    token_bound_cidrs: list[str] = field(default_factory=list)
    token_no_default_policy: bool = False
    token_num_uses: int = 0
    token_type: str = "default-service"

    @property
    def restricts_policies(self) -> bool:
        """Whether the role has a say in policies at all."""
        return bool(
            self.allowed_policies
            or self.disallowed_policies
            or self.allowed_policies_glob
            or self.disallowed_policies_glob
        )


@dataclass
class TokenRoles:
    """State of the token auth method: its roles by name. The tokens themselves are the core's."""

    roles: dict[str, TokenRole] = field(default_factory=dict)


def renew(state: TokenRoles, call: Call) -> Response:
    """Renew a token made here: its role decides anew about period and limits. Raises BackendError without the role."""
    auth: Auth = call.raw["auth"]
    token = call.core.tokens.lookup(auth.client_token)
    if token is None:
        raise BackendError("no token entry found during lookup")
    auth.period, auth.explicit_max_ttl = token.period, token.explicit_max_ttl
    if token.role:
        role = state.roles.get(token.role)
        if role is None:
            raise BackendError(f'original token role "{token.role}" could not be found, not renewing')
        auth.period, auth.explicit_max_ttl = role.token_period, role.token_explicit_max_ttl
    return Response(auth=auth)


engine = Engine(
    "token",
    kind="auth",
    new_state=TokenRoles,
    renew=renew,
    help="Tokens: made, looked up, renewed and revoked here; always mounted.",
)


def show_policies(call: Call, auth: Auth) -> Auth:
    """Complete ``auth`` for an answer: its entity's policies beside its own."""
    client = call.request.client
    namespace = client.namespace if client is not None else ""
    auth.identity_policies = identity_policies(call.core, auth.entity_id, namespace)
    auth.policies = names.sanitize([*auth.token_policies, *auth.identity_policies])
    return auth


def is_sudo(call: Call) -> bool:
    """Whether the asking token has the ``sudo`` capability, or is root, on this very path."""
    client = call.request.client
    if client is None or client.num_uses < 0:
        return False
    request = call.request
    held: list[Any] = call.core.policies.capabilities(client, request.path, request.namespace)
    return "root" in held or "sudo" in held
