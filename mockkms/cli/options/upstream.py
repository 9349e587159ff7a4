"""``serve --upstream``: rules and journal in front of a real server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mockkms.cli import screen
from mockkms.cli.errors import CommandError

_DENIED = ("state", "nodes", "config", "fresh_keys", "rustfs_api", "rustfs_auth", "rustfs_credentials")
"""Flags about what the real server has itself."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    proxy = parser.add_argument_group("in front of a real server")
    proxy.add_argument("--upstream", metavar="URL", help="pass requests on to this server; faults and journal are ours")
    proxy.add_argument("--upstream-ca", type=Path, metavar="PEM", help="trust this certificate of the server's")
    proxy.add_argument("--upstream-cert", type=Path, metavar="PEM", help="show it this certificate of ours on demand")
    proxy.add_argument("--upstream-key", type=Path, metavar="PEM", help="its key, unencrypted")
    proxy.add_argument("--upstream-insecure", action="store_true", help="trust whatever certificate it shows")
    silence = "give an answer up after so long a silence (default: 60)"
    proxy.add_argument("--upstream-timeout", type=float, metavar="SECONDS", help=silence)


def words(options: argparse.Namespace) -> dict[str, Any]:
    """The words of MockKMS about the real server; none where there is none. Raises CommandError."""
    if options.upstream is None:
        for name in ("upstream_ca", "upstream_cert", "upstream_key", "upstream_insecure", "upstream_timeout"):
            if getattr(options, name):
                raise CommandError(f"--{name.replace('_', '-')} says how to reach a server: say --upstream URL too")
        return {}
    for name in _DENIED:
        if getattr(options, name, None):
            flag = name.replace("_", "-")
            raise CommandError(f"--{flag} is for an emulated server; with --upstream {options.upstream} answers")
    cert, key = options.upstream_cert, options.upstream_key
    if (cert is None) != (key is None):
        raise CommandError("--upstream-cert and --upstream-key go together")
    if options.upstream_insecure:
        screen.warn("--upstream-insecure: whoever stands between here and the server can read and change everything")
    timeout = {} if options.upstream_timeout is None else {"upstream_timeout": options.upstream_timeout}
    return {
        "upstream": options.upstream,
        "upstream_ca": options.upstream_ca or "",
        "upstream_cert": (cert, key) if cert is not None else None,
        "upstream_insecure": options.upstream_insecure,
        **timeout,
    }
