"""Policy identifiers: OIDs, or JSON objects with ``oid``, ``notice`` and ``cps``; and the extension made of them."""

from __future__ import annotations

import json

from mockkms.crypto.encoding import der_write as w

_CPS, _NOTICE = "1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2"


def from_field(raw: object, converted: list[str]) -> list[str]:
    """Return what a role stores: one JSON text for each entry of a JSON list, otherwise the converted list."""
    if not isinstance(raw, str):
        return converted
    try:
        entries = json.loads(raw)
    except ValueError:
        return converted
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return converted
    return [_compact(entry) for entry in entries]


def _compact(entry: dict[str, object]) -> str:
    kept = {name: entry[name] for name in ("oid", "cps", "notice") if entry.get(name)}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _entry(text: str) -> dict[str, str] | None:
    """Return an entry as an object, None if it is empty. Raises ValueError with the server's text."""
    if not text:
        return None
    try:
        w.parse_oid(text)
        return {"oid": text}
    except ValueError as error:
        fault = str(error)
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            return {name: str(value) for name, value in found.items()}
        why = "json: cannot unmarshal value"
    except ValueError:
        why = f"invalid character '{text[0]}' looking for beginning of value"
    raise ValueError(f'policy identifier "{text}" is neither a valid OID: {fault}, Nor JSON Policy Identifier: {why}')


def extension(identifiers: list[str]) -> bytes:
    """Return the value of the policies extension (DER); empty without policies. Raises ValueError."""
    found = []
    for text in identifiers:
        entry = _entry(text)
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
