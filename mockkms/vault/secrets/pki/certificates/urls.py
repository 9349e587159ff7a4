"""The addresses that an issuer writes into certificates."""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.go_urls import parse_url
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer
from mockkms.vault.secrets.pki.settings import PkiUrls

_TEMPLATES = ("{{issuer_id}}", "{{cluster_path}}", "{{cluster_aia_path}}")
_SHORTEST, _LONGEST = 3, 2083
"""Bytes and characters: an address is longer than the first, and shorter than the second."""
FIELDS = ("issuing_certificates", "crl_distribution_points", "delta_crl_distribution_points", "ocsp_servers")


def first_bad(urls: Iterable[str], *, loose: bool = False) -> str:
    """Return the first address that is refused, or has a template; an empty string without one.

    By default an address has a scheme and a host; ``loose`` takes ports without a scheme, and paths.
    """
    acceptable = _loosely_valid if loose else is_complete
    for url in urls:
        if not acceptable(url) or any(template in url for template in _TEMPLATES):
            return url
    return ""


def is_complete(url: str) -> bool:
    """Return whether an address is a URL with a scheme and a host."""
    try:
        parts = parse_url(url)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _loosely_valid(url: str) -> bool:
    """Return whether an address is one for Vault: a host, or a path with a dot, and neither short nor endless."""
    if not len(url.encode()) > _SHORTEST or len(url) >= _LONGEST or url.startswith("."):
        return False
    whole = f"http://{url}" if ":" in url and "://" not in url else url
    try:
        parts = parse_url(whole)
    except ValueError:
        return False
    if not (parts.scheme or whole.startswith("/")) or parts.netloc.startswith("."):
        return False
    return bool(parts.netloc) or not parts.path or "." in parts.path


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
