"""``remote.chaos``: chaos in a remote world."""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import quote

from mockkms.arguments import check_arguments
from mockkms.faults.parsing import FaultError
from mockkms.remote.document import RemoteError
from mockkms.remote.wire import Wire


class RemoteChaos:
    """The interface of ``Chaos`` for a remote world."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def start(self, what: object, *, seed: int | str | None = None, phase: str = "", loop: bool | None = None) -> Self:
        """Start a plan in place of a running one. As a context manager, the result stops it at the end.

        The arguments are those of ``MockKMS.chaos``. Raises FaultError for what is not a plan, with the nearest name.
        """
        from mockkms.faults.chaos.plans import plan_words

        if what is None:  # A request without a body.
            raise FaultError("expected a percentage, the name of an incident, or a plan with phases, got None")
        self._wire.call("POST", "chaos", plan_words(what, seed, phase, loop))
        return self

    def stop(self) -> bool:
        """Stop the running plan and undo what its phase has done to the server; return whether one was running."""
        return self._wire.document("DELETE", "chaos").flag("stopped")

    def status(self) -> dict[str, object]:
        """Return the plan, its phase with the remaining seconds, and counts, as data."""
        return dict(self._wire.get("chaos").data)

    @property
    def active(self) -> bool:
        """Whether a plan is running."""
        return self._wire.get("chaos").flag("active")

    @property
    def phase(self) -> str:
        """Name of the present phase; empty if no plan is running."""
        return str(self.status().get("phase", ""))

    def incidents(self) -> list[str]:
        """Return the names of the incidents that ``start`` takes."""
        return [one.text("name") for one in self._wire.get("chaos/incidents").documents("incidents")]

    def describe(self, incident: str) -> dict[str, object]:
        """Return an incident as data: its summary, phases, and what a client should do. Raises FaultError."""
        check_arguments({"incident": incident})
        try:
            return dict(self._wire.get("chaos/incidents/" + quote(incident, safe="")).data)
        except RemoteError as error:
            if error.status != 404:
                raise
            raise FaultError(str(error), unknown=incident) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<RemoteChaos of {self._wire.url}>"
