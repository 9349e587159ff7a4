"""Requests to the control API of a remote server, over a kept-alive connection."""

from __future__ import annotations

import http.client
import json
import os
import re
import select
import socket
import threading
from collections.abc import Mapping
from datetime import date, timedelta

from mockkms.faults.parsing import FaultError
from mockkms.json_reading import read_json
from mockkms.pem_files import client_context
from mockkms.remote.bounded import BoundedConnection, BoundedResponse, BoundedTlsConnection
from mockkms.remote.document import Document, NotMockKMS, RemoteError
from mockkms.urls import server_address
from mockkms.version import __version__

API = 1
"""Version of the control API that this client uses."""
_TENANT = "ids of tenants have up to 128 letters, digits and ._~-"
_LOST = (http.client.HTTPException, OSError, UnicodeError)
"""Errors of a request without a whole response; a name that no host can have is a UnicodeError."""
_FLAGS = ((re.IGNORECASE, "i"), (re.MULTILINE, "m"), (re.DOTALL, "s"), (re.VERBOSE, "x"))


class Wire:
    """Client of the control API of one world. Thread-safe.

    A request fails if the server is silent for ``timeout`` seconds, or has not sent all of a response after six times
    that.
    """

    def __init__(self, url: str, control_token: str = "", ca_file: str = "", timeout: float = 10.0) -> None:
        parts = server_address(url)
        self.url = url.rstrip("/")
        self.control_token, self.ca_file, self.timeout = control_token, ca_file, timeout
        self._host, self._port, self._prefix = parts.hostname or "", parts.port, parts.path.rstrip("/")
        self._tls = client_context(ca_file) if parts.scheme == "https" else None
        self._kept: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._known = False

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        with self._lock:
            self._drop()

    def check(self) -> None:
        """Check that the server is mockkms with this API version. Raises RemoteError."""
        if self._known:
            return
        try:
            self._check()
        except RemoteError:
            self.close()
            raise
        self._known = True

    def _check(self) -> None:
        index = self._request("GET", "")
        if not isinstance(index, dict) or index.get("name") != "mockkms":
            raise NotMockKMS(f"{self.url} is not a mockkms server: it has no control API", 200)
        if index.get("api") != API:
            theirs = f"version {index.get('api', 'unknown')} of the control API (mockkms {index.get('version')})"
            raise RemoteError(f"{self.url} has {theirs}; mockkms {__version__} requires version {API}", 200)

    def get(self, path: str) -> Document:
        """Return the document of a GET request, as ``call`` does."""
        return self.document("GET", path)

    def post(self, path: str, data: object = None) -> Document:
        """Return the document of a POST request, as ``call`` does."""
        return self.document("POST", path, data)

    def document(self, method: str, path: str, data: object = None) -> Document:
        """Return the response of ``call`` as a document. Raises RemoteError also for a response that is not one."""
        return Document(self.call(method, path, data))

    def call(self, method: str, path: str, data: object = None) -> object:
        """Send a request and return the decoded response, as text if it is not JSON.

        Raises FaultError for unknown keys and invalid values, AssertionError for a failed assertion, RemoteError for
        all other errors.
        """
        self.check()
        return self._request(method, path, data)

    def _request(self, method: str, path: str, data: object = None) -> object:
        headers = {"Accept": "application/json"}
        if self.control_token:
            headers["X-Mockkms-Token"] = self.control_token
        body = None if data is None else json.dumps(plain(data)).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._pid != os.getpid():
            # A child of the process that made it: two of them would read each other's responses.
            self._pid, self._lock = os.getpid(), threading.Lock()
            self._drop()
        with self._lock:
            status, kind, text = self._exchange(method, f"{self._prefix}/_mockkms/{path}", body, headers)
        answer = _decoded(text, kind)
        if status < 300:
            return answer
        raise self._refusal(status, answer)

    def _refusal(self, status: int, answer: object) -> Exception:
        if not isinstance(answer, dict) or answer.get("ok") is not False:
            hint = f"; {_TENANT}" if status == 404 and self._prefix.rpartition("/")[0].endswith("/t") else ""
            return NotMockKMS(f"{self.url} is not a mockkms server: its control API answers {status}{hint}", status)
        text = str(answer.get("message", ""))
        if status == 409 and self._known and answer.get("failed"):
            return AssertionError(text)
        if status in (400, 404) and "path" in answer:
            return _fault(answer)
        if status == 401:
            given = "invalid control token" if self.control_token else "control token required"
            return RemoteError(f"{self.url}: {given}: {text}", status)
        problems = Document(answer).documents("problems") if "problems" in answer else []
        return RemoteError(text, status, [problem.data for problem in problems])

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str, str]:
        kept = self._kept
        if kept is not None and kept.sock is not None and _is_readable(kept.sock):
            self._drop()  # The server has closed it in the meantime.
        answer: http.client.HTTPResponse | None = None
        try:
            connection = self._kept = self._kept or self._connection()
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            assert isinstance(answer, BoundedResponse)
            text = answer.whole().decode("utf-8", "replace")
        except _LOST as error:
            if answer is not None:
                answer.close()  # A connection that ends with its response no longer knows it.
            self._drop()
            raise RemoteError(f"cannot reach mockkms at {self.url}: {_reason(error)}") from None
        if answer.will_close:
            self._drop()
        return answer.status, answer.headers.get_content_type(), text

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return BoundedTlsConnection(self._host, self._port, timeout=self.timeout, context=self._tls)
        return BoundedConnection(self._host, self._port, timeout=self.timeout)

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept.close()
        self._kept = None


def _is_readable(sock: socket.socket) -> bool:
    """Return whether a connection has data, or was closed by the server."""
    if not hasattr(select, "poll"):
        return bool(select.select([sock], [], [], 0)[0])
    # Not select(), which fails for descriptors from 1,024 on.
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, UnicodeError):
        return "no host can have this name"
    if isinstance(error, http.client.HTTPException) and not isinstance(error, OSError):
        # Its text may be what the server has sent.
        return f"its response is not HTTP, or incomplete ({type(error).__name__})"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _decoded(text: str, kind: str) -> object:
    if kind != "application/json":
        return text
    try:
        answer: object = read_json(text)
    except ValueError:
        return text
    return answer


def plain(value: object) -> object:
    """Convert values of rules and queries to JSON data. Raises FaultError for types without a JSON form."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(word): plain(item) for word, item in value.items()}
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return [plain(item) for item in value]
    if isinstance(value, re.Pattern):
        flags = "".join(letter for flag, letter in _FLAGS if value.flags & flag)
        return {"regex": f"(?{flags}:{value.pattern})" if flags else value.pattern}
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat()
    raise FaultError(f"a value of type {type(value).__name__} cannot be sent to a remote server; use plain data")


def _fault(answer: Mapping[str, object]) -> FaultError:
    """Return the error that a server reports, with all that it reports at once."""
    reported = Document(answer).documents("errors") if "errors" in answer else [Document(answer)]
    first, *others = [FaultError(one.text("message"), one.text("path")) for one in reported]
    first.others = tuple(others)
    return first
