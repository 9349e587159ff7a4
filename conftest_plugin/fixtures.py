"""The fixtures. All are plain functions: the server runs in its own thread, so sync and async tests can use it.

The fixtures import what they need when they are used: a session without them pays for this module and ``plugin`` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import pytest

from . import USED

if TYPE_CHECKING:
    import hvac

    from mockkms.api import Kms as AnyKms
    from mockkms.explore.observing import Observer

    from .active import Active
    from .client import MockClient
    from .external import ExternalKMS
    from .factory import Factory
    from .marker import TestWorld
    from .servers import Servers

    Kms: TypeAlias = AnyKms | ExternalKMS

ACTIVE: pytest.StashKey[Active] = pytest.StashKey()
"""The servers of a test, in its stash."""
OBSERVER: pytest.StashKey[Observer] = pytest.StashKey()
"""Observes the servers of a test for an exploration, in its stash."""
EXPLORED: pytest.StashKey[bool] = pytest.StashKey()
"""Set in the stash of a test that is run again by an exploration."""


@pytest.fixture(scope="session")
def mockkms_seed(pytestconfig: pytest.Config) -> object:
    """The world of the session: a path, a ready-made world's name, a dict, a list of these, or None. Override it."""
    from . import settings

    return settings.suite_seed(pytestconfig)


@pytest.fixture(scope="session")
def mockkms_tls() -> object:
    """Serve over TLS: True or a ``trustme.CA``, an ``ssl.SSLContext``, or PEM paths (certificate, key). Override it."""
    return None


@pytest.fixture(scope="session")
def _mockkms_servers(
    pytestconfig: pytest.Config, mockkms_seed: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    from .servers import Servers

    servers = Servers(pytestconfig, mockkms_seed, tmp_path_factory)
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def mockkms_server(
    pytestconfig: pytest.Config, mockkms_seed: object, mockkms_tls: object, _mockkms_servers: Servers
) -> Iterator[Kms]:
    """The server of this process (one per xdist worker). Tests use ``mockkms``, which resets it for each test."""
    from . import settings

    url = settings.option(pytestconfig, "mockkms_url")
    if url:
        from .external import ExternalKMS
        from .remote import tenant_of

        seed = settings.located(mockkms_seed, pytestconfig.invocation_params.dir, pytestconfig.rootpath)
        flavor = settings.flavor(pytestconfig)
        if flavor is not None:
            seed = settings.merged(seed, {"flavor": flavor})
        with tenant_of(url, settings.control_token(pytestconfig), seed, flavor) as tenant:
            yield tenant or ExternalKMS(url, settings.token(pytestconfig))
        return
    yield _mockkms_servers.of(mockkms_tls, None, mockkms_seed)


@pytest.fixture
def _mockkms_flavor(request: pytest.FixtureRequest) -> str | None:
    from . import products

    request.node.stash[USED] = True
    return products.of_test(request)


@pytest.fixture
def mockkms(
    request: pytest.FixtureRequest,
    mockkms_server: Kms,
    mockkms_seed: object,
    mockkms_tls: object,
    _mockkms_servers: Servers,
    _mockkms_flavor: str | None,
) -> Iterator[Kms]:
    """The server, in the world of the session and the test's markers. It is checked after the test."""
    from . import settings
    from .external import ExternalKMS
    from .marker import world_of

    world: TestWorld = world_of(request.node)
    world.flavor = _mockkms_flavor
    if isinstance(mockkms_server, ExternalKMS):
        mockkms_server.refuse(world)
        yield mockkms_server
        return
    option = settings.in_front(request.config)
    if option:
        from .upstream import refuse

        refuse(world, option)
    server: AnyKms = mockkms_server
    theirs = settings.option(request.config, "mockkms_url")
    if world.tls is not None and theirs:
        pytest.skip("mockkms(tls=…) requires a separate server and cannot be used with --mockkms-url")
    if theirs and mockkms_seed != _mockkms_servers.seed:
        pytest.skip("a mockkms_seed of its own part of the suite cannot be used with --mockkms-url")
    if not theirs:
        # A part of the suite may override the fixtures, which the session's server got from the part that came first.
        server = _mockkms_servers.of(mockkms_tls if world.tls is None else world.tls, world.flavor, mockkms_seed)
    active = _active(request, world)
    active.start(server, world)
    if settings.record(request.config) is not None or settings.replay(request.config) is not None:
        from .upstream import begin_section

        begin_section(server, request.node.nodeid)
    if theirs and world.flavor not in (None, server.flavor):
        pytest.skip(f"mockkms(flavor={world.flavor!r}): the server of --mockkms-url was started as {server.flavor}")
    yield server
    active.check()


@pytest.fixture
def mockkms_factory(request: pytest.FixtureRequest, _mockkms_flavor: str | None) -> Iterator[Factory]:
    """Starts additional servers: ``mockkms_factory(seed=…)``. They stop at the end of the test."""
    from . import settings
    from .factory import Factory
    from .marker import world_of

    active = _active(request, world_of(request.node))
    factory = Factory(active, settings.rng(request.config), _mockkms_flavor or settings.flavor(request.config))
    yield factory
    factory.close()
    active.check()


def _active(request: pytest.FixtureRequest, world: TestWorld) -> Active:
    from . import settings
    from .active import Active

    active: Active | None = request.node.stash.get(ACTIVE, None)
    if active is None or active.settled:
        strict = settings.strict(request.config) if world.strict is None else bool(world.strict)
        lint = world.lint or settings.lint(request.config)
        allowed = [*settings.allow_unhandled(request.config), *world.allow_unhandled]
        report_lint = (world.lint or request.config.getoption("mockkms_lint")) != "off"
        active = request.node.stash[ACTIVE] = Active(
            strict=strict, lint=lint, report_lint=report_lint, allow_unhandled=allowed
        )
        active.observer = request.node.stash.get(OBSERVER, None)
        active.explored = request.node.stash.get(EXPLORED, False)
    return active


@pytest.fixture
def mockkms_env(mockkms: Kms, monkeypatch: pytest.MonkeyPatch) -> Kms:
    """Set ``VAULT_ADDR``, ``VAULT_TOKEN`` (``VAULT_CACERT`` with TLS) and the ``BAO_`` equivalents for this test."""
    _set(mockkms, monkeypatch)
    return mockkms


@pytest.fixture(scope="session")
def mockkms_session_env(mockkms_server: Kms) -> Iterator[Kms]:
    """Set the variables of ``mockkms_env`` for the whole session, for session-scoped fixtures that read them."""
    with pytest.MonkeyPatch.context() as patch:
        _set(mockkms_server, patch)
        yield mockkms_server


def _set(kms: Kms, patch: pytest.MonkeyPatch) -> None:
    from mockkms.environment import variables

    for name, text in variables(kms).items():
        if text is None:
            patch.delenv(name, raising=False)
        else:
            patch.setenv(name, text)


@pytest.fixture
def mockkms_hvac(mockkms: Kms) -> Iterator[hvac.Client]:
    """An hvac client with the root token; the test is skipped if hvac is not installed."""
    module = pytest.importorskip("hvac", reason="mockkms_hvac requires hvac")
    client = module.Client(url=mockkms.url, token=mockkms.token, verify=mockkms.ca_file or True)
    # Proxies and CA bundles of the environment do not apply to a local server.
    client.session.trust_env = False
    yield client
    client.adapter.close()


@pytest.fixture
def mockkms_client(request: pytest.FixtureRequest, mockkms: Kms) -> MockClient:
    """An aiohttp test client with the root token, created on first use; requires pytest-aiohttp."""
    if not request.config.pluginmanager.hasplugin("aiohttp"):
        pytest.skip("mockkms_client requires pytest-aiohttp")
    from .client import MockClient

    return MockClient(request.getfixturevalue("aiohttp_client"), mockkms.url, mockkms.token, mockkms.ca_file)
