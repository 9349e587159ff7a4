"""The policies of a token created with a role."""

from __future__ import annotations

from mockkms.vault.auth.token.model import TokenRole
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import names


def policies_against_role(role: TokenRole, parents: list[str], requested: list[str], *, no_default: bool) -> list[str]:
    """Return the requested policies, checked against the role's. Raises ErrorResponse with the server's text."""
    add_default = not (
        no_default
        or role.token_no_default_policy
        or "default" in role.disallowed_policies
        or names.matches_glob(role.disallowed_policies_glob, "default")
    )
    final = names.sanitize(requested, add_default=add_default) if requested else []
    if role.allowed_policies or role.allowed_policies_glob:
        allowed = names.sanitize(role.allowed_policies, add_default=add_default)
        if not final:
            final = allowed
        else:
            _check_allowed(final, allowed, names.sanitize(role.allowed_policies_glob))
    elif not final:
        final = names.sanitize(parents, add_default=add_default)
    forbidden = names.distinct(role.disallowed_policies)
    globs = names.distinct(role.disallowed_policies_glob)
    for name in final:
        if name in forbidden or names.matches_glob(globs, name):
            raise ErrorResponse(f"token policy {quote(name)} is disallowed by this role")
    return final


def _check_allowed(final: list[str], allowed: list[str], globs: list[str]) -> None:
    if all(name in allowed or names.matches_glob(globs, name) for name in final):
        return
    quoted = names.quoted
    raise ErrorResponse(
        f"token policies ({quoted(final)}) must be subset of the role's allowed policies ({quoted(allowed)}) or glob "
        f"policies ({quoted(globs)})"
    )
