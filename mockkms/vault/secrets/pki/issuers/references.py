"""Finding keys and issuers by id, name or ``default``, and checking new names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, PkiKey

T = TypeVar("T", PkiIssuer, PkiKey)
DEFAULT = "default"
_NAME = re.compile(r"\w(?:[\w\-.]*\w)?", re.ASCII)


def issuer(state: PKI, reference: str) -> PkiIssuer:
    """Return the issuer of a reference. Raises BackendError."""
    return _find(state.issuers, state.default_issuer, reference, "issuer")


def key(state: PKI, reference: str) -> PkiKey:
    """Return the key of a reference. Raises BackendError."""
    return _find(state.keys, state.default_key, reference, "key")


def _find(known: dict[str, T], default: str, reference: str, what: str) -> T:
    """Return the entry with an id, else the first with a name, in the order of ids. Raises BackendError."""
    if reference == DEFAULT:
        if default not in known:
            raise BackendError(f"no default {what} currently configured")
        return known[default]
    if reference in known:
        return known[reference]
    for known_id in sorted(known):
        if known[known_id].name == reference:
            return known[known_id]
    raise BackendError(f"unable to find PKI {what} for reference: {reference}")


def reference(call: Call, field: str = "issuer_ref") -> str:
    """Return a reference as sent: trimmed, ``default`` in any case. Raises ErrorResponse for an empty one."""
    value = str(call[field]).strip()
    if not value:
        raise ErrorResponse("missing issuer reference" if field == "issuer_ref" else "missing key reference")
    return DEFAULT if value.lower() == DEFAULT else value


def proper(name: str) -> bool:
    """Return whether a text is a valid name."""
    return _NAME.fullmatch(name) is not None


def new_issuer_name(state: PKI, call: Call, present: str | None = None, *, may_be_empty: bool = False) -> str:
    """Return the name in ``issuer_name``; ``present`` is the current one, which is not in use. Raises ErrorResponse."""
    if "issuer_name" in call and not str(call["issuer_name"]).strip():
        if may_be_empty:
            return ""
        raise ErrorResponse("expected non-empty issuer name")
    return _new_name(state.issuers, call, "issuer", present)


def new_key_name(state: PKI, call: Call) -> str:
    """Return the name in ``key_name``. Raises ErrorResponse."""
    return _new_name(state.keys, call, "key", None)


def _new_name(known: Mapping[str, PkiIssuer | PkiKey], call: Call, what: str, present: str | None) -> str:
    if f"{what}_name" not in call:
        return ""
    name = str(call[f"{what}_name"]).strip()
    if name.lower() == DEFAULT:
        raise ErrorResponse(f"reserved keyword 'default' can not be used as {what} name")
    if not proper(name):
        raise ErrorResponse(f"{what} name contained invalid characters")
    if name != present and (name in known or any(entry.name == name for entry in known.values())):
        raise ErrorResponse(f"{what} name already in use")
    return name


NO_MANAGED_KEYS = "managed keys are supported within enterprise edition only"


def managed_key_fault(call: Call) -> str:
    """Return the fault of a request that does not name a managed key; empty if it names one."""
    named = call["managed_key_name"] or call["managed_key_id"]
    return "" if named else "missing argument managed_key_name or managed_key_id"
