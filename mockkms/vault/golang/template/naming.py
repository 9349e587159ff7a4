"""The functions of Vault's ``sdk/helper/template``, and those that OpenBao's adds."""

from __future__ import annotations

import base64
import hashlib

from mockkms.crypto.encoding import b64
from mockkms.vault.golang.fmt import unhex
from mockkms.vault.golang.template.printf import LONGEST as LONGEST_TEXT
from mockkms.vault.golang.template.values import Function, decoded, encoded
from mockkms.vault.golang.time import formatted
from mockkms.world.entropy import Entropy

LONGEST = 1 << 16
"""Characters of the longest random text; the real server has no limit."""
_HASH = 8
"""Characters of the hash in a name that ``truncate_sha256`` shortens."""
_TEXT = ("string",)


def naming_functions(entropy: Entropy, now: float, *, decoding: bool = False) -> dict[str, Function]:
    """Return the functions for names, at the time ``now``, seconds since the epoch.

    With ``decoding``, those are included that OpenBao has besides.
    """

    def random(length: int) -> str:
        if not 0 <= length <= LONGEST:
            raise ValueError(f"no random text has {length} letters and digits")
        return entropy.base62(length)

    found = {
        "random": Function(random, ("int",)),
        "truncate": Function(_truncate, ("int", "string")),
        "truncate_sha256": Function(_truncate_sha256, ("int", "string")),
        "uppercase": Function(str.upper, _TEXT),
        "lowercase": Function(str.lower, _TEXT),
        "replace": Function(_replace, ("string", "string", "string")),
        "sha256": Function(lambda text: hashlib.sha256(encoded(text)).hexdigest(), _TEXT),
        "base64": Function(lambda text: base64.b64encode(encoded(text)).decode(), _TEXT),
        "unix_time": Function(lambda: str(int(now))),
        "unix_time_millis": Function(lambda: str(int(now * 1000))),
        "timestamp": Function(lambda layout: formatted(now, layout), _TEXT),
        "uuid": Function(entropy.uuid),
    }
    if decoding:
        found |= {
            "decode_base64": Function(_decode_base64, _TEXT),
            "hex": Function(lambda text: encoded(text).hex(), _TEXT),
            "decode_hex": Function(lambda text: decoded(unhex(text)), _TEXT),
            "glob": Function(_glob, ("string", "string")),
        }
    return found


def utf16le(text: str) -> str:
    """Return a text in UTF-16 with the low byte first: a function of LDIF templates."""
    return decoded(text.encode("utf-16-le", "surrogatepass"))


def _truncate(length: int, text: str) -> str:
    if length <= 0:
        raise ValueError(f"max length must be > 0 but was {length}")
    return decoded(encoded(text)[:length])


def _truncate_sha256(length: int, text: str) -> str:
    if length <= _HASH:
        raise ValueError(f"max length must be > {_HASH} but was {length}")
    content = encoded(text)
    if len(content) <= length:
        return text
    kept = length - _HASH
    return decoded(content[:kept]) + hashlib.sha256(content[kept:]).hexdigest()[:_HASH]


def _replace(old: str, new: str, text: str) -> str:
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise ValueError(f"the text is longer than {LONGEST_TEXT} characters")
    return text.replace(old, new)


def _decode_base64(text: str) -> str:
    return decoded(b64.decode(text))


def _glob(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern, in which ``*`` stands for any text."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
