"""The functions ``regex.extract``, ``regex.extractAll`` and ``regex.replace``, with the engine of ``matches``.

Their texts are those of the extension ``regex`` of cel-go.
"""

from __future__ import annotations

import re2
from celpy.celtypes import ListType, StringType

from mockkms.vault.cel.rewriting import OptionalValue
from mockkms.vault.golang.fmt import quote

_QUIET = re2.Options()
_QUIET.log_errors = False


def extract(text: str, pattern: str) -> OptionalValue:
    """Return what the first match has captured, or the whole match; none without a match. Raises ValueError."""
    found = _capturing(pattern).search(text)
    if found is None or (found.re.groups and not found[1]):
        return OptionalValue()
    return OptionalValue([StringType(found[1] if found.re.groups else found[0])])


def extract_all(text: str, pattern: str) -> ListType:
    """Return what each match has captured, if it is not empty, or all matches. Raises ValueError."""
    compiled = _capturing(pattern)
    found = (match[1] if compiled.groups else match[0] for match in compiled.finditer(text))
    return ListType([StringType(one) for one in found if one or not compiled.groups])


def replace(text: str, pattern: str, replacement: str, count: int = -1) -> StringType:
    """Replace the first ``count`` matches, all if it is negative. Raises ValueError with the server's text."""
    compiled = _compiled(pattern)
    if not count:
        return StringType(text)
    out, end = [], 0
    for done, match in enumerate(compiled.finditer(text)):
        if done == count:
            break
        out += [text[end : match.start()], _filled(replacement, match, compiled.groups)]
        end = match.end()
    return StringType("".join([*out, text[end:]]))


def _compiled(pattern: str) -> re2._Regexp:
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as fault:
        raise ValueError(f"error parsing regexp: {fault}: {pattern}") from None


def _capturing(pattern: str) -> re2._Regexp:
    compiled = _compiled(pattern)
    if compiled.groups > 1:
        raise ValueError(f"regular expression has more than one capturing group: {quote(pattern)}")
    return compiled


def _filled(replacement: str, match: re2._Match, groups: int) -> str:
    """Return a replacement with what its references, such as ``\\1``, have captured. Raises ValueError."""
    out, rest = [], iter(replacement)
    for char in rest:
        if char != "\\":
            out.append(char)
            continue
        follows = next(rest, "")
        if not follows:
            raise ValueError(f"invalid replacement string: '{replacement}' \\ not allowed at end")
        if follows == "\\":
            out.append(follows)
        elif not (follows.isascii() and follows.isdigit()):
            raise ValueError(f"invalid replacement string: '{replacement}' \\ must be followed by a digit or \\")
        elif int(follows) > groups:
            raise ValueError(f"replacement string references group {follows} but regex has only {groups} group(s)")
        else:
            out.append(match[int(follows)] or "")
    return "".join(out)
