"""The flags of ``serve --upstream``, ``--record`` and ``--replay``: a real server, or a recording of one, answers."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError, seconds, whole
from mockkms.error_context import error_context

if TYPE_CHECKING:
    from mockkms.server.proxy.upstream import Upstream

_DENIED = (
    "state", "state_file", "nodes", "config", "storage", "plugin_directory",
    "fresh_keys", "rustfs_api", "rustfs_auth", "rustfs_credentials",
)  # fmt: skip
"""Flags for emulated state, which a real server has itself."""
_MIB = 1 << 20
_LARGEST = 1024
"""MiB of the largest recording that is read."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    proxy = parser.add_argument_group("proxy mode")
    proxy.add_argument("--upstream", metavar="URL", help="forward requests to this server; add faults and a journal")
    add_connection(proxy)
    record = "write requests and answers, without secrets, to this new file, for --replay"
    proxy.add_argument("--record", type=Path, metavar="FILE", help=record)
    limit = "end the recording before the file is larger (default: 256)"
    proxy.add_argument("--record-limit", type=whole(1, _LARGEST), metavar="MIB", help=limit)
    replay = parser.add_argument_group("replay")
    text = "answer from this recording; an unrecorded request gets an error that names the nearest recorded one"
    replay.add_argument("--replay", type=Path, metavar="FILE", help=text)
    text = "answer unrecorded requests as the emulated server"
    replay.add_argument("--replay-fallback", action="store_true", help=text)


def add_connection(group: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """Declare the flags for connections to a real server."""
    group.add_argument("--upstream-ca", type=Path, metavar="PEM", help="CA certificate to trust for the server")
    group.add_argument("--upstream-cert", type=Path, metavar="PEM", help="client certificate, sent on request")
    group.add_argument("--upstream-key", type=Path, metavar="PEM", help="its key, unencrypted")
    group.add_argument("--upstream-insecure", action="store_true", help="do not verify the server's certificate")
    silence = "give up on a response after this time without data (default: 60)"
    group.add_argument("--upstream-timeout", type=seconds, metavar="SECONDS", help=silence)


def connection(options: argparse.Namespace, url: str) -> Upstream:
    """Return the server at an address, with the flags for connections. Raises CommandError."""
    from mockkms.server.proxy.upstream import TIMEOUT, Upstream

    cert = _certificate(options)
    secure = url.startswith("https:")
    timeout = TIMEOUT if options.upstream_timeout is None else options.upstream_timeout
    with error_context(raised=CommandError):
        return Upstream(
            url,
            ca_file=options.upstream_ca or (os.environ.get("VAULT_CACERT", "") if secure else ""),
            cert=cert,
            insecure=options.upstream_insecure,
            timeout=timeout,
        )


def _certificate(options: argparse.Namespace) -> tuple[Path, Path] | None:
    cert, key = options.upstream_cert, options.upstream_key
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise CommandError("--upstream-cert and --upstream-key must be used together")
    return cert, key


def words(options: argparse.Namespace) -> dict[str, object]:
    """Return the arguments of MockKMS for proxy mode or a replay; empty without either. Raises CommandError."""
    replay = _replay(options)
    if options.record_limit is not None and options.record is None:
        raise CommandError("--record-limit requires --record")
    if options.upstream is None:
        for name in ("upstream_ca", "upstream_cert", "upstream_key", "upstream_insecure", "upstream_timeout", "record"):
            if getattr(options, name):
                raise CommandError(f"{_flag(name)} requires --upstream")
        return replay
    if replay:
        raise CommandError("--replay and --upstream cannot be used together: one of them answers")
    for name in _DENIED:
        if getattr(options, name, None):
            raise CommandError(f"{_flag(name)} cannot be used with --upstream: it configures an emulated server")
    cert = _certificate(options)
    if options.upstream_insecure:
        screen.warn("--upstream-insecure: the connection to the server can be intercepted")
    timeout = {} if options.upstream_timeout is None else {"upstream_timeout": options.upstream_timeout}
    return {
        "upstream": options.upstream,
        "upstream_ca": options.upstream_ca or "",
        "upstream_cert": cert,
        "upstream_insecure": options.upstream_insecure,
        "record": options.record,
        "record_limit": options.record_limit * _MIB if options.record_limit else None,
        **timeout,
    }


def _flag(name: str) -> str:
    return "--state FILE" if name == "state_file" else f"--{name.replace('_', '-')}"


def _replay(options: argparse.Namespace) -> dict[str, object]:
    """Return the arguments of MockKMS for a replay; empty without ``--replay``. Raises CommandError."""
    if options.replay is None:
        if options.replay_fallback:
            raise CommandError("--replay-fallback requires --replay")
        return {}
    denied = ("nodes",) if options.replay_fallback else _DENIED
    for name in denied:
        if getattr(options, name, None):
            hint = "" if options.replay_fallback else " without --replay-fallback: it configures an emulated server"
            raise CommandError(f"{_flag(name)} cannot be used with --replay{hint}")
    return {"replay": options.replay, "replay_fallback": options.replay_fallback}
