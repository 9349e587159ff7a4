"""``role/`` and ``creds/``: accounts that are created on demand with LDIF, and deleted with their lease."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.outside import ldif
from mockkms.outside.ldif import LdifRecord
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.golang.template import Data, Function, Long, utf16le
from mockkms.vault.secrets.directories.folders import NAME, FolderCollection, checked_name
from mockkms.vault.secrets.directories.ldap.model import (
    DynamicLdapRole,
    LdapSecrets,
    configured,
    directory_of,
    engine,
    new_password,
)
from mockkms.vault.secrets.issuing import display_name, issued, parsed_template, renewed
from mockkms.world.clock import rfc3339

_TEMPLATE = "v_{{.DisplayName}}_{{.RoleName}}_{{random 10}}_{{unix_time}}"
_UNSET = "missing LDAP configuration"
_SAMPLE = {"Username": "testuser", "Password": "testpass", "DisplayName": "testdisplayname", "RoleName": "testrolename"}
_MEMBERS = ("creation_ldif", "deletion_ldif", "rollback_ldif")

roles: FolderCollection[LdapSecrets, DynamicLdapRole] = FolderCollection(
    engine, "role", DynamicLdapRole, lambda state: state.dynamic_roles, go_errors=True,
    help="A role whose accounts are created on demand.", list_help="Names of the dynamic roles.",
)  # fmt: skip
creds = engine.path(
    f"creds/{NAME}", {"name": Field(Kind.LOWER_STRING, help="Name of the dynamic role.")},
    help="Create an account of a role, with a lease.", go_errors=True,
)  # fmt: skip


@roles.write
def write(_state: LdapSecrets, call: Call, _name: str, role: DynamicLdapRole) -> None:
    """Create or update a role. Raises BackendError."""
    role.update_from(call)
    for member in _MEMBERS:
        setattr(role, member, _decoded(getattr(role, member)))
    for member in _MEMBERS[:2]:
        if not getattr(role, member):
            raise BackendError(f"missing {member}")
    for member in _MEMBERS:
        if getattr(role, member):
            with refusing(f"invalid {member}: ", BackendError):
                _check(call, getattr(role, member))


def _decoded(text: str) -> str:
    """Return a text that may have been given in base64."""
    try:
        return b64.decode(text).decode("utf-8", "replace") if text else ""
    except ValueError:
        return text


def _check(call: Call, template: str) -> None:
    now = call.now()
    with error_context("invalid template: "):
        text = _filled(call, template, {**_SAMPLE, **_times(now, now + 24 * 60 * 60)})
    with error_context("LDIF is invalid: "):
        found = ldif.parse(text)
    if not found:
        raise ValueError("must specify at least one LDIF entry")


def _times(issued_at: float, expires: float) -> dict[str, str]:
    return {
        "IssueTime": rfc3339(int(issued_at)),
        "IssueTimeSeconds": str(int(issued_at)),
        "ExpirationTime": rfc3339(int(expires)),
        "ExpirationTimeSeconds": str(int(expires)),
    }


def _filled(call: Call, text: str, data: Mapping[str, str]) -> str:
    """Return a template of LDIF filled in. Raises ValueError."""
    with error_context("failed to parse template: "):
        template = parsed_template(call, text, {"utf16le": Function(utf16le, ("string",))})
    fields = {name: Long(value) if name.endswith("Seconds") else value for name, value in data.items()}
    with error_context("failed to execute template: "):
        return template.generate(Data("openldap.dynamicTemplateData", fields))


@creds.on(Operation.READ)
def create_account(state: LdapSecrets, call: Call, *, name: str) -> Response | None:
    """Create an account of a role. Raises BackendError."""
    name = checked_name(call, name)
    role = state.dynamic_roles.get(name)
    if role is None:
        return None
    config = configured(state, _UNSET)
    with refusing("failed to generate username: ", BackendError):
        template = parsed_template(call, role.username_template or _TEMPLATE)
        parts = {"DisplayName": display_name(call), "RoleName": name}
        username = template.generate(Data("openldap.usernameTemplateData", parts))
    password = new_password(call, config)
    times = _times(call.now(), call.now() + role.default_ttl)
    names = {"Username": username, "Password": password, "DisplayName": display_name(call), "RoleName": name}
    data = {**names, **times}
    try:
        made = _execute(state, call, role.creation_ldif, data, all_of_them=False)
    except ValueError as error:
        raise BackendError(*_rolled_back(state, call, role, data, f"failed to create user: {error}")) from None
    shown = {"username": username, "password": password, "distinguished_names": [record.dn for record in made]}
    internal = {"name": name, "deletion_ldif": role.deletion_ldif, "template_data": data}
    return issued(shown, internal, role.default_ttl, role.max_ttl)


def _rolled_back(
    state: LdapSecrets, call: Call, role: DynamicLdapRole, data: Mapping[str, str], fault: str
) -> list[str]:
    """Undo a failed creation; return the errors of both."""
    if not role.rollback_ldif:
        return [fault]
    try:
        _execute(state, call, role.rollback_ldif, data, all_of_them=True)
    except ValueError as error:
        return [fault, f"failed to roll back user creation: {error}"]
    return [error_list([fault])]


def _execute(
    state: LdapSecrets, call: Call, template: str, data: Mapping[str, str], *, all_of_them: bool
) -> list[LdifRecord]:
    """Execute an LDIF template in the directory and return what was executed. Raises ValueError."""
    with error_context("failed to apply template: "):
        text = _filled(call, template, data)
    with error_context("failed to parse generated LDIF: "):
        records = ldif.parse(text)
    directory = directory_of(state, call, configured(state, _UNSET))
    if directory is not None:
        with error_context("failed to execute statements: "):
            directory.execute(records, all_of_them=all_of_them)
    return records


def renew(state: LdapSecrets, call: Call) -> Response:
    """Renew the lease of an account with the lifetimes of its role. Raises BackendError."""
    role = state.dynamic_roles.get(call.kept("name"))
    if role is None:
        raise BackendError("unable to renew: role does not exist")
    return renewed(call, role.default_ttl, role.max_ttl)


def revoke(state: LdapSecrets, call: Call) -> None:
    """Delete the account of a lease. Raises BackendError."""
    configured(state, _UNSET)
    data = call.raw.get("template_data")
    names = {str(name): str(value) for name, value in data.items()} if isinstance(data, dict) else {}
    with refusing(error=BackendError):
        _execute(state, call, call.kept("deletion_ldif"), names, all_of_them=True)
