"""The types of the settings that plugins decode: a setting of another type is refused before the plugin looks at it.

Source: the connection producers of the plugins, in ``plugins/database`` of Vault and OpenBao. The real server keeps
the settings as they were sent, so that a text for a number is read back as a text.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import conversion_text
from mockkms.vault.framework.fields import ConversionError, Kind, convert, go_type, several
from mockkms.vault.products import Product
from mockkms.vault.secrets.database.engine import DatabaseError

_SQL = {
    "connection_url": Kind.STRING, "max_open_connections": Kind.INT, "max_idle_connections": Kind.INT,
    "username": Kind.STRING, "password": Kind.STRING, "disable_escaping": Kind.BOOL, "auth_type": Kind.STRING,
    "service_account_json": Kind.STRING, "self_managed": Kind.BOOL, "use_private_ip": Kind.BOOL,
}  # fmt: skip
_HOST = {
    "username": Kind.STRING, "password": Kind.STRING, "tls": Kind.BOOL, "insecure_tls": Kind.BOOL,
}  # fmt: skip
_SETTINGS = {
    "cassandra-database-plugin": {
        "hosts": Kind.STRING, "port": Kind.INT, **_HOST, "protocol_version": Kind.INT, "local_datacenter": Kind.STRING,
        "consistency": Kind.STRING, "skip_verification": Kind.BOOL,
    },
    "influxdb-database-plugin": {"host": Kind.STRING, "port": Kind.STRING, **_HOST},
    "redis-database-plugin": {"host": Kind.STRING, "port": Kind.INT, **_HOST, "ca_cert": Kind.STRING},
    "valkey-database-plugin": {"host": Kind.STRING, "port": Kind.INT, **_HOST, "ca_cert": Kind.STRING},
    "couchbase-database-plugin": {"hosts": Kind.STRING, **_HOST, "base64pem": Kind.STRING, "bucket_name": Kind.STRING},
    "mongodb-database-plugin": {
        "connection_url": Kind.STRING, "write_concern": Kind.STRING, "username": Kind.STRING, "password": Kind.STRING,
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
_WITH_CA = ("redis-database-plugin", "valkey-database-plugin")
"""Plugins that require the certificate of the CA with TLS."""


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


def check(product: Product, plugin: str, details: Mapping[str, object], needed: tuple[str, ...]) -> None:
    """Check the settings as the plugin does when it starts; those of ``needed`` may not be empty.

    Raises DatabaseError with the plugin's text.
    """
    found = decoded(product, plugin, details)
    for name in needed:
        if found.get(name) in (None, "", 0):
            raise DatabaseError(f"{name} cannot be empty")
    if plugin in _WITH_CA and found.get("tls") and not found.get("ca_cert"):
        raise DatabaseError("ca_cert cannot be empty")
    if plugin == "cassandra-database-plugin":
        for name in ("connect_timeout", "socket_keep_alive"):
            if found.get(name) is not None:
                with error_context(f"invalid {name}: ", DatabaseError):
                    convert(Kind.SIGNED_SECONDS, found[name])


def username_template(details: Mapping[str, object]) -> str:
    """Return the template of user names; empty without one. Raises DatabaseError for another type than a text."""
    found = details.get("username_template", "")
    if isinstance(found, str):
        return found
    raise DatabaseError(
        f"failed to retrieve username_template: invalid value at username_template: is a {go_type(found)}"
    )
