"""Metrics of the process that emulates the server, under the names of Go's runtime and of Prometheus' collectors.

Values are those of this process: memory in bytes, threads where Go counts goroutines, runs of Python's collector.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from mockkms.vault.telemetry.exposition import Gauge

_STARTED = time.time()


def process_gauges() -> Iterator[Gauge]:
    """Yield the gauges of ``runtime``, and those of the process that only Prometheus shows."""
    resident, virtual = _memory()
    blocks, threads = sys.getallocatedblocks(), threading.active_count()
    runs = sum(int(one["collections"]) for one in gc.get_stats())
    yield from (
        Gauge("runtime.alloc_bytes", resident),
        Gauge("runtime.heap_objects", blocks),
        Gauge("runtime.num_goroutines", threads),
        Gauge("runtime.sys_bytes", virtual),
        Gauge("runtime.total_gc_runs", runs),
        Gauge("go_goroutines", threads, prefixed=False),
        Gauge("process_cpu_seconds_total", time.process_time(), prefixed=False),
        Gauge("process_resident_memory_bytes", resident, prefixed=False),
        Gauge("process_start_time_seconds", round(_STARTED, 2), prefixed=False),
        Gauge("process_virtual_memory_bytes", virtual, prefixed=False),
    )


def _memory() -> tuple[int, int]:
    """Return resident and virtual memory in bytes; where the system does not tell, the peak of the former for both."""
    with suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:
        virtual, resident, *_ = file.read().split()
        page = os.sysconf("SC_PAGE_SIZE")
        return int(resident) * page, int(virtual) * page
    if sys.platform == "win32" or os.name != "posix":
        return 0, 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024  # In bytes there, in KiB elsewhere.
    return peak, peak
