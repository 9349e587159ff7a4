"""The state of the emulated server (seal, tokens, leases, active node) and of the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.faults.kinds import FaultKind, ServerKind
from mockkms.faults.parsing import FaultError, only_true, seconds, shown, text
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.text_matching import glob


class SealServer(ServerKind):
    """Seal the server, as an operator does, permanently or for some seconds of the virtual clock."""

    word = "seal"
    decides = "whether the server is sealed"
    help = "true | seconds, on the virtual clock, until the server is unsealed again"
    example = True
    needs_state = True

    def __init__(self, value: object) -> None:
        self.value = 0.0 if value is True else seconds(value)


class UnsealServer(ServerKind):
    """Unseal the server without its unseal keys."""

    word = "unseal"
    decides = "whether the server is sealed"
    help = "true"
    example = True
    needs_state = True

    def __init__(self, value: object) -> None:
        only_true(value)


class StepDown(ServerKind):
    """Make the active node of a cluster step down, so that another one is elected.

    This has the effect of ``sys/step-down``: the cluster has no active node until the election ends.
    """

    word = "step_down"
    help = "true (a cluster only)"
    example = True
    needs_state = True

    def __init__(self, value: object) -> None:
        only_true(value)


ALONE: Mapping[str, str] = {
    StepDown.word: "a single server has no standby that could take over; use mockkms.Cluster or serve --nodes"
}
"""Fault kinds that a single server cannot produce, with the reason."""


class Revoke(ServerKind):
    """Revoke a token, with its leases and its children."""

    word = "revoke"
    help = "true (the token of the request) | an accessor | a token"
    example = True
    needs_state = True

    def __init__(self, value: object) -> None:
        self.value = value if value is True else text(value)


class Expire(ServerKind):
    """Expire leases now.

    These are leases of secrets, and of tokens if the path is that of an auth method.
    """

    word = "expire"
    help = "last (the newest lease) | path prefix, glob or id of the leases"
    example = "last"
    needs_state = True

    def __init__(self, value: object) -> None:
        self.value = text(value)
        if not self.value.strip("/"):
            raise FaultError(f"expected last, or a path prefix of leases, got {shown(value)}")
        leases_below(self.value)


def leases_below(path: str) -> Callable[[str], object]:
    """Return what tells whether the path of a lease, with a slash at its end, is one of a path prefix or glob.

    Raises FaultError for a pattern that is too long.
    """
    return glob(path.strip("/") + "/*").fullmatch


class SetState(FaultKind):
    """Set the state of the rules, so that rules with ``in_state`` take turns.

    The value is a string; the initial state is ``start``.
    """

    word = "set_state"
    help = "name of the new state; the initial state is start"
    example = "down"

    def __init__(self, value: object) -> None:
        self.state = text(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.set_state = self.state
