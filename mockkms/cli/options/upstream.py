"""The flags of ``serve --upstream``: fault rules and journal in front of a real server."""

from __future__ import annotations

import argparse
from pathlib import Path

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError

_DENIED = ("state", "nodes", "config", "fresh_keys", "rustfs_api", "rustfs_auth", "rustfs_credentials")
"""Flags for emulated state, which a real server has itself."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    proxy = parser.add_argument_group("proxy mode")
    proxy.add_argument("--upstream", metavar="URL", help="forward requests to this server; add faults and a journal")
    proxy.add_argument("--upstream-ca", type=Path, metavar="PEM", help="CA certificate to trust for the server")
    proxy.add_argument("--upstream-cert", type=Path, metavar="PEM", help="client certificate, sent on request")
    proxy.add_argument("--upstream-key", type=Path, metavar="PEM", help="its key, unencrypted")
    proxy.add_argument("--upstream-insecure", action="store_true", help="do not verify the server's certificate")
    silence = "give up on a response after this time without data (default: 60)"
    proxy.add_argument("--upstream-timeout", type=float, metavar="SECONDS", help=silence)


def words(options: argparse.Namespace) -> dict[str, object]:
    """Return the arguments of MockKMS for proxy mode; empty without ``--upstream``. Raises CommandError."""
    if options.upstream is None:
        for name in ("upstream_ca", "upstream_cert", "upstream_key", "upstream_insecure", "upstream_timeout"):
            if getattr(options, name):
                raise CommandError(f"--{name.replace('_', '-')} requires --upstream")
        return {}
    for name in _DENIED:
        if getattr(options, name, None):
            flag = name.replace("_", "-")
            raise CommandError(f"--{flag} cannot be used with --upstream: it configures an emulated server")
    cert, key = options.upstream_cert, options.upstream_key
    if (cert is None) != (key is None):
        raise CommandError("--upstream-cert and --upstream-key must be used together")
    if options.upstream_insecure:
        screen.warn("--upstream-insecure: the connection to the server can be intercepted")
    timeout = {} if options.upstream_timeout is None else {"upstream_timeout": options.upstream_timeout}
    return {
        "upstream": options.upstream,
        "upstream_ca": options.upstream_ca or "",
        "upstream_cert": (cert, key) if cert is not None else None,
        "upstream_insecure": options.upstream_insecure,
        **timeout,
    }
