"""Declarations of endpoints: path template, operations, typed fields and handlers, together in one place.

    transit = Engine("transit", kind="secret", new_state=Transit)

    keys = transit.path("keys/{name}", fields={"type": Field(STRING, default="aes256-gcm96")}, help="Managed keys")

    @keys.on(CREATE, UPDATE)
    def create_key(state: Transit, call: Call, *, name: str, type: str) -> Reply: ...

Field conversion, its error texts, unknown-parameter warnings, help texts, the OpenAPI document and the coverage table
all come from these declarations. A handler is a plain function of the mount's state, the call, and parameters as typed
keyword-only arguments (``handlers``); it returns a ``Response``, a ``dict`` (taken as ``data``), or None, or raises a
``VaultError``. Members of a record are declared once, on its dataclass (``records``).

Template language: ``{name}`` one generic name (``\\w(([\\w-.]+)?\\w)?``), ``{name:at}`` the same with ``@``,
``{path:all}`` the rest of the path, which may be empty, ``{path:some}`` the rest if it is not empty, ``{x:re(…)}`` a
regular expression, ``{x:one(a|b)}`` one of these words, each of which is a path of its own in documents; square
brackets make a part optional: ``sign/{name}[/{algorithm:some}]``, ``keys[/]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.fields import ConversionError, Kind, convert, zero
from mockkms.vault.framework.handlers import with_parameters
from mockkms.vault.framework.message import (
    Auth,
    ErrorResponse,
    Lease,
    Operation,
    Request,
    Response,
)
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount
    from mockkms.vault.products import Product

Reply = Response | Mapping[str, object] | None
Handler = Callable[[Any, "Call"], Reply]
Fields = Mapping[str, "Field"]
H = TypeVar("H", bound=Callable[..., Reply])
E = TypeVar("E", bound=Callable[..., bool])

_GENERIC = r"\w(?:[\w\-.]*\w)?"
_GENERIC_AT = r"\w(?:[\w\-.@]*\w)?"
_STRING = Kind.STRING


class Emulation(StrEnum):
    """How completely an endpoint is emulated; ``docs/coverage.md`` is counted from it."""

    FULL = "emulated"
    REFUSED = "refused"
    """It refuses requests, as the community edition does for features of the enterprise edition."""
    NONE = "not emulated"
    """It answers as a server without the feature."""


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of an endpoint. ``default`` is the value of an absent parameter; None: the kind's zero value."""

    kind: Kind
    default: object = None
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
        self,
        core: Context,
        mount: Mount,
        endpoint: Endpoint,
        request: Request,
        raw: dict[str, object],
        given: dict[str, Any],
    ) -> None:
        self.core = core
        self.mount = mount
        self.endpoint = endpoint
        self.request = request
        self.raw = raw
        """The parameters as sent, including path captures and unknown ones."""
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

    def is_null(self, name: str) -> bool:
        """Return whether an object was sent as null, which Go's maps keep apart from an empty one."""
        value = self.raw.get(name) if name in self.given else ()
        return _null(value)

    @property
    def login(self) -> Auth:
        """The login to renew; for renewals only (``Engine.renew``)."""
        found = self.raw["auth"]
        assert isinstance(found, Auth)
        return found

    @property
    def lease(self) -> Lease:
        """The lease to renew; for renewals only (``Engine.renew``)."""
        found = self.raw["lease"]
        assert isinstance(found, Lease)
        return found

    def kept(self, name: str) -> str:
        """Return a text of the internal data of a login or lease; for renewals and revocations only."""
        return str(self.raw.get(name) or "")

    def now(self) -> float:
        """Return the world's time, seconds since the epoch."""
        return self.core.clock.now()


def _null(value: object) -> bool:
    """Return whether a value is null, or a list of nulls, which Go's weakly typed decoder reads as null."""
    return value is None or (isinstance(value, list) and bool(value) and all(map(_null, value)))


@dataclass
class Endpoint:
    """A path template with its fields and one handler for each operation."""

    template: str
    declared: Fields | Callable[[], Fields]
    """The parameters, or a function that returns them, for records: called when first needed."""
    help: str = ""
    description: str = ""
    login: bool | Feature = False
    """Whether it requires no token: in all products, or in those with a feature."""
    outside: bool = False
    """Whether it is answered before the core (``sys/health``): without token and namespace, also by a sealed server.

    Its errors are not framed as ``1 error occurred:``.
    """
    sudo: bool | Feature = False
    """Whether the path is root-protected (requires ``sudo``): in all products, or in those with a feature."""
    arbitrary: bool | Feature = False
    """Whether it accepts any parameter without a warning: in all products, or in those with a feature."""
    binary: bool | Feature = False
    """Whether the handler reads the body itself, of any content type: in all products, or in those with a feature."""
    needs: Feature | None = None
    """Only products that have this feature know the path."""
    requires: Callable[[Context, Request], None] | None = None
    """Called before every operation; raises the answer of a real server whose configuration does not have the path."""
    documented: bool = True
    """Whether OpenAPI documents name it; otherwise it answers at paths that do not exist, such as ``{path:all}``."""
    emulation: Emulation = Emulation.FULL
    go_errors: bool = False
    """Whether the real server answers some requests with status 500 and the text of a Go error (``BackendError``)."""
    operations: dict[Operation, Handler] = field(default_factory=dict)
    exists: Callable[[Any, Call], bool] | None = None
    prefix: str = field(init=False)
    known: dict[str, Mapping[str, Field]] = field(init=False, default_factory=dict)
    """The parameters of each product, by its name: determined at the first request."""

    def __post_init__(self) -> None:
        self.prefix = re.split(r"[\[{]", self.template, maxsplit=1)[0]

    @cached_property
    def fields(self) -> Fields:
        """The parameters by name, captures included."""
        fields = self.declared() if callable(self.declared) else self.declared
        missing = [name for name in self.captures if name not in fields]
        return {**{name: Field(Kind.STRING) for name in missing}, **fields} if missing else fields

    @cached_property
    def flavored(self) -> bool:
        """Whether some products lack some of the parameters."""
        return any(declared.needs is not None for declared in self.fields.values())

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The template as a regular expression; compiled when first used, because there are hundreds of templates."""
        return re.compile(compile_template(self.template), re.ASCII | re.DOTALL)

    @property
    def captures(self) -> list[str]:
        """The names of the template's parameters."""
        return [name for name, *_ in TOKEN.findall(self.template) if name]

    def _takes_any(self, product: Product) -> bool:
        return self.arbitrary if isinstance(self.arbitrary, bool) else product.has(self.arbitrary)

    def known_to(self, product: Product) -> bool:
        """Return whether ``product`` has this path."""
        return self.needs is None or product.has(self.needs)

    def is_login(self, product: Product) -> bool:
        """Return whether the endpoint requires no token in ``product``."""
        return self.login if isinstance(self.login, bool) else product.has(self.login)

    def takes_bytes(self, product: Product) -> bool:
        """Return whether ``product`` leaves the body to the handler."""
        return self.binary if isinstance(self.binary, bool) else product.has(self.binary)

    def needs_sudo(self, product: Product) -> bool:
        """Return whether the path is root-protected in ``product``."""
        return self.sudo if isinstance(self.sudo, bool) else product.has(self.sudo)

    def on(self, *operations: Operation) -> Callable[[H], H]:
        """Register the decorated function as the handler of these operations."""

        def register(handler: H) -> H:
            called = with_parameters(handler, self)
            for operation in operations:
                if operation in self.operations:
                    raise ValueError(f"{self.template}: {operation} is declared twice")
                self.operations[operation] = called
            return handler

        return register

    def existence(self, check: E) -> E:
        """Register the decorated function as the existence check, which distinguishes a create from an update.

        Without one every write is an update.
        """
        self.exists = with_parameters(check, self)
        return check

    def _known(self, product: Product) -> Mapping[str, Field]:
        fields = self.known.get(product.name)
        if fields is None:
            fields = {n: f for n, f in self.fields.items() if f.known_to(product)}
            self.known[product.name] = fields
        return fields

    def call(
        self, core: Context, mount: Mount, request: Request, captures: dict[str, str], framing: str
    ) -> tuple[Call, list[str]]:
        """Convert the parameters; return the call and the warnings. Raises ErrorResponse for a bad parameter.

        ``framing`` precedes the text of a field error: that of the real server's existence check, which comes first, is
        shorter.
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
            if declared.kind is _STRING and type(value) is str:  # The usual case, without a call.
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
                raise ErrorResponse(f"{framing}error converting input for field {quote(name)}: {text}") from None
            if ok:
                given[name] = converted
        return Call(core, mount, self, request, raw, given), warnings


def conversion_text(product: Product, error: ValueError) -> str:
    """Return the message of a failed conversion as the decoder of ``product`` writes it."""
    older = isinstance(error, ConversionError) and product.has(Feature.OLDER_DECODER)
    return error.older if older and isinstance(error, ConversionError) else str(error)


TOKEN = re.compile(r"\{(\w+)(?::(\w+)(?:\((.*?)\))?)?\}|([\[\]])|([^{}\[\]]+)")


def compile_template(template: str) -> str:
    """Return the regular expression of a path template (see the module's text)."""
    out = []
    for name, kind, pattern, bracket, literal in TOKEN.findall(template):
        if literal:
            out.append(re.escape(literal))
        elif bracket:
            out.append("(?:" if bracket == "[" else ")?")
        else:
            body = {"": _GENERIC, "at": _GENERIC_AT, "all": ".*", "some": ".+", "re": pattern, "one": pattern}[kind]
            out.append(f"(?P<{name}>{body})")
    return "".join(out)
