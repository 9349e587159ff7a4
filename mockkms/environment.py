"""The environment variables that direct clients to a server, and a context that sets and restores them."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, ParamSpec, Protocol, TypeVar, cast

PRODUCTS = ("VAULT", "BAO")
_MISLEADING = (
    "NAMESPACE", "SKIP_VERIFY", "CAPATH", "CACERT", "CACERT_BYTES", "CLIENT_CERT", "CLIENT_KEY", "TLS_SERVER_NAME",
    "AGENT_ADDR", "HTTP_PROXY", "PROXY_ADDR", "WRAP_TTL",
)  # fmt: skip
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
REGION = "us-east-1"
"""The region in the signatures of the RustFS admin API."""
_P = ParamSpec("_P")
_R = TypeVar("_R")


class AddressedServer(Protocol):
    """What the variables are made of."""

    @property
    def url(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def ca_file(self) -> str: ...


AnyServer = TypeVar("AnyServer", bound=AddressedServer)


def variables(kms: AddressedServer) -> dict[str, str | None]:
    """Return the variables for clients of a server; None for those that must not be set.

    Address, token and CA in the names of Vault and OpenBao. Inherited settings that would direct a client to another
    server, or make it distrust this one, are unset, proxies included.
    """
    found: dict[str, str | None] = dict.fromkeys(_PROXIES)
    for product in PRODUCTS:
        found.update({f"{product}_{name}": None for name in _MISLEADING})
        found[f"{product}_ADDR"], found[f"{product}_TOKEN"] = kms.url, kms.token or None
        if kms.ca_file:
            found[f"{product}_CACERT"] = kms.ca_file
    return found


def credentials(users: Mapping[str, str]) -> dict[str, str | None]:
    """Return the AWS variables with the first of ``users`` (secret key by access key), for signed admin requests.

    Empty without users: signatures are not checked then.
    """
    if not users:
        return {}
    access_key, secret_key = next(iter(users.items()))
    return {
        "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION, "AWS_SESSION_TOKEN": None, "AWS_PROFILE": None,
    }  # fmt: skip


def applied(changes: Mapping[str, str | None], to: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of an environment with ``changes`` made to it."""
    found = {name: text for name, text in to.items() if name not in changes}
    found.update({name: text for name, text in changes.items() if text is not None})
    return found


@dataclass(eq=False)
class _Layer:
    """One block that has set variables: ``before`` has their values from before, None for those that were not set."""

    before: dict[str, str | None]

    def leave(self) -> None:
        """Restore the variables; those that a later block has set too are restored when that one ends."""
        later = _layers[_layers.index(self) + 1 :]
        _layers.remove(self)
        for name, text in self.before.items():
            above = next((layer for layer in later if name in layer.before), None)
            if above is not None:
                above.before[name] = text
            else:
                _set({name: text})


_layers: list[_Layer] = []
"""The blocks that have not ended, in the order in which they began."""


class ServerEnvironment(Generic[AnyServer]):
    """Sets the variables of a server for the duration of a ``with`` block or of a decorated function.

    ``VAULT_ADDR``, ``VAULT_TOKEN``, ``VAULT_CACERT`` with TLS, and their ``BAO_`` equivalents. Everything that was
    changed is restored at the end, also what the block itself set in these variables. Blocks can be nested, and may end
    in any order: what was set last stays until its own block ends. The environment belongs to the process: threads and
    tasks that run at the same time see it too.
    """

    def __init__(
        self, kms: AnyServer, start: Callable[[], bool] | None = None, stop: Callable[[], None] | None = None
    ) -> None:
        """``start`` starts the server unless it is running, and returns whether it did; ``stop`` then stops it."""
        self._kms = kms
        self._start, self._stop = start, stop
        self._entered: list[tuple[bool, _Layer]] = []

    def __enter__(self) -> AnyServer:
        started = self._start() if self._start is not None else False
        try:
            changes = variables(self._kms)
        except BaseException:
            if started and self._stop is not None:
                self._stop()
            raise
        layer = _Layer({name: os.environ.get(name) for name in changes})
        _layers.append(layer)
        self._entered.append((started, layer))
        _set(changes)
        return self._kms

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        started, layer = self._entered.pop()
        layer.leave()
        if started and self._stop is not None:
            self._stop()

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """Decorate a function, sync or async."""
        refuse_undecoratable(function, "environment()")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def in_environment(*args: _P.args, **kwargs: _P.kwargs) -> object:
                with self:
                    result: object = await function(*args, **kwargs)
                    return result

            return cast(Callable[_P, _R], in_environment)

        @functools.wraps(function)
        def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            with self:
                return function(*args, **kwargs)

        return wrapped


def refuse_undecoratable(function: object, decorator: str) -> None:
    """Raise TypeError for what cannot be called, and what would run only after the decorator has ended."""
    if not callable(function):
        raise TypeError(f"{decorator} decorates functions, not {function!r}")
    if isinstance(function, type):
        raise TypeError(f"{decorator} decorates functions, not classes; derive the test case from MockKMSMixin")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{decorator} cannot decorate a generator; use `with` inside it")


def _set(changes: Mapping[str, str | None]) -> None:
    for name, text in changes.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text
