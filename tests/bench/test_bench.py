"""The bench runs and has every figure. What the figures are depends on the machine, so none is asserted."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_quick_run_has_every_figure(tmp_path: Path) -> None:
    where = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--json", str(where)],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    figures = json.loads(where.read_text())
    calls = {"floor", "encrypt", "decrypt", "datakey", "kv_read", "kv_write"}
    assert {connections: set(told) for connections, told in figures["rates"].items()} == {"1": calls, "16": calls}
    assert all(told["rate"] > 0 for rates in figures["rates"].values() for told in rates.values())
    assert set(figures["rules_ms"]) == {"0", "10", "1000"}
    assert set(figures["batch_ms"]) == {"1", "10", "1000"}
    single = {
        "restore_ms", "fixture_first_ms", "fixture_ms", "cold_start_s", "resident_mib", "resident_after_load_mib",
        "rsa_4096_ms",
    }  # fmt: skip
    assert all(figures[name] > 0 for name in single)
    assert math.isfinite(figures["unused_plugin_ms"])
    assert math.isfinite(figures["unused_distribution_ms"])
    for name in ("kv_write", "cold start, s", "unused plugin, ms", "encrypt a batch of 1000, ms"):
        assert name in done.stdout
