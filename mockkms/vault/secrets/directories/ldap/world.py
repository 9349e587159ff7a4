"""LDAP mounts in world files: the directory, static and dynamic roles, and the library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework.shapes.collections import Key, Text
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.directories.ldap.config import config
from mockkms.vault.secrets.directories.ldap.dynamic import roles as dynamic_roles
from mockkms.vault.secrets.directories.ldap.library import library
from mockkms.vault.secrets.directories.ldap.model import LdapSecretsConfig, StaticLdapRole
from mockkms.vault.secrets.directories.ldap.static import roles as static_roles
from mockkms.vault.secrets.directories.sets import sets_part
from mockkms.vault.secrets.issuing import offline_part

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_PASSWORD, _LAST = "password", "last_password"


def _add_static_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    """Write a static role and set its passwords; without one, the account keeps a generated one."""
    sent = {key: value for key, value in spec.items() if key not in (_PASSWORD, _LAST)}
    seeding.write(core, mount, f"static-role/{name}", sent)
    role: StaticLdapRole = mount.state.static_roles[name]
    role.password = str(spec.get(_PASSWORD) or role.password)
    role.last_password = str(spec.get(_LAST) or "")


def _static_role(_core: Context, _mount: Mount, role: StaticLdapRole) -> dict[str, object]:
    passwords = {_PASSWORD: role.password, _LAST: role.last_password}
    skipped = {} if role.last_rotation else {"skip_import_rotation": True}
    return {**role.changed(), **skipped, **{key: value for key, value in passwords.items() if value}}


def _config(found: LdapSecretsConfig) -> dict[str, object]:
    """Return the settings; ``userattr`` always, because its default depends on the schema."""
    return {**found.changed(), "userattr": found.userattr}


section = record_section(
    config.part("config", "the directory, and the passwords that are generated", describe=_config),
    offline_part(
        named(
            "static_roles",
            "roles by name, each with an existing account",
            static_roles,
            more=lambda: {
                _PASSWORD: Key(Text(), "the current password; generated if it is missing"),
                _LAST: Key(Text(), "the password before it"),
            },
            add=_add_static_role,
            describe=_static_role,
        )
    ),
    named("dynamic_roles", "roles by name, whose accounts are created on demand", dynamic_roles),
    sets_part(library.sets),
)
