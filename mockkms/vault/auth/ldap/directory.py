"""The directory of the world: its people, searched according to the mount's configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.framework.message import ErrorResponse, InvalidCredentials

if TYPE_CHECKING:
    from mockkms.vault.auth.ldap.model import Ldap, LdapConfig, LdapPerson


class WithGroups(Protocol):
    """A person of a directory."""

    groups: list[str]
    """By name or by DN."""


def searches(config: DirectorySettings) -> bool:
    """Return whether a user's DN is searched for instead of built from the name."""
    return config.discoverdn or bool(config.binddn and config.bindpass)


def bind_dn(config: DirectorySettings, name: str) -> str:
    """Return the DN with which a user binds, if the directory is not searched."""
    if config.upndomain:
        return f"{escaped(name)}@{config.upndomain}"
    return f"{config.userattr}={escaped(name)},{config.userdn}"


def find(state: Ldap, name: str) -> tuple[str, LdapPerson] | None:
    """Return the person with a user name, and the name as in the directory: directories ignore case."""
    wanted = name.casefold()
    return next(((known, person) for known, person in state.directory.items() if known.casefold() == wanted), None)


def bound_as(state: Ldap, name: str, password: str) -> tuple[str, LdapPerson] | None:
    """Return the person who binds with this password, and the name as in the directory; None if there is none."""
    config = state.config
    found = find(state, name)
    if found is None:
        return None
    person = found[1]
    if password and password != person.password:
        return None
    made = not searches(config) and not config.upndomain
    if made and person.dn and _plain(person.dn) != _plain(bind_dn(config, name)):
        return None
    return found


def groups_of(config: DirectorySettings, person: WithGroups) -> list[str]:
    """Return a user's groups in the directory, by CN; none without ``groupdn``."""
    if not config.use_token_groups and not (config.groupfilter and config.groupdn):
        return []
    return list(dict.fromkeys(cn(config, group) for group in person.groups))


def log_in(state: Ldap, name: str, password: str, *, by_attribute: bool) -> tuple[list[str], str]:
    """Return the user's groups in the directory, and the alias. Raises ErrorResponse, InvalidCredentials.

    ``by_attribute``: the alias is the value of ``userattr`` even if the user's DN is not searched for.
    """
    bound = bound_as(state, name, password)
    if bound is None:
        raise InvalidCredentials("ldap operation failed: failed to bind as user")
    written, person = bound
    config = state.config
    if config.username_as_alias:
        found = name
    else:
        found = _attribute(config, written, person) if by_attribute or searches(config) else bind_dn(config, name)
    if not found:
        raise ErrorResponse("missing entity alias attribute value")
    return groups_of(state.config, person), found


def named_in(config: LdapConfig, dn: str) -> str:
    """Return the value of ``userattr`` in a DN; empty where it has none."""
    for part in re.split(r"(?<!\\)[,+]", dn):
        kind, _, value = part.strip().partition("=")
        if kind.lower() == config.userattr.lower():
            return re.sub(r"\\(.)", r"\1", value)
    return ""


def _attribute(config: LdapConfig, written: str, person: LdapPerson) -> str:
    attributes = {key.lower(): value for key, value in person.attributes.items()}
    return attributes.get(config.userattr, written)


def cn(config: DirectorySettings, group: str) -> str:
    """Return a group's name, extracted from its DN if it is one."""
    for part in re.split(r"(?<!\\),", group) if "=" in group else ():
        kind, _, value = part.strip().partition("=")
        if kind == "CN" or (kind.lower() == "cn" and config.use_pre111_group_cn_behavior is False):
            return value
    return group


def _plain(dn: str) -> str:
    # From the first blank only: from each of them, the others would be read again.
    return re.sub(r"(?<!\s)\s*+([,=])\s*+", r"\1", dn).casefold()


def escaped(text: str) -> str:
    """Return a value escaped for a DN."""
    out = []
    raw = text.encode()
    for index, byte in enumerate(raw):
        letter = chr(byte)
        blank = letter == " " and index in (0, len(raw) - 1)
        if blank or letter in '#"+,;<>\\':
            out.append("\\" + letter)
        elif not " " <= letter <= "~":
            out.append(f"\\{byte:02x}")
        else:
            out.append(letter)
    return "".join(out)
