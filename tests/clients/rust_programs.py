"""The programs of the Rust clients, for tests. ``MOCKKMS_RUST=0`` skips what needs them."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.clients import rust_client
from tests.clients.toolchain import tool, unreachable

BUILD_SECONDS = 420


@cache
def programs() -> Path:
    """The folder of the built programs; skips without cargo, without network, and where the build takes too long."""
    if os.environ.get("MOCKKMS_RUST") == "0":
        pytest.skip("MOCKKMS_RUST=0 is set")
    cargo = tool("cargo")
    try:
        done = rust_client.build(cargo, BUILD_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(
            f"the Rust build took over {BUILD_SECONDS} s; run python -m tests.clients.rust_client, which has no limit"
        )
    if done.returncode != 0:
        unreachable("Rust", done)
    return rust_client.target() / "debug"
