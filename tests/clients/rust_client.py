"""The build of the Rust client, ``python -m tests.clients.rust_client``: once, below the user's cache directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

CRATE = Path(__file__).parent / "rust"


def target() -> Path:
    """Return the folder of the build, which goes on there where it stopped."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mockkms-clients" / "rust"


def build(cargo: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
    """Build the client. Raises TimeoutExpired after ``seconds``."""
    # The crate asks for a newer compiler than it needs.
    command = [cargo, "build", "--locked", "--quiet", "--ignore-rust-version"]
    env = {**os.environ, "CARGO_TARGET_DIR": str(target()), "CARGO_INCREMENTAL": "0"}
    return subprocess.run(command, cwd=CRATE, env=env, capture_output=True, text=True, timeout=seconds, check=False)


def main() -> int:
    """Build without a time limit; do nothing without cargo or with ``MOCKKMS_RUST=0``."""
    cargo = shutil.which("cargo")
    if cargo is None or os.environ.get("MOCKKMS_RUST") == "0":
        return 0
    if not target().exists():
        print("building the Rust client, once; this takes some minutes", file=sys.stderr, flush=True)
    done = build(cargo)
    if done.returncode != 0:
        print(done.stderr[-2000:], file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
