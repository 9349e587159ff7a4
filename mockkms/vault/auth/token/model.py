"""The token auth method, ``auth/token/``: its engine and its roles."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import Auth, BackendError, Response
from mockkms.vault.framework.records import Param, Record, Show, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.login import identity_policies
from mockkms.vault.policy import names
from mockkms.vault.products import Product
from mockkms.vault.tokens import cidr
from mockkms.world.stored import stored

_NAMES = Kind.COMMA_STRINGS


def _shared(name: str, show: Show = Show.ALWAYS) -> Param:
    """Return the declaration of a parameter that roles of all auth methods have."""
    return replace(TokenParams.params()[name], show=show)


@stored("auth.token.TokenRole")
@dataclass
class TokenRole(Record):
    """A token role; lifetimes in seconds. Members without ``token_`` have the values of deprecated parameters."""

    name: str = ""
    allowed_policies: Annotated[
        list[str], param(_NAMES, help="Policies that may be requested, whatever the requesting token has.")
    ] = field(default_factory=list)
    disallowed_policies: Annotated[list[str], param(_NAMES, help="Policies that must not be requested.")] = field(
        default_factory=list
    )
    allowed_policies_glob: Annotated[list[str], param(_NAMES, help="The same as allowed_policies, with wildcards.")] = (
        field(default_factory=list)
    )
    disallowed_policies_glob: Annotated[
        list[str], param(_NAMES, help="The same as disallowed_policies, with wildcards.")
    ] = field(default_factory=list)
    orphan: Annotated[bool, param(Kind.BOOL, help="Create orphans.")] = False
    renewable: Annotated[bool, param(Kind.BOOL, help="Whether the tokens can be renewed.")] = True
    path_suffix: Annotated[str, param(Kind.STRING, help="Ending of the path at which the tokens are created.")] = ""
    allowed_entity_aliases: Annotated[
        list[str] | None, param(_NAMES, help="Entity aliases that may be requested; wildcards are supported.")
    ] = None
    period: Annotated[int, param(Kind.SECONDS, help="The former name of token_period.", deprecated=True)] = 0
    explicit_max_ttl: Annotated[
        int, param(Kind.SECONDS, help="The former name of token_explicit_max_ttl.", deprecated=True)
    ] = 0
    bound_cidrs: Annotated[
        list[str], param(_NAMES, help="The former name of token_bound_cidrs.", deprecated=True, show=Show.SET)
    ] = field(default_factory=list)
    token_period: Annotated[int, _shared("token_period")] = 0
    token_explicit_max_ttl: Annotated[int, _shared("token_explicit_max_ttl")] = 0
    token_bound_cidrs: Annotated[list[str], _shared("token_bound_cidrs", Show.SET)] = field(default_factory=list)
    token_no_default_policy: Annotated[bool, _shared("token_no_default_policy")] = False
    token_num_uses: Annotated[int, _shared("token_num_uses", Show.SET)] = 0
    token_type: Annotated[str, _shared("token_type")] = "default-service"

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        data = super().shown(product)
        for name in ("bound_cidrs", "token_bound_cidrs"):
            if name in data:
                data[name] = cidr.reread(getattr(self, name))
        return data | {"name": self.name}

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new role, under deprecated names if those were used."""
        changed = super().changed()
        for name in ("period", "explicit_max_ttl", "bound_cidrs"):
            if name in changed:
                changed.pop(f"token_{name}", None)
        return changed

    @property
    def restricts_policies(self) -> bool:
        """Whether the role restricts or extends policies."""
        return bool(
            self.allowed_policies
            or self.disallowed_policies
            or self.allowed_policies_glob
            or self.disallowed_policies_glob
        )


@dataclass
class NewToken(Record):
    """The parameters of a new token. Lifetimes are texts: seconds or durations such as ``1h``."""

    display_name: Annotated[str, param(Kind.STRING, help="Name shown by lookups and audit logs.")] = ""
    explicit_max_ttl: Annotated[str, param(Kind.STRING, help="Maximum lifetime, renewals included.")] = ""
    entity_alias: Annotated[str, param(Kind.STRING, help="Alias of the token's entity; with a role only.")] = ""
    num_uses: Annotated[int, param(Kind.INT, help="Number of uses; 0 is unlimited.")] = 0
    period: Annotated[str, param(Kind.STRING, help="Lifetime after each renewal, without a maximum.")] = ""
    renewable: Annotated[bool, param(Kind.BOOL, help="Whether it can be renewed.")] = True
    ttl: Annotated[str, param(Kind.STRING, help="Initial lifetime.")] = ""
    lease: Annotated[str, param(Kind.STRING, help="The former name of ttl.", deprecated=True)] = ""
    type: Annotated[str, param(Kind.STRING, help="service or batch.")] = ""
    no_default_policy: Annotated[bool, param(Kind.BOOL, help="Do not add the ``default`` policy.")] = False
    id: Annotated[str, param(Kind.STRING, help="The token itself; generated if absent.")] = ""
    meta: Annotated[dict[str, str], param(Kind.KV_PAIRS, help="Metadata shown by lookups.")] = field(
        default_factory=dict
    )
    no_parent: Annotated[bool, param(Kind.BOOL, help="Create an orphan.")] = False
    policies: Annotated[list[str], param(Kind.STRING_SLICE, help="Policies; default: those of the parent.")] = field(
        default_factory=list
    )


@stored("auth.token.TokenRoles")
@dataclass
class TokenRoles:
    """State of the token auth method: its roles by name. The core has the tokens."""

    roles: dict[str, TokenRole] = field(default_factory=dict)


def renew(state: TokenRoles, call: Call) -> Response:
    """Renew a token of this method with its role's current period and limits. Raises BackendError without the role."""
    auth = call.login
    token = call.core.tokens.lookup(auth.client_token)
    if token is None:
        raise BackendError("no token entry found during lookup")
    auth.period, auth.explicit_max_ttl = token.period, token.explicit_max_ttl
    if token.role:
        role = state.roles.get(token.role)
        if role is None:
            raise BackendError(f"original token role {quote(token.role)} could not be found, not renewing")
        auth.period, auth.explicit_max_ttl = role.token_period, role.token_explicit_max_ttl
    return Response(auth=auth)


engine = Engine(
    "token",
    kind="auth",
    new_state=TokenRoles,
    renew=renew,
    help="Tokens: creation, lookup, renewal and revocation. Always mounted.",
    slow={"revoke": 0, "tidy": 0},  # They end all children of a token, or look at all tokens.
)
engine.protected = {"revoke-orphan/": None}


def show_policies(call: Call, auth: Auth) -> Auth:
    """Add the entity's policies to ``auth`` for a response."""
    client = call.request.client
    namespace = client.namespace if client is not None else ""
    auth.identity_policies = identity_policies(call.core, auth.entity_id, namespace)
    auth.policies = names.sanitize([*auth.token_policies, *auth.identity_policies])
    return auth


def is_sudo(call: Call) -> bool:
    """Return whether the requesting token is root or has the ``sudo`` capability on the requested path."""
    client = call.request.client
    if client is None or client.num_uses < 0:
        return False
    request = call.request
    held = call.core.policies.capabilities(client, request.path, request.namespace)
    return "root" in held or "sudo" in held


load_endpoints(__name__, "create", "lookup", "renew", "revoke", "roles")
