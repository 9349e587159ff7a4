"""Responses of the control API, read with their types, and the errors of a remote server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

_T = TypeVar("_T")


class RemoteError(Exception):
    """A remote server cannot be reached, or refuses a request. ``status``: the HTTP status; 0 without a response."""

    def __init__(self, message: str, status: int = 0, problems: Sequence[Mapping[str, object]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.problems = problems
        """The errors of a world, one mapping each."""


class NotMockKMS(RemoteError):
    """The server at the address is not mockkms."""


class Document:
    """A JSON object. Every method returns the member ``name``, and raises RemoteError if it has another type."""

    def __init__(self, data: object) -> None:
        """Raises RemoteError for a response that is not a JSON object."""
        if not isinstance(data, dict):
            raise RemoteError(f"unexpected response of the control API: {str(data)[:200]!r}", 200)
        self.data: dict[str, object] = data

    def number(self, name: str) -> float:
        """Return a number."""
        return self._of(name, int) if isinstance(self.data.get(name), int) else self._of(name, float)

    def whole(self, name: str) -> int:
        """Return an integer."""
        return self._of(name, int)

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        return self._of(name, bool)

    def text(self, name: str) -> str:
        """Return a string."""
        return self._of(name, str)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        return [str(item) for item in self._of(name, list)]

    def mapping(self, name: str) -> dict[str, object]:
        """Return a JSON object as it is."""
        return self._of(name, dict)

    def documents(self, name: str) -> list[Document]:
        """Return a list of JSON objects."""
        return [Document(item) for item in self._of(name, list)]

    def _of(self, name: str, kind: type[_T]) -> _T:
        value = self.data.get(name)
        if not isinstance(value, kind):
            raise RemoteError(f"unexpected response of the control API: {name!r} is {value!r}", 200)
        return value
