"""The parameter ``custom_metadata`` of secrets and aliases: texts by name, within the limits of the real servers."""

from __future__ import annotations

from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.fmt import error_list, quote

MAX_KEYS = 64
MAX_KEY_BYTES = 128
MAX_VALUE_BYTES = 512
_PREFIX = "custom_metadata validation failed: "


def parsed(sent: dict[str, object]) -> dict[str, str]:
    """Return pairs as texts. Raises ErrorResponse with every fault."""
    with refusing(_PREFIX):
        pairs = {name: str(convert(Kind.STRING, value)[1]) for name, value in sent.items()}
    faults = faults_of(pairs)
    if faults:
        raise ErrorResponse(error_list(faults))
    return pairs


def faults_of(pairs: dict[str, str]) -> list[str]:
    """Return all faults of custom metadata, with the server's texts; with too many pairs, only that one."""
    if len(pairs) > MAX_KEYS:
        return [f"{_PREFIX}payload must contain at most {MAX_KEYS} keys, provided {len(pairs)}"]
    return [_PREFIX + fault for name, text in sorted(pairs.items()) for fault in _faults(name, text)]


def _faults(name: str, text: str) -> list[str]:
    faults = []
    quoted = quote(name)
    name_size, size = len(name.encode("utf-8", "replace")), len(text.encode("utf-8", "replace"))
    if not 0 < name_size <= MAX_KEY_BYTES:
        faults.append(f"length of key {quoted} is {name_size} but must be 0 < len(key) <= {MAX_KEY_BYTES}")
    if not 0 < size <= MAX_VALUE_BYTES:
        faults.append(f"length of value for key {quoted} is {size} but must be 0 < len(value) <= {MAX_VALUE_BYTES}")
    if not name.isprintable():
        faults.append(f"key {quoted} ({name}) contains unprintable characters")
    if not text.isprintable():
        faults.append(f"value for key {quoted} contains unprintable characters")
    return faults
