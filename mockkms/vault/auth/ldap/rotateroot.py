"""``config/rotate-root``: a new password for ``binddn``."""

from __future__ import annotations

from dataclasses import replace

from mockkms.outside.ldap import LdapError
from mockkms.vault.auth.ldap.model import Ldap, LdapConfig, engine
from mockkms.vault.directories.connecting import connect, connection_fault
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.passwords import policy_password
from mockkms.vault.products.features import Feature

_ACTIVE_DIRECTORY = "ad"
_LENGTH = 64
"""Length in characters of a password without a password policy."""

path = engine.path("config/rotate-root", needs=Feature.LDAP_ROTATION, help="A new password for binddn.", go_errors=True)


@path.on(Operation.UPDATE)
def rotate(state: Ldap, call: Call) -> None:
    """Change the password in the directory and in the configuration. Raises ErrorResponse, BackendError."""
    config = state.config
    if not config.binddn or not config.bindpass:
        raise ErrorResponse("auth is not using authenticated search, no root to rotate")
    password = _new_password(call, config)
    if not state.directory:
        _change(config, password)
    state.config = replace(config, bindpass=password)


def _new_password(call: Call, config: LdapConfig) -> str:
    if not config.password_policy:
        return call.core.entropy.base62(_LENGTH)
    return policy_password(call.core, call.mount.namespace, config.password_policy)


def _change(config: LdapConfig, password: str) -> None:
    """Change the password in the first directory that responds. Raises BackendError."""
    faults = []
    for url in (config.rotation_url or config.url).split(","):
        try:
            connection = connect(config, url)
        except (OSError, LdapError, ValueError) as error:
            faults.append(f"error connecting to host {quote(url)}: {connection_fault(url, error)}")
            continue
        with connection:
            with refusing(error=BackendError, of=LdapError):
                connection.bind(config.binddn, config.bindpass)
                if config.schema == _ACTIVE_DIRECTORY:
                    connection.replace(config.binddn, "unicodePwd", f'"{password}"'.encode("utf-16-le"))
                else:
                    connection.replace(config.binddn, "userPassword", password.encode())
            return
    raise BackendError(*faults)
