"""Fixtures for all tests: ``world`` is a Vault without HTTP, ``kms`` a server, ``client`` its hvac client.

Every test starts with a fresh one. Markers, usually as ``pytestmark``, say how it differs from the default:

- ``flavors("vault", "openbao")`` runs the tests once with each of these products
- ``server(rng=5, tls=True)`` gives arguments of ``MockKMS``
- ``prepared(by=function)`` calls a function with the new world or server before the tests
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import hvac
import pytest
from hypothesis import HealthCheck, settings

from mockkms import MockKMS
from mockkms.world.world import Snapshot
from tests import real_databases
from tests.real_databases import RealDatabase
from tests.vault.driving import World

MARKERS = (
    "flavors(*names): run with each of these products",
    "server(**options): arguments of MockKMS for the fixture kms",
    "prepared(by): this function is called with the new world, server or engine",
)
# How long an example takes says how busy the machine is, and nothing of the product.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
_ADDRESSING = ("VAULT_", "BAO_", "RUSTFS_", "MOCKKMS_CONTROL_", "MOCKKMS_URL")
"""Beginnings of variables that commands and clients read; whoever runs the tests may have set them."""
for _name in [name for name in os.environ if name.startswith(_ADDRESSING)]:
    del os.environ[_name]
Servers = Callable[[str | None, dict[str, Any], Callable[[MockKMS], object] | None], MockKMS]


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("flavors")
    own = any("flavor" in one.args[0] for one in metafunc.definition.iter_markers("parametrize"))
    if marker is not None and "flavor" in metafunc.fixturenames and not own:
        metafunc.parametrize("flavor", marker.args, indirect=True)


@pytest.fixture
def flavor(request: pytest.FixtureRequest) -> str | None:
    """The product, from the marker ``flavors``; None is the default of what is made."""
    found: str | None = getattr(request, "param", None)
    return found


@pytest.fixture
def prepare(request: pytest.FixtureRequest) -> Callable[[Any], object]:
    """The function of the marker ``prepared``; without a marker one that does nothing."""
    marker = request.node.get_closest_marker("prepared")
    found: Callable[[Any], object] = marker.kwargs["by"] if marker is not None else _nothing
    return found


def _nothing(made: object) -> None:
    """Prepare nothing."""


@pytest.fixture
def world(flavor: str | None, prepare: Callable[[World], object]) -> World:
    """A Vault without HTTP, its clock frozen; OpenBao unless the marker ``flavors`` says otherwise."""
    made = World(flavor or "openbao")
    prepare(made)
    return made


@pytest.fixture(scope="module")
def running() -> Iterator[dict[tuple[object, ...], tuple[MockKMS, Snapshot]]]:
    """The servers of a module by their options, each with its world at the start."""
    servers: dict[tuple[object, ...], tuple[MockKMS, Snapshot]] = {}
    with ExitStack() as stack:
        stack.callback(lambda: [kms.stop() for kms, _ in servers.values()])
        yield servers


@pytest.fixture
def kms(
    request: pytest.FixtureRequest,
    flavor: str | None,
    prepare: Callable[[MockKMS], object],
    running: dict[tuple[object, ...], tuple[MockKMS, Snapshot]],
) -> MockKMS:
    """A server with the world of its start; Vault unless the marker ``flavors`` says otherwise."""
    marker = request.node.get_closest_marker("server")
    options: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    key = (flavor, prepare, repr(options))
    if key not in running:
        made = MockKMS(**{"flavor": flavor, **options}).start()
        try:
            prepare(made)
        except BaseException:
            made.stop()
            raise
        running[key] = made, made.world.snapshot()
    found, start = running[key]
    found.world.baseline = start
    found.world.snapshots.clear()
    found.reset()
    return found


@pytest.fixture(scope="module")
def secure() -> Iterator[MockKMS]:
    """A server that speaks TLS."""
    with MockKMS(rng=5, tls=True) as made:
        yield made


@pytest.fixture
def client(kms: MockKMS) -> Iterator[hvac.Client]:
    """hvac with the root token of ``kms``."""
    made = hvac.Client(url=kms.url, token=kms.token)
    yield made
    made.adapter.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[RealDatabase]:
    """A real PostgreSQL server; skips the test where it is not installed."""
    if real_databases.program("initdb") is None:
        pytest.skip("PostgreSQL is not installed (initdb)")
    with real_databases.postgres() as database:
        yield database


@pytest.fixture(scope="session")
def mariadb() -> Iterator[RealDatabase]:
    """A real MariaDB server; skips the test where it is not installed."""
    if not all(real_databases.program(name) for name in ("mariadb-install-db", "mariadbd", "my_print_defaults")):
        pytest.skip("MariaDB is not installed (mariadb-install-db, mariadbd)")
    with real_databases.mariadb() as database:
        yield database
