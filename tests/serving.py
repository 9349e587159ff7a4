"""``mockkms serve`` in a process of its own, for tests that only need its address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def served(folder: Path, *flags: str, **environment: str) -> Iterator[dict[str, Any]]:
    """What the ready file of such a server says; it ends with the block."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", *flags, "--ready-file", str(ready)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        assert process.stdout is not None
        try:
            # The first line comes once it serves and the file is whole; none at all once it has died.
            assert process.stdout.readline(), f"it ended: {process.wait()}"
            yield json.loads(ready.read_text())
        finally:
            process.terminate()
