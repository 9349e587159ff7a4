"""The names of aiohttp's that are not public: used in one module, and there in the versions that are declared."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import aiohttp.web
from aiohttp.web_protocol import RequestHandler
from packaging.requirements import Requirement

import mockkms
from mockkms.server.wire import protocol

ROOT = Path(__file__).parents[3]
SERVER = Path(mockkms.__file__).parent / "server"


def test_the_installed_version_is_one_that_the_wire_is_tested_with() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (wanted,) = [found for text in declared if (found := Requirement(text)).name == "aiohttp"]
    installed = version("aiohttp")
    assert installed in wanted.specifier, (
        f"aiohttp {installed} is not in {wanted.specifier}: run tests/server/wire with it, then widen the range"
    )
    assert "99" not in wanted.specifier, "a version nobody has tested must not be let in"


def test_the_private_names_are_there() -> None:
    made = dir(RequestHandler)
    missing = [name for name in protocol.PRIVATE if name not in made]
    assert missing == [], f"aiohttp {version('aiohttp')} lacks {missing}, which mockkms/server/wire/protocol.py uses"
    assert protocol.REQUEST_CODE is not None


async def test_a_manager_has_what_its_protocols_are_made_with() -> None:
    async def handle(request: aiohttp.web.BaseRequest) -> aiohttp.web.StreamResponse:
        raise NotImplementedError

    made = protocol.Manager(handle)()
    assert isinstance(made, protocol.Protocol)
    assert made.keepalive_timeout > 86400, "aiohttp must not close what is idle: it does not see every request"


def test_no_other_module_reaches_into_aiohttp() -> None:
    """Private names of requests, protocols and responses: ``aio._x``, ``request._x``, ``aio.protocol._x``."""
    reached = re.compile(r"\b(?:aio|request|connection|protocol|aiohttp|web)\._[a-z]\w*")
    found = {
        path.name: names
        for path in SERVER.rglob("*.py")
        if path.name != "protocol.py" and (names := reached.findall(path.read_text(encoding="utf-8")))
    }
    assert found == {}
