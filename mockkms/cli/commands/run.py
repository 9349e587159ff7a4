"""``mockkms run [flags] -- CMD…``: run a command against a new server. The exit code is that of the command.

The command finds the server in its environment: VAULT_ADDR, VAULT_TOKEN, with --tls VAULT_CACERT, the BAO_ equivalents,
and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION for signed requests to the RustFS admin API, whose address
is in MOCKKMS_RUSTFS_URL. Other settings of Vault clients and proxies are unset.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from mockkms.cli.arguments import DESCRIPTION, CommandError, flavor, port_number, rng, sendable
from mockkms.environment import applied, credentials, variables

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_FORWARDED = (signal.SIGINT, signal.SIGTERM)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("run", help="run a command against a new server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port_number, metavar="PORT", default=0, help="port (default: a free one)")
    parser.add_argument("--seed", action="append", default=[], metavar="FILE", help="a world in YAML; later ones win")
    parser.add_argument(
        "--root-token", type=sendable, metavar="TOKEN", help="id of the root token (default: the world's, else root)"
    )
    parser.add_argument(
        "--flavor", type=flavor, metavar="NAME", help=f"default: the world's, else vault; {DESCRIPTION}"
    )
    parser.add_argument("--rng", type=rng, metavar="SEED", help="number or text that all ids, keys and nonces follow")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a certificate that VAULT_CACERT names")
    parser.set_defaults(run=run)
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="CMD", help="the command, after --")


def environment(kms: MockKMS) -> dict[str, str]:
    """Return the environment of the command: address, token, CA and credentials in the variables that clients read."""
    changes = {**variables(kms), **credentials(kms.world.rustfs.state.users)}
    return {**applied(changes, os.environ), "MOCKKMS_URL": kms.url, "MOCKKMS_RUSTFS_URL": kms.rustfs_url}


def run(options: argparse.Namespace) -> int:
    """Run the command. If a signal ends it, the exit code is 128 plus the signal's number, as in shells."""
    command = options.cmd[1:] if options.cmd[:1] == ["--"] else options.cmd
    if not command:
        raise CommandError("no command given; example: mockkms run -- pytest tests")
    kms = started(options)
    try:
        return _run(command, environment(kms))
    finally:
        kms.stop()


def started(options: argparse.Namespace) -> MockKMS:
    """Start the server that the flags describe. Raises CommandError."""
    from mockkms.kms import MockKMS

    try:
        return MockKMS(
            seed=options.seed or None,
            host=options.host,
            port=options.port,
            root_token=options.root_token,
            rng=options.rng,
            flavor=options.flavor,
            tls=True if options.tls else None,
        ).start()
    except ValueError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        reason = error.strerror or error
        hint = "; without --port a free one is used" if error.errno == errno.EADDRINUSE else ""
        raise CommandError(f"cannot listen on {options.host}:{options.port}: {reason}{hint}") from None


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run the command and return its exit code; forward signals to it. Raises CommandError."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    """Signals that came before the command."""

    def forward(number: int, _: object) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        try:
            process = subprocess.Popen(command, env=environment)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"cannot run {command[0]}: {reason}") from None
        for number in early:
            process.send_signal(number)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
