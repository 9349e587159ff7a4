"""Finding keys and issuers by id, name or ``default``, and the names a user may give them."""

from __future__ import annotations

import re

from mockkms.vault.endpoint import Call
from mockkms.vault.engines.pki.model import PKI, Issuer, Key
from mockkms.vault.message import BackendError, ErrorResponse

DEFAULT = "default"
_NAME = re.compile(r"\w(?:[\w\-.]*\w)?", re.ASCII)


class Unresolved(BackendError):
    """The reference names nothing; the text is the server's."""


def issuer(state: PKI, reference: str) -> Issuer:
    """The issuer behind a reference. Raises Unresolved."""
    if reference == DEFAULT:
        if state.default_issuer not in state.issuers:
            raise Unresolved("no default issuer currently configured")
        return state.issuers[state.default_issuer]
    if reference in state.issuers:
        return state.issuers[reference]
    for id in sorted(state.issuers):
        if state.issuers[id].name == reference:
            return state.issuers[id]
    raise Unresolved(f"unable to find PKI issuer for reference: {reference}")


def key(state: PKI, reference: str) -> Key:
    """The key behind a reference. Raises Unresolved."""
    if reference == DEFAULT:
        if state.default_key not in state.keys:
            raise Unresolved("no default key currently configured")
        return state.keys[state.default_key]
    if reference in state.keys:
        return state.keys[reference]
    for id in sorted(state.keys):
        if state.keys[id].name == reference:
            return state.keys[id]
    raise Unresolved(f"unable to find PKI key for reference: {reference}")


def reference(call: Call, field: str = "issuer_ref") -> str:
    """A reference as it was sent: trimmed, ``default`` in any case. Raises ErrorResponse for an empty one."""
    value = str(call[field]).strip()
    if not value:
        raise ErrorResponse("missing issuer reference" if field == "issuer_ref" else "missing key reference")
    return DEFAULT if value.lower() == DEFAULT else value


def proper(name: str) -> bool:
    """Whether a text may be a name."""
    return _NAME.fullmatch(name) is not None


def new_issuer_name(state: PKI, call: Call, present: str | None = None, *, may_be_empty: bool = False) -> str:
    """The name asked for with ``issuer_name``; ``present`` is the one it may already have. Raises ErrorResponse."""
    if "issuer_name" not in call:
        return ""
    name = str(call["issuer_name"]).strip()
    if not name:
        if may_be_empty:
            return ""
        raise ErrorResponse("expected non-empty issuer name")
    if name.lower() == DEFAULT:
        raise ErrorResponse("reserved keyword 'default' can not be used as issuer name")
    if not proper(name):
        raise ErrorResponse("issuer name contained invalid characters")
    if name != present and _resolves(state, name):
        raise ErrorResponse("issuer name already in use")
    return name


def _resolves(state: PKI, name: str) -> bool:
    return name in state.issuers or any(entry.name == name for entry in state.issuers.values())


def new_key_name(state: PKI, call: Call) -> str:
    """The name asked for with ``key_name``. Raises ErrorResponse."""
    if "key_name" not in call:
        return ""
    name = str(call["key_name"]).strip()
    if name.lower() == DEFAULT:
        raise ErrorResponse("reserved keyword 'default' can not be used as key name")
    if not proper(name):
        raise ErrorResponse("key name contained invalid characters")
    if name in state.keys or any(entry.name == name for entry in state.keys.values()):
        raise ErrorResponse("key name already in use")
    return name
