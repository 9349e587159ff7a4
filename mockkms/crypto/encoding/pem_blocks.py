"""PEM blocks within a text, found in time that grows with the text alone."""

from __future__ import annotations

from collections.abc import Iterator


def blocks(data: bytes, *labels: bytes) -> Iterator[bytes]:
    """Yield the PEM blocks with these labels, such as ``CERTIFICATE``, in order, their first and last line included."""
    starts = tuple(b"-----BEGIN " + label + b"-----" for label in labels)
    ends = tuple(b"-----END " + label + b"-----" for label in labels)
    place = 0
    while True:
        start = _first(data, starts, place)
        if start is None:
            return
        end = _first(data, ends, start[1])
        if end is None:
            return
        yield data[start[0] : end[1]]
        place = end[1]


def _first(data: bytes, texts: tuple[bytes, ...], place: int) -> tuple[int, int] | None:
    found = [(at, at + len(text)) for text in texts if (at := data.find(text, place)) >= 0]
    return min(found, default=None)
