"""An SSH mount back to what a world file says of one."""

from __future__ import annotations

from typing import Any

from mockkms.vault.secrets.ssh.engine import SSH
from mockkms.vault.secrets.ssh.roles import one


def dump(state: SSH) -> dict[str, Any]:
    """The default issuer, and the roles without what is usual."""
    found: dict[str, Any] = {"roles": {name: _changed(role) for name, role in state.roles.items()}}
    if state.default:
        issuer = state.issuers[state.default]
        found["ca"] = {"public_key": issuer.public_key, "private_key": issuer.private_key}
    if state.zero_address:
        found["zero_address"] = list(state.zero_address)
    return {word: value for word, value in found.items() if value}


def _changed(role: dict[str, Any]) -> dict[str, Any]:
    usual = {name: field.default for name, field in one.fields.items() if field.default is not None}
    return {name: value for name, value in role.items() if value not in (usual.get(name), "", 0, False, None, {}, [])}
