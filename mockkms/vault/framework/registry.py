"""The engine behind each mount type: modules of ``sys``, ``auth`` and ``secrets``, imported when first used.

An implementation is registered by a line in the table below; its module holds ``engine``, an ``Engine`` of that name.
A type that is both a secrets engine and an auth method is named with its kind: ``auth/ldap``, ``secret/ldap``.
Types without a line are known by name only; see ``builtins``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from mockkms.vault.framework import builtins
from mockkms.vault.framework.endpoint import Engine

_MODULES = {
    "system": "mockkms.vault.sys",
    "identity": "mockkms.vault.secrets.identity",
    "cubbyhole": "mockkms.vault.secrets.cubbyhole",
    "agent_registry": "mockkms.vault.secrets.agent_registry",
    "kv": "mockkms.vault.secrets.kv.v1",
    "kv2": "mockkms.vault.secrets.kv.v2",
    "transit": "mockkms.vault.secrets.transit",
    "pki": "mockkms.vault.secrets.pki",
    "database": "mockkms.vault.secrets.database",
    "ssh": "mockkms.vault.secrets.ssh",
    "totp": "mockkms.vault.secrets.totp",
    "secret/aws": "mockkms.vault.secrets.aws",
    "auth/aws": "mockkms.vault.auth.cloud.aws",
    "auth/azure": "mockkms.vault.auth.cloud.azure",
    "auth/gcp": "mockkms.vault.auth.cloud.gcp",
    "token": "mockkms.vault.auth.token",
    "approle": "mockkms.vault.auth.approle",
    "userpass": "mockkms.vault.auth.userpass.endpoints",
    "jwt": "mockkms.vault.auth.jwt",
    "kubernetes": "mockkms.vault.auth.kubernetes",
    "cert": "mockkms.vault.auth.cert",
    "auth/ldap": "mockkms.vault.auth.ldap",
    "github": "mockkms.vault.auth.github",
    "okta": "mockkms.vault.auth.okta",
    "radius": "mockkms.vault.auth.radius",
}
_ALIASES = {"generic": "kv", "kv-v1": "kv", "oidc": "jwt"}
"""Types that another one's engine implements."""
_NAMESPACED = {"ns_system": "system", "ns_identity": "identity", "ns_cubbyhole": "cubbyhole", "ns_token": "token"}


@cache
def engine(name: str) -> Engine:
    """Return the engine of an implementation name. Raises KeyError for an unknown one."""
    module = _MODULES.get(_NAMESPACED.get(name, name))
    return cast(Engine, import_module(module).engine) if module else builtins.nameplate(name)


def implementation(type: str, options: dict[str, str] | None, kind: str) -> Engine:
    """Return the engine of a mount type by its public name; ``kv`` is version 1 or 2, by its options.

    ``kind`` is ``secret`` or ``auth``: some types are both. Raises KeyError for an unknown one.
    """
    if type in ("kv", "kv-v2", "generic") and ((options or {}).get("version") == "2" or type == "kv-v2"):
        return engine("kv2")
    own = f"{kind}/{type}"
    if own in _MODULES:
        return engine(own)
    found = engine(_ALIASES.get(type, type)) if _ALIASES.get(type, type) in {*_MODULES, *_NAMESPACED} else None
    if found is None or (found.kind != kind and own in builtins.ALL):
        return engine(own)
    return found


def emulated(kind: str, type: str) -> bool:
    """Return whether a type is implemented, not just known by name."""
    try:
        return bool(implementation(type, None, kind).type in _MODULES)
    except KeyError:
        return False
