"""URLs, parsed as by Go's ``net/url``, and the addresses that an issuer writes into certificates."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote, unquote_to_bytes

from mockkms.outside import user_fault
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer
from mockkms.vault.secrets.pki.settings import PkiUrls

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*(?=:)")
_BAD = re.compile(r"[\x00-\x1f\x7f]|%(?![0-9a-fA-F]{2})")
_WRITABLE = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,/:;=@\[\]%]*", re.ASCII)
_HOST_ESCAPE = re.compile(r"%(?!25)[0-7][0-9a-fA-F]")
"""An escape in a host that Go refuses: of an ASCII character other than the percent sign of a zone."""
_TEMPLATES = ("{{issuer_id}}", "{{cluster_path}}", "{{cluster_aia_path}}")
_SHORTEST, _LONGEST = 3, 2083
"""Bytes and characters: an address is longer than the first, and shorter than the second."""
FIELDS = ("issuing_certificates", "crl_distribution_points", "delta_crl_distribution_points", "ocsp_servers")


def split(text: str) -> tuple[str, str] | None:
    """Return scheme and host of an address, None if Go cannot parse it."""
    if _BAD.search(text) or text.startswith(":"):
        return None
    found = _SCHEME.match(text)
    scheme = found[0] if found else ""
    rest = text[len(scheme) + 1 :] if scheme else text
    if not scheme and ":" in rest.split("/", 1)[0] and not rest.startswith("/"):
        return None
    host = re.split(r"[/?#]", rest[2:], maxsplit=1)[0] if rest.startswith("//") else ""
    named = host.rsplit("@", 1)[-1]
    if " " in host or user_fault(host) or _HOST_ESCAPE.search(named) or not _literal(named):
        return None
    if not re.fullmatch(r"[^:]*|.*:\d*|.*\]", named):
        return None
    return scheme.lower(), host


def shown(text: str) -> str:
    """Return a valid URL as Go writes a parsed one: characters not allowed in its path or fragment are escaped."""
    found = _SCHEME.match(text)
    scheme = found[0].lower() if found else ""
    rest = text[len(scheme) + 1 :] if scheme else text
    rest, hash_sign, fragment = rest.partition("#")
    if hash_sign:
        hash_sign, fragment = ("#", _escaped(fragment)) if fragment else ("", "")
    if scheme and not rest.startswith("/"):
        return f"{scheme}:{rest}{hash_sign}{fragment}"
    rest, mark, query = rest.partition("?")
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
        user, at, host = host.rpartition("@")
        host = user + at + quote(host, safe="!$&'()*+,;=:[]<>\"%-_.~")
        host = f"//{host}" if host or path else ""
    return f"{scheme}{':' if scheme else ''}{host}{_escaped(path)}{mark}{query}{hash_sign}{fragment}"


def _escaped(text: str) -> str:
    """Return a path or fragment unchanged if all its characters are allowed there; else unescape and escape it."""
    return text if _WRITABLE.fullmatch(text) else quote(unquote_to_bytes(text), safe="/$&+,:;=@~")


def _literal(host: str) -> bool:
    """Return whether a host has no brackets, or is an IPv6 address in brackets."""
    if not host.startswith("["):
        return "[" not in host
    address, bracket, _ = host[1:].partition("]")
    try:
        return bool(bracket) and ipaddress.IPv6Address(unquote(address)) is not None
    except ValueError:
        return False


def first_bad(urls: Iterable[str], *, loose: bool = False) -> str:
    """Return the first address that is refused, or has a template; an empty string without one.

    By default an address has a scheme and a host; ``loose`` takes ports without a scheme, and paths.
    """
    acceptable = _loosely_valid if loose else _complete
    for url in urls:
        if not acceptable(url) or any(template in url for template in _TEMPLATES):
            return url
    return ""


def _complete(url: str) -> bool:
    parsed = split(url)
    return parsed is not None and all(parsed)


def _loosely_valid(url: str) -> bool:
    """Return whether an address is one for Vault: a host, or a path with a dot, and neither short nor endless."""
    if not len(url.encode()) > _SHORTEST or len(url) >= _LONGEST or url.startswith("."):
        return False
    whole = f"http://{url}" if ":" in url and "://" not in url else url
    parsed = split(whole)
    if parsed is None or not (parsed[0] or whole.startswith("/")):
        return False
    scheme, host = parsed
    rest = whole[len(scheme) + 1 :] if scheme else whole
    path = re.split(r"[?]", rest[2 + len(host) :] if rest.startswith("//") else rest, maxsplit=1)[0]
    return not host.startswith(".") and (host != "" or path == "" or "." in path)


def fault(urls: PkiUrls, names: Iterable[str] = FIELDS, *, loose: bool = False) -> str:
    """Return why the addresses of some lists are refused, or an empty string."""
    for name in names:
        bad = first_bad(getattr(urls, name), loose=loose)
        if bad:
            return f"invalid URL found in Authority Information Access (AIA) parameter {name}: {bad}"
    return ""


def of_issuer(state: PKI, issuer: PkiIssuer) -> PkiUrls:
    """Return the addresses that an issuer writes into certificates. Raises ValueError."""
    chosen = issuer.urls if issuer.urls is not None and not issuer.urls.empty else state.urls
    return filled(state, chosen, issuer.id)


def filled(state: PKI, urls: PkiUrls, issuer_id: str) -> PkiUrls:
    """Return the addresses with their templates filled in. Raises ValueError."""
    if urls.empty:
        return PkiUrls()
    if not urls.enable_templating:
        return urls
    found = PkiUrls()
    for name in FIELDS:
        done = [_fill(state, url, issuer_id) for url in getattr(urls, name)]
        bad = first_bad(done)
        if bad:
            raise ValueError(f"error validating templated {name}; invalid URI: {bad}")
        setattr(found, name, done)
    return found


def _fill(state: PKI, url: str, issuer_id: str) -> str:
    for template, value, name in (
        ("{{cluster_path}}", state.cluster.path, "path"),
        ("{{cluster_aia_path}}", state.cluster.aia_path, "aia_path"),
    ):
        if template in url and not value:
            raise ValueError(f"unable to template AIA URLs as we lack local cluster address information ({name})")
    if "{{issuer_id}}" in url and not issuer_id:
        raise ValueError("unable to template AIA URLs as we lack an issuer_id for this operation")
    url = url.replace("{{cluster_path}}", state.cluster.path).replace("{{cluster_aia_path}}", state.cluster.aia_path)
    return url.replace("{{issuer_id}}", issuer_id)


def hint(error: ValueError) -> str:
    """Return the warning about addresses whose templates cannot be filled in yet."""
    return f"issuance may fail: {error}\n\nConsider setting the cluster-local address if it is not already set."
