"""Which policies a token made against a role gets."""

from __future__ import annotations

from mockkms.vault import policynames
from mockkms.vault.auth.token.model import Role
from mockkms.vault.gotext import quote
from mockkms.vault.message import ErrorResponse


def policies_against_role(role: Role, parents: list[str], asked: list[str], no_default: bool) -> list[str]:
    """The policies asked for, held against what the role allows and forbids. Raises ErrorResponse in its words."""
    add_default = not (
        no_default
        or role.token_no_default_policy
        or "default" in role.disallowed_policies
        or policynames.matches_glob(role.disallowed_policies_glob, "default")
    )
    final = policynames.sanitize(asked, add_default) if asked else []
    if role.allowed_policies or role.allowed_policies_glob:
        allowed = policynames.sanitize(role.allowed_policies, add_default)
        if not final:
            final = allowed
        else:
            _check_allowed(final, allowed, policynames.sanitize(role.allowed_policies_glob))
    elif not final:
        final = policynames.sanitize(parents, add_default)
    forbidden = policynames.distinct(role.disallowed_policies)
    globs = policynames.distinct(role.disallowed_policies_glob)
    for name in final:
        if name in forbidden or policynames.matches_glob(globs, name):
            raise ErrorResponse(f"token policy {quote(name)} is disallowed by this role")
    return final


def _check_allowed(final: list[str], allowed: list[str], globs: list[str]) -> None:
    if all(name in allowed or policynames.matches_glob(globs, name) for name in final):
        return
    quoted = policynames.quoted
    raise ErrorResponse(
        f"token policies ({quoted(final)}) must be subset of the role's allowed policies ({quoted(allowed)}) or glob "
        f"policies ({quoted(globs)})"
    )
