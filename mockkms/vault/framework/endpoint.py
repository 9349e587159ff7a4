"""How an endpoint is declared: path template, operations, typed fields and handlers, together in one place.

    transit = Engine("transit", kind="secret", new_state=Transit)

    keys = transit.path("keys/{name}", fields={"type": Field(STRING, default="aes256-gcm96")}, help="Managed keys")

    @keys.on(CREATE, UPDATE)
    def create_key(state: Transit, call: Call) -> Reply: ...

Field conversion, its error texts, unknown-parameter warnings, help texts, the OpenAPI document and the coverage table
all come from these declarations. A handler is a plain function of the mount's state and the call; it returns a
``Response``, a ``dict`` (taken as ``data``), or None, or raises a ``VaultError``.

Template language: ``{name}`` one generic name (``\\w(([\\w-.]+)?\\w)?``), ``{name:at}`` the same with ``@``,
``{path:all}`` the rest or nothing, ``{path:some}`` the rest and at least one character, ``{x:re(…)}`` a pattern of its
own; square brackets make a part optional: ``sign/{name}[/{algorithm:some}]``, ``keys[/]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.emulation import Emulation
from mockkms.vault.framework.fields import ConversionError, Kind, convert, zero
from mockkms.vault.framework.message import (
    ErrorResponse,
    Operation,
    Request,
    Response,
    unsupported_operation,
    unsupported_path,
)
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core
    from mockkms.vault.kernel.matching import Match
    from mockkms.vault.kernel.mounts import Mount
    from mockkms.vault.products import Product

Reply = Response | dict[str, Any] | None
Handler = Callable[[Any, "Call"], Reply]

_GENERIC = r"\w(?:[\w\-.]*\w)?"
_GENERIC_AT = r"\w(?:[\w\-.@]*\w)?"


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of an endpoint. ``default`` is what an absent parameter reads as (else the kind's zero value)."""

    kind: Kind
    default: Any = None
    help: str = ""
    query: bool = False
    deprecated: bool = False
    needs: Feature | None = None
    """Only products that have this feature know the parameter."""

    def known_to(self, product: Product) -> bool:
        """Return whether ``product`` has this parameter."""
        return self.needs is None or product.has(self.needs)


class Call:
    """One request as its handler sees it: the converted fields, and the services of the world."""

    __slots__ = ("core", "endpoint", "given", "mount", "raw", "request")

    def __init__(
        self, core: Core, mount: Mount, endpoint: Endpoint, request: Request, raw: dict[str, Any], given: dict[str, Any]
    ) -> None:
        self.core = core
        self.mount = mount
        self.endpoint = endpoint
        self.request = request
        self.raw = raw
        """The parameters as sent, path captures included, unknown ones too."""
        self.given = given
        """The parameters that were sent, converted."""

    def __getitem__(self, name: str) -> Any:
        """Return the converted value, else the default, else the kind's zero value."""
        value = self.given.get(name)
        if value is not None:
            return value
        declared = self.endpoint.fields[name]
        return declared.default if declared.default is not None else zero(declared.kind)

    def __contains__(self, name: str) -> bool:
        """Return whether the parameter was sent (a duration sent as null counts as not sent)."""
        return name in self.given

    def get(self, name: str, default: Any = None) -> Any:
        """Return the converted value if it was sent, else ``default``."""
        return self[name] if name in self.given else default

    def now(self) -> float:
        """Return the world's time, seconds since the epoch."""
        return self.core.clock.now()


@dataclass
class Endpoint:
    """A path template with its fields and one handler for each operation."""

    template: str
    fields: Mapping[str, Field]
    help: str = ""
    description: str = ""
    login: bool | Feature = False
    """Answers without a token; a feature: in products that have it."""
    outside: bool = False
    """Answered before the core: no token, no namespace, sealed or not; errors are bare (``sys/health``)."""
    sudo: bool | Feature = False
    """Needs the ``sudo`` capability (the real server's root-protected paths); a feature: in products that have it."""
    arbitrary: bool | Feature = False
    """Takes any parameter: no unknown-parameter warnings; a feature: in products that have it."""
    binary: bool | Feature = False
    """The handler reads the body itself, whatever its type; a feature: in products that have it."""
    needs: Feature | None = None
    """Only products that have this feature know the path."""
    emulation: Emulation = Emulation.FULL
    operations: dict[Operation, Handler] = field(default_factory=dict)
    exists: Callable[[Any, Call], bool] | None = None
    prefix: str = field(init=False)
    flavored: bool = field(init=False)
    """Some parameters are known to one product only."""
    known: dict[str, Mapping[str, Field]] = field(init=False, default_factory=dict)
    """The parameters that each product knows, by its name: sorted out when first asked."""

    def __post_init__(self) -> None:
        self.prefix = re.split(r"[\[{]", self.template, maxsplit=1)[0]
        self.flavored = any(declared.needs is not None for declared in self.fields.values())

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The template as a regular expression: compiled when first asked, for there are hundreds of templates."""
        return re.compile(compile_template(self.template), re.ASCII | re.DOTALL)

    @property
    def captures(self) -> list[str]:
        """The names of the template's parameters."""
        return [name for name, *_ in _TOKEN.findall(self.template) if name]

    def _takes_any(self, product: Product) -> bool:
        return self.arbitrary if isinstance(self.arbitrary, bool) else product.has(self.arbitrary)

    def known_to(self, product: Product) -> bool:
        """Return whether ``product`` has this path."""
        return self.needs is None or product.has(self.needs)

    def is_login(self, product: Product) -> bool:
        """Return whether ``product`` answers here without a token."""
        return self.login if isinstance(self.login, bool) else product.has(self.login)

    def takes_bytes(self, product: Product) -> bool:
        """Return whether ``product`` leaves the body to the handler."""
        return self.binary if isinstance(self.binary, bool) else product.has(self.binary)

    def needs_sudo(self, product: Product) -> bool:
        """Return whether the path is root-protected in ``product``."""
        return self.sudo if isinstance(self.sudo, bool) else product.has(self.sudo)

    def on(self, *operations: Operation) -> Callable[[Handler], Handler]:
        """Register the decorated function as the handler of these operations."""

        def register(handler: Handler) -> Handler:
            for operation in operations:
                if operation in self.operations:
                    raise ValueError(f"{self.template}: {operation} is declared twice")
                self.operations[operation] = handler
            return handler

        return register

    def existence(self, check: Callable[[Any, Call], bool]) -> Callable[[Any, Call], bool]:
        """Register the decorated function as the existence check, which tells a create from an update.

        Without one every write is an update.
        """
        self.exists = check
        return check

    def _known(self, product: Product) -> Mapping[str, Field]:
        fields = self.known.get(product.name)
        if fields is None:
            fields = {n: f for n, f in self.fields.items() if f.known_to(product)}
            self.known[product.name] = fields
        return fields

    def call(
        self, core: Core, mount: Mount, request: Request, captures: dict[str, str], framing: str
    ) -> tuple[Call, list[str]]:
        """Convert the parameters; return the call and the warnings. Raises ErrorResponse for a bad parameter.

        ``framing`` is put before a field error: the real server's existence check, which comes first, has a shorter
        text.
        """
        fields = self._known(core.product) if self.flavored else self.fields
        raw = dict(request.data)
        warnings: list[str] = []
        if not raw.keys() <= fields.keys() and not self._takes_any(core.product):
            ignored = sorted(raw.keys() - fields.keys())
            warnings.append(f"Endpoint ignored these unrecognized parameters: [{' '.join(ignored)}]")
        if captures:
            if not captures.keys().isdisjoint(raw):
                replaced = [name for name in captures if raw.get(name) is not None]
                if replaced:
                    warnings.append(
                        "Endpoint replaced the value of these parameters with the values captured from the "
                        f"endpoint's path: [{' '.join(replaced)}]"
                    )
            raw.update(captures)
        given: dict[str, Any] = {}
        for name, value in raw.items():
            declared = fields.get(name)
            if declared is None:
                continue
            if declared.kind is Kind.STRING and type(value) is str:  # The usual case, without a call.
                given[name] = value
                continue
            if self.outside:
                # Outside the core the real server decodes JSON into a struct, so the handler checks the types.
                given[name] = value
                continue
            try:
                ok, converted = convert(declared.kind, value)
            except ValueError as error:
                text = conversion_text(core.product, error)
                raise ErrorResponse(f'{framing}error converting input for field "{name}": {text}') from None
            if ok:
                given[name] = converted
        return Call(core, mount, self, request, raw, given), warnings


def conversion_text(product: Product, error: ValueError) -> str:
    """Return the message of a failed conversion as the decoder of ``product`` words it."""
    older = isinstance(error, ConversionError) and product.has(Feature.OLDER_DECODER)
    return error.older if older and isinstance(error, ConversionError) else str(error)


class Engine:
    """A mountable type (secrets engine, auth method or the system backend): its endpoints and its fresh state."""

    def __init__(
        self,
        type: str,
        *,
        kind: str,
        new_state: Callable[[], Any],
        help: str = "",
        version: str = "",
        setup: Callable[[Any, Core, Mount], None] | None = None,
        renew: Callable[[Any, Call], Reply] | None = None,
        revoke: Callable[[Any, Call], Reply] | None = None,
        take_over: Callable[[Any, float], Any] | None = None,
        user: Callable[[Core, Request, str], str] | None = None,
        catch_up: Callable[[Any, Call], None] | None = None,
    ) -> None:
        self.type = type
        self.kind = kind
        """``secret``, ``auth`` or ``system``."""
        self.new_state = new_state
        self.help = help
        self.version = version
        self.setup = setup
        self.renew = renew
        """Renews a lease or a login that this engine gave out; the call's ``raw`` holds its internal data.

        Beside it stands ``auth`` (a copy of the ``Auth``) or ``lease``: answer a ``Response`` with it, its ``ttl``,
        ``max_ttl`` and ``period`` set anew; None gives up without an error; a BackendError refuses.
        """
        self.revoke = revoke
        self.take_over = take_over
        """Makes this engine's state from that of the one that ran the mount before (KV version 1 to 2), at a moment."""
        self.user = user
        """Tells from a login request (and its path below the mount) whose failures the user lockout counts."""
        self.catch_up = catch_up
        """Does before a request what the real server does by itself as time passes; it never raises."""
        self.protected: dict[str, Feature | None] = {}
        """Beginnings of paths that are root-protected, an endpoint or not; a feature: in products that have it."""
        self.endpoints: list[Endpoint] = []
        self._of_product: dict[str, list[Endpoint]] = {}
        self._routes: dict[str, dict[str, tuple[Endpoint, dict[str, str]] | None]] = {}

    def path(
        self,
        template: str,
        fields: Mapping[str, Field] | None = None,
        *,
        help: str = "",
        description: str = "",
        login: bool | Feature = False,
        outside: bool = False,
        sudo: bool | Feature = False,
        arbitrary: bool | Feature = False,
        binary: bool | Feature = False,
        needs: Feature | None = None,
        emulation: Emulation = Emulation.FULL,
    ) -> Endpoint:
        """Declare an endpoint. Paths are tried in the order of their declaration; the first match wins."""
        endpoint = Endpoint(
            template,
            fields or {},
            help=help,
            description=description,
            login=login,
            outside=outside,
            sudo=sudo,
            arbitrary=arbitrary,
            binary=binary,
            needs=needs,
            emulation=emulation,
        )
        missing = [name for name in endpoint.captures if name not in endpoint.fields]
        if missing:
            endpoint.fields = {**{name: Field(Kind.STRING) for name in missing}, **endpoint.fields}
        self.endpoints.append(endpoint)
        return endpoint

    def renews(self, handler: Callable[[Any, Call], Reply]) -> Callable[[Any, Call], Reply]:
        """Decorator: what renews this engine's leases (see ``renew``)."""
        self.renew = handler
        return handler

    def revokes(self, handler: Callable[[Any, Call], Reply]) -> Callable[[Any, Call], Reply]:
        """Decorator: what is done when a lease of this engine ends."""
        self.revoke = handler
        return handler

    def catches_up(self, handler: Callable[[Any, Call], None]) -> Callable[[Any, Call], None]:
        """Decorator: what is done before each request of a mount (see ``catch_up``)."""
        self.catch_up = handler
        return handler

    def endpoints_of(self, product: Product) -> list[Endpoint]:
        """Return the endpoints that ``product`` has, in the order of their declaration."""
        found = self._of_product.get(product.name)
        if found is None:
            found = [one for one in self.endpoints if one.known_to(product)]
            self._of_product[product.name] = found
            self._routes[product.name] = {}
        return found

    def needs_sudo(self, path: str, endpoint: Endpoint | None, product: Product) -> bool:
        """Return whether ``path`` is root-protected in ``product``; ``endpoint`` is the one that it is routed to."""
        if endpoint is not None:
            return endpoint.needs_sudo(product)
        return any(
            path.startswith(beginning) and (feature is None or product.has(feature))
            for beginning, feature in self.protected.items()
        )

    def route(self, path: str, product: Product) -> tuple[Endpoint, dict[str, str]] | None:
        """Return the endpoint that ``product`` has for ``path`` (below the mount) and its captures, or None."""
        endpoints = self.endpoints_of(product)
        routes = self._routes[product.name]
        try:
            return routes[path]
        except KeyError:
            pass
        found = None
        for endpoint in endpoints:
            if not path.startswith(endpoint.prefix):
                continue
            match = endpoint.pattern.fullmatch(path)
            if match:
                found = (endpoint, {k: v or "" for k, v in match.groupdict().items()})
                break
        if len(routes) >= MOST_CACHED:
            routes.clear()
        if len(path) <= LONGEST_CACHED:
            routes[path] = found
        return found

    def dispatch(self, core: Core, request: Request, found: Match) -> Response | None:
        """Convert the fields of a matched request and call its handler.

        Raises ``unsupported_path``/``unsupported_operation`` and whatever the handler raises.
        """
        mount, endpoint = found.mount, found.endpoint
        assert mount is not None
        if request.operation is Operation.HELP and not found.below:
            return self.overview(core, mount)
        if endpoint is None:
            request.trace.unhandled = True
            raise unsupported_path()
        if request.operation is Operation.HELP:
            return self.explain(core, mount, endpoint)
        request.trace.endpoint = endpoint.template
        handler = endpoint.operations.get(request.operation)
        if handler is None and request.operation is Operation.CREATE:
            handler = endpoint.operations.get(Operation.UPDATE) if endpoint.exists is None else None
        if handler is None:
            request.trace.unhandled = True
            raise unsupported_operation()
        if request.prepared is not None and request.prepared[0] is found:
            _, call, warnings = request.prepared
            # The call knows the request: without the way back, both go as soon as nobody needs them.
            request.prepared = None
        else:
            call, warnings = endpoint.call(core, mount, request, found.captures, "Field validation failed: ")
        if self.catch_up is not None:
            self.catch_up(mount.state, call)
        reply = handler(mount.state, call)
        if reply is None:
            return None
        response = reply if isinstance(reply, Response) else Response(data=reply)
        if warnings and not response.status:  # The real server loses them where a handler sets the status itself.
            response.warnings.extend(warnings)
        return response

    def overview(self, core: Core, mount: Mount) -> Response:
        """Return help on the mount as a whole: its endpoints, one line each."""
        lines = "\n".join(f"    ^{endpoint.pattern.pattern}$\n        {endpoint.help}" for endpoint in self.endpoints)
        return help_document(core, mount, f"## DESCRIPTION\n\n{self.help}\n\n## PATHS\n\n{lines}", self.endpoints)

    def explain(self, core: Core, mount: Mount, endpoint: Endpoint) -> Response:
        """Return help on one endpoint: its parameters."""
        lines = "\n".join(
            f"    {name} ({declared.kind.name.lower()})\n        {declared.help}"
            for name, declared in sorted(endpoint.fields.items())
        )
        text = f"Request:        {endpoint.template}\nMatching Route: ^{endpoint.pattern.pattern}$\n\n{endpoint.help}"
        text = f"{text}\n\n## PARAMETERS\n\n{lines}\n\n## DESCRIPTION\n\n{endpoint.description}"
        return help_document(core, mount, text, [endpoint])

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)


def help_document(core: Core, mount: Mount, text: str, endpoints: list[Endpoint]) -> Response:
    """Return an answer to ``?help=1``, outside the envelope."""
    from mockkms.vault.framework import openapi

    spec = openapi.document(
        core.product.words.product, core.product.version, openapi.paths(mount.path, endpoints, core.product)
    )
    return Response(document={"help": text, "see_also": None, "openapi": spec})


_TOKEN = re.compile(r"\{(\w+)(?::(\w+)(?:\((.*?)\))?)?\}|([\[\]])|([^{}\[\]]+)")


def compile_template(template: str) -> str:
    """Return the regular expression of a path template (see the module's text)."""
    out = []
    for name, kind, pattern, bracket, literal in _TOKEN.findall(template):
        if literal:
            out.append(re.escape(literal))
        elif bracket:
            out.append("(?:" if bracket == "[" else ")?")
        else:
            body = {"": _GENERIC, "at": _GENERIC_AT, "all": ".*", "some": ".+", "re": pattern}[kind]
            out.append(f"(?P<{name}>{body})")
    return "".join(out)
