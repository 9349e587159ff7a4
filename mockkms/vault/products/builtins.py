"""The mount types and plugins that come with each product.

Sources: OpenBao 2.6's ``helper/builtinplugins``; for Vault its published list of plugins.
"""

from __future__ import annotations

from mockkms.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Builtins:
    """The types built into one product, by kind and in the order of its lists."""

    auth: tuple[str, ...]
    secret: tuple[str, ...]
    database: tuple[str, ...]
    unlisted: tuple[str, ...] = ("database",)
    """Secrets engines that can be mounted and are not in the catalog."""
    deprecated: tuple[str, ...] = ()
    """Types whose mounting is answered with a warning."""
    removed: tuple[tuple[str, str], ...] = ()
    """Kind and type of what former versions had: known by name, not listed, and refused."""

    def names(self, kind: str) -> tuple[str, ...]:
        """Return the plugin catalog of a kind: ``auth``, ``secret`` or ``database``."""
        return {"auth": self.auth, "secret": self.secret, "database": self.database}[kind]

    def mountable(self, kind: str) -> tuple[str, ...]:
        """Return the types that can be mounted as ``kind`` (``auth``, ``secret``)."""
        return self.names(kind) + (self.unlisted if kind == "secret" else ())

    def has(self, kind: str, plugin_type: str) -> bool:
        """Return whether ``plugin_type`` can be mounted as ``kind`` (``auth``, ``secret``)."""
        return plugin_type in self.mountable(kind)

    def knows(self, kind: str, plugin_type: str) -> bool:
        """Return whether the catalog has a type, listed or not: ``kind`` is ``auth``, ``secret`` or ``database``."""
        return plugin_type in self.names(kind) or (kind, plugin_type) in self.removed

    def status(self, kind: str, plugin_type: str) -> str:
        """Return ``deprecation_status`` of a type."""
        if (kind, plugin_type) in self.removed:
            return "removed"
        return "deprecated" if plugin_type in self.deprecated else "supported"


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
    removed=(
        ("auth", "app-id"), ("secret", "cassandra"), ("secret", "mongodb"), ("secret", "mssql"), ("secret", "mysql"),
        ("secret", "postgresql"),
    ),
)  # fmt: skip
