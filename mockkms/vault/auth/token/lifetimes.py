"""Lifetimes of a new token, from the request, its role and the mount."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.auth.token.model import TokenRole
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.tokens import ttl
from mockkms.vault.tokens.token import Token


@dataclass
class AskedToken:
    """What a new token is to live by, in seconds, after the role's were merged in."""

    explicit_max_ttl: int = 0
    period: int = 0


def _lifetime(name: str, text: str) -> int:
    with refusing():
        seconds = int(parse_seconds(text))
    if seconds < 0:
        raise ErrorResponse(f"{name} must be positive")
    return seconds


def lifetimes(call: Call, token: Token, role: TokenRole | None, sudo: bool, warnings: list[str]) -> AskedToken:
    """Read the lifetimes sent into ``token`` and merge the role's. Raises ErrorResponse with the server's text."""
    asked = AskedToken()
    if call["explicit_max_ttl"]:
        token.explicit_max_ttl = asked.explicit_max_ttl = _lifetime("explicit_max_ttl", call["explicit_max_ttl"])
    if call["period"]:
        asked.period = _lifetime("period", call["period"])
        if asked.period and not sudo:
            raise ErrorResponse("root or sudo privileges required to create periodic token")
        token.period = asked.period
    for name in ("ttl", "lease"):
        if call[name]:
            token.ttl = _lifetime(name, call[name])
            break
    if role is not None and token.type != "batch":
        most = role.token_explicit_max_ttl
        asked.explicit_max_ttl = _lesser("Explicit max TTL", asked.explicit_max_ttl, most, warnings)
        asked.period = _lesser("Period", asked.period, role.token_period, warnings)
    return asked


def _lesser(what: str, asked: int, limit: int, warnings: list[str]) -> int:
    if not limit or not asked:
        return asked or limit
    lesser = min(asked, limit)
    warnings.append(
        f"{what} specified both during creation call and in role; using the lesser value of {lesser} seconds"
    )
    return lesser


def settle(call: Call, token: Token, asked: AskedToken, warnings: list[str]) -> None:
    """Hold the token's lifetime against the mount's limits; a root token without one lives on."""
    if asked.period or token.ttl or "root" not in token.policies:
        token.ttl, more = ttl.calculate(
            call.core.limits(call.mount),
            call.now(),
            ttl=token.ttl,
            period=asked.period,
            explicit_max_ttl=asked.explicit_max_ttl,
        )
        warnings.extend(more)
    if token.ttl == 0:
        token.ttl = asked.explicit_max_ttl
