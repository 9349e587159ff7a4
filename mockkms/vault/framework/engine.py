"""A mountable type: its endpoints, its hooks, and the routing of requests to endpoints."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from mockkms.vault.framework.documents import help_texts, openapi
from mockkms.vault.framework.endpoint import Call, Emulation, Endpoint, Fields, Handler
from mockkms.vault.framework.message import (
    Operation,
    Request,
    Response,
    VaultError,
    unsupported_operation,
    unsupported_path,
)
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.mounts.table import Mount
    from mockkms.vault.products import Product


_NEVER: Final = sys.maxsize
H = TypeVar("H", bound=Handler)
C = TypeVar("C", bound=Callable[..., None])


class Match(NamedTuple):
    """The endpoint for a path of a namespace in the emulated product."""

    mount: Mount | None
    """None: nothing is mounted at the path."""
    engine: Engine | None
    below: str
    """The path below the mount."""
    endpoint: Endpoint | None
    """None: the mount's engine has no such path in this product."""
    captures: dict[str, str]
    login: bool
    """The endpoint requires no token."""
    sudo: bool
    """The path is root-protected."""
    slow_from: int
    """Bytes of body from which on a request may compute for long or wait for another server (``Engine.slow``)."""


class Prepared(NamedTuple):
    """The fields of a request, converted by the existence check."""

    match: Match
    call: Call
    warnings: list[str]


class Engine:
    """A mountable type (secrets engine, auth method or the system backend): its endpoints and its initial state."""

    def __init__(
        self,
        engine_type: str,
        *,
        kind: str,
        new_state: Callable[[], object],
        help: str = "",
        version: str = "",
        setup: Callable[[Any, Context, Mount], None] | None = None,
        renew: Handler | None = None,
        revoke: Handler | None = None,
        take_over: Callable[[Any, float], Any] | None = None,
        user: Callable[[Context, Request, str], str] | None = None,
        catch_up: Callable[[Any, Call], None] | None = None,
        plugins: Callable[[Any], list[tuple[str, str]]] | None = None,
        policy_folders: tuple[str, ...] = (),
        size: Callable[[Any], int] | None = None,
        waits: bool = False,
        slow: Mapping[str, int] | None = None,
        takes_long: Callable[[Any, Request, Mapping[str, str], Callable[[], float]], bool] | None = None,
    ) -> None:
        self.type = engine_type
        self.kind = kind
        """``secret``, ``auth`` or ``system``."""
        self.new_state = new_state
        self.help = help
        self.version = version
        self.waits = waits
        """Its requests may wait for another server or compute for long: each runs on a thread of its own."""
        self.slow = slow or {}
        """Beginnings of the paths below the mount whose requests may compute for long, and from how many bytes of
        body on they do."""
        self.takes_long = takes_long
        """Returns whether a request of other paths computes for long, because it makes a key, or its answer is large:
        from the mount's state, the request, what its path captures, and a function that returns the time."""
        self.setup = setup
        self.renew = renew
        """Renews a lease or a login of this engine; ``Call.kept`` returns its internal data.

        ``Call.login`` is a copy of the ``Auth``, ``Call.lease`` the lease: return a ``Response`` with it and its new
        ``ttl``, ``max_ttl`` and ``period``, or None to skip the renewal; raise BackendError to refuse it.
        """
        self.revoke = revoke
        self.take_over = take_over
        """Converts the state of the mount's previous engine (KV version 1 to 2); the second argument is the time."""
        self.user = user
        """Returns the user name for the user lockout, from a login request and its path below the mount."""
        self.plugins = plugins
        """Returns the plugins that a mount runs besides its own type: kind and name of each."""
        self.size = size
        """Returns the number of secrets of a mount, for metrics."""
        self.policy_folders = policy_folders
        """Folders with which most paths below the mount start, and which policies often omit."""
        self.catch_up = catch_up
        """Does, before a request, what the real server does in the background as time passes; it never raises."""
        self.protected: dict[str, Feature | None] = {}
        """Prefixes of root-protected paths, with or without an endpoint; a feature: in products that have it."""
        self.endpoints: list[Endpoint] = []
        self._of_product: dict[str, list[Endpoint]] = {}

    def path(
        self,
        template: str,
        fields: Fields | Callable[[], Fields] | None = None,
        *,
        help: str = "",
        description: str = "",
        login: bool | Feature = False,
        outside: bool = False,
        sudo: bool | Feature = False,
        arbitrary: bool | Feature = False,
        binary: bool | Feature = False,
        needs: Feature | None = None,
        requires: Callable[[Context, Request], None] | None = None,
        documented: bool = True,
        emulation: Emulation = Emulation.FULL,
        go_errors: bool = False,
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
            requires=requires,
            documented=documented,
            emulation=emulation,
            go_errors=go_errors,
        )
        self.endpoints.append(endpoint)
        return endpoint

    def renews(self, handler: H) -> H:
        """Register the decorated function as the handler of renewals (see ``renew``)."""
        self.renew = handler
        return handler

    def revokes(self, handler: H) -> H:
        """Register the decorated function as the handler of the end of a lease."""
        self.revoke = handler
        return handler

    def catches_up(self, handler: C) -> C:
        """Register the decorated function to be called before each request of a mount (see ``catch_up``)."""
        self.catch_up = handler
        return handler

    def open_folders(self, *folders: str) -> None:
        """Declare that paths below ``folders`` require no token, also those without an endpoint, which are unsupported.

        To be called after the declaration of the endpoints there.
        """
        self.open_paths(*(f"{folder}/{{rest:all}}" for folder in folders))

    def open_paths(self, *templates: str, needs: Feature | None = None) -> None:
        """Declare that paths require no token, also those without an endpoint, which are unsupported.

        A real server decides by patterns of paths, in which a name is any text without a slash. To be called after the
        declaration of the endpoints there. ``needs``: the feature of the products that have the pattern.
        """
        for template in templates:
            path = self.path(
                template,
                login=True,
                help="Requires no token, but is not supported.",
                needs=needs,
                requires=no_such_path,
            )
            path.on(*(set(Operation) - {Operation.HELP, Operation.INTERNAL}))(_unsupported)

    def endpoints_of(self, product: Product) -> list[Endpoint]:
        """Return the endpoints that ``product`` has, in the order of their declaration."""
        found = self._of_product.get(product.name)
        if found is None:
            found = [one for one in self.endpoints if one.known_to(product)]
            self._of_product[product.name] = found
        return found

    def documented(self, core: Context) -> list[Endpoint]:
        """Return the endpoints that documents name: those that the server has with its configuration."""
        return [one for one in self.endpoints_of(core.product) if one.requires is None or _is_present(one, core)]

    def needs_sudo(self, path: str, endpoint: Endpoint | None, product: Product) -> bool:
        """Return whether ``path`` is root-protected in ``product``; ``endpoint`` is the one that it is routed to."""
        if endpoint is not None and endpoint.needs_sudo(product):
            return True
        return any(
            path.startswith(beginning) and (feature is None or product.has(feature))
            for beginning, feature in self.protected.items()
        )

    def slow_from(self, path: str) -> int:
        """Return from how many bytes of body on a request of ``path`` may wait or compute for long."""
        if self.waits:
            return 0
        return min((least for beginning, least in self.slow.items() if path.startswith(beginning)), default=_NEVER)

    def route(self, path: str, product: Product) -> tuple[Endpoint, dict[str, str]] | None:
        """Return the endpoint that ``product`` has for ``path`` (below the mount) and its captures, or None."""
        for endpoint in self.endpoints_of(product):
            if not path.startswith(endpoint.prefix):
                continue
            match = endpoint.pattern.fullmatch(path)
            if match:
                return endpoint, {k: v or "" for k, v in match.groupdict().items()}
        return None

    def dispatch(self, core: Context, request: Request, found: Match) -> Response | None:
        """Convert the fields of a matched request and call its handler.

        Raises the errors of ``unsupported_path``, of ``unsupported_operation``, and of the handler.
        """
        mount, endpoint = found.mount, found.endpoint
        assert mount is not None
        if request.operation is Operation.HELP and not found.below:
            return self.overview(core, mount)
        if endpoint is None:
            request.trace.unhandled = True
            raise unsupported_path()
        if endpoint.requires is not None:
            endpoint.requires(core, request)
        if request.operation is Operation.HELP:
            return self.explain(core, mount, endpoint, found.below)
        request.trace.endpoint = endpoint.template
        handler = endpoint.operations.get(request.operation)
        if handler is None and request.operation is Operation.CREATE:
            handler = endpoint.operations.get(Operation.UPDATE) if endpoint.exists is None else None
        if handler is None:
            request.trace.unhandled = True
            raise unsupported_operation()
        prepared = request.prepared
        if isinstance(prepared, Prepared) and prepared.match is found:
            _, call, warnings = prepared
            # The call knows the request: without a reference back, both are freed as soon as they are unused.
            request.prepared = None
        else:
            call, warnings = endpoint.call(core, mount, request, found.captures, "Field validation failed: ")
        if self.catch_up is not None:
            self.catch_up(mount.state, call)
        reply = handler(mount.state, call)
        if reply is None:
            return None
        response = reply if isinstance(reply, Response) else Response(data=reply)
        if warnings and not response.status:  # The real server omits them where a handler sets the status itself.
            response.warnings.extend(warnings)
        return response

    def overview(self, core: Context, mount: Mount) -> Response:
        """Return help on the mount as a whole: its endpoints, one line each."""
        known = self.documented(core)
        return help_document(core, mount, help_texts.mount_help(self.help, known), known)

    def explain(self, core: Context, mount: Mount, endpoint: Endpoint, below: str) -> Response:
        """Return help on one endpoint: its parameters. ``below``: the path, relative to the mount."""
        return help_document(core, mount, help_texts.path_help(endpoint, below, core.product), [endpoint])

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self.endpoints)


def _is_present(endpoint: Endpoint, core: Context) -> bool:
    assert endpoint.requires is not None
    try:
        endpoint.requires(core, Request(Operation.HELP, ""))
    except VaultError:
        return False
    return True


def no_such_path(_core: Context, _request: Request) -> None:
    """Raise BackendError: to be required by paths that are open to everyone but do not exist."""
    raise unsupported_path()


def _unsupported(_state: object, _call: Call) -> None:
    raise unsupported_path()


def help_document(core: Context, mount: Mount, text: str, endpoints: list[Endpoint]) -> Response:
    """Return the response to ``?help=1``, outside the envelope."""
    spec = openapi.document(
        core.product.texts.product, core.product.version, openapi.paths(mount.path, endpoints, core.product)
    )
    return Response(document={"help": text, "openapi": spec, "see_also": None})
