"""How world files describe roles and configurations: by what differs from a fresh one."""

from __future__ import annotations

from typing import Any


def changed(role: Any) -> dict[str, Any]:
    """Describe a role or a configuration by the parameters of the API that differ from the usual values.

    A parameter that was written under a deprecated name is described under that name.
    """
    fresh = type(role)(*([role.name] if hasattr(role, "name") else []))
    known = vars(fresh)
    shown = {name: value for name, value in vars(role).items() if name not in ("name", "old") and value != known[name]}
    shown |= {name: value for name, value in getattr(role, "old", {}).items() if value}
    for name in [name for name in shown if f"token_{name}" in shown]:
        del shown[f"token_{name}"]
    return shown


def changed_roles(state: Any) -> dict[str, dict[str, Any]]:
    """Describe every role of a mount's state, by name."""
    return {name: changed(role) for name, role in sorted(state.roles.items())}
