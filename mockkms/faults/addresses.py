"""Redact the target of a request (path and query): remove tokens and other secrets before it is shown.

A token is recognized by its form, by its place (``auth/token/lookup/<token>``, ``?token=``), or because the caller
knows it, since a token with a custom id has no recognizable form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote, unquote_plus

TOKEN = "(token)"
"""What replaces a token in a target."""
REDACTED = "(redacted)"
"""What replaces any other secret."""
SHORTEST_TOKEN = 8
"""Minimum length in characters of a known token to be recognized anywhere; shorter ones may be ordinary segments."""
TOKEN_FORM = re.compile(
    r"(?<![\w.-])(?:hv[sbr]\.[\w-]{20,}(?:\.\w+)?|[sbr]\.[A-Za-z0-9][\w-]{19,}(?:\.\w+)?"
    r"|eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*){1,3})"
)
"""A service, batch or recovery token of any version, or a JWT. The lookbehind keeps a search linear."""
SECRET_NAME = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|secret|secretid|secretkey|secretaccesskey|apikey|privatekey|token|jwt"
    r"|(?<!t)otp|credential|authorization|assertion|codeverifier|bindpass|unlockkey|cookie|sessionid)\d?s?\Z"
)
"""The end of a name, in lower case without ``_`` and ``-``, whose value is a secret."""
_PLACES = frozenset(("lookup", "renew", "revoke", "revoke-orphan"))
"""Endpoints of the token method below which older clients write the token into the path."""
_HARMLESS = frozenset((
    "activecode", "after", "bucket", "clientid", "codechallenge", "codechallengemethod", "continue",
    "currentbillingperiod", "depth", "detailed", "drsecondarycode", "endtime", "force", "format", "haunhealthycode",
    "help", "includechildnamespaces", "key", "keyid", "keyname", "kind", "limit", "limitnamespaces", "list", "loglevel",
    "logformat", "marker", "maxkeys", "page", "pagesize", "performancestandbycode", "perfstandbyok", "prefix",
    "redirecturi", "removedcode", "resource", "responsetype", "scan", "scope", "sealedcode", "seconds", "standbycode",
    "standbyok", "starttime", "status", "type", "uninitcode", "version", "versions",
))  # fmt: skip
"""Names of parameters, in the same spelling, whose values are always shown."""
_LONGEST_TOKEN = 8192
"""Maximum length of a token or JWT in characters."""


def plain_name(name: str) -> str:
    """Return the name of a field, parameter or header as the tables of secret names spell it."""
    return name.lower().replace("_", "").replace("-", "")


def is_secret_name(name: str) -> bool:
    """Return whether a field, parameter or header of this name holds a secret."""
    return SECRET_NAME.search(plain_name(name)) is not None


Show = Callable[[str, str], str]
"""Returns what is shown in place of a secret; the second argument is the usual mark, ``TOKEN`` or ``REDACTED``."""


def _mark(_secret: str, mark: str) -> str:
    return mark


def hide(target: str, known: Callable[[str], bool], *, strict: bool = False, show: Show = _mark) -> str:
    """Return a target without tokens and secrets; the same object if it has none.

    ``known`` says whether a text is a token. ``strict`` hides the value of every parameter that is not known to be
    harmless. ``show`` gets secrets percent-decoded.
    """
    path, mark, query = target.partition("?")
    segments = path.split("/")
    hidden = [_segment(text, known, show) for text in segments]
    for at in range(len(segments) - 3):
        if segments[at : at + 2] == ["auth", "token"] and segments[at + 2] in _PLACES and segments[at + 3]:
            hidden[at + 3 :] = [show(unquote("/".join(segments[at + 3 :])), TOKEN)]
            break
    pairs = query.split("&") if query else []
    shown = [_pair(text, known, show, strict=strict) for text in pairs]
    return target if hidden == segments and shown == pairs else "/".join(hidden) + mark + "&".join(shown)


def cut(target: str, limit: int) -> str:
    """Return the beginning of a target, at most ``limit`` characters, that does not end within a token."""
    if len(target) <= limit:
        return target
    kept = target[:limit]
    end = max(map(kept.rfind, "/?&=")) + 1
    return kept if limit - end > _LONGEST_TOKEN or target[limit] in "/?&=" else kept[:end]


def _segment(text: str, known: Callable[[str], bool], show: Show) -> str:
    if len(text) < SHORTEST_TOKEN:
        return text
    plain = unquote(text) if "%" in text else text
    if known(plain):
        return show(plain, TOKEN)
    return TOKEN_FORM.sub(lambda found: show(found[0], TOKEN), plain) if TOKEN_FORM.search(plain) else text


def _pair(text: str, known: Callable[[str], bool], show: Show, *, strict: bool) -> str:
    name, equals, value = text.partition("=")
    if not equals:
        hidden = _segment(name, known, show)
        return text if hidden is name else hidden if show is not _mark else TOKEN
    if not value:
        return text
    plain, whole = plain_name(unquote_plus(name)), unquote_plus(value)
    if SECRET_NAME.search(plain):
        return f"{name}={show(whole, TOKEN if plain.endswith(('token', 'jwt')) else REDACTED)}"
    if known(whole) or _segment(value, known, _mark) is not value:
        return f"{name}={show(whole, TOKEN)}"
    if TOKEN_FORM.search(name) or (strict and plain not in _HARMLESS and value not in ("true", "false")):
        return f"{_segment(name, known, show)}={show(whole, REDACTED)}"
    return text
