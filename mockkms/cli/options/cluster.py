"""``serve --nodes``: a cluster instead of one server."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mockkms.cli.errors import CommandError

if TYPE_CHECKING:
    from mockkms.kms import MockKMS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    cluster = parser.add_argument_group("cluster")
    cluster.add_argument("--nodes", type=int, metavar="N", help="N nodes, on every second port from --port on")
    cluster.add_argument("--standby", choices=("forward", "redirect"), help="what standbys do (default: forward)")
    cluster.add_argument("--election-delay", type=float, metavar="SECONDS", help="without an active node (default: 1)")
    cluster.add_argument("--performance-standbys", action="store_true", help="standbys answer reads themselves")
    cluster.add_argument("--index-headers", action="store_true", help="X-Vault-Index, and 412 from nodes that lag")


def server(options: argparse.Namespace, **words: Any) -> MockKMS:
    """The server or cluster that the flags ask for, not started yet. Raises CommandError."""
    if options.nodes is None:
        for name in ("standby", "election_delay", "performance_standbys", "index_headers"):
            if getattr(options, name):
                raise CommandError(f"--{name.replace('_', '-')} is for clusters: say --nodes N too")
        from mockkms.kms import MockKMS

        return MockKMS(**words)
    from mockkms.cluster import Cluster

    if not 1 <= options.nodes <= 99:
        raise CommandError(f"--nodes {options.nodes}: 1 to 99")
    if options.election_delay is not None and not 0 <= options.election_delay < float("inf"):
        raise CommandError(f"--election-delay {options.election_delay}: no seconds")
    if words["port"] and words["port"] + 2 * (options.nodes - 1) > 65535:
        raise CommandError(f"--port {words['port']} leaves no room for {options.nodes} nodes")
    return Cluster(
        options.nodes,
        standby=options.standby or "forward",
        election_delay=1.0 if options.election_delay is None else options.election_delay,
        performance_standbys=options.performance_standbys,
        index_headers=options.index_headers,
        **words,
    )
