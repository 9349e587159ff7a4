"""Requests per second against the floor's: interleaved, so that a busy machine slows both alike."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from bench import calls, load

CONNECTIONS = (1, 16)


def against_floor(floor: int, ours: int, named: Mapping[str, bytes], rounds: int, seconds: float) -> dict[str, Any]:
    """Return by number of connections: the floor's rate, each call's rate and its ratio to the floor, as medians."""
    out: dict[str, Any] = {}
    for connections in CONNECTIONS:
        floors: list[float] = []
        rates: dict[str, list[float]] = {name: [] for name in named}
        ratios: dict[str, list[float]] = {name: [] for name in named}
        for _ in range(rounds):
            for name, sent in named.items():
                # The floor right before each call: what else the machine does changes from moment to moment.
                bare = load.rate(floor, calls.FLOOR, connections, seconds)
                rate = load.rate(ours, sent, connections, seconds)
                floors.append(bare)
                rates[name].append(rate)
                ratios[name].append(rate / bare)
        told = {name: {"rate": median(rates[name]), "ratio": median(ratios[name])} for name in named}
        out[str(connections)] = {"floor": {"rate": median(floors), "ratio": 1.0}, **told}
    return out


def each(port: int, sent: Mapping[str, bytes], rounds: int, seconds: float) -> dict[str, float]:
    """Return the milliseconds of a request on one connection, by name: medians of interleaved rounds."""
    taken: dict[str, list[float]] = {name: [] for name in sent}
    for _ in range(rounds):
        for name, request in sent.items():
            taken[name].append(1000 / load.rate(port, request, 1, seconds))
    return {name: median(times) for name, times in taken.items()}
