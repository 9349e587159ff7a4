"""One world, held in every way there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mockkms import Kms, MockKMS, RemoteKMS
from tests.serving import served

WORLD = """
mockkms: 1
rng: 5
vault:
  root_token: boss
  mounts:
    secret/: {type: kv, version: 2, secrets: {app: {n: 1}}}
    transit/: {type: transit, keys: {orders: {type: aes256-gcm96}}}
"""


@pytest.fixture(scope="session")
def world_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("remote") / "world.yaml"
    path.write_text(WORLD)
    return path


@pytest.fixture(scope="session")
def here(world_file: Path) -> Iterator[MockKMS]:
    with MockKMS(seed=world_file) as kms:
        yield kms


@pytest.fixture(scope="session")
def elsewhere(world_file: Path) -> Iterator[str]:
    """The address of ``mockkms serve`` in a process of its own."""
    with served(world_file.parent, "--seed", str(world_file), MOCKKMS_CONTROL_TOKEN="let-me") as ready:
        yield ready["url"]


@pytest.fixture(params=["here", "tenant", "remote", "remote tenant", "process", "tenant of a process"])
def held(request: pytest.FixtureRequest, here: MockKMS) -> Iterator[Kms]:
    """A world at its start, and held in each way in turn."""
    here.load()
    if request.param == "here":
        yield here
    elif request.param == "tenant":
        yield here.tenant("contract")
    else:
        process = "process" in request.param
        url = request.getfixturevalue("elsewhere") if process else here.url
        with RemoteKMS(url, control_token="let-me" if process else "") as remote:
            held = remote.tenant("contract") if "tenant" in request.param else remote
            held.load()
            yield held
            held.close()
