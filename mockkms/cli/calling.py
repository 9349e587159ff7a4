"""How the commands that steer a running server reach its control API."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from typing import Any

from mockkms.cli.errors import CommandError

_TIMEOUT = 10.0


def add_address(parser: argparse.ArgumentParser) -> None:
    """The flags that say which server."""
    address = "address of the server (default: $MOCKKMS_URL, $VAULT_ADDR, http://127.0.0.1:8200)"
    token = "token of the control API (default: $MOCKKMS_CONTROL_TOKEN)"
    parser.add_argument("--url", help=address)
    parser.add_argument("--control-token", metavar="TOKEN", help=token)


def call(options: argparse.Namespace, method: str, path: str, data: Any = None) -> Any:
    """The decoded answer (a text where it is no JSON). Raises CommandError: 1 for a refusal, 2 for no server."""
    environ = os.environ
    address = options.url or environ.get("MOCKKMS_URL") or environ.get("VAULT_ADDR") or "http://127.0.0.1:8200"
    headers = {"Content-Type": "application/json"}
    token = options.control_token or environ.get("MOCKKMS_CONTROL_TOKEN", "")
    if token:
        headers["X-Mockkms-Token"] = token
    body = None if data is None else json.dumps(data).encode()
    try:
        request = urllib.request.Request(f"{address.rstrip('/')}/_mockkms/{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            return _decoded(answer.read(), answer.headers.get_content_type())
    except urllib.error.HTTPError as error:
        refusal = _decoded(error.read(), error.headers.get_content_type())
        text = refusal.get("message", "") if isinstance(refusal, dict) else ""
        place = refusal.get("path", "") if isinstance(refusal, dict) else ""
        raise CommandError(f"{place}: {text}" if place else text or f"{address} answered {error.code}", 1) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"no mockkms at {address}: {error}") from None


def _decoded(body: bytes, content_type: str) -> Any:
    text = body.decode("utf-8", "replace")
    if content_type != "application/json":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


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
