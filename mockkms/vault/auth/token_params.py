"""The ``token_*`` parameters of roles and users of all auth methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, Request, refusing
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr


@dataclass
class TokenParams(Record):
    """The token parameters of a role; lifetimes in seconds."""

    token_bound_cidrs: Annotated[
        list[str] | None,
        param(Kind.COMMA_STRINGS, help="Address blocks that may use the token.", old="bound_cidrs"),
    ] = None
    token_explicit_max_ttl: Annotated[
        int, param(Kind.SECONDS, help="Explicit maximum lifetime of the token in seconds.")
    ] = 0
    token_max_ttl: Annotated[
        int,
        param(Kind.SECONDS, help="Maximum lifetime of the token in seconds, checked at renewal.", old="max_ttl"),
    ] = 0
    token_no_default_policy: Annotated[bool, param(Kind.BOOL, help="Do not add the ``default`` policy.")] = False
    token_period: Annotated[
        int, param(Kind.SECONDS, help="Lifetime in seconds after each renewal, without a maximum.", old="period")
    ] = 0
    token_policies: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Policies of the token.", old="policies")
    ] = None
    token_type: Annotated[str, param(Kind.STRING, default="default-service", help="service, batch or default.")] = (
        "default"
    )
    token_ttl: Annotated[int, param(Kind.SECONDS, help="Initial lifetime of the token in seconds.", old="ttl")] = 0
    token_num_uses: Annotated[
        int, param(Kind.INT, help="Number of uses of the token; 0 is unlimited.", old="num_uses")
    ] = 0
    token_strictly_bind_ip: Annotated[
        bool,
        param(Kind.BOOL, help="Bind the token to the address that logged in.", needs=Feature.STRICT_IP_BINDING),
    ] = False
    alias_metadata: Annotated[
        dict[str, str],
        param(
            Kind.KV_PAIRS, help="Custom metadata of the alias that a first login creates.", needs=Feature.ALIAS_METADATA
        ),
    ] = field(default_factory=dict)
    old: dict[str, object] = field(default_factory=dict)
    """Values that were sent under deprecated names, of those in ``old_names``."""

    def update_token_params(self, call: Call) -> None:
        """Set the members that were sent, also under deprecated names. Raises ErrorResponse."""
        with refusing():
            self.parse(call)
            self.upgrade(call)

    def update_own(self, call: Call) -> None:
        """Set those members of the derived record whose parameters were sent."""
        self.update_from(call, *(name for name in self.params() if name not in TokenParams.params()))

    def parse(self, call: Call) -> None:
        """Set the members that were sent. Raises ValueError with the server's text.

        Parameters before an invalid one are set.
        """
        if "token_bound_cidrs" in call:
            self.token_bound_cidrs = cidr.parse_addresses(call["token_bound_cidrs"])
        elif self.token_bound_cidrs:
            self.token_bound_cidrs = cidr.reread(self.token_bound_cidrs)
        self.update_from(call, "token_explicit_max_ttl", "token_max_ttl", "token_no_default_policy", "token_period")
        self.update_from(call, "token_policies")
        if "token_type" in call:
            self.token_type = _type(call["token_type"])
        self.update_from(call, "token_num_uses")
        if self.token_num_uses < 0:
            raise ValueError("'token_num_uses' cannot be negative")
        if self.token_type in ("batch", "default-batch"):
            refused = "'token_type' cannot be 'batch' or 'default_batch' when set to generate "
            if self.token_period:
                raise ValueError(f"{refused}periodic tokens")
            if self.token_num_uses:
                raise ValueError(f"{refused}tokens with limited use count")
        self.update_from(call, "token_ttl")
        if 0 < self.token_max_ttl < self.token_ttl:
            raise ValueError("'token_ttl' cannot be greater than 'token_max_ttl'")
        self.update_from(call, "token_strictly_bind_ip")
        # Unlike other parameters, this one is cleared by a write without it (Vault's sdk/helper/tokenutil).
        self.alias_metadata = call.get("alias_metadata", {})
        if self.token_strictly_bind_ip and self.token_bound_cidrs:
            raise ValueError("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one")

    def upgrade(self, call: Call) -> None:
        """Set parameters that were sent under deprecated names only. Raises ValueError."""
        for old in self.old_names:
            new = f"token_{old}"
            if new in call:
                if old in call:
                    self.old[old] = getattr(self, new)
                else:
                    self.old.pop(old, None)
            elif old in call:
                value = call[old]
                if old == "policies":
                    value = sorted({name.strip().lower() for name in value if name.strip()})
                elif old == "bound_cidrs":
                    value = cidr.parse_addresses(value)
                self.old[old] = value
                setattr(self, new, value)

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows; deprecated names only if they were used, numbers above zero."""
        data = super().shown(product)
        data["token_bound_cidrs"] = cidr.reread(self.token_bound_cidrs or [])
        data["token_policies"] = self.token_policies or []
        return data | {old: data[f"token_{old}"] for old in self.old_names if _used(self.old.get(old))}

    def changed(self) -> dict[str, object]:
        """Return the parameters that differ from those of a new record, under deprecated names if those were used."""
        used = {name: value for name, value in self.old.items() if value}
        changed = super().changed()
        return {name: value for name, value in changed.items() if name.removeprefix("token_") not in used} | used

    def apply(self, auth: Auth, request: Request) -> Auth:
        """Set the parameters of a login in ``auth``."""
        auth.bound_cidrs = list(self.token_bound_cidrs or [])
        auth.explicit_max_ttl = self.token_explicit_max_ttl
        auth.max_ttl = self.token_max_ttl
        auth.no_default_policy = self.token_no_default_policy
        auth.period = self.token_period
        auth.policies = list(self.token_policies or [])
        auth.renewable = True
        auth.token_type = self.token_type
        auth.ttl = self.token_ttl
        auth.num_uses = self.token_num_uses
        auth.alias_metadata = dict(self.alias_metadata)
        if self.token_strictly_bind_ip:
            auth.bound_cidrs = [request.remote_address]
        return auth

    def renewed(self, auth: Auth) -> Auth:
        """Set the lifetimes of a renewal in ``auth``."""
        auth.ttl, auth.max_ttl, auth.period = self.token_ttl, self.token_max_ttl, self.token_period
        return auth


def _used(value: object) -> bool:
    return value > 0 if isinstance(value, int) else bool(value)


def _type(text: str) -> str:
    if text in ("", "default"):
        return "default"
    if text in ("service", "batch"):
        return text
    raise ValueError(f"invalid 'token_type' value {quote(text)}")
