"""The engine of each mount type, and the modules of the type, which are imported at their first use.

A type is registered by a row of the table below. It lives in one folder of ``mockkms/vault``, or in one file if it
is small: a module that holds ``engine``, an ``Engine`` of the row's name, and one
that holds ``section``, a ``WorldSection``.
A type that is both a secrets engine and an auth method is named with its kind: ``auth/ldap``, ``secret/ldap``.
A type without a row that a product has is known by name only: it can be mounted, tuned, moved and disabled as on the
real server, and appears in every list. Requests below its path are answered with 404 ``unsupported path`` and appear in
the journal as ``unhandled``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework import loading
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.products import PRODUCTS, Product

if TYPE_CHECKING:
    from mockkms.vault.framework.world_section import WorldSection


@dataclass(frozen=True)
class Type:
    """One type of mount."""

    engine: str
    """The module that holds ``engine``, below ``mockkms.vault``; it names those with the endpoints (``loading``)."""
    world: str = ""
    """The module that holds ``section``, likewise; empty for a type without a section."""
    names: tuple[str, ...] | None = None
    """The names by which users mount it; None: the name of the row."""
    only_at: str = ""
    """The one path of a type that every namespace has once. The section of such a secrets engine is not among
    the mounts: its key, in the namespace, is the name of its path."""


_TABLE = {
    "system": Type("sys", only_at="sys/"),
    "identity": Type("secrets.identity", "secrets.identity.world", only_at="identity/"),
    "cubbyhole": Type("secrets.cubbyhole", only_at="cubbyhole/"),
    "agent_registry": Type("secrets.agent_registry", only_at="agent-registry/"),
    "kv": Type("secrets.kv.v1", "secrets.kv.world", ("kv", "kv-v1", "kv-v2", "generic")),
    "kv2": Type("secrets.kv.v2", "secrets.kv.world", ()),
    "transit": Type("secrets.transit", "secrets.transit.world"),
    "pki": Type("secrets.pki", "secrets.pki.world"),
    "database": Type("secrets.database", "secrets.database.world"),
    "ssh": Type("secrets.ssh", "secrets.ssh.world"),
    "totp": Type("secrets.totp", "secrets.totp"),
    "secret/aws": Type("secrets.aws.model", "secrets.aws.world"),
    "consul": Type("secrets.orchestrators.consul", "secrets.orchestrators.consul"),
    "secret/kubernetes": Type("secrets.orchestrators.kubernetes", "secrets.orchestrators.kubernetes"),
    "secret/ldap": Type("secrets.directories.ldap.model", "secrets.directories.ldap.world", ("ldap", "openldap")),
    "ad": Type("secrets.directories.ad", "secrets.directories.ad"),
    "mongodbatlas": Type("secrets.cloud.mongodbatlas", "secrets.cloud.mongodbatlas"),
    "secret/alicloud": Type("secrets.cloud.alicloud", "secrets.cloud.alicloud"),
    "terraform": Type("secrets.cloud.terraform", "secrets.cloud.terraform"),
    "gcpkms": Type("secrets.cloud.gcpkms.model", "secrets.cloud.gcpkms.world"),
    "secret/azure": Type("secrets.cloud.azure", "secrets.cloud.azure"),
    "secret/gcp": Type("secrets.cloud.gcp.model", "secrets.cloud.gcp.world"),
    "nomad": Type("secrets.orchestrators.nomad", "secrets.orchestrators.nomad"),
    "rabbitmq": Type("secrets.orchestrators.rabbitmq", "secrets.orchestrators.rabbitmq"),
    "auth/aws": Type("auth.cloud.aws.engine", "auth.cloud.aws.world"),
    "auth/azure": Type("auth.cloud.azure.model", "auth.cloud.azure.world"),
    "auth/gcp": Type("auth.cloud.gcp.model", "auth.cloud.gcp.world"),
    "auth/alicloud": Type("auth.cloud.alicloud", "auth.cloud.alicloud"),
    "cf": Type("auth.cloud.cf.model", "auth.cloud.cf.world", ("cf", "pcf")),
    "auth/oci": Type("auth.cloud.oci", "auth.cloud.oci"),
    "auth/kerberos": Type("auth.kerberos.model", "auth.kerberos.world"),
    "approle": Type("auth.approle.model", "auth.approle.world"),
    "userpass": Type("auth.userpass.endpoints", "auth.userpass.world"),
    "jwt": Type("auth.jwt.model", "auth.jwt.world", ("jwt", "oidc")),
    "kubernetes": Type("auth.kubernetes.model", "auth.kubernetes.world"),
    "cert": Type("auth.cert.model", "auth.cert.roles"),
    "auth/ldap": Type("auth.ldap.model", "auth.ldap.entries"),
    "github": Type("auth.github.model", "auth.github.maps"),
    "okta": Type("auth.okta.model", "auth.okta.entries"),
    "radius": Type("auth.radius.model", "auth.radius.users"),
    "token": Type("auth.token.model", "auth.token.roles", only_at="auth/token/"),
}
"""The order of the types in messages and the schema of world files."""
_ALIASES = {name: row for row, mount_type in _TABLE.items() for name in mount_type.names or () if name != row}
"""Types that another one's engine implements."""
_NAMESPACED = {"ns_system": "system", "ns_identity": "identity", "ns_cubbyhole": "cubbyhole", "ns_token": "token"}
_HOME = "mockkms.vault."
KNOWN_TYPES = frozenset(
    f"{kind}/{plugin_type}"
    for product in PRODUCTS.values()
    for kind in ("auth", "secret")
    for plugin_type in product.builtins.mountable(kind)
)
"""Every type of any product, as ``auth/ldap`` or ``secret/ssh``."""


@cache
def engine(name: str) -> Engine:
    """Return the engine of an implementation name. Raises KeyError for an unknown one."""
    found = bare_engine(name)
    row = _row(name)
    if row is not None:
        loading.load_rest(_HOME + row.engine)
    return found


@cache
def bare_engine(name: str) -> Engine:
    """Return the engine of an implementation name, possibly without its endpoints, which a new mount does not need.

    Raises KeyError for an unknown one.
    """
    row = _row(name)
    if row is None:
        return _nameplate(name)
    with loading.postponed():
        return cast(Engine, import_module(_HOME + row.engine).engine)


def _row(name: str) -> Type | None:
    return _TABLE.get(_NAMESPACED.get(name, name))


def names() -> list[str]:
    """Return the implementation names of all emulated types."""
    return list(_TABLE)


def implementation(mount_type: str, options: dict[str, str] | None, kind: str) -> Engine:
    """Return the bare engine of a mount type by its public name; ``kv`` is version 1 or 2, by its options.

    ``kind`` is ``secret`` or ``auth``: some types are both. Raises KeyError for an unknown one.
    """
    if mount_type in ("kv", "kv-v2", "generic") and ((options or {}).get("version") == "2" or mount_type == "kv-v2"):
        return bare_engine("kv2")
    own = f"{kind}/{mount_type}"
    if own in _TABLE:
        return bare_engine(own)
    known = _ALIASES.get(mount_type, mount_type)
    found = bare_engine(known) if known in {*_TABLE, *_NAMESPACED} else None
    if found is None or (found.kind != kind and own in KNOWN_TYPES):
        return bare_engine(own)
    return found


def emulated(kind: str, mount_type: str) -> bool:
    """Return whether a type is implemented, not only known by name."""
    try:
        return bool(implementation(mount_type, None, kind).type in _TABLE)
    except KeyError:
        return False


def _kind(row: Type) -> str:
    return "auth" if row.engine.startswith("auth.") else "secret"


def _by_itself(row: Type) -> bool:
    """Return whether the section of a type is a key of the namespace, not one of the mounts."""
    return bool(row.only_at) and _kind(row) == "secret"


@cache
def world_section(name: str) -> WorldSection | None:
    """Return the section in world files of an implementation (``kv2``, ``auth/ldap``), or None."""
    row = _row(name)
    if row is None or not row.world:
        return None
    engine(name)  # Declares the endpoints in their order, before the section imports some of them.
    return cast("WorldSection", import_module(_HOME + row.world).section)


def world_types(kind: str) -> dict[str, str]:
    """Return the types of ``secret`` or ``auth`` mounts with a section, by users' names, with their implementations.

    A name of several versions stands for the first one; all of them have the same section.
    """
    return {
        mount_type: name
        for name, row in _TABLE.items()
        if row.world and _kind(row) == kind and not _by_itself(row)
        for mount_type in ((name.rpartition("/")[2],) if row.names is None else row.names)
    }


def own_world_sections() -> dict[str, str]:
    """Return the secrets engines whose section is a key of the namespace: the key, and the implementation."""
    return {row.only_at.strip("/"): name for name, row in _TABLE.items() if row.world and _by_itself(row)}


def only_path(kind: str, mount_type: str) -> str:
    """Return the path of a type that every namespace has once, such as ``auth/token/``; empty for others."""
    row = _TABLE.get(mount_type)
    return row.only_at if row is not None and _kind(row) == kind else ""


def lacks(product: Product, kind: str, plugin_type: str) -> bool:
    """Return whether ``product`` lacks this type although another product has it."""
    return f"{kind}/{plugin_type}" in KNOWN_TYPES and not product.builtins.has(kind, plugin_type)


def _nameplate(name: str) -> Engine:
    """Return the engine of a type that is known by name only (``secret/database``).

    Raises KeyError for an unknown one.
    """
    if name not in KNOWN_TYPES:
        raise KeyError(name)
    kind, plugin_type = name.split("/")
    engine = Engine(name, kind=kind, new_state=dict, help=f"The type {plugin_type} is known, and not emulated.")
    if kind == "auth":
        # Without this, a login would fail for its missing token, as if the method existed.
        login = engine.path("login[/{rest:all}]", {"rest": Field(Kind.STRING)}, login=True, arbitrary=True)
        login.on(Operation.READ, Operation.UPDATE)(_no_login)
    return engine


def _no_login(_state: object, call: Call) -> None:
    call.request.trace.unhandled = True
    raise unsupported_path()
