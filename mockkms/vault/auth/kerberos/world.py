"""Kerberos mounts in world files: the service, the directory, groups, and the people of the world's directory."""

from __future__ import annotations

from mockkms.vault.auth.directories import entries
from mockkms.vault.auth.kerberos.config import config, groups, ldap
from mockkms.vault.auth.kerberos.model import KerberosPerson
from mockkms.vault.kernel.plain_records import NAMES, mapped, text
from mockkms.vault.kernel.record_section import one, record_section

section = record_section(
    one("config", "the service's keytab", config, lambda state: state.config),
    one("ldap", "the directory, and the parameters of tokens", ldap, lambda state: state.ldap),
    entries("groups", "policies by group", groups, lambda mount: mount.state.groups),
    mapped(
        "directory",
        "people of the directory, by name",
        KerberosPerson,
        {"groups": text("groups of the person, by name or DN", shape=NAMES)},
        lambda state: state.directory,
    ),
)
