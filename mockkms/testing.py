"""Tests without pytest: a mixin for ``unittest`` test cases, and a decorator for functions.

Asynchronous code uses ``async with MockKMS() as kms:``, anything else ``with MockKMS() as kms:``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from unittest import TestCase, TestResult

from mockkms.arguments import check_arguments
from mockkms.environment import refuse_undecoratable
from mockkms.faults.parsing import texts, within
from mockkms.kms import MockKMS

_R = TypeVar("_R")
if TYPE_CHECKING:
    _Base = TestCase
else:
    _Base = object


class _ClassServer:
    """The attribute ``kms``: the server of a test class, started before ``setUpClass``.

    A test that is run without ``setUpClass`` starts it with the first access. The class itself has the attribute only
    while the server runs, because pytest reads all attributes of a class to collect its tests.
    """

    def __get__(self, instance: object, owner: type[MockKMSMixin]) -> MockKMS:
        started = owner.__dict__.get("_mockkms_server")
        if isinstance(started, MockKMS):
            return started
        if instance is None:
            raise AttributeError(f"{owner.__name__}.kms: the server runs from setUpClass until the last test has ended")
        return self.start(owner)

    def start(self, owner: type[MockKMSMixin]) -> MockKMS:
        """Start the server of a class unless it is running, and set its environment."""
        started = owner.__dict__.get("_mockkms_server")
        if isinstance(started, MockKMS):
            return started
        kms = MockKMS(**owner.mockkms_options)
        environment = kms.environment() if owner.mockkms_environment else None
        # Entered, so that a test's own `with self.kms` does not stop it.
        kms.__enter__()
        owner._mockkms_server = kms
        owner.addClassCleanup(_stop, owner, kms)
        if environment is not None:
            environment.__enter__()
            owner.addClassCleanup(environment.__exit__, None, None, None)
        return kms


def _start(owner: type[MockKMSMixin]) -> None:
    vars(MockKMSMixin)["kms"].start(owner)


def _after_start(method: Callable[[type[MockKMSMixin]], None]) -> Callable[[type[MockKMSMixin]], None]:
    @functools.wraps(method)
    def started(owner: type[MockKMSMixin]) -> None:
        _start(owner)
        method(owner)

    return started


_SETTINGS = ("mockkms_options", "mockkms_environment", "mockkms_strict", "mockkms_allow_unhandled")


def _check_settings(owner: type[MockKMSMixin]) -> None:
    """Raise TypeError for a misspelt setting of a test class, and ValueError for one that cannot be used."""
    from difflib import get_close_matches

    own = {name: value for name, value in vars(owner).items() if name.startswith("mockkms") and not callable(value)}
    for name in own.keys() - {*_SETTINGS}:
        if close := get_close_matches(name, _SETTINGS, n=1, cutoff=0.8):
            raise TypeError(f"{owner.__name__} has no setting {name!r}; did you mean {close[0]!r}?")
    check_arguments({name.removeprefix("mockkms_"): own[name] for name in _SETTINGS[1:3] if name in own})
    if not isinstance(own.get(_SETTINGS[0], {}), Mapping):
        raise ValueError(f"{_SETTINGS[0]}={own[_SETTINGS[0]]!r}: expected a mapping, such as {{'seed': 'payments'}}")
    with within(_SETTINGS[3]):
        texts(own.get(_SETTINGS[3], ()), "globs of paths")


def _stop(owner: type[MockKMSMixin], kms: MockKMS) -> None:
    kms.stop()
    del owner._mockkms_server


class MockKMSMixin(_Base):
    """A server for a ``unittest`` test case: ``class OrdersTest(MockKMSMixin, TestCase)``.

    ``self.kms`` is the server. It is started once for each class, its world is reset before each test, and it is
    stopped after the last one. The environment variables (``VAULT_ADDR``, ``VAULT_TOKEN``, …) are set meanwhile. A test
    that passes fails if it sent requests that nothing emulates. Works with ``IsolatedAsyncioTestCase`` and Django's
    test cases.
    """

    mockkms_options: ClassVar[Mapping[str, Any]] = {}
    """Arguments of ``MockKMS``: ``{"seed": "payments", "flavor": "openbao"}``."""
    mockkms_environment: ClassVar[bool] = True
    """Whether the environment variables are set."""
    mockkms_strict: ClassVar[bool] = True
    """Whether unhandled requests fail a test."""
    mockkms_allow_unhandled: ClassVar[Sequence[str]] = ()
    """Globs of paths that may be unhandled in strict tests."""
    kms = _ClassServer()
    _mockkms_server: ClassVar[MockKMS]

    def __init_subclass__(cls, **words: Any) -> None:
        """Let a ``setUpClass`` of the class find the server and the environment before it calls that of the mixin."""
        super().__init_subclass__(**words)
        _check_settings(cls)
        own = cls.__dict__.get("setUpClass")
        if isinstance(own, classmethod):
            cls.setUpClass = classmethod(_after_start(own.__func__))  # type: ignore[assignment]

    @classmethod
    def setUpClass(cls) -> None:
        """Start the server."""
        _start(cls)
        super().setUpClass()

    def run(self, result: TestResult | None = None) -> TestResult | None:
        """Reset the server, then run the test."""
        if getattr(type(self), "__unittest_skip__", False):
            return super().run(result)
        self.kms.reset()
        if not self.mockkms_strict:
            return super().run(result)
        name = self._testMethodName
        before = vars(self).get(name, self)
        setattr(self, name, _noting(getattr(self, name), self._passed))
        self.addCleanup(self._check_requests)
        try:
            return super().run(result)
        finally:
            if before is self:
                delattr(self, name)
            else:
                setattr(self, name, before)

    def _passed(self) -> None:
        self._mockkms_passed = True

    def _check_requests(self) -> None:
        """Fail a test that passed, after its ``tearDown``. One that failed has its own reason."""
        if self.__dict__.pop("_mockkms_passed", False):
            self.kms.journal.assert_no_unhandled(allowed=self.mockkms_allow_unhandled)
            self.kms.faults.assert_script_done()


def _noting(method: Callable[[], _R], passed: Callable[[], None]) -> Callable[[], _R]:
    """Return a test method, sync or async, that calls ``passed`` when it returns."""
    noting: Any
    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def note_async() -> Any:
            result = await method()
            passed()
            return result

        noting = note_async
    else:

        @functools.wraps(method)
        def note_sync() -> Any:
            result = method()
            passed()
            return result

        noting = note_sync
    done: Callable[[], _R] = noting
    return done


def with_mockkms(
    *decorated: object,
    environment: bool = True,
    strict: bool = True,
    allow_unhandled: Sequence[str] = (),
    **options: Any,
) -> Callable[[Callable[..., _R]], Callable[..., _R]]:
    """Decorate a function, sync or async, to run with a server of its own.

        @with_mockkms(seed="payments")
        def test_orders(kms): ...

    A function with a parameter ``kms`` gets the server in it, as a keyword argument. ``options`` are those of
    ``MockKMS``. ``environment``: whether the environment variables are set. ``strict``: whether unhandled requests fail
    a function that returns, except on paths that match a glob of ``allow_unhandled``.
    Raises TypeError for classes and generators, and without parentheses, ValueError for invalid arguments, and the
    errors of ``MockKMS`` when the function is called.
    """
    if decorated:
        raise TypeError("with_mockkms has keyword arguments only, and is called to decorate: @with_mockkms()")
    check_arguments({"environment": environment, "strict": strict})
    with within("allow_unhandled"):
        texts(allow_unhandled, "globs of paths")

    def decorate(function: Callable[..., _R]) -> Callable[..., _R]:
        refuse_undecoratable(function, "with_mockkms()")
        signature = inspect.signature(function)
        wanted = "kms" in signature.parameters

        def given(kms: MockKMS, kwargs: dict[str, Any]) -> dict[str, Any]:
            return {**kwargs, "kms": kms} if wanted else kwargs

        def check(kms: MockKMS) -> None:
            if strict:
                kms.journal.assert_no_unhandled(allowed=allow_unhandled)
                kms.faults.assert_script_done()

        wrapper: Any
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                kms = MockKMS(**options)
                with kms.environment() if environment else kms:
                    result = await function(*args, **given(kms, kwargs))
                    check(kms)
                    return result

            wrapper = run_async
        else:

            @functools.wraps(function)
            def run_sync(*args: Any, **kwargs: Any) -> Any:
                kms = MockKMS(**options)
                with kms.environment() if environment else kms:
                    result = function(*args, **given(kms, kwargs))
                    check(kms)
                    return result

            wrapper = run_sync
        # Runners that inspect arguments must not look for `kms` themselves.
        del wrapper.__wrapped__
        parameters = [one for name, one in signature.parameters.items() if name != "kms"]
        wrapper.__signature__ = signature.replace(parameters=parameters)
        done: Callable[..., _R] = wrapper
        return done

    return decorate
