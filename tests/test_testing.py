"""Use without pytest: the mixin for unittest, the decorator, ``async with`` and the environment."""

from __future__ import annotations

import asyncio
import io
import os
import re
import unittest
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, ClassVar
from unittest import TestCase

import pytest

from mockkms import MockKMS, RemoteKMS
from mockkms.testing import MockKMSMixin, with_mockkms

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask(url: str, path: str) -> int:
    request = urllib.request.Request(f"{url}/v1/{path}", headers={"X-Vault-Token": "root"})
    try:
        with DIRECT.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.fixture(autouse=True)
def theirs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment of a developer, which every test leaves as it was."""
    monkeypatch.setenv("VAULT_ADDR", "https://vault.example.org")
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    monkeypatch.setenv("http_proxy", "http://proxy.example.org")
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    before = dict(os.environ)
    yield
    changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
    assert changed - {"PYTEST_CURRENT_TEST"} == set()


def test_the_environment_of_a_server_that_is_started_and_stopped() -> None:
    made = MockKMS(root_token="first")
    with made.environment() as kms:
        assert kms is made
        address = kms.url
        assert (os.environ["VAULT_ADDR"], os.environ["BAO_TOKEN"]) == (kms.url, "first")
        assert {"VAULT_NAMESPACE", "http_proxy", "VAULT_CACERT"}.isdisjoint(os.environ)
        with MockKMS(root_token="second", tls=True).environment() as inner:
            assert (os.environ["VAULT_ADDR"], os.environ["VAULT_CACERT"]) == (inner.url, inner.ca_file)
            os.environ["VAULT_NAMESPACE"] = "set within"
        assert os.environ["VAULT_TOKEN"] == "first"
        assert {"VAULT_NAMESPACE", "VAULT_CACERT"}.isdisjoint(os.environ)
    with pytest.raises(urllib.error.URLError):
        ask(address, "sys/health")
    with pytest.raises(RuntimeError, match="not running"):
        made.url  # noqa: B018


def test_a_running_server_keeps_running() -> None:
    with MockKMS() as kms:
        with pytest.raises(KeyError), kms.environment():
            raise KeyError
        assert ask(kms.url, "sys/health") == 200
        with kms.tenant("one").environment() as tenant:
            assert os.environ["VAULT_ADDR"] == tenant.url
        with RemoteKMS(kms.url) as remote, remote.environment():
            assert (os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"]) == (kms.url, "root")


def test_a_server_that_cannot_start_changes_nothing() -> None:
    with MockKMS() as kms:
        port = int(kms.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), MockKMS(port=port).environment():
            raise SystemExit(9)


def test_the_environment_decorates_functions() -> None:
    environment = MockKMS(root_token="here").environment()

    @environment
    def reads(depth: int) -> str:
        return reads(depth - 1) if depth else os.environ["VAULT_TOKEN"]

    @environment
    async def reads_later() -> str:
        await asyncio.sleep(0)
        return os.environ["VAULT_TOKEN"]

    assert (reads(0), reads(2), asyncio.run(reads_later())) == ("here", "here", "here")
    for wrong in (object, _generator):
        with pytest.raises(TypeError, match=r"environment\(\)"):
            environment(wrong)
        with pytest.raises(TypeError, match=r"with_mockkms\(\)"):
            with_mockkms()(wrong)


def _generator() -> Iterator[int]:
    yield 1


def test_async_with() -> None:
    async def use() -> str:
        async with MockKMS() as kms:
            assert await asyncio.to_thread(ask, kms.url, "sys/health") == 200
            return kms.url

    stopped = asyncio.run(use())
    with pytest.raises(urllib.error.URLError):
        ask(stopped, "sys/health")


def test_the_decorator() -> None:
    @with_mockkms(root_token="root", rng=1)
    def passes(one: int, *, kms: MockKMS) -> tuple[int, int]:
        assert os.environ["VAULT_ADDR"] == kms.url
        return one, ask(kms.url, "sys/health")

    @with_mockkms(environment=False)
    async def without() -> str:
        return os.environ["VAULT_ADDR"]

    @with_mockkms()
    def unhandled(kms: MockKMS) -> None:
        ask(kms.url, "sys/nowhere")

    allowed = with_mockkms(allow_unhandled=["sys/nowhere"])(lambda kms: ask(kms.url, "sys/nowhere"))
    loose = with_mockkms(strict=False)(lambda kms: ask(kms.url, "sys/nowhere"))

    assert (passes(1), asyncio.run(without())) == ((1, 200), "https://vault.example.org")
    assert (allowed(), loose()) == (404, 404)
    with pytest.raises(AssertionError, match="sys/nowhere"):
        unhandled()


def test_environments_may_end_in_any_order() -> None:
    """As with fixtures of pytest: one of the session may be set up during a test, and outlives those of its class."""
    before = os.environ.get("VAULT_ADDR")
    with MockKMS() as one, MockKMS() as two, MockKMS() as three:
        first, second, third = one.environment(), two.environment(), three.environment()
        for environment in (first, second, third):
            environment.__enter__()
        second.__exit__(None, None, None)
        assert os.environ["VAULT_ADDR"] == three.url
        first.__exit__(None, None, None)
        assert os.environ["VAULT_ADDR"] == three.url
        third.__exit__(None, None, None)
    assert os.environ.get("VAULT_ADDR") == before


def test_a_class_has_no_server_before_its_tests_run() -> None:
    with pytest.raises(AttributeError, match=r"Another.kms: the server runs from setUpClass"):
        Cases.Another.kms  # noqa: B018
    assert not hasattr(Cases.One, "kms")


class Cases:
    """Kept in a class, so that pytest does not collect them."""

    class One(MockKMSMixin, unittest.TestCase):
        mockkms_allow_unhandled = ("sys/allowed",)

        @classmethod
        def setUpClass(cls) -> None:
            cls.address = os.environ["VAULT_ADDR"]  # super() is not called: the tests start the server

        def setUp(self) -> None:
            assert self.kms.journal.total == 0
            assert os.environ["VAULT_ADDR"] == self.kms.url

        def test_one(self) -> None:
            ask(self.kms.url, "sys/health")

        def test_two(self) -> None:
            ask(self.kms.url, "sys/allowed")

        def test_unhandled(self) -> None:
            ask(self.kms.url, "sys/nowhere")

        def test_fails_for_one_reason_only(self) -> None:
            ask(self.kms.url, "sys/nowhere")
            self.fail("its own")

        @unittest.skip("because")
        def test_skipped(self) -> None:
            raise SystemExit(9)

    class Another(MockKMSMixin, unittest.IsolatedAsyncioTestCase):
        mockkms_options: ClassVar[Any] = {"flavor": "openbao"}
        mockkms_environment = False

        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            assert cls.kms.flavor == "openbao"

        async def test_it(self) -> None:
            assert await asyncio.to_thread(ask, self.kms.url, "sys/health") == 200
            assert os.environ["VAULT_ADDR"] == "https://vault.example.org"

    @unittest.skip("because")
    class Skipped(MockKMSMixin, unittest.TestCase):
        def test_it(self) -> None:
            raise SystemExit(9)


def test_the_mixin() -> None:
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    for case in (Cases.One, Cases.Another, Cases.Skipped):
        suite.addTests(loader.loadTestsFromTestCase(case))
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    assert (result.testsRun, len(result.skipped), result.errors) == (7, 2, [])
    (failed, reason), (unhandled, listed) = sorted(result.failures, key=lambda one: one[0].id())
    assert failed.id().endswith("one_reason_only")
    assert "its own" in reason
    assert unhandled.id().endswith("test_unhandled")
    assert "GET /v1/sys/nowhere" in listed
    assert "_mockkms_server" not in vars(Cases.One)


def test_what_a_decorator_cannot_use_is_refused_before_the_function_runs() -> None:
    with pytest.raises(TypeError, match=r"is called to decorate: @with_mockkms\(\)"):
        with_mockkms(lambda: None)
    with pytest.raises(ValueError, match="strict='no': expected True or False"):
        with_mockkms(strict="no")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="allow_unhandled: expected a list of globs of paths, got 'a/'"):
        with_mockkms(allow_unhandled="a/")
    with MockKMS() as kms, pytest.raises(TypeError, match=r"environment\(\) decorates functions, not 5"):
        kms.environment()(5)  # type: ignore[arg-type]


def test_a_script_shows_how_far_it_is() -> None:
    with MockKMS() as kms:
        script = kms.faults.script([{"expect": "sys/health", "answer": "sealed"}])
        assert repr(script) == "<Script script: at step 0 of 1, 0 unexpected requests>"


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"mockkms_option": {}}, TypeError, "has no setting 'mockkms_option'; did you mean 'mockkms_options'?"),
        ({"mockkms_options": "dev"}, ValueError, "mockkms_options='dev': expected a mapping"),
        ({"mockkms_strict": "no"}, ValueError, "strict='no': expected True or False"),
        ({"mockkms_allow_unhandled": "a/*"}, ValueError, "mockkms_allow_unhandled: expected a list of globs"),
    ],
)
def test_settings_of_a_test_class_are_checked_where_it_is_defined(
    settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        type("Theirs", (MockKMSMixin, TestCase), settings)
