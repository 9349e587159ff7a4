"""Policy identifiers: OIDs, or JSON objects with ``oid``, ``notice`` and ``cps``; and the extension made of them."""

from __future__ import annotations

import json

from mockkms.crypto.encoding import der_write as w
from mockkms.json_reading import read_json
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.json import GoJSONError
from mockkms.vault.golang.json_types import STRING, Struct

_MEMBERS = ("oid", "cps", "notice")
_ENTRY = Struct("certutil.PolicyIdentifierWithQualifierEntry", dict.fromkeys(_MEMBERS, STRING))
_CPS, _NOTICE = "1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"


def from_field(raw: object, converted: list[str]) -> list[str]:
    """Return what a role stores: one JSON text for each entry of a JSON list, otherwise the converted list."""
    if not isinstance(raw, str):
        return converted
    try:
        entries = read_json(raw)
    except ValueError:
        return converted
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return converted
    return [_compact(entry) for entry in entries]


def _compact(entry: dict[str, object]) -> str:
    kept = {name: entry[name] for name in _MEMBERS if entry.get(name)}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _entry(text: str) -> dict[str, str] | None:
    """Return an entry as an object, None if it is empty. Raises ValueError with the server's text."""
    if not text:
        return None
    try:
        w.parse_oid(text, quote)
        return {"oid": text}
    except ValueError as error:
        fault = str(error)
    try:
        found = go_json.decode(text.encode(), whole=True)
        if found is None:
            return None
        entry: dict[str, str] = _ENTRY.read(found)
    except GoJSONError as why:
        named = quote(text)
        raise ValueError(
            f"policy identifier {named} is neither a valid OID: {fault}, Nor JSON Policy Identifier: {why}"
        ) from None
    w.parse_oid(entry.get("oid", ""), quote)
    return entry


def extension(identifiers: list[str]) -> bytes:
    """Return the value of the policies extension (DER); empty without policies. Raises ValueError."""
    found = []
    for entry in [_entry(text) for text in identifiers]:
        if entry is None:
            continue
        qualifiers = []
        if entry.get("cps"):
            qualifiers.append(w.sequence(w.oid(_CPS), w.tlv(0x16, entry["cps"].encode())))
        if entry.get("notice"):
            qualifiers.append(w.sequence(w.oid(_NOTICE), w.sequence(w.utf8(entry["notice"]))))
        listed = (w.sequence(*qualifiers),) if qualifiers else ()
        found.append(w.sequence(w.oid(entry.get("oid", "")), *listed))
    return w.sequence(*found) if found else b""
