"""The ``token_*`` parameters that roles and users of all auth methods share: declared, read, shown, applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, Request
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

FIELDS: dict[str, Field] = {
    "token_bound_cidrs": Field(Kind.COMMA_STRINGS, help="Address blocks that may use the token."),
    "token_explicit_max_ttl": Field(Kind.SECONDS, help="Largest lifetime of the token, renewals included, in seconds."),
    "token_max_ttl": Field(Kind.SECONDS, help="Largest lifetime of the token in seconds, as it is at renewal."),
    "token_no_default_policy": Field(Kind.BOOL, help="Leave the default policy out."),
    "token_period": Field(Kind.SECONDS, help="Seconds that every renewal gives, without end."),
    "token_policies": Field(Kind.COMMA_STRINGS, help="Policies of the token."),
    "token_type": Field(Kind.STRING, default="default-service", help="service, batch or default."),
    "token_ttl": Field(Kind.SECONDS, help="First lifetime of the token in seconds."),
    "token_num_uses": Field(Kind.INT, help="How often the token may be used; 0 is without limit."),
    "token_strictly_bind_ip": Field(
        Kind.BOOL, help="Bind the token to the address that logged in.", needs=Feature.STRICT_IP_BINDING
    ),
    "alias_metadata": Field(
        Kind.KV_PAIRS, help="Custom metadata of the alias that a first login creates.", needs=Feature.ALIAS_METADATA
    ),
}


def fields_for(names: Iterable[str]) -> dict[str, Field]:
    """Some of the shared parameters."""
    return {name: FIELDS[name] for name in names}


@dataclass
class TokenParams:
    """What a role says of its tokens; lifetimes in seconds. Old names of parameters are kept as they were sent."""

    token_bound_cidrs: list[str] | None = None
    token_explicit_max_ttl: int = 0
    token_max_ttl: int = 0
    token_no_default_policy: bool = False
    token_period: int = 0
    token_policies: list[str] | None = None
    token_type: str = "default"
    token_ttl: int = 0
    token_num_uses: int = 0
    token_strictly_bind_ip: bool = False
    alias_metadata: dict[str, str] = field(default_factory=dict)
    old: dict[str, Any] = field(default_factory=dict)
    """Values under deprecated names: ``policies``, ``ttl``, ``max_ttl``, ``period``, ``bound_cidrs``, ``num_uses``."""

    def parse(self, call: Call) -> None:
        """Take over what was sent. Raises ValueError in the server's words; what stands before the fault is taken."""
        if "token_bound_cidrs" in call:
            self.token_bound_cidrs = cidr.parse_addresses(call["token_bound_cidrs"])
        self._take(call, "token_explicit_max_ttl", "token_max_ttl", "token_no_default_policy", "token_period")
        self._take(call, "token_policies")
        if "token_type" in call:
            self.token_type = _type(call["token_type"])
        self._take(call, "token_num_uses")
        if self.token_num_uses < 0:
            raise ValueError("'token_num_uses' cannot be negative")
        if self.token_type in ("batch", "default-batch"):
            refused = "'token_type' cannot be 'batch' or 'default_batch' when set to generate "
            if self.token_period:
                raise ValueError(f"{refused}periodic tokens")
            if self.token_num_uses:
                raise ValueError(f"{refused}tokens with limited use count")
        self._take(call, "token_ttl")
        if 0 < self.token_max_ttl < self.token_ttl:
            raise ValueError("'token_ttl' cannot be greater than 'token_max_ttl'")
        self._take(call, "token_strictly_bind_ip")
        # Unlike every other parameter, this one is emptied by a write without it (Vault's sdk/helper/tokenutil).
        self.alias_metadata = call.get("alias_metadata", {})
        if self.token_strictly_bind_ip and self.token_bound_cidrs:
            raise ValueError("'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one")

    def _take(self, call: Call, *names: str) -> None:
        for name in names:
            if name in call:
                setattr(self, name, call[name])

    def upgrade(self, call: Call, old: str, new: str) -> None:
        """Heed the deprecated name of a parameter where the new one was not sent. Raises ValueError for an address."""
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

    def shown(self, product: Product) -> dict[str, Any]:
        """Return the parameters as a read of ``product`` shows them."""
        known = (name for name, declared in FIELDS.items() if declared.known_to(product))
        every = self.kept()
        return {name: every[name] for name in known}

    def kept(self) -> dict[str, Any]:
        """Return every parameter."""
        data: dict[str, Any] = {
            "token_bound_cidrs": list(self.token_bound_cidrs or []),
            "token_explicit_max_ttl": self.token_explicit_max_ttl,
            "token_max_ttl": self.token_max_ttl,
            "token_no_default_policy": self.token_no_default_policy,
            "token_period": self.token_period,
            "token_policies": list(self.token_policies or []),
            "token_type": self.token_type,
            "token_ttl": self.token_ttl,
            "token_num_uses": self.token_num_uses,
            "token_strictly_bind_ip": self.token_strictly_bind_ip,
            "alias_metadata": dict(self.alias_metadata),
        }
        return data

    def apply(self, auth: Auth, request: Request) -> Auth:
        """Write into ``auth`` what a login gets."""
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
        """Write into ``auth`` what a renewal gets."""
        auth.ttl, auth.max_ttl, auth.period = self.token_ttl, self.token_max_ttl, self.token_period
        return auth


def _type(text: str) -> str:
    if text in ("", "default"):
        return "default"
    if text in ("service", "batch"):
        return text
    raise ValueError(f"invalid 'token_type' value \"{text}\"")
