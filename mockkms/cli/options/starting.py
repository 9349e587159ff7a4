"""The flags of the commands that start a server, and the server that ``run`` and ``explore`` start for a command."""

from __future__ import annotations

import argparse
import errno
import os
from typing import TYPE_CHECKING

from mockkms.cli.arguments import DESCRIPTION, CommandError, flavor, rng, sendable

if TYPE_CHECKING:
    from mockkms.kms import MockKMS


def add_world(parser: argparse._ActionsContainer) -> None:
    """Declare the flags for the root token, the product and the randomness of a world."""
    token = "id of the root token (default: the world's, else root)"
    parser.add_argument("--root-token", type=sendable, metavar="TOKEN", help=token)
    product = f"default: the world's, else vault; {DESCRIPTION}"
    parser.add_argument("--flavor", type=flavor, metavar="NAME", help=product)
    parser.add_argument("--rng", type=rng, metavar="SEED", help="number or text that all ids, keys and nonces follow")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of a server for a command."""
    parser.add_argument("--seed", action="append", default=[], metavar="FILE", help="a world in YAML; later ones win")
    add_world(parser)
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a certificate that VAULT_CACERT names")


def command_of(options: argparse.Namespace, example: str) -> list[str]:
    """Return the command after the flags. Raises CommandError, with an example, if there is none."""
    command: list[str] = options.cmd[1:] if options.cmd[:1] == ["--"] else options.cmd
    if not command:
        raise CommandError(f"no command given; example: {example}")
    return command


def environment(kms: MockKMS) -> dict[str, str]:
    """Return the environment of the command: address, token, CA and credentials in the variables that clients read."""
    from mockkms.environment import applied, credentials, variables

    changes = {**variables(kms), **credentials(kms.world.rustfs.state.users)}
    return {**applied(changes, os.environ), "MOCKKMS_URL": kms.url, "MOCKKMS_RUSTFS_URL": kms.rustfs_url}


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
