"""Connections to LDAP directories on this machine, as settings describe them."""

from __future__ import annotations

import re
import ssl

from mockkms import outside
from mockkms.go_urls import parse_fault, parse_url
from mockkms.outside.ldap import LdapConnection, LdapError
from mockkms.vault.directories.settings import DirectorySettings
from mockkms.vault.golang.fmt import quote

PORTS = {"ldap": 389, "ldaps": 636}
"""The ports of URLs that name none, by their scheme."""
_TLS = {"tls13": ssl.TLSVersion.TLSv1_3}
"""Python does not support versions before 1.2; they are treated as 1.2."""


def connect(config: DirectorySettings, url: str) -> LdapConnection:
    """Return a connection to a directory on this machine. Raises OSError, LdapError and ValueError without one."""
    parts = parse_url(url)
    if not outside.is_here(url) or not parts.hostname:
        raise OSError(f"{url} is not on this machine")
    if parts.scheme == "ldaps":
        return _connection(config, parts.hostname, parts.port or PORTS["ldaps"], _context(config))
    connection = _connection(config, parts.hostname, parts.port or PORTS["ldap"])
    if config.starttls:
        try:
            connection.start_tls(_context(config))
        except (OSError, LdapError):
            connection.close()
            raise
    return connection


def _connection(config: DirectorySettings, host: str, port: int, tls: ssl.SSLContext | None = None) -> LdapConnection:
    return LdapConnection(
        host,
        port,
        tls,
        connect_seconds=config.connection_timeout or outside.PATIENCE,
        request_seconds=config.request_timeout or outside.PATIENCE,
    )


def _context(config: DirectorySettings) -> ssl.SSLContext:
    own = f"{config.client_tls_cert}\n{config.client_tls_key}" if config.client_tls_key else ""
    context = outside.client_context(config.certificate, own)
    context.minimum_version = _TLS.get(config.tls_min_version, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _TLS.get(config.tls_max_version, ssl.TLSVersion.TLSv1_2)
    if config.insecure_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def url_fault(url: str) -> str:
    """Return what the LDAP client of the products says of a URL that it cannot use; empty for others."""
    fault = parse_fault(url)
    if fault:
        return f"error parsing url {quote(url)}: {fault}"
    parts = parse_url(url)
    if parts.scheme in PORTS:
        return ""
    host, _, port = parts.netloc.rpartition(":") if re.search(r":\d+$", parts.netloc) else (parts.netloc, "", "")
    return f'invalid LDAP scheme in url "{host}:{port}"'


def is_unusable(url: str) -> bool:
    """Return whether the LDAP client of the products cannot use a URL, wherever it points to."""
    return bool(url_fault(url) or not parse_url(url).hostname or outside.port_fault(outside.port_of(url) or 0))


def connection_fault(url: str, error: Exception) -> str:
    """Return the text of Go's LDAP client for a failed connection to a URL without ``url_fault``."""
    if isinstance(error, LdapError):
        return str(error)
    if isinstance(error, ssl.SSLError):
        return f'LDAP Result Code 200 "Network Error": {outside.tls_fault(error)}'
    parts = parse_url(url)
    refusal = outside.refusal(parts.hostname or "", outside.port_of(url) or PORTS[parts.scheme])
    return f'LDAP Result Code 200 "Network Error": {refusal}'
