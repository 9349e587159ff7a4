"""Which engine implements a mount type: the modules of ``sys``, ``auth`` and ``engines``, loaded when first asked for.

An implementation registers by being named here: one line a type. Its module holds ``engine`` (an ``Engine``).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import cast

from mockkms.vault.endpoint import Engine

_MODULES = {
    "system": "mockkms.vault.sys",
    "identity": "mockkms.vault.engines.identity",
    "cubbyhole": "mockkms.vault.engines.cubbyhole",
    "kv": "mockkms.vault.engines.kv1",
    "kv2": "mockkms.vault.engines.kv2",
    "transit": "mockkms.vault.engines.transit",
    "pki": "mockkms.vault.engines.pki",
    "token": "mockkms.vault.auth.token",
    "approle": "mockkms.vault.auth.approle",
    "userpass": "mockkms.vault.auth.userpass",
    "jwt": "mockkms.vault.auth.jwt",
    "kubernetes": "mockkms.vault.auth.kubernetes",
    "cert": "mockkms.vault.auth.cert",
}
_ALIASES = {"generic": "kv", "kv-v1": "kv", "oidc": "jwt"}
"""Types that another one's engine implements."""
_NAMESPACED = {"ns_system": "system", "ns_identity": "identity", "ns_cubbyhole": "cubbyhole", "ns_token": "token"}


@cache
def engine(type: str) -> Engine:
    """The engine of an implementation name. Raises KeyError for an unknown one."""
    return cast(Engine, import_module(_MODULES[_NAMESPACED.get(type, type)]).engine)


def implementation(type: str, options: dict[str, str] | None) -> Engine:
    """The engine behind a mount type as users name it; ``kv`` is version 1 or 2 by its options."""
    if type in ("kv", "kv-v2", "generic") and ((options or {}).get("version") == "2" or type == "kv-v2"):
        return engine("kv2")
    return engine(_ALIASES.get(type, type))


def known(kind: str) -> list[str]:
    """The mount types of a kind (``secret``, ``auth``) that this server implements."""
    types = (*_MODULES, "oidc")
    return sorted(type for type in types if implementation(type, None).kind == kind and type != "kv2")
