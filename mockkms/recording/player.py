"""Answers requests from a recording.

Two requests are the same if method, path, query, namespace and body are equal but for secrets. The recorded answers to
the same request are returned in their order; the last one repeats. If recorded requests differ in secrets only (two
tokens read the same path), the one whose secrets the client has sent or received before is chosen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mockkms.recording.bindings import Bindings, issued
from mockkms.recording.exchange import Exchange, RecordedRequest
from mockkms.recording.nearest import nearest
from mockkms.recording.reader import Recording
from mockkms.recording.unify import Found, canonical, slots, unify_requests, unify_text
from mockkms.world.journal.hiding import Secret

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass
class _Class:
    """The exchanges with equal requests, including secrets."""

    slots: tuple[str, ...]
    exchanges: list[Exchange] = field(default_factory=list)
    played: int = 0
    """How many of them were played, at most all."""


@dataclass
class _Shape:
    """The exchanges with requests that are equal but for secrets."""

    request: RecordedRequest
    has_secrets: bool
    classes: dict[tuple[str, ...], _Class] = field(default_factory=dict)


class Player:
    """One replay: its position in the recording, and the values of placeholders. Used by one thread at a time."""

    def __init__(self, recording: Recording, section: str | None = None) -> None:
        """``section`` limits the replay to one section of the recording."""
        exchanges = recording.exchanges if section is None else recording.sections.get(section, [])
        self._name = (
            f"the recording {recording.path}" if not section else f"{section} in the recording {recording.path}"
        )
        self._exchanges = exchanges
        self.secrets = Bindings(recording.forms, issued(exchanges))
        self._shapes: dict[_Key, dict[str, dict[str, _Shape]]] = {}
        """By method, namespace and headers, then by path, then by canonical text."""
        for exchange in exchanges:
            self._index(exchange)

    def play(self, request: RecordedRequest) -> Exchange | None:
        """Return the next exchange for a request; None if it was not recorded."""
        found: Found = []
        shape = self._shape(request, found)
        if shape is None:
            return None
        names = next(iter(shape.classes.values())).slots
        values = tuple(value for _, value in found)
        chosen = self._chosen(shape, values) if len(values) == len(names) else next(iter(shape.classes.values()))
        exchange = chosen.exchanges[min(chosen.played, len(chosen.exchanges) - 1)]
        chosen.played = min(chosen.played + 1, len(chosen.exchanges))
        if len(values) == len(names):
            self.secrets.bind([*zip(chosen.slots, values, strict=True)])
        return exchange

    def why_not(self, request: RecordedRequest) -> str:
        """Return the error for a request that was not recorded, with the nearest recorded one."""
        return nearest(self._name, self._exchanges, request)

    def restart(self) -> None:
        """Return to the beginning of the recording, and drop the values that clients have sent."""
        self.secrets.clear()
        for by_path in self._shapes.values():
            for shapes in by_path.values():
                for shape in shapes.values():
                    for one in shape.classes.values():
                        one.played = 0

    # -- which exchange ----------------------------------------------------------------------------------------------

    def _index(self, exchange: Exchange) -> None:
        request = exchange.request
        shapes = self._shapes.setdefault(_key(request), {}).setdefault(request.path, {})
        names = slots(request)
        shape = shapes.setdefault(canonical(request), _Shape(request, len(names) > 1))
        shape.classes.setdefault(names, _Class(names)).exchanges.append(exchange)

    def _shape(self, request: RecordedRequest, found: Found) -> _Shape | None:
        by_path = self._shapes.get(_key(request))
        if by_path is None:
            return None
        exact = by_path.get(request.path)
        if exact is not None:
            same = exact.get(canonical(request))
            if same is not None and not same.has_secrets:
                found.append((same.request.token, request.token))
                return same
            shape = _first(exact.values(), request, found)
            if shape is not None:
                return shape
        others = (
            shape
            for path, shapes in by_path.items()
            if "(mockkms:" in path and unify_text(path, request.path, [])
            for shape in shapes.values()
        )
        return _first(others, request, found)

    def _chosen(self, shape: _Shape, values: tuple[Secret, ...]) -> _Class:
        """Return the class with the fewest contradictions; of several, the first that has exchanges left."""
        holders = tuple(self.secrets.holder(value) if value != "" else "" for value in values)
        unknown = any(value != "" and not name for name, value in zip(holders, values, strict=True))
        known = None if unknown else shape.classes.get(holders)
        if known is not None:
            return known
        best, best_rank = None, (0, False)
        for one in shape.classes.values():
            wrong = sum(not self.secrets.fits(name, value) for name, value in zip(one.slots, values, strict=True))
            rank = (wrong, one.played >= len(one.exchanges))
            if best is None or rank < best_rank:
                best, best_rank = one, rank
            if rank == (0, False):
                break
        assert best is not None, "every shape has a class"
        return best


def _key(request: RecordedRequest) -> _Key:
    return request.method, request.namespace, tuple(sorted(request.headers.items()))


def _first(shapes: Iterable[_Shape], request: RecordedRequest, found: Found) -> _Shape | None:
    for shape in shapes:
        tried: Found = []
        if unify_requests(shape.request, request, tried):
            found += tried
            return shape
    return None
