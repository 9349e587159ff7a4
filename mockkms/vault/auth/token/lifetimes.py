"""Lifetimes of a new token, from the request, its role and the mount."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.auth.token.model import NewToken, TokenRole
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.tokens import ttl
from mockkms.vault.tokens.token import Token


@dataclass
class TokenLimits:
    """Limits of a new token in seconds, the role's included."""

    explicit_max_ttl: int = 0
    period: int = 0


def _lifetime(name: str, text: str) -> int:
    with refusing():
        seconds = int(parse_seconds(text))
    if seconds < 0:
        raise ErrorResponse(f"{name} must be positive")
    return seconds


def lifetimes(
    requested: NewToken, token: Token, role: TokenRole | None, warnings: list[str], *, sudo: bool
) -> TokenLimits:
    """Read the lifetimes sent into ``token`` and merge the role's. Raises ErrorResponse with the server's text."""
    limits = TokenLimits()
    if requested.explicit_max_ttl:
        token.explicit_max_ttl = limits.explicit_max_ttl = _lifetime("explicit_max_ttl", requested.explicit_max_ttl)
    if requested.period:
        limits.period = _lifetime("period", requested.period)
        if limits.period and not sudo:
            raise ErrorResponse("root or sudo privileges required to create periodic token")
        token.period = limits.period
    if requested.ttl:
        token.ttl = _lifetime("ttl", requested.ttl)
    elif requested.lease:
        token.ttl = _lifetime("lease", requested.lease)
    if role is not None and token.type != "batch":
        most = role.token_explicit_max_ttl
        limits.explicit_max_ttl = _lesser("Explicit max TTL", limits.explicit_max_ttl, most, warnings)
        limits.period = _lesser("Period", limits.period, role.token_period, warnings)
    return limits


def _lesser(what: str, requested: int, limit: int, warnings: list[str]) -> int:
    if not limit or not requested:
        return requested or limit
    lesser = min(requested, limit)
    warnings.append(
        f"{what} specified both during creation call and in role; using the lesser value of {lesser} seconds"
    )
    return lesser


def settle(call: Call, token: Token, limits: TokenLimits, warnings: list[str]) -> None:
    """Restrict the token's lifetime to the mount's limits; a root token without a lifetime does not expire."""
    if limits.period or token.ttl or "root" not in token.policies:
        token.ttl, more = ttl.calculate(
            call.core.limits(call.mount),
            call.now(),
            ttl=token.ttl,
            period=limits.period,
            explicit_max_ttl=limits.explicit_max_ttl,
        )
        warnings.extend(more)
    if token.ttl == 0:
        token.ttl = limits.explicit_max_ttl
