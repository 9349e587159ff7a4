"""Adding context to errors, as Go's ``fmt.Errorf("context: %w", err)`` does."""

from __future__ import annotations

from collections.abc import Callable


class error_context:
    """Context manager: an expected exception of the body is raised again with a prefix, and without its cause.

    Args:
        prefix: What precedes the exception's own message.
        raised: Makes the new exception of its message.
        of: The expected exceptions; all others pass.
        text: The whole message, where the exception's own is not shown.
    """

    __slots__ = ("_of", "_prefix", "_raised", "_text")

    def __init__(
        self,
        prefix: str = "",
        raised: Callable[[str], Exception] = ValueError,
        *,
        of: type[Exception] | tuple[type[Exception], ...] = ValueError,
        text: str = "",
    ) -> None:
        self._prefix, self._raised, self._of, self._text = prefix, raised, of, text

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, self._of):
            raise self._raised(self._text or f"{self._prefix}{self._message(error)}") from None

    def _message(self, error: BaseException) -> str:
        return str(error)


class file_context(error_context):
    """``error_context`` for reading or writing a file: an OSError is shown by the system's text, without its number."""

    __slots__ = ()

    def __init__(
        self,
        prefix: str,
        raised: Callable[[str], Exception] = ValueError,
        *,
        of: type[Exception] | tuple[type[Exception], ...] = OSError,
    ) -> None:
        super().__init__(prefix, raised, of=of)

    def _message(self, error: BaseException) -> str:
        return str(getattr(error, "strerror", None) or error)
