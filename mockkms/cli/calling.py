"""Access to the control API of a running server, for the commands that control one."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mockkms.cli.arguments import CommandError
from mockkms.control_token import DEFAULTS
from mockkms.error_context import error_context
from mockkms.json_reading import read_json

if TYPE_CHECKING:
    from mockkms.remote import RemoteKMS
    from mockkms.remote.document import Document


ADDRESS = "address of the server (default: $MOCKKMS_URL, $BAO_ADDR, $VAULT_ADDR, http://127.0.0.1:8200)"


def default_address() -> str:
    """Return the address that the environment names, else the usual one of a server of this package."""
    named = (os.environ.get(name) for name in ("MOCKKMS_URL", "BAO_ADDR", "VAULT_ADDR"))
    return next(filter(None, named), "http://127.0.0.1:8200")


def add_address(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add the flags that select the server. ``again``: the parent command has them as well."""
    default = argparse.SUPPRESS if again else None
    parser.add_argument("--url", default=default, help=ADDRESS)
    add_token(parser, default=default)
    parser.add_argument(
        "--tenant", default=default, metavar="ID", help="the world behind /t/ID instead of the server's"
    )


def add_token(parser: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """Add the flags for the control token."""
    token = f"token of the control API (default: {DEFAULTS})"
    parser.add_argument(
        "--token", "--control-token", dest="control_token", default=default, metavar="TOKEN", help=token
    )
    file = "read the token from this file"
    parser.add_argument(
        "--token-file", "--control-token-file", dest="control_token_file", default=default, metavar="FILE", help=file
    )


def add_json(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add the flag for output in JSON. ``again``: the parent command has it as well."""
    default = argparse.SUPPRESS if again else False
    parser.add_argument("--json", action="store_true", default=default, help="print JSON, for scripts")


@contextmanager
def server(options: argparse.Namespace) -> Iterator[RemoteKMS]:
    """Connect to the server selected by the flags.

    Raises CommandError: exit code 1 if the server refuses a request, 2 if it cannot be reached, or for a wrong flag.
    """
    from mockkms.remote import NotMockKMS, RemoteError, RemoteKMS

    with error_context(raised=CommandError):
        remote = RemoteKMS(
            options.url or default_address(),
            control_token=options.control_token or None,
            control_token_file=options.control_token_file,
            ca_file=os.environ.get("BAO_CACERT") or os.environ.get("VAULT_CACERT", ""),
        )
        tenant = getattr(options, "tenant", None)
        chosen = remote if tenant is None else remote.tenant(tenant)
    try:
        with remote:
            yield chosen
    except (RemoteError, ValueError) as error:
        # A ValueError is a rule or value that the server does not accept.
        status = 400 if isinstance(error, ValueError) else error.status
        refused = status in range(400, 500) and status != 401 and not isinstance(error, NotMockKMS)
        raise CommandError(str(error), 1 if refused else 2) from None


def call(options: argparse.Namespace, method: str, path: str, data: object = None) -> object:
    """Send a request and return the decoded response, as text if it is not JSON. Raises CommandError."""
    with server(options) as remote:
        return remote.call(method, path, data)


def document(options: argparse.Namespace, method: str, path: str, data: object = None) -> Document:
    """Send a request and return the JSON object of the response. Raises CommandError."""
    from mockkms.remote.document import Document

    with server(options) as remote:
        return Document(remote.call(method, path, data))


def show(value: object) -> None:
    """Print a response."""
    print(value.rstrip("\n") if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def values(pairs: list[str], example: str) -> dict[str, object]:
    """Parse ``word=value`` arguments; a value that is not valid JSON is a string. Raises CommandError."""
    found: dict[str, object] = {}
    for pair in pairs:
        word, equals, text = pair.partition("=")
        if not equals or not word:
            raise CommandError(f"{pair!r} is not of the form word=value, such as {example}")
        try:
            found[word] = read_json(text)
        except ValueError:
            found[word] = text
    return found
