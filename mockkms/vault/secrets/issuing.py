"""Common parts of engines that issue credentials: a setting of the mount, a credential with its lease, generated names.

    access: Setting[Consul, ConsulAccess] = Setting(engine, "config/access", ConsulAccess, "access", help="The server.")

    @access.write
    def write_access(state: Consul, call: Call, access: ConsulAccess) -> Reply: ...

A ``Setting`` supplies the endpoint of one record of a mount, as a ``Collection`` does for records by name.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Generic, TypeVar

from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call, Endpoint, Fields, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.handlers import Arguments, keyword_names
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.template import LONGEST, Data, Function, GoTemplate, naming_functions
from mockkms.vault.kernel.record_section import Part, one
from mockkms.vault.policy.passwords import policy_password
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.peer import offline
from mockkms.world.stored import stored

S = TypeVar("S")
R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=Callable[..., Reply])
_READ_DELETE = (Operation.READ, Operation.DELETE)


@stored("issuing.Lifetimes")
@dataclass
class Lifetimes(Record):
    """``config/lease`` of Nomad and RabbitMQ mounts: the lifetimes of all credentials of the mount, in seconds."""

    ttl: Annotated[
        int, param(Kind.SECONDS, help="Seconds after which a credential must be renewed; 0: the mount's default.")
    ] = 0
    max_ttl: Annotated[
        int, param(Kind.SECONDS, help="Seconds after which a credential cannot be renewed; 0: the mount's maximum.")
    ] = 0


@dataclass
class WithLifetimes(Record):
    """Base of roles: the lifetimes of their credentials, in seconds; 0 is the mount's."""

    ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of the credentials in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of the credentials in seconds.")] = 0

    def check_lifetimes(self, error: Callable[[str], Exception]) -> None:
        """Raise an error if the lifetime exceeds the maximum."""
        if 0 < self.max_ttl < self.ttl:
            raise error("ttl exceeds max_ttl")


class Setting(Generic[S, R]):
    """One record of a mount, such as its configuration, at one path."""

    def __init__(
        self,
        engine: Engine,
        template: str,
        record: type[R],
        member: str,
        *,
        help: str,
        extra: Fields | None = None,
        existence: bool = False,
        supplies: tuple[Operation, ...] = _READ_DELETE,
        missing: str = "",
        shown: Callable[[R, Product], Mapping[str, object]] | None = None,
        go_errors: bool = False,
    ) -> None:
        """Declare the endpoint.

        Args:
            engine: The engine of the endpoint.
            template: Its path.
            record: The class of the record.
            member: The member of the mount's state that holds the record, or None before the first write.
            help: The help text.
            extra: Parameters of a write that are not members of the record.
            existence: Whether policies distinguish creates from updates.
            supplies: The operations supplied, of read and delete.
            missing: The error of a read before the first write; empty: 404.
            shown: Returns what a read shows, in place of ``Record.shown``.
            go_errors: Whether the real server answers some requests with status 500.
        """
        self.record, self.member, self._missing, self._shown = record, member, missing, shown
        self.endpoint: Endpoint = engine.path(
            template, lambda: {**record.fields(), **(extra or {})}, help=help, go_errors=go_errors
        )
        self._operations = (Operation.CREATE, Operation.UPDATE) if existence else (Operation.UPDATE,)
        if Operation.READ in supplies:
            self.endpoint.on(Operation.READ)(self._read)
        if Operation.DELETE in supplies:
            self.endpoint.on(Operation.DELETE)(self._delete)
        if existence:
            self.endpoint.existence(self._exists)

    def of(self, state: S) -> R | None:
        """Return the record, or None before the first write."""
        found: R | None = getattr(state, self.member)
        return found

    def write(self, handler: W) -> W:
        """Register the decorated function of state, call and record as the handler of writes.

        The record is a copy of the present one, or a new one; it is kept when the function returns.
        """
        arguments = Arguments(handler, self.endpoint) if keyword_names(handler) else None

        @functools.wraps(handler)
        def write(state: S, call: Call) -> Reply:
            found = self.of(state)
            record = self.record() if found is None else found.copy()
            reply = handler(state, call, record, **(arguments.of(call) if arguments else {}))
            setattr(state, self.member, record)
            return reply

        self.endpoint.on(*self._operations)(write)
        return handler

    def part(self, key: str, help: str, *, describe: Callable[[R], object] | None = None) -> Part:
        """Return the part of world files: the record under ``key``, written without a request to another server."""

        def dump(_core: object, _mount: object, record: R) -> object:
            return record.changed() if describe is None else describe(record)

        return offline_part(one(key, help, self.endpoint, self.of, describe=dump))

    def _read(self, state: S, call: Call) -> Reply:
        found = self.of(state)
        if found is None:
            if self._missing:
                raise ErrorResponse(self._missing)
            return None
        product = call.core.product
        return found.shown(product) if self._shown is None else self._shown(found, product)

    def _delete(self, state: S, _call: Call) -> None:
        setattr(state, self.member, None)

    def _exists(self, state: S, _call: Call) -> bool:
        return self.of(state) is not None


def offline_part(part: Part) -> Part:
    """Return a part of world files that is filled without a request to another server, which need not run yet."""

    def fill(*arguments: Any) -> None:
        with offline():
            part.fill(*arguments)

    return replace(part, fill=fill)


def issued(
    data: Mapping[str, object],
    internal: Mapping[str, object],
    ttl: int = 0,
    max_ttl: int = 0,
    *,
    renewable: bool = True,
    warnings: list[str] | None = None,
) -> Response:
    """Return a credential with its lease. Lifetimes are seconds; 0 is the mount's."""
    return Response(data=data, lease=Lease(ttl, max_ttl, renewable, internal=internal), warnings=warnings or [])


def renewed(call: Call, ttl: int, max_ttl: int) -> Response:
    """Return the lease that is renewed, with these lifetimes in seconds; 0 is the mount's."""
    lease = call.lease
    lease.ttl, lease.max_ttl = ttl, max_ttl
    return Response(lease=lease)


def display_name(call: Call) -> str:
    """Return the name of the client's token; empty without a client."""
    client = call.request.client
    return client.display_name if client is not None else ""


def parsed_template(call: Call, text: str, further: Mapping[str, Function] | None = None) -> GoTemplate:
    """Return a Go template with the product's functions for names, and ``further`` ones. Raises ValueError."""
    decoding = call.core.product.has(Feature.TEMPLATE_DECODING)
    return GoTemplate(text, {**naming_functions(call.core.entropy, call.now(), decoding=decoding), **(further or {})})


def check_template(call: Call, text: str, metadata: str, invalid: str = "invalid username template: ") -> None:
    """Check a template of user names, as ``config/`` paths do before they keep it. Raises ValueError.

    ``metadata`` is the Go type of the template's data. ``invalid`` precedes the error of a template that is one.
    """
    with error_context("unable to initialize username template: "):
        template = parsed_template(call, text)
    with error_context(invalid):
        template.generate(Data(metadata, {"DisplayName": "", "RoleName": ""}))


def generated_name(
    call: Call,
    text: str,
    role: str,
    metadata: str,
    *,
    unparsed: str = "unable to initialize username template: ",
    failed: str = "failed to generate username: ",
) -> str:
    """Return a name for a credential of ``role``, made by a Go template. Raises ValueError.

    ``metadata`` is the Go type of the template's data. ``unparsed`` and ``failed`` precede the errors of its two steps.
    """
    with error_context(unparsed):
        template = parsed_template(call, text)
    with error_context(failed):
        return template.generate(Data(metadata, {"DisplayName": display_name(call), "RoleName": role}))


def generated_password(call: Call, policy: str, length: int) -> str:
    """Return a password that follows the named policy; without a name, ``length`` letters and digits.

    Raises BackendError for an unknown policy, for one that no password can follow, and for an impossible length.
    """
    if not policy:
        if not 0 <= length <= LONGEST:
            raise BackendError(f"no password can have {length} letters and digits")
        return call.core.entropy.base62(length)
    return policy_password(call.core, call.mount.namespace, policy)
