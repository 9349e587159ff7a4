"""The fixtures. All are plain functions: the server runs in a thread of its own, so any test style can use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from .marker import TestWorld, world_of

if TYPE_CHECKING:
    import hvac

    from mockkms.kms import MockKMS

    from .active import Active
    from .client import MockClient
    from .external import ExternalKMS

    Kms: TypeAlias = MockKMS | ExternalKMS

ACTIVE: pytest.StashKey[Active] = pytest.StashKey()
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def _option(config: pytest.Config, name: str) -> Any:
    given = config.getoption(name)
    return given if given is not None else config.getini(name) or None


@pytest.fixture(scope="session")
def mockkms_seed(pytestconfig: pytest.Config) -> Any:
    """The world of the suite: a path, a list of paths, a dict, or None. Override it in a conftest.py."""
    return _option(pytestconfig, "mockkms_seed")


@pytest.fixture(scope="session")
def mockkms_tls() -> Any:
    """Serve over TLS: an ``ssl.SSLContext``, or a pair of PEM paths (certificate, key). Override it; None is HTTP."""
    return None


@pytest.fixture(scope="session")
def mockkms_server(pytestconfig: pytest.Config, mockkms_seed: Any, mockkms_tls: Any) -> Iterator[Kms]:
    """The server of this process (one for each xdist worker). Tests use ``mockkms``, which is clean for each."""
    url = _option(pytestconfig, "mockkms_url")
    if url:
        from .external import ExternalKMS

        yield ExternalKMS(url, _option(pytestconfig, "mockkms_token") or "root")
        return
    from mockkms import MockKMS

    rng = _option(pytestconfig, "mockkms_rng")
    with MockKMS(seed=mockkms_seed, rng=int(rng) if rng is not None else None, tls=mockkms_tls) as kms:
        yield kms


@pytest.fixture
def mockkms(request: pytest.FixtureRequest, mockkms_server: Kms) -> Iterator[Kms]:
    """The server, put back to the suite's world (and the marker's) before the test, checked after it."""
    from .active import Active
    from .external import ExternalKMS

    world: TestWorld = world_of(request.node)
    if isinstance(mockkms_server, ExternalKMS):
        mockkms_server.refuse(world)
        yield mockkms_server
        return
    strict = world.strict
    if strict is None:
        strict = str(_option(request.config, "mockkms_strict")).lower() in ("on", "true", "1", "yes")
    active = Active(mockkms_server, world, strict)
    request.node.stash[ACTIVE] = active
    active.begin()
    yield mockkms_server
    active.end()


@pytest.fixture
def mockkms_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., MockKMS]]:
    """Makes further servers, each with a port and world of its own: ``mockkms_factory(seed=…)``; closed at the end."""
    from mockkms import MockKMS

    made: list[MockKMS] = []

    def make(**options: Any) -> MockKMS:
        kms = MockKMS(**options)
        kms.start()
        made.append(kms)
        return kms

    yield make
    for kms in reversed(made):
        kms.stop()


@pytest.fixture
def mockkms_env(mockkms: Kms, monkeypatch: pytest.MonkeyPatch) -> Kms:
    """Sets ``VAULT_ADDR``, ``VAULT_TOKEN`` (``VAULT_CACERT`` under TLS) and the ``BAO_`` twins for this test."""
    for product in ("VAULT", "BAO"):
        monkeypatch.setenv(f"{product}_ADDR", mockkms.url)
        monkeypatch.setenv(f"{product}_TOKEN", mockkms.token)
        monkeypatch.delenv(f"{product}_NAMESPACE", raising=False)
        if mockkms.ca_file:
            monkeypatch.setenv(f"{product}_CACERT", mockkms.ca_file)
        else:
            monkeypatch.delenv(f"{product}_CACERT", raising=False)
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)
    return mockkms


@pytest.fixture
def mockkms_hvac(mockkms: Kms) -> Iterator[hvac.Client]:
    """An hvac client with the root token; the test is skipped where hvac is not installed."""
    module = pytest.importorskip("hvac")
    client = module.Client(url=mockkms.url, token=mockkms.token, verify=mockkms.ca_file or True)
    yield client
    client.adapter.close()


@pytest.fixture
def mockkms_client(request: pytest.FixtureRequest, mockkms: Kms) -> MockClient:
    """An aiohttp test client with the root token, made at first use; needs pytest-aiohttp."""
    if not request.config.pluginmanager.hasplugin("aiohttp"):
        pytest.skip("mockkms_client needs pytest-aiohttp")
    from .client import MockClient

    return MockClient(request.getfixturevalue("aiohttp_client"), mockkms.url, mockkms.token)
