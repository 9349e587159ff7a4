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
    """Limits of a new token in seconds, the role's included; the token itself keeps whole seconds."""

    explicit_max_ttl: float = 0
    period: float = 0


def _lifetime(name: str, text: str) -> float:
    with refusing():
        seconds = parse_seconds(text)
    if seconds < 0:
        raise ErrorResponse(f"{name} must be positive")
    return seconds


def lifetimes(
    requested: NewToken, token: Token, role: TokenRole | None, warnings: list[str], *, sudo: bool
) -> tuple[float, TokenLimits]:
    """Return the lifetime that was asked for (0: none) and the limits, the role's included, some noted in ``token``.

    Raises ErrorResponse with the server's text.
    """
    limits, asked = TokenLimits(), 0.0
    if requested.explicit_max_ttl:
        limits.explicit_max_ttl = _lifetime("explicit_max_ttl", requested.explicit_max_ttl)
        token.explicit_max_ttl = int(limits.explicit_max_ttl)
    if requested.period:
        limits.period = _lifetime("period", requested.period)
        if limits.period and not sudo:
            raise ErrorResponse("root or sudo privileges required to create periodic token")
        token.period = int(limits.period)
    if requested.ttl:
        asked = _lifetime("ttl", requested.ttl)
    elif requested.lease:
        asked = _lifetime("lease", requested.lease)
    if role is not None and token.type != "batch":
        most = role.token_explicit_max_ttl
        limits.explicit_max_ttl = _lesser("Explicit max TTL", limits.explicit_max_ttl, most, warnings)
        limits.period = _lesser("Period", limits.period, role.token_period, warnings)
    return asked, limits


def _lesser(what: str, requested: float, limit: int, warnings: list[str]) -> float:
    if not limit or not requested:
        return requested or limit
    lesser = min(requested, limit)
    warnings.append(
        f"{what} specified both during creation call and in role; using the lesser value of {int(lesser)} seconds"
    )
    return lesser


def settled(call: Call, token: Token, asked: float, limits: TokenLimits, warnings: list[str]) -> float:
    """Return the token's lifetime in seconds, within the mount's limits; 0: a root token that does not expire."""
    if limits.period or asked or "root" not in token.policies:
        asked, more = ttl.calculate(
            call.core.limits(call.mount),
            call.now(),
            ttl=asked,
            period=limits.period,
            explicit_max_ttl=limits.explicit_max_ttl,
        )
        warnings.extend(more)
    return asked or limits.explicit_max_ttl
