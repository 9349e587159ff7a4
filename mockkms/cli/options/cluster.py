"""The flags of ``serve --nodes``: a cluster instead of one server."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING, Any

from mockkms.cli.arguments import CommandError, seconds, whole

if TYPE_CHECKING:
    from mockkms.kms import MockKMS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    cluster = parser.add_argument_group("cluster")
    cluster.add_argument(
        "--nodes", type=whole(1, 99), metavar="N", help="run N nodes, on every second port from --port"
    )
    cluster.add_argument(
        "--standby", choices=("forward", "redirect"), help="for requests to standbys (default: forward)"
    )
    delay = "time without a leader (default: 1)"
    cluster.add_argument("--election-delay", type=partial(seconds, zero=True), metavar="SECONDS", help=delay)
    cluster.add_argument("--performance-standbys", action="store_true", help="standbys answer reads themselves")
    cluster.add_argument("--index-headers", action="store_true", help="send X-Vault-Index; lagging nodes answer 412")


def server(options: argparse.Namespace, **words: Any) -> MockKMS:
    """Return the server or cluster described by the flags, not yet started. Raises CommandError."""
    if options.nodes is None:
        for name in ("standby", "election_delay", "performance_standbys", "index_headers"):
            if getattr(options, name):
                raise CommandError(f"--{name.replace('_', '-')} requires --nodes")
        from mockkms.kms import MockKMS

        return MockKMS(**words)
    from mockkms.cluster import Cluster

    if words["port"] and words["port"] + 2 * (options.nodes - 1) > 65535:
        raise CommandError(f"--port {words['port']} is too high for {options.nodes} nodes")
    return Cluster(
        options.nodes,
        standby=options.standby or "forward",
        election_delay=1.0 if options.election_delay is None else options.election_delay,
        performance_standbys=options.performance_standbys,
        index_headers=options.index_headers,
        **words,
    )
