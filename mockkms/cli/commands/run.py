"""``mockkms run [flags] -- CMD…``: start a server, run a command against it, stop; its exit code is the command's."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from mockkms.cli.errors import CommandError
from mockkms.cli.flavors import DESCRIPTION, flavor

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_FORWARDED = (signal.SIGINT, signal.SIGTERM)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("run", help="run a command against a fresh server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--seed", action="append", default=[], metavar="FILE", help="a world in YAML; later ones win")
    parser.add_argument("--root-token", metavar="TOKEN", help="id of the root token (default: the world's, else root)")
    parser.add_argument(
        "--flavor", type=flavor, metavar="NAME", help=f"default: the world's, else vault; {DESCRIPTION}"
    )
    parser.add_argument("--rng", type=int, metavar="N", help="repeat ids, keys and nonces from this seed")
    parser.set_defaults(run=run)
    parser.add_argument("cmd", nargs=argparse.REMAINDER, metavar="CMD", help="the command, after --")


def environment(kms: MockKMS) -> dict[str, str]:
    """What the command finds in its environment: the address and the token under every name clients look for."""
    found = dict(os.environ)
    for name in ("VAULT", "BAO"):
        # What would lead the client elsewhere, or make it distrust this server, must not leak in from outside.
        for other in ("NAMESPACE", "CACERT", "CAPATH", "SKIP_VERIFY", "AGENT_ADDR", "PROXY_ADDR"):
            found.pop(f"{name}_{other}", None)
        found[f"{name}_ADDR"], found[f"{name}_TOKEN"] = kms.url, kms.token
    found["MOCKKMS_URL"], found["MOCKKMS_RUSTFS_URL"] = kms.url, kms.rustfs_url
    return found


def run(options: argparse.Namespace) -> int:
    """Start, run, stop. A command ended by a signal gives 128 and the signal's number, as shells do."""
    command = options.cmd[1:] if options.cmd[:1] == ["--"] else options.cmd
    if not command:
        raise CommandError("which command? mockkms run -- pytest tests")
    if not 0 <= options.port <= 65535:
        raise CommandError(f"{options.port} is no port: 0 to 65535")
    kms = _started(options)
    try:
        try:
            process = subprocess.Popen(command, env=environment(kms))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"cannot run {command[0]}: {reason}") from None
        return _wait(process)
    finally:
        kms.stop()


def _started(options: argparse.Namespace) -> MockKMS:
    from mockkms.kms import MockKMS
    from mockkms.worldfile import SeedError

    try:
        return MockKMS(
            seed=options.seed or None,
            host=options.host,
            port=options.port,
            root_token=options.root_token,
            rng=options.rng,
            flavor=options.flavor,
        ).start()
    except SeedError as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"cannot listen on {options.host}:{options.port}: {reason}") from None


def _wait(process: subprocess.Popen[bytes]) -> int:
    """The command's exit code; signals that reach us are passed on to it."""
    before = {number: signal.signal(number, lambda got, _: process.send_signal(got)) for number in _FORWARDED}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - code if code < 0 else code
