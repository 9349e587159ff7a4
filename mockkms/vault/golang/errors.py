"""Adding context to errors, as Go's ``fmt.Errorf("context: %w", err)`` does."""

from __future__ import annotations

from collections.abc import Callable


class error_context:
    """Context manager: raises ``raised(prefix + str(error))`` for an error of its body.

    ``of`` names the types of exceptions that are translated; all others pass.
    """

    __slots__ = ("_of", "_prefix", "_raised")

    def __init__(
        self,
        prefix: str,
        raised: Callable[[str], Exception] = ValueError,
        of: type[Exception] | tuple[type[Exception], ...] = ValueError,
    ) -> None:
        self._prefix, self._raised, self._of = prefix, raised, of

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._of):
            raise self._raised(f"{self._prefix}{error}") from None
