"""The names that a role allows in certificates."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mockkms.crypto.encoding.der_write import parse_oid
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.globs import matches
from mockkms.vault.policy.templates import Templates
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.role import PkiRole

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])"
HOSTNAME = re.compile(rf"(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}\.?")
_WILD = rf"(?:\*|\*{_LABEL}|{_LABEL}\*|{_LABEL}\*{_LABEL})"
_WILDCARD_LABEL = re.compile(_WILD)
_WILD_HOSTNAME = re.compile(rf"(?:{_WILD}\.)?(?:{_LABEL}\.)*{_LABEL}\.?")
_LONGEST_LABEL, _LONGEST_NAME = 63, 253


def to_ascii(name: str) -> str:
    """Return a host name with its labels in ASCII. Raises ValueError with Go's text for an invalid label."""
    if not name or name == ".":
        raise ValueError(f"idna: invalid label {quote(name)}")
    labels = name.split(".")
    last = labels[:-1] if labels[-1] == "" else labels
    if "" in last:
        raise ValueError(f"idna: invalid label {quote(name)}")
    written = [label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels]
    for label in written:
        if len(label) > _LONGEST_LABEL:
            raise ValueError(f"idna: invalid label {quote(label)}")
    whole = ".".join(written)
    if len(whole.removesuffix(".")) > _LONGEST_NAME:
        raise ValueError(f"idna: invalid label {quote(whole)}")
    return whole


def written_as_host(call: Call, name: str) -> str:
    """Return a host name as certificates write it; empty if the text is not a host name.

    Raises ValueError with Go's text for labels that are empty or too long.
    """
    written = to_ascii(name)
    pattern = _WILD_HOSTNAME if call.core.product.has(Feature.PKI_STRICTER) else HOSTNAME
    return written if pattern.fullmatch(written) else ""


def refused_common_name(role: PkiRole, call: Call, name: str) -> bool:
    """Return whether the role refuses a common name."""
    kinds = role.cn_validations
    if kinds == ["disabled"]:
        return False
    if first_refused(role, call, [name]):
        return True
    return bool(kinds) and ("email" if "@" in name else "hostname") not in kinds


def first_refused(role: PkiRole, call: Call, names: Iterable[str]) -> str:
    """Return the first host name or address that the role refuses, or an empty string."""
    return next((name for name in names if not _allowed(role, call, name)), "")


class _Name:
    """The parts of a name: ``host`` is the part after ``@`` and after a wildcard label."""

    def __init__(self, whole: str) -> None:
        self.whole = self.host = self.domain = whole
        self.email = "@" in whole
        self.proper = True
        self.wildcard = ""
        if self.email:
            pieces = whole.split("@")
            self.proper = len(pieces) == 2
            self.host = self.domain = pieces[-1]
        self.wild = "*" in self.host
        if self.wild:
            self.proper = self.proper and self.host.count("*") == 1
            self.wildcard, _, self.host = self.host.partition(".")
            self.proper = self.proper and "*" not in self.host and not self.email


def _allowed(role: PkiRole, call: Call, whole: str) -> bool:
    name = _Name(whole)
    if not name.proper or (name.wild and not role.allow_wildcard_certificates):
        return False
    if role.enforce_hostnames and not _is_hostname(name):
        return False
    return role.allow_any_name or _local(role, name) or _in_domains(role, call, name)


def _is_hostname(name: _Name) -> bool:
    if name.host:
        try:
            if not HOSTNAME.fullmatch(to_ascii(name.host)):
                return False
        except ValueError:
            return False
    return not name.wild or _WILDCARD_LABEL.fullmatch(name.wildcard) is not None


def _local(role: PkiRole, name: _Name) -> bool:
    if not role.allow_localhost:
        return False
    for local in ("localhost", "localdomain"):
        if name.host == local or (role.allow_subdomains and name.host.endswith(f".{local}")):
            return True
    return False


def _in_domains(role: PkiRole, call: Call, name: _Name) -> bool:
    for written in role.allowed_domains:
        domain = written
        if role.allowed_domains_template:
            domain = _filled(call, written, role)
        if not domain:
            continue
        bare = [name.whole.lower()] + ([name.domain.lower()] if name.email else [])
        if role.allow_bare_domains and domain.lower() in bare:
            return True
        if role.allow_subdomains and (
            name.host.endswith(f".{domain}") or (name.wild and name.host.lower() == domain.lower())
        ):
            return True
        if role.allow_glob_domains and "*" in domain and _globbed(call, domain, name.whole):
            return True
    return False


def _globbed(call: Call, pattern: str, name: str) -> bool:
    if call.core.product.has(Feature.PKI_LATER):
        pattern, name = pattern.lower(), name.lower()
    return matches(pattern, name)


def _filled(call: Call, text: str, role: PkiRole) -> str:
    """Return ``text`` with the values of the client's entity; empty if a template cannot be filled in."""
    client = call.request.client
    if "{{" not in text or client is None or not client.entity_id:
        return text
    entity = call.core.identity.entity_in(client.entity_id, call.request.namespace)
    if entity is None:
        return ""
    globs = role.allow_globs_in_identity_templates or not call.core.product.has(Feature.PKI_ADDITIONS)
    blocked = () if globs else ("*",)
    core = call.core
    groups = core.identity.groups_of(entity.id)
    templates = Templates.of(core.product, entity, groups, call.now(), call.request.namespace, blocked)
    return templates.fill(text) or ""


def allowed_uri(role: PkiRole, call: Call, uri: str) -> bool:
    """Return whether the role allows a URI."""
    for written in role.allowed_uri_sans:
        pattern = written
        if role.allowed_uri_sans_template:
            pattern = _filled(call, written, role)
        if pattern and matches(pattern, uri):
            return True
    return False


def parse_other(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return other names, ``OID;UTF8:text``, as pairs of OID and text. Raises ValueError with the server's text."""
    found = []
    for item in texts:
        number, semicolon, rest = item.partition(";")
        if not semicolon:
            raise ValueError(f"expected a semicolon in other SAN {quote(item)}")
        kind, colon, value = rest.partition(":")
        if not colon:
            raise ValueError(f"expected a colon in other SAN {quote(item)}")
        if kind.lower() not in ("utf8", "utf-8"):
            raise ValueError(f"only utf8 other SANs are supported; found non-supported type in other SAN {quote(item)}")
        found.append((number, value))
    return found


def refused_other(role: PkiRole, requested: list[tuple[str, str]]) -> str:
    """Return why the role refuses one of the other names, or an empty string. Raises ValueError for an invalid role."""
    if role.allowed_other_sans == ["*"]:
        return ""
    with error_context("error parsing role's allowed SANs: "):
        allowed = parse_other(role.allowed_other_sans)
    for number, value in requested:
        patterns = [pattern for other, pattern in allowed if other == number]
        if not patterns:
            return f"other SAN OID {number} not allowed by this role"
        if not any(matches(pattern, value) for pattern in patterns):
            return f"other SAN {value} not allowed for OID {number} by this role"
    return ""


def allowed_user_id(role: PkiRole, value: str) -> bool:
    """Return whether the role allows a user id."""
    allowed = role.allowed_user_ids
    return value.lower() in [item.lower() for item in allowed] or any(
        "*" in item and matches(item, value) for item in allowed
    )


def allowed_serial(role: PkiRole, value: str) -> bool:
    """Return whether the role allows a serial number in the subject."""
    allowed = [item for item in role.allowed_serial_numbers if item]
    return value in allowed or any("*" in item and matches(item, value) for item in allowed)


def is_oid(text: str) -> bool:
    """Return whether a text is a dotted OID."""
    try:
        parse_oid(text)
    except ValueError:
        return False
    return True
