"""What the plugins check of a connection when they start, in their order.

Source: ``Initialize`` of the plugins in ``plugins/database`` of Vault and ``builtin/database`` of OpenBao.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.x509 import pair, read
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call, conversion_text
from mockkms.vault.framework.fields import ConversionError, Kind, convert
from mockkms.vault.golang import json
from mockkms.vault.golang.json_types import BOOL, INT, STRING, Struct
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import servers, settings
from mockkms.vault.secrets.database.engine import Database, DatabaseConnection, DatabaseError
from mockkms.vault.secrets.database.generated import METADATA
from mockkms.vault.secrets.issuing import check_template

_POSTGRES = "postgresql-database-plugin"
_MSSQL = "mssql-database-plugin"
_MONGODB = "mongodb-database-plugin"
_CASSANDRA = "cassandra-database-plugin"
_SQL = (_POSTGRES, "redshift-database-plugin", "hana-database-plugin", _MSSQL)
"""Plugins with the server's own connection, which check the template of user names after it."""
_TEMPLATE_FIRST = (*settings.MYSQL, _CASSANDRA, "influxdb-database-plugin", _MONGODB)
_VERSIONS = ("tls10", "tls11", "tls12", "tls13")
_AUTH_TYPES = ("", "cert", "gcp_iam")
_NEEDED = {
    _CASSANDRA: ("hosts", "username", "password"),
    "influxdb-database-plugin": ("host", "username", "password"),
    "redis-database-plugin": ("host", "port", "username", "password"),
    "valkey-database-plugin": ("host", "port", "username", "password"),
    "couchbase-database-plugin": ("hosts", "username", "password"),
    "elasticsearch-database-plugin": ("url", "username", "password"),
    "mongodbatlas-database-plugin": ("private_key", "public_key", "project_id"),
    "redis-elasticache-database-plugin": ("url",),
}
_INITIALIZING = {_CASSANDRA: "failed to initialize: "}
"""What precedes the errors of plugins for which the server's own text is not the only one."""
_INVALID = {_MSSQL: "invalid username template - did you reference a field that isn't available? : "}
_CONCERN = Struct(
    "mongodb.writeConcern", {"W": INT, "WMode": STRING, "WTimeout": INT, "FSync": BOOL, "J": BOOL}
)  # fmt: skip
_ENTERPRISE = "self-managed static roles only available in Vault Enterprise"


def check(state: Database, call: Call, new: DatabaseConnection) -> None:
    """Start the plugin with the settings of a connection. Raises DatabaseError."""
    plugin, product = new.implementation, call.core.product
    if plugin in _TEMPLATE_FIRST:
        _check_template(call, new)
    if plugin == _POSTGRES and product.has(Feature.DATABASE_ROTATION):
        _check_postgres_tls(new.connection_details)
    with error_context(_INITIALIZING.get(plugin, ""), DatabaseError, of=DatabaseError):
        found = settings.check(product, plugin, new.connection_details, _NEEDED.get(plugin, ("connection_url",)))
        if plugin == _CASSANDRA:
            _check_cassandra(found)
    if plugin in _SQL:
        _check_sql(call, found)
    elif plugin in settings.MYSQL:
        _check_lifetime(found)
        _check_tls(found)
        _check_auth_type(call, found)
    elif plugin == _MONGODB:
        _check_mongodb(found)
    if new.verify_connection:
        servers.server_of(state, call, new).verify()
    if plugin not in _TEMPLATE_FIRST:
        _check_template(call, new)
    form = new.connection_details.get("password_authentication") or ""
    if plugin == _POSTGRES and form not in ("", "password", "scram-sha-256"):
        raise DatabaseError(f"'{form}' is not a valid password authentication type")
    if plugin == _MSSQL and "contained_db" in new.connection_details:
        try:
            convert(Kind.BOOL, new.connection_details["contained_db"])
        except ConversionError as error:
            raise DatabaseError(f'invalid value for "contained_db": {conversion_text(product, error)}') from None


def _check_template(call: Call, new: DatabaseConnection) -> None:
    lost = "" if new.implementation in settings.MYSQL else settings.LOST
    template = settings.text_of(new.connection_details, "username_template", lost)
    if template:
        with error_context(raised=DatabaseError):
            check_template(call, template, METADATA, _INVALID.get(new.implementation, "invalid username template: "))


def _check_sql(call: Call, found: Mapping[str, object]) -> None:
    names = [str(found.get(name) or "") for name in ("username", "password")]
    if any(template in name for name in names for template in ("{{username}}", "{{password}}")):
        raise DatabaseError("username and/or password cannot contain the template variables")
    managed = bool(found.get("self_managed")) and call.core.product.has(Feature.DATABASE_ROTATION)
    if call.core.product.has(Feature.DATABASE_ROTATION):
        templated = all(template in str(found["connection_url"]) for template in ("{{username}}", "{{password}}"))
        if templated and not managed and not any(names):
            raise DatabaseError("must either provide username/password or set self-managed to 'true'")
        if managed and (any(names) or not templated):
            raise DatabaseError("cannot use both self-managed and vault-managed workflows")
    _check_lifetime(found)
    _check_auth_type(call, found)
    if managed:
        raise DatabaseError(f"error initializing static account cache: {_ENTERPRISE}")


def _check_lifetime(found: Mapping[str, object]) -> None:
    lifetime = found.get("max_connection_lifetime")
    if lifetime is not None:
        with error_context("invalid max_connection_lifetime: ", DatabaseError):
            convert(Kind.SIGNED_SECONDS, lifetime)


def _check_auth_type(call: Call, found: Mapping[str, object]) -> None:
    kind = str(found.get("auth_type") or "")
    if call.core.product.has(Feature.DATABASE_ROTATION) and kind not in _AUTH_TYPES:
        raise DatabaseError(f"invalid auth_type: {kind}")


def _check_tls(found: Mapping[str, object]) -> None:
    authorities, both = found.get("tls_ca"), found.get("tls_certificate_key")
    with error_context(raised=DatabaseError):
        if isinstance(authorities, str) and authorities:
            pair.check_pool(authorities, "failed to append CA to client options")
        if isinstance(both, str) and both:
            with error_context("unable to load tls_certificate_key_data: "):
                pair.check(both, both)


def _check_postgres_tls(details: Mapping[str, object]) -> None:
    certificate, key, authorities = (
        settings.text_of(details, name) for name in ("tls_certificate", "private_key", "tls_ca")
    )
    with error_context(raised=DatabaseError):
        if authorities:
            pair.check_pool(authorities, "unable to add CA to cert pool")
        if bool(certificate) != bool(key):
            raise ValueError('both "sslcert" and "sslkey" are required')
        if certificate:
            with error_context("unable to load cert: "):
                pair.check(certificate, key)


def _check_cassandra(found: Mapping[str, object]) -> None:
    issued, bundle, version = (str(found.get(name) or "") for name in ("pem_json", "pem_bundle", "tls_min_version"))
    if issued and bundle:
        raise DatabaseError("cannot specify both pem_json and pem_bundle")
    if version and version not in _VERSIONS:
        raise DatabaseError(f"unrecognized TLS version [{version}]")
    if issued:
        with error_context("failed to parse pem_json: ", DatabaseError):
            with error_context("failed to parse JSON: "):
                value = json.decode_object(issued.encode(), whole=True) or {}
            chain, issuer = value.get("ca_chain"), value.get("issuing_ca")
            if issuer and chain:
                raise ValueError("issuing_ca and ca_chain cannot both be specified")
            authorities = [str(one) for one in chain] if isinstance(chain, list) else []
            certificate, key = (str(value.get(name) or "") for name in ("certificate", "private_key"))
            _check_client(certificate, key, [str(issuer)] if issuer else authorities)
    elif bundle:
        with error_context("failed to parse pem_bundle: ", DatabaseError):
            _check_client(*_sorted(bundle))


def _sorted(bundle: str) -> tuple[str, str, list[str]]:
    """Return the certificate, the key and the CAs of a text. Raises ValueError."""
    certificate, key = "", ""
    authorities: list[str] = []
    end = 0
    while end < len(bundle):
        block = pem.decode(bundle, end)
        if block is None:
            raise ValueError("no data found in PEM block")
        end, text = block.end, pem.encode(block.label, block.der)
        if block.label == "CERTIFICATE":
            with error_context("failed to parse certificate: "):
                loaded = read.load(block.der)
            if loaded.ca:
                authorities.append(text)
            elif certificate:
                raise ValueError("multiple leaf certificates not supported")
            else:
                certificate = text
        elif block.label not in ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY"):
            raise ValueError(f"unsupported PEM block type [{block.label}]")
        elif key:
            raise ValueError("multiple private keys not supported")
        else:
            key = text
    return certificate, key, authorities


def _check_client(certificate: str, key: str, authorities: Sequence[str]) -> None:
    if certificate and not key:
        raise ValueError("found certificate for client-side TLS authentication but no private key")
    if key and not certificate:
        raise ValueError("found private key for client-side TLS authentication but no certificate")
    if certificate:
        with error_context("failed to parse certificate and private key pair: "):
            pair.check(certificate, key)
    for text in authorities:
        pair.check_pool(text, "failed to add CA certificate to certificate pool: it may be malformed or empty")


def _check_mongodb(found: Mapping[str, object]) -> None:
    for name in settings.MONGODB_TIMEOUTS:
        value = found.get(name)
        if isinstance(value, int) and value < 0:
            raise DatabaseError(f"{name} must be >= 0")
    concern = str(found.get("write_concern") or "")
    if concern:
        with error_context("error unmarshalling write_concern: ", DatabaseError):
            _check_concern(concern)
    _check_tls(found)


def _check_concern(text: str) -> None:
    try:
        data = b64.decode(text)
    except ValueError:
        data = text.encode()
    _CONCERN.read(json.decode(data, whole=True))
