"""How the commands that steer a running server reach its control API."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mockkms.cli.errors import CommandError

if TYPE_CHECKING:
    from mockkms.remote import RemoteKMS


def add_address(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """The flags that say which server; ``again``: the command above has them too."""
    default = argparse.SUPPRESS if again else None
    address = "address of the server (default: $MOCKKMS_URL, $VAULT_ADDR, http://127.0.0.1:8200)"
    token = "token of the control API (default: $MOCKKMS_CONTROL_TOKEN)"
    parser.add_argument("--url", default=default, help=address)
    parser.add_argument(
        "--token", "--control-token", dest="control_token", default=default, metavar="TOKEN", help=token
    )
    parser.add_argument(
        "--tenant", default=default, metavar="ID", help="the world behind /t/ID instead of the server's"
    )


@contextmanager
def server(options: argparse.Namespace) -> Iterator[RemoteKMS]:
    """The server that the flags name. What it refuses is CommandError 1, what cannot be asked 2."""
    from mockkms.remote import RemoteError, RemoteKMS

    environ = os.environ
    address = options.url or environ.get("MOCKKMS_URL") or environ.get("VAULT_ADDR") or "http://127.0.0.1:8200"
    token = options.control_token or environ.get("MOCKKMS_CONTROL_TOKEN", "")
    try:
        with RemoteKMS(address, control_token=token, ca_file=environ.get("VAULT_CACERT", "")) as remote:
            tenant = getattr(options, "tenant", None)
            yield remote if tenant is None else remote.tenant(tenant)
    except RemoteError as error:
        refused = error.status in range(400, 500) and error.status != 401 and type(error) is RemoteError
        raise CommandError(str(error), 1 if refused else 2) from None
    except ValueError as error:
        # Words that the server does not know, or no address at all.
        raise CommandError(str(error), 2 if "no address of a server" in str(error) else 1) from None


def call(options: argparse.Namespace, method: str, path: str, data: Any = None) -> Any:
    """The decoded answer (a text where it is no JSON). Raises CommandError."""
    with server(options) as remote:
        return remote.call(method, path, data)


def show(value: Any) -> None:
    """Print an answer."""
    print(value.rstrip("\n") if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def values(pairs: list[str]) -> dict[str, Any]:
    """``word=value`` arguments as a mapping; values are read as JSON where they are, else as texts."""
    found: dict[str, Any] = {}
    for pair in pairs:
        word, equals, text = pair.partition("=")
        if not equals or not word:
            raise CommandError(f"{pair!r} is not of the form word=value")
        try:
            found[word] = json.loads(text)
        except ValueError:
            found[word] = text
    return found
