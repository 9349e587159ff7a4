"""AppRole's state and engine: roles, the secret ids of each, and the accessors that find them."""

from __future__ import annotations

import hmac
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import BackendError, Request, Response, refusing, unsupported_path
from mockkms.vault.framework.records import Show, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

TIDY_PERIOD = 60
"""Seconds: the real server removes expired secret ids once a minute, and until then they work. Here they are removed
exactly one minute after they expired."""


@stored("auth.approle.SecretID")
@dataclass
class SecretID:
    """One secret id. Times are seconds since the epoch, lifetimes seconds."""

    id: str
    accessor: str
    num_uses: int = 0
    """Remaining uses; 0: unlimited."""
    ttl: int = 0
    created: float = 0
    updated: float = 0
    expires: float = 0
    """0: never."""
    metadata: dict[str, str] = field(default_factory=dict)
    cidr_list: list[str] = field(default_factory=list)
    token_bound_cidrs: list[str] = field(default_factory=list)


@stored("auth.approle.AppRoleRole")
@dataclass
class AppRoleRole(TokenParams):
    """One role."""

    old_names: ClassVar = ("policies", "period")

    name: str = ""
    """In lower case."""
    role_id: Annotated[str, param(Kind.STRING, help="The role's id; generated if absent.", show=Show.NEVER)] = ""
    hmac_key: str = ""
    bind_secret_id: Annotated[bool, param(Kind.BOOL, help="Whether logins require a secret id.")] = True
    secret_id_bound_cidrs: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Address blocks that may log in.")
    ] = None
    secret_id_num_uses: Annotated[int, param(Kind.INT, help="Number of uses of a secret id; 0 is unlimited.")] = 0
    secret_id_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of a secret id in seconds; 0 is unlimited.")] = 0
    local_secret_ids: Annotated[
        bool, param(Kind.BOOL, help="Keep secret ids on this cluster; can be set at creation only.")
    ] = False
    secret_ids: dict[str, SecretID] = field(default_factory=dict)
    """By their HMAC."""

    def copy(self) -> Self:
        """Return a copy to change. It shares the secret ids, which a change of the role leaves as they are."""
        made = copy(self)
        made.old = dict(self.old)
        return made

    @property
    def old_period(self) -> int:
        """Seconds: the period that was sent under its deprecated name; 0 if it was not."""
        period = self.old.get("period")
        return period if isinstance(period, int) else 0

    def digest(self, text: str) -> str:
        """Return the HMAC of a secret id with the role's key. Raises BackendError if the id is too long."""
        if len(text.encode("utf-8", "replace")) > 4096:
            raise BackendError("failed to create HMAC of secret_id: value is longer than maximum of 4096 bytes")
        return hmac.new(self.hmac_key.encode(), text.encode("utf-8", "replace"), "sha256").hexdigest()


@stored("auth.approle.AppRole")
@dataclass
class AppRole:
    """State of an AppRole mount."""

    roles: dict[str, AppRoleRole] = field(default_factory=dict)
    role_ids: dict[str, str] = field(default_factory=dict)
    """Role names by role id."""
    accessors: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Role name and HMAC of the secret id, by accessor."""
    dangling: dict[str, float] = field(default_factory=dict)
    """Accessors whose role was deleted, with the time of deletion: the real server keeps them until its next tidy."""
    dangling_local: set[str] = field(default_factory=set)
    """Those of roles with local secret ids."""

    def role(self, call: Call) -> AppRoleRole | None:
        """Return the role of the request's path."""
        name: str = call["role_name"]
        return self.roles.get(name.lower())

    def must(self, call: Call) -> AppRoleRole:
        """Return the role of the request's path. Raises BackendError 404 ``unsupported path`` without one."""
        role = self.role(call)
        if role is None:
            raise unsupported_path()
        return role

    def __post_init__(self) -> None:
        self._soonest = 0.0
        """A ``tidy`` before this finds nothing to remove; 0: not known."""

    def put(self, role: AppRoleRole, name: str = "") -> None:
        """Store a role and the index of its id, which must be one of ``name``; empty: of the role's own name.

        Raises BackendError without a constraint, or if the id is in use.
        """
        if not constrained(role):
            raise BackendError("at least one constraint should be enabled on the role")
        owner = self.role_ids.get(role.role_id)
        if owner is not None and owner != (name or role.name):
            raise BackendError("role_id already in use")
        before = self.roles.get(role.name)
        if before is not None:
            self.role_ids.pop(before.role_id, None)
        self.roles[role.name] = role
        self.role_ids[role.role_id] = role.name

    def drop(self, role: AppRoleRole, now: float) -> None:
        """Remove a role with its secret ids; their accessors stay until the next tidy."""
        self._soonest = min(self._soonest, now)
        for entry in role.secret_ids.values():
            self.accessors.pop(entry.accessor, None)
            self.dangling[entry.accessor] = now
            if role.local_secret_ids:
                self.dangling_local.add(entry.accessor)
        self.role_ids.pop(role.role_id, None)
        self.roles.pop(role.name, None)

    def knows(self, role: AppRoleRole, accessor: str) -> bool:
        """Return whether an accessor is stored with those of ``role``: local ones are stored separately."""
        found = self.accessors.get(accessor)
        if found is not None:
            return self.roles[found[0]].local_secret_ids == role.local_secret_ids
        return accessor in self.dangling and (accessor in self.dangling_local) == role.local_secret_ids

    def drop_secret(self, role: AppRoleRole, digest: str) -> None:
        """Remove one secret id."""
        entry = role.secret_ids.pop(digest, None)
        if entry is not None:
            self.accessors.pop(entry.accessor, None)

    def added(self, entry: SecretID) -> None:
        """Note a new secret id."""
        if entry.expires:
            self._soonest = min(self._soonest, entry.expires)

    def tidy_if_due(self, now: float) -> None:
        """Do what ``tidy`` does if something may be due: not all secret ids are looked at for each new one or login."""
        if self._soonest <= now:
            self.tidy(now)

    def tidy(self, now: float) -> None:
        """Remove the secret ids that expired, and the accessors whose role was deleted, at or before ``now``."""
        self.dangling = {accessor: since for accessor, since in self.dangling.items() if since > now}
        self.dangling_local &= self.dangling.keys()
        for role in self.roles.values():
            for digest in [d for d, entry in role.secret_ids.items() if 0 < entry.expires <= now]:
                self.drop_secret(role, digest)
        moments = (entry.expires for role in self.roles.values() for entry in role.secret_ids.values() if entry.expires)
        self._soonest = min(chain(moments, self.dangling.values()), default=inf)


def constrained(role: AppRoleRole) -> bool:
    """Return whether a login with this role requires more than the role id."""
    return bool(role.bind_secret_id or role.secret_id_bound_cidrs or role.token_bound_cidrs)


def check_subset(inner: list[str], outer: list[str] | None) -> None:
    """Raise BackendError if the address blocks of a secret id are not within those of its role."""
    if not inner or not outer:
        return
    full = [block if "/" in block else f"{block}/32" for block in outer]
    quoted = names.quoted
    prefix = (
        f"failed to verify subset relationship between CIDR blocks on the role {quoted(full)} and CIDR blocks on "
        f"the secret ID {quoted(inner)}: "
    )
    with refusing(prefix, BackendError):
        if not cidr.subset(inner, full):
            raise ValueError("%!w(<nil>)")


def user_of(core: Environment, request: Request, below: str) -> str:
    """Return the user name for the user lockout: the role id."""
    given = request.data.get("role_id")
    role_id = "" if given is None else str(given).strip()
    if not role_id and not core.product.has(Feature.LOGIN_NAMES_ALIAS):
        raise BackendError("missing role_id", status=core.product.missing_credentials)
    return role_id


def renew(state: AppRole, call: Call) -> Response:
    """Renew a login with its role's current settings. Raises BackendError if the role was deleted."""
    auth = call.login
    name = call.kept("role_name")
    role = state.roles.get(name)
    if role is None:
        raise BackendError(f"role {quote(name)} does not exist during renewal")
    return Response(auth=role.renewed(auth))


engine = Engine(
    "approle",
    kind="auth",
    new_state=AppRole,
    renew=renew,
    user=user_of,
    help="Logins of applications with a role id and a secret id.",
)

load_endpoints(__name__, "role", "fields", "secretid", "login")
