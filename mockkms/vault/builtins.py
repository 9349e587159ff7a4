"""The mount types that come with each product, those included that this server knows by name only.

A type of the second kind can be mounted, tuned, moved and disabled as on the real server, and shows in every list;
below its path nothing is there yet: 404 ``unsupported path``, and the journal says ``unhandled``.

Sources: OpenBao 2.6's ``helper/builtinplugins``; for Vault its published list of plugins.
"""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.endpoint import Call, Engine, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import Operation, unsupported_path


@dataclass(frozen=True)
class Builtins:
    """What one product brings along, by kind and in the order of its lists."""

    auth: tuple[str, ...]
    secret: tuple[str, ...]
    database: tuple[str, ...]
    unlisted: tuple[str, ...] = ("database",)
    """Secrets engines that can be mounted and stand in no catalog."""
    deprecated: tuple[str, ...] = ()

    def names(self, kind: str) -> tuple[str, ...]:
        """The catalog of a kind: ``auth``, ``secret`` or ``database``."""
        return {"auth": self.auth, "secret": self.secret, "database": self.database}[kind]

    def has(self, kind: str, type: str) -> bool:
        """Whether ``type`` can be mounted as ``kind`` (``auth``, ``secret``)."""
        return type in self.names(kind) or (kind == "secret" and type in self.unlisted)

    def lacks(self, kind: str, type: str) -> bool:
        """Whether another product has this type and this one has not."""
        return f"{kind}/{type}" in ALL and not self.has(kind, type)

    def status(self, type: str) -> str:
        """``deprecation_status`` of a type."""
        return "deprecated" if type in self.deprecated else "supported"


OPENBAO = Builtins(
    auth=("approle", "cert", "jwt", "kerberos", "kubernetes", "ldap", "oidc", "radius", "userpass"),
    secret=("kubernetes", "kv", "ldap", "openldap", "pki", "rabbitmq", "ssh", "totp", "transit"),
    database=(
        "cassandra-database-plugin", "influxdb-database-plugin", "mysql-aurora-database-plugin",
        "mysql-database-plugin", "mysql-legacy-database-plugin", "mysql-rds-database-plugin",
        "postgresql-database-plugin", "redis-database-plugin", "valkey-database-plugin",
    ),
)  # fmt: skip
VAULT = Builtins(
    auth=(
        "alicloud", "approle", "aws", "azure", "cert", "cf", "gcp", "github", "jwt", "kerberos", "kubernetes", "ldap",
        "oci", "oidc", "okta", "pcf", "radius", "userpass",
    ),
    secret=(
        "ad", "alicloud", "aws", "azure", "consul", "gcp", "gcpkms", "kubernetes", "kv", "ldap", "mongodbatlas",
        "nomad", "openldap", "pki", "rabbitmq", "ssh", "terraform", "totp", "transit",
    ),
    database=(
        "cassandra-database-plugin", "couchbase-database-plugin", "elasticsearch-database-plugin",
        "hana-database-plugin", "influxdb-database-plugin", "mongodb-database-plugin", "mongodbatlas-database-plugin",
        "mssql-database-plugin", "mysql-aurora-database-plugin", "mysql-database-plugin",
        "mysql-legacy-database-plugin", "mysql-rds-database-plugin", "postgresql-database-plugin",
        "redis-database-plugin", "redis-elasticache-database-plugin", "redshift-database-plugin",
        "snowflake-database-plugin",
    ),
    deprecated=("ad", "pcf"),
)  # fmt: skip
ALL = frozenset(
    f"{kind}/{type}"
    for product in (OPENBAO, VAULT)
    for kind in ("auth", "secret")
    for type in (*product.names(kind), *(product.unlisted if kind == "secret" else ()))
)
"""Every type of either product, as ``auth/ldap`` or ``secret/ssh``."""


def nameplate(name: str) -> Engine:
    """The engine of a type that is known by name only (``secret/database``). Raises KeyError for an unknown one."""
    if name not in ALL:
        raise KeyError(name)
    kind, type = name.split("/")
    engine = Engine(name, kind=kind, new_state=dict, help=f"The type {type} is known, and not emulated.")
    if kind == "auth":
        # Without this a login would be refused for its missing token, as if the method were there and said no.
        login = engine.path("login[/{rest:all}]", {"rest": Field(Kind.STRING)}, login=True, arbitrary=True)
        login.on(Operation.READ, Operation.UPDATE)(_no_login)
    return engine


def _no_login(_state: object, call: Call) -> None:
    call.request.trace.unhandled = True
    raise unsupported_path()
