"""``mockkms status``: the seal status in the format of ``vault status``, for health checks.

The address is that of the other commands. Exit codes: 0 unsealed, 2 sealed, 1 no response.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import urllib.request
from http.client import HTTPException, HTTPResponse

from mockkms.cli.arguments import CommandError
from mockkms.cli.calling import ADDRESS, default_address
from mockkms.error_context import error_context
from mockkms.json_reading import read_json
from mockkms.pem_files import client_context
from mockkms.remote.bounded import BoundedConnection, BoundedTlsConnection
from mockkms.urls import server_address

_TIMEOUT = 10.0
"""Seconds."""
_LARGEST = 1024 * 1024
"""Bytes of the largest response that is read."""
_ROWS = {
    "type": "Seal Type", "initialized": "Initialized", "sealed": "Sealed", "n": "Total Shares", "t": "Threshold",
    "version": "Version", "build_date": "Build Date", "commit_date": "Commit Date", "storage_type": "Storage Type",
    "cluster_name": "Cluster Name", "cluster_id": "Cluster ID",
}  # fmt: skip


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("status", help="print the seal status of a server", description=__doc__)
    # The binary of Vault asks over HTTPS by default.
    address = default_address()
    certificate = os.environ.get("BAO_CACERT") or os.environ.get("VAULT_CACERT")
    authority = "certificate of the server's authority (default: $BAO_CACERT, $VAULT_CACERT)"
    trust = "do not verify the server's certificate (also $VAULT_SKIP_VERIFY)"
    parser.add_argument("-address", "--address", "--url", default=address, metavar="URL", help=ADDRESS)
    parser.add_argument("-ca-cert", "--ca-cert", default=certificate, metavar="PEM", help=authority)
    parser.add_argument("-tls-skip-verify", "--tls-skip-verify", action="store_true", help=trust)
    parser.add_argument("-format", "--format", choices=("table", "json"), default="table", help="default: table")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as -format json")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the seal status; the exit code is 2 if the server is sealed."""
    status = _asked(options)
    if options.format == "json":
        print(json.dumps(status, indent=2))
    else:
        rows = [(title, status[key]) for key, title in _ROWS.items() if key in status]
        for title, value in [("Key", "Value"), ("---", "-----"), *rows]:
            print(f"{title:<15} {json.dumps(value) if isinstance(value, bool) else value}")
    return 2 if status.get("sealed") else 0


class _Plain(urllib.request.HTTPHandler):
    """Opens connections whose responses end."""

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(BoundedConnection, req)


class _Tls(urllib.request.HTTPSHandler):
    """Opens them over TLS."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._trust = context

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(BoundedTlsConnection, req, context=self._trust)


def _asked(options: argparse.Namespace) -> dict[str, object]:
    with error_context("Error checking seal status: ", lambda text: CommandError(text, 1)):
        server_address(options.address)
    url = f"{options.address.rstrip('/')}/v1/sys/seal-status"
    skip = options.tls_skip_verify or os.environ.get("VAULT_SKIP_VERIFY", "").lower() in ("1", "t", "true")
    secure = url.lower().startswith("https:")
    with error_context("Error initializing client: ", lambda text: CommandError(text, 1)):
        context = client_context(options.ca_cert or "") if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if skip:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        # A health check concerns a local server: environment proxies are ignored.
        handlers = (urllib.request.ProxyHandler({}), _Plain(), _Tls(context))
        with urllib.request.build_opener(*handlers).open(url, timeout=_TIMEOUT) as answer:
            found = read_json(answer.read(_LARGEST))
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        said = getattr(reason, "strerror", None) or reason
        if not isinstance(error, OSError):
            # Its text may be what the server has sent.
            said = f"the response is not HTTP, or not JSON ({type(error).__name__})"
        raise CommandError(f"Error checking seal status: {url}: {said}", 1) from None
    if not isinstance(found, dict):
        raise CommandError(f"Error checking seal status: the response of {url} is not a JSON object", 1)
    return found
