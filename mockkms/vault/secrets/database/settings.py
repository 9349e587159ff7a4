"""The types of the settings that plugins decode: a setting of another type is refused before the plugin looks at it.

Source: the connection producers of the plugins, in ``plugins/database`` of Vault and OpenBao. The real server keeps
the settings as they were sent, so that a text for a number is read back as a text.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.error_context import error_context
from mockkms.go_urls import parse_url
from mockkms.vault.framework.endpoint import conversion_text
from mockkms.vault.framework.fields import ConversionError, Kind, convert, go_type, several
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database.engine import DatabaseError

_SQL = {
    "connection_url": Kind.STRING, "max_open_connections": Kind.INT, "max_idle_connections": Kind.INT,
    "username": Kind.STRING, "password": Kind.STRING, "disable_escaping": Kind.BOOL, "auth_type": Kind.STRING,
    "service_account_json": Kind.STRING, "self_managed": Kind.BOOL, "use_private_ip": Kind.BOOL,
}  # fmt: skip
_MYSQL = {
    **{name: kind for name, kind in _SQL.items() if name not in ("disable_escaping", "self_managed", "use_private_ip")},
    "tls_server_name": Kind.STRING, "tls_skip_verify": Kind.BOOL,
}  # fmt: skip
MYSQL = (
    "mysql-database-plugin",
    "mysql-aurora-database-plugin",
    "mysql-rds-database-plugin",
    "mysql-legacy-database-plugin",
)
"""The plugins of MySQL, which differ in the names of the users."""
MONGODB_TIMEOUTS = ("socket_timeout", "connect_timeout", "server_selection_timeout")
_HOST = {
    "username": Kind.STRING, "password": Kind.STRING, "tls": Kind.BOOL, "insecure_tls": Kind.BOOL,
}  # fmt: skip
_VALKEY = {
    "host": Kind.STRING, "port": Kind.INT, **_HOST, "ca_cert": Kind.STRING, "connection_url": Kind.STRING,
}  # fmt: skip
_SETTINGS = {
    **dict.fromkeys(MYSQL, _MYSQL),
    "cassandra-database-plugin": {
        "hosts": Kind.STRING, "port": Kind.INT, **_HOST, "protocol_version": Kind.INT, "local_datacenter": Kind.STRING,
        "consistency": Kind.STRING, "skip_verification": Kind.BOOL, "pem_json": Kind.STRING, "pem_bundle": Kind.STRING,
        "tls_min_version": Kind.STRING, "tls_server_name": Kind.STRING,
    },
    "influxdb-database-plugin": {"host": Kind.STRING, "port": Kind.STRING, **_HOST},
    "redis-database-plugin": _VALKEY,
    "valkey-database-plugin": _VALKEY,
    "couchbase-database-plugin": {"hosts": Kind.STRING, **_HOST, "base64pem": Kind.STRING, "bucket_name": Kind.STRING},
    "mongodb-database-plugin": {
        "connection_url": Kind.STRING, "write_concern": Kind.STRING, "username": Kind.STRING, "password": Kind.STRING,
        **dict.fromkeys(MONGODB_TIMEOUTS, Kind.INT64),
    },
    "mongodbatlas-database-plugin": {
        "public_key": Kind.STRING, "private_key": Kind.STRING, "project_id": Kind.STRING,
    },
    "redis-elasticache-database-plugin": {
        "url": Kind.STRING, "username": Kind.STRING, "password": Kind.STRING, "region": Kind.STRING,
    },
    "elasticsearch-database-plugin": {},
}  # fmt: skip
"""By plugin; the others are SQL plugins."""
WITH_CA = ("redis-database-plugin", "valkey-database-plugin")
"""Plugins of Valkey and Redis, which require the certificate of the CA with TLS and hide the user in errors."""
_TIMEOUTS = {
    "cassandra-database-plugin": ("connect_timeout", "socket_keep_alive"),
    "influxdb-database-plugin": ("connect_timeout",),
}
LOST = "failed to retrieve {}: "


def decoded(product: Product, plugin: str, details: Mapping[str, object]) -> dict[str, object]:
    """Return the settings as the plugin sees them. Raises DatabaseError with the texts of the decoder."""
    found, faults = dict(details), []
    for name, kind in _SETTINGS.get(plugin, _SQL).items():
        if name in details:
            try:
                found[name] = convert(kind, details[name])[1]
            except ConversionError as error:
                faults.append(error.at(name))
    if faults:
        raise DatabaseError(conversion_text(product, several(faults)))
    return found


def check(product: Product, plugin: str, details: Mapping[str, object], needed: tuple[str, ...]) -> dict[str, object]:
    """Return the settings as the plugin sees them; those of ``needed`` may not be empty.

    Raises DatabaseError with the plugin's text.
    """
    found = decoded(product, plugin, details)
    for name in _TIMEOUTS.get(plugin, ()):
        if found.get(name) is not None:
            with error_context(f"invalid {name}: ", DatabaseError):
                convert(Kind.SIGNED_SECONDS, found[name])
    by_url = plugin in WITH_CA and found.get("connection_url") and product.has(Feature.DATABASE_VALKEY_URLS)
    if by_url and any(found.get(name) for name in (*needed, "tls")):
        raise DatabaseError("cannot specify both connection_url and individual connection parameters")
    for name in () if by_url else needed:
        if found.get(name) in (None, "", 0):
            raise DatabaseError(f"{name} cannot be empty")
    if by_url:
        with error_context(raised=DatabaseError, text="unable to parse connection url"):
            if parse_url(str(found["connection_url"])).scheme == "valkeys":
                found["tls"] = True
    if plugin in WITH_CA and found.get("tls") and not found.get("ca_cert"):
        raise DatabaseError("ca_cert cannot be empty")
    return found


def text_of(details: Mapping[str, object], name: str, lost: str = LOST) -> str:
    """Return a setting that has to be a text; empty without it. Raises DatabaseError for another type.

    ``lost`` precedes the error, with ``{}`` for the name.
    """
    found = details.get(name, "")
    if isinstance(found, str):
        return found
    raise DatabaseError(f"{lost.format(name)}invalid value at {name}: is a {go_type(found)}")
