"""The messages between a caller (HTTP, a test, the RustFS API) and the core: Request, Response, and errors.

Of HTTP they use only status codes, so that Vault can be used in process without a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypedDict

from mockkms.vault.golang.fmt import error_list
from mockkms.vault.golang.json_text import Encoded
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.telemetry.server_log import LogStream
    from mockkms.vault.tokens.token import Token


class Operation(StrEnum):
    """The operation of a request; policies and endpoints are declared by operation, never by HTTP method."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    LIST = "list"
    SCAN = "scan"
    HELP = "help"
    HEADER = "header"
    INTERNAL = "internal"
    """An operation that clients cannot request (OPTIONS without CORS)."""

    __hash__ = str.__hash__  # An enumeration's own is a call of Python code, and several are made for each request.


WRITES = frozenset({Operation.CREATE, Operation.UPDATE, Operation.PATCH})
OPERATION_OF_METHOD: Mapping[str, Operation] = {
    "GET": Operation.READ,
    "POST": Operation.UPDATE,
    "PUT": Operation.UPDATE,
    "PATCH": Operation.PATCH,
    "DELETE": Operation.DELETE,
    "LIST": Operation.LIST,
    "SCAN": Operation.SCAN,
    "HEAD": Operation.HEADER,
    "OPTIONS": Operation.INTERNAL,
    "HELP": Operation.HELP,
}
"""The operations of HTTP methods, for the emulated servers, the journal, the rules and the proxy."""


def operation_of_method(method: str) -> Operation:
    """Return the operation of an HTTP method; ``internal`` for an unknown method."""
    return OPERATION_OF_METHOD.get(method, Operation.INTERNAL)


@dataclass(slots=True)
class Trace:
    """What the core decided about one request: for the journal, the audit log and explanations of denials."""

    mount: str = ""
    mount_type: str = ""
    namespace: str = ""
    endpoint: str = ""
    """The matched path template, such as ``keys/{name}``."""
    accessor: str = ""
    display_name: str = ""
    policies: list[str] = field(default_factory=list)
    rule: str = ""
    """The deciding policy rule, or why there is none."""
    denied: bool = False
    granted_by: tuple[tuple[str, str], ...] = ()
    """Name and namespace of each policy that allows the request."""
    login: bool = False
    """The path needs no token."""
    checked: bool = False
    """The request got as far as the check of its token, and is logged by audit devices."""
    unaudited: bool = False
    """The request's line in the audit log has yet to be written."""
    unhandled: bool = False
    """No endpoint is emulated for this path or operation."""
    hint: str = ""
    """A hint for readers of the journal: what the world lacks for a successful response."""
    headers: dict[str, str] | None = None
    """Headers of every response to this request, including errors (rate limits)."""


@dataclass(slots=True)
class Request:
    """One request, independent of HTTP."""

    operation: Operation
    path: str
    """Below ``/v1/``, without the namespace; a list path ends in ``/``."""
    data: dict[str, object] = field(default_factory=dict)
    """Decoded body or query parameters."""
    token: str = ""
    sent_path: str = ""
    """The path, with surrogates for bytes that are not UTF-8; empty if all are, which ``path`` has as U+FFFD."""
    escaped: bool = False
    """A slash after one of the first two segments was sent as ``%2F``: the HTTP layer, which compares segments, knows
    no such path."""
    inner: bool = False
    """Sent by the server itself, and so never answered by the endpoints outside the core."""
    apart: bool = False
    """Answered on a thread of its own, which may release the world (``outside/turn``)."""
    inline: bool = False
    """The token is that of an inline login, which ends with the request."""
    namespace: str = ""
    """As sent in ``X-Vault-Namespace``, normalised by the core to ``""`` or ``a/b/``."""
    wrap_ttl: float | None = None
    """Seconds from ``X-Vault-Wrap-TTL``, None without it. 0 does not wrap, but is within a policy's limits."""
    wrap_format: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    remote_address: str = "127.0.0.1"
    remote_port: int = 0
    client_certificates: tuple[bytes, ...] | None = None
    """The client's TLS certificates (DER), its own first; None for a connection without TLS."""
    method: str = ""
    """The HTTP method, if there was one."""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    """The raw body, for the few endpoints that read it undecoded."""
    id: str = ""
    client: Token | None = None
    """The requesting token, once the core has verified it; None in logins."""
    trace: Trace = field(default_factory=Trace)
    """What the core decided; the journal reads it afterwards."""
    mfa: Mapping[str, list[str]] = field(default_factory=dict)
    """Credentials for multi-factor authentication, by the method's id or name."""
    prepared: object = None
    """An ``engine.Prepared``: the result of the existence check, so that fields are converted once."""


class LoginAlias(TypedDict, total=False):
    """The name of a client or group at the mount of a login, and its metadata."""

    name: str
    metadata: dict[str, str]


@stored("message.Auth")
@dataclass(slots=True)
class Auth:
    """A token to issue: the ``auth`` part of a response."""

    client_token: str = ""
    accessor: str = ""
    policies: list[str] = field(default_factory=list)
    token_policies: list[str] = field(default_factory=list)
    identity_policies: list[str] = field(default_factory=list)
    metadata: dict[str, str] | None = None
    lease_duration: int = 0
    """Seconds."""
    renewable: bool = False
    entity_id: str = ""
    token_type: str = "service"
    orphan: bool = False
    num_uses: int = 0
    mfa_requirement: dict[str, object] | None = None
    """The multi-factor authentication required before a token is issued; all other members are empty then."""
    # Instructions from a login to the token store; never sent.
    display_name: str = ""
    ttl: int = 0
    max_ttl: int = 0
    explicit_max_ttl: int = 0
    period: int = 0
    bound_cidrs: list[str] = field(default_factory=list)
    no_default_policy: bool = False
    alias: LoginAlias | None = None
    """The identity alias that this login proves."""
    group_aliases: list[LoginAlias] = field(default_factory=list)
    alias_metadata: dict[str, str] = field(default_factory=dict)
    """The custom metadata of the alias, if this login creates it."""
    entity_created: bool = False
    """Whether this login has created the entity."""
    role: str = ""
    internal: dict[str, object] = field(default_factory=dict)
    """Internal data for the renewal."""


@dataclass(slots=True)
class Lease:
    """The ``lease_*`` part of a response; the core registers it and sets its id."""

    ttl: int = 0
    """Seconds."""
    max_ttl: int = 0
    renewable: bool = False
    lease_id: str = ""
    internal: Mapping[str, object] = field(default_factory=dict)
    registered: bool = True
    """False: the duration is shown, but no lease is created (KV version 1)."""
    until: float = 0
    """When the lease ends at the latest, in seconds since the epoch; 0 means that ``ttl`` alone decides."""


@dataclass(slots=True)
class WrapInfo:
    """The ``wrap_info`` part of a response."""

    token: str
    accessor: str
    ttl: int
    creation_time: float
    creation_path: str
    wrapped_accessor: str = ""


@dataclass(slots=True)
class Response:
    """A successful response. Without data and other members, that of a write has status 204."""

    data: Mapping[str, object] | None = None
    auth: Auth | None = None
    lease: Lease | None = None
    warnings: list[str] = field(default_factory=list)
    later_warnings: list[str] = field(default_factory=list)
    """Warnings of the core, which follow those about parameters."""
    lists_warnings: bool = False
    """Whether no warnings are an empty list; by default they are null."""
    wrap_info: WrapInfo | None = None
    status: int = 0
    """0: the default (200, or 204 without data).

    With a status of its own, the real server's handler serialises the envelope itself: before the core knows the type
    of the mount and adds its warnings.
    """
    headers: dict[str, str] = field(default_factory=dict)
    repeated: tuple[tuple[str, str], ...] = ()
    """Further lines of headers that have several values."""
    raw: bytes | None = None
    """A body sent unchanged, outside the envelope, with ``content_type``."""
    written: bool = False
    """Whether the handler writes ``raw`` itself, so that it is not wrapped."""
    content_type: str = "application/json"
    """Empty: the header is not sent."""
    document: Mapping[str, object] | None = None
    """A JSON object sent outside the envelope (``sys/health``, ``sys/seal-status``)."""
    wrapped_whole: bool = False
    """Whether ``document`` is wrapped if the request asks for it; most endpoints with one cannot be wrapped."""
    stream: LogStream | None = None
    """A body that goes on: the server's log, as text."""
    flat: bool = False
    """``data`` is repeated at the top level, as older ``sys`` endpoints do."""
    redirect: str = ""
    wrap_ttl: int = 0
    """Seconds, if the handler itself requests that the response be wrapped."""
    mount_type: str = ""
    request_id: str = ""
    errors: list[str] | None = None
    """Set in an error response."""

    @property
    def listed(self) -> list[str]:
        """The names that a list returned."""
        keys = (self.data or {}).get("keys")
        return [str(name) for name in keys] if isinstance(keys, list) else []

    def plain_data(self) -> Mapping[str, object] | None:
        """Return ``data`` with values that are stored as encoded text decoded."""
        if isinstance(self.data, Encoded):
            return dict(self.data.value())
        if not self.data:
            return self.data
        return {name: item.value() if isinstance(item, Encoded) else item for name, item in self.data.items()}


class VaultError(Exception):
    """An error response: a status and the texts of ``errors``. Raised by handlers and the core.

    An ``ErrorResponse`` is sent unchanged. A ``BackendError`` is what the real server's code returns as a Go error:
    the core frames it as ``1 error occurred:…`` on authenticated paths (recorded), and status 500 is its default.
    """

    status = 400

    def __init__(
        self,
        *errors: str,
        status: int | None = None,
        data: Mapping[str, object] | None = None,
        warnings: list[str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(*errors)
        self.errors = list(errors)
        if status is not None:
            self.status = status
        self.data = data
        """Set where the real server sends an envelope beside the error status (a deleted KV version, a batch)."""
        self.warnings = warnings or []
        self.headers = headers or {}

    def response(self) -> Response:
        """Return the error as a response of the core."""
        return Response(
            data=self.data, status=self.status, errors=self.errors, warnings=self.warnings, headers=self.headers
        )


class ErrorResponse(VaultError):
    """An error whose text is sent unframed; status 400 by default."""


class InvalidCredentials(ErrorResponse):
    """A login with the wrong secret of a user that exists: counted by the user lockout."""


class PermissionDenied(ErrorResponse):
    """A refused request, without any reason; status 403."""

    status = 403

    def __init__(self) -> None:
        super().__init__("permission denied")


class BackendError(VaultError):
    """A failure that the real server returns as a Go error; status 500 by default."""

    status = 500


class NotFound(VaultError):
    """404 with an empty ``errors`` list, or with ``data`` where the real server has a body to show."""

    status = 404


class refusing:
    """Context manager: an expected exception of the body becomes the error response to the request.

    The message is ``text`` or, by default, ``prefix`` and the exception's own message. The exception itself is not
    kept as the cause: callers of the API get a message, not a place in the code.

    Args:
        prefix: What precedes the exception's own message.
        error: The class of the response.
        of: The expected exceptions; all others pass.
        text: The whole message, where the exception's own is not sent.
        status: The status, where it is not that of ``error``.
    """

    __slots__ = ("_error", "_expected", "_prefix", "_status", "_text")

    def __init__(
        self,
        prefix: str = "",
        error: type[VaultError] = ErrorResponse,
        *,
        of: type[Exception] | tuple[type[Exception], ...] = ValueError,
        text: str = "",
        status: int | None = None,
    ) -> None:
        self._prefix, self._error, self._expected, self._text, self._status = prefix, error, of, text, status

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, _kind: object, fault: BaseException | None, _trace: object) -> None:
        if isinstance(fault, self._expected):
            raise self._error(self._text or f"{self._prefix}{fault}", status=self._status) from None


def unsupported_path() -> BackendError:
    """Return the error for a path that no endpoint of the mount has."""
    return BackendError("unsupported path", status=404)


def unsupported_operation() -> BackendError:
    """Return the error for an operation that the path does not support."""
    return BackendError("unsupported operation", status=405)


def permission_denied() -> BackendError:
    """Return the error for a valid token whose policies do not allow the request."""
    return BackendError("permission denied", status=403)


def invalid_request() -> BackendError:
    """Return the server's general error for an invalid request."""
    return BackendError("invalid request", status=400)


_LISTED = re.compile(r"\d+ errors? occurred:\n(?:\t\* .*\n)+\n", re.DOTALL)


def framed(error: BackendError) -> BackendError:
    """Return a Go error as the real server sends it for authenticated requests: framed as its error list (recorded)."""
    if not error.errors or (len(error.errors) == 1 and _LISTED.fullmatch(error.errors[0])):
        # An error that is a list itself is not put into another one.
        return error
    error.errors = [error_list(error.errors)]
    return error
