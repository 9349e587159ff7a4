"""Members of JSON objects in result files, read with their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from mockkms.explore import ExploreError

_T = TypeVar("_T")


class Members:
    """A JSON object. Methods return the member ``name``, its default if it is missing, and raise ExploreError."""

    def __init__(self, data: object, where: str = "results") -> None:
        """``where`` names the object in messages. Raises ExploreError for what is not a JSON object."""
        if not isinstance(data, Mapping):
            raise ExploreError(f"{where}: expected a JSON object, got {str(data)[:80]!r}")
        self.data: dict[str, object] = {str(name): value for name, value in data.items()}
        self.where = where

    def text(self, name: str, default: str = "") -> str:
        """Return a string."""
        return self._of(name, str, default)

    def whole(self, name: str, default: int = 0) -> int:
        """Return an integer."""
        return self._of(name, int, default)

    def flag(self, name: str) -> bool:
        """Return a boolean; the default is False."""
        return self._of(name, bool, False)

    def number(self, name: str) -> float:
        """Return a number; the default is 0."""
        value = self.data.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "number")
        return float(value)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; empty if it is missing."""
        return [str(item) for item in self._of(name, list, [])]

    def mapping(self, name: str) -> dict[str, object]:
        """Return a JSON object as it is; empty if it is missing."""
        return self._of(name, dict, {})

    def each(self, name: str) -> Iterator[Members]:
        """Yield the objects of a list."""
        for place, item in enumerate(self._of(name, list, [])):
            yield Members(item, f"{self.where}.{name}[{place}]")

    def _of(self, name: str, kind: type[_T], default: _T) -> _T:
        value = self.data.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._wrong(name, {str: "string", int: "integer", bool: "boolean", list: "list"}.get(kind, "object"))
        return value

    def _wrong(self, name: str, expected: str) -> ExploreError:
        value = str(self.data.get(name))[:80]
        return ExploreError(f"{self.where}.{name}: expected a value of type {expected}, got {value!r}")
