"""A thousand explored runs leave nothing behind: no thread, no socket, no listener, no memory that grows."""

from __future__ import annotations

import gc
import os
import threading
from collections import Counter
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.explore.observing import Observer
from tests.explore.conftest import Client, FunctionRunner
from tests.plugin.conftest import suite as suite
from tests.waiting import eventually

RUNS = 1000


def descriptors() -> int:
    """The number of open files and sockets of this process."""
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0


def resident() -> float:
    """Megabytes of memory that the process has in use; 0 where the system does not say."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if path.exists() else 0.0


def objects() -> Counter[str]:
    """The number of objects by the names of their types, of this package alone."""
    gc.collect()
    kinds = (type(one) for one in gc.get_objects())
    return Counter(kind.__name__ for kind in kinds if str(kind.__module__).startswith("mockkms."))


def test_a_thousand_runs(server: MockKMS) -> None:
    """Threads, descriptors, objects and memory are the same after runs with every way to end a connection."""
    from mockkms.explore.catalogue import select
    from mockkms.explore.planning import rows_of, single_cases

    def body(client: Client) -> None:
        client.tried(2, "POST", "transit/keys/orders/rotate")

    runner = FunctionRunner(server, body)
    _, plain = runner.run((), 10, effects=True)
    failures = select(["reset-before", "reset-after", "cut", "sealed", "permission-denied", "close-after", "restart"])
    cases = single_cases(plain, rows_of(plain), failures)
    assert len(cases) == 7

    def some(count: int) -> None:
        for number in range(count):
            case = cases[number % len(cases)]
            _, seen = runner.run(case.rules, 10)
            assert seen.struck() is not None, case.id

    some(100)
    threads, files, known, memory = threading.active_count(), descriptors(), objects(), resident()
    some(RUNS)
    # The thread of a request ends a moment after its response.
    eventually(lambda: threading.active_count() <= threads, threading.enumerate)
    # A connection that the client has just closed may still be open here.
    assert descriptors() <= files + 2
    grown = {name: count - known[name] for name, count in objects().items() if count > known[name] + 100}
    assert not grown
    assert resident() <= memory + 32
    assert not server.journal._listeners
    assert not server.faults.injected


SUITE = """
import os, threading, time
import hvac

before = []

def left():
    fds = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    return threading.active_count(), fds

def test_first(mockkms_hvac):
    mockkms_hvac.sys.read_seal_status()
    before.append(left()) if not before else None

def test_second(mockkms_hvac, mockkms_factory):
    other = mockkms_factory()
    client = hvac.Client(url=other.url, token=other.token)
    client.session.trust_env = False
    try:
        client.secrets.kv.v2.create_or_update_secret("a", {"x": "1"})
        client.secrets.kv.v2.read_secret_version("a", raise_on_deleted_version=True)
    finally:
        client.adapter.close()

def test_last():
    # The client of the first test was open when it looked.
    until = time.monotonic() + 20
    while left()[0] > before[0][0] and time.monotonic() < until:
        time.sleep(0.02)
    assert left()[0] <= before[0][0], threading.enumerate()
    assert left()[1] <= before[0][1] + 2
"""


@pytest.mark.usefixtures("server")
def test_runs_of_tests(suite: object, pytester: pytest.Pytester) -> None:
    """Explored tests leave neither threads nor descriptors in their process, with servers of their own too."""
    assert callable(suite)
    result = suite("-p", "no:randomly", "--mockkms-explore", "--mockkms-explore-limit=1", source=SUITE)
    result.assert_outcomes(passed=3)


def test_an_observer_without_servers() -> None:
    """It has nothing to detach."""
    observer = Observer()
    assert observer.finish().requests == []
    observer.detach()
    assert not observer.attached
