"""``mockkms run [flags] -- CMD…``: run a command against a new server. The exit code is that of the command.

The command finds the server in its environment: VAULT_ADDR, VAULT_TOKEN, with --tls VAULT_CACERT, the BAO_ equivalents,
and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION for signed requests to the RustFS admin API, whose address
is in MOCKKMS_RUSTFS_URL. Other settings of Vault clients and proxies are unset.
"""

from __future__ import annotations

import argparse
import signal
import subprocess

from mockkms.cli.arguments import CommandError, port_number
from mockkms.cli.options import starting

_FORWARDED = (signal.SIGINT, signal.SIGTERM)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("run", help="run a command against a new server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port_number, metavar="PORT", default=0, help="port (default: a free one)")
    starting.add_options(parser)
    parser.set_defaults(run=run)
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="CMD", help="the command, after --")


def run(options: argparse.Namespace) -> int:
    """Run the command. If a signal ends it, the exit code is 128 plus the signal's number, as in shells."""
    command = starting.command_of(options, "mockkms run -- pytest tests")
    kms = starting.started(options)
    try:
        return _run(command, starting.environment(kms))
    finally:
        kms.stop()


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
