"""User names, passwords and keys that are generated for database users."""

from __future__ import annotations

import string

from mockkms.crypto.x509 import keys
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, refusing
from mockkms.vault.policy.passwords import CharsetRule, PasswordPolicy, policy_password
from mockkms.vault.secrets.database.engine import PASSWORD, CredentialRole, DatabaseConnection
from mockkms.vault.secrets.issuing import generated_name

METADATA = "dbplugin.UsernameMetadata"
"""The Go type of what templates of user names are filled with."""
_DEFAULT_POLICY = PasswordPolicy(
    20,
    tuple(CharsetRule(charset, 1) for charset in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-")),
)
"""The rules of the real server for passwords without a named policy."""
_DEFAULT_RSA_BITS = 2048
_USUAL = '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (random 20) (unix_time)'
_WIDE = '{{ printf "v_%s_%s_%s_%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time)'
_DASHED = '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 15) (.RoleName | truncate 15) (random 20) (unix_time)'
_MYSQL = '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 10) (.RoleName | truncate 10) (random 20) (unix_time)'
_SHORT = '{{ printf "v-%s-%s-%s" (.RoleName | truncate 4) (random 20) | truncate 16 }}'
_COLUMNS = ' | truncate 100 | replace "-" "_" | lowercase }}'
_DEFAULTS = {
    "cassandra-database-plugin": _WIDE + _COLUMNS,
    "influxdb-database-plugin": _WIDE + _COLUMNS,
    "mysql-database-plugin": _MYSQL + " | truncate 32 }}",
    "mysql-aurora-database-plugin": _SHORT,
    "mysql-legacy-database-plugin": _SHORT,
    "mysql-rds-database-plugin": _SHORT,
    "postgresql-database-plugin": _USUAL + " | truncate 63 }}",
    "redshift-database-plugin": _USUAL + " | truncate 63 | lowercase }}",
    "mongodb-database-plugin": _DASHED + ' | replace "." "-" | truncate 100 }}',
    "mssql-database-plugin": _DASHED.replace("15", "20") + " | truncate 128 }}",
    "redis-database-plugin": _WIDE.replace("v_", "V_") + ' | truncate 100 | replace "-" "_" | uppercase }}',
    "valkey-database-plugin": _WIDE.replace("v_", "V_") + ' | truncate 100 | replace "-" "_" | uppercase }}',
}


def new_password(call: Call, policy: str) -> str:
    """Return a password that follows the named password policy, or the default rules without a name.

    Raises BackendError for an unknown policy and for one that no password can follow.
    """
    with refusing("failed to generate password: ", BackendError, of=(ValueError, BackendError)):
        if policy:
            return policy_password(call.core, call.mount.namespace, policy)
        return _DEFAULT_POLICY.generate(call.core.entropy)


def new_secret(call: Call, connection: DatabaseConnection, role: CredentialRole) -> dict[str, str]:
    """Return the generated secret of a role's user: ``password``, or ``rsa_private_key`` in PKCS #8 PEM.

    Raises BackendError.
    """
    if role.credential_type == PASSWORD:
        policy = role.credential_config.get("password_policy") or connection.password_policy
        return {"password": new_password(call, str(policy))}
    bits = role.credential_config.get("key_bits")
    private = keys.generate("rsa", bits if isinstance(bits, int) and bits else _DEFAULT_RSA_BITS, call.core.entropy)
    return {"rsa_private_key": keys.private_pem(private, pkcs8=True) + "\n"}


def new_username(call: Call, connection: DatabaseConnection, role: str) -> str:
    """Return the user name of a new user of ``role``, from the template of the connection or its plugin.

    Raises BackendError for a template that cannot be filled in.
    """
    template = connection.connection_details.get("username_template") or ""
    template = str(template) or default_template(connection.implementation)
    with refusing(error=BackendError):
        return generated_name(call, template, role, METADATA)


def default_template(plugin: str) -> str:
    """Return the template that a plugin uses unless another one is configured."""
    return _DEFAULTS.get(plugin, _DASHED + " | truncate 100 }}")
