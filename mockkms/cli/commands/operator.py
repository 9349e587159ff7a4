"""``mockkms operator generate-root -decode``: decode a root token without a server, as ``vault operator`` does."""

from __future__ import annotations

import argparse
import base64
import sys
from functools import partial

from mockkms.cli.arguments import CommandError
from mockkms.error_context import error_context


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command. Flags that select a server are accepted and ignored."""
    text = "decode a token made by generate-root"
    parser = subparsers.add_parser("operator", help=text, description=__doc__)
    parser.add_argument("operation", choices=("generate-root",))
    parser.add_argument(
        "-decode", "--decode", required=True, metavar="TOKEN", help="encoded token; - reads it from stdin"
    )
    parser.add_argument("-otp", "--otp", required=True, metavar="OTP", help="the one-time password of the attempt")
    for name in ("address", "ca-cert"):
        parser.add_argument(f"-{name}", f"--{name}", help=argparse.SUPPRESS)
    parser.add_argument("-tls-skip-verify", "--tls-skip-verify", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the token. Raises CommandError."""
    encoded = sys.stdin.read().strip() if options.decode == "-" else options.decode
    with error_context("Error decoding base64'd token: ", partial(CommandError, exit_code=1)):
        sealed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    otp = options.otp.encode()
    if len(otp) != len(sealed):
        raise CommandError(
            f"Error xoring token: length of byte slices is not equivalent: {len(sealed)} != {len(otp)}", 1
        )
    print(bytes(a ^ b for a, b in zip(sealed, otp, strict=True)).decode("utf-8", "replace"))
    return 0
