"""Other answers: given ones, stale ones, and the server's own with another status or other headers."""

from __future__ import annotations

from typing import ClassVar

from mockkms.faults.answers import read_answer, read_headers, read_status
from mockkms.faults.kinds import FaultKind
from mockkms.faults.parsing import only_true
from mockkms.faults.plan import Plan, Turn
from mockkms.faults.request_view import Reply

_REMEMBERED = 1000


class Answer(FaultKind):
    """Answer instead of the core; the request takes no effect unless ``applied`` is given.

    The value is a status, a preset's name, or ``{status, body, errors, data, headers, …}``; ``pass`` lets the core
    answer.
    """

    word = "answer"
    of_response = True
    help = "status | preset | {status, body | json | errors | data, headers, …} | pass"
    example = "sealed"
    final = True
    decides = "the whole response"

    def __init__(self, value: object) -> None:
        self.build = read_answer(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        reply = self.build(turn.view)
        if reply is not None:
            plan.answer = reply


class Stale(FaultKind):
    """Answer with an earlier state, as a lagging replica does.

    With true the first good answer to a method, target and body is repeated; with a name the world of that snapshot
    answers, at the present time and without effect.
    """

    word = "stale"
    of_response = True
    decides = "the whole response"
    help = "true (the first answer to the same request) | name of a snapshot whose world answers, or baseline"
    example = True

    def __init__(self, value: object) -> None:
        self.snapshot = value if isinstance(value, str) else ""
        self.needs_state = bool(self.snapshot)
        if not self.snapshot:
            only_true(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        if self.snapshot:
            plan.snapshot = self.snapshot
            return
        view, memory = turn.view, turn.memory
        question = (view.method, view.target, view.body, view.token)
        known = memory.get(question)
        if known is not None:
            plan.answer = Reply(known.status, known.body, dict(known.headers))
            return

        def remember(reply: Reply) -> Reply:
            if reply.status < 300 and len(memory) < _REMEMBERED:
                memory[question] = Reply(reply.status, reply.body, dict(reply.headers))
            return reply

        plan.edits.append(remember)


class SetStatus(FaultKind):
    """Send the core's answer with another status; the request takes effect."""

    word = "status"
    of_response = True
    help = "200 … 599"
    example = 500

    def __init__(self, value: object) -> None:
        self.status = read_status(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(lambda reply: Reply(self.status, reply.body, reply.headers))


class SetHeaders(FaultKind):
    """Set, replace or remove headers of the answer.

    The value maps names to strings; null removes a header.
    """

    word = "headers"
    of_response = True
    help = "{name: string | null}"
    example: ClassVar[object] = {"Retry-After": "3", "Cache-Control": None}

    def __init__(self, value: object) -> None:
        self.changes = read_headers(value)

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """Return the answer with its headers changed."""
        changed = {name.lower() for name in self.changes}
        kept = {name: text for name, text in reply.headers.items() if name.lower() not in changed}
        return Reply(reply.status, reply.body, kept | {n: t for n, t in self.changes.items() if t is not None})


class SetContentType(FaultKind):
    """Send the body with another ``Content-Type``; null removes the header."""

    word = "content_type"
    of_response = True
    help = "string | null"
    example = "text/html"

    def __init__(self, value: object) -> None:
        self.value = read_headers({"Content-Type": value})["Content-Type"]

    def plan(self, plan: Plan, turn: Turn) -> None:
        plan.edits.append(self.edit)

    def edit(self, reply: Reply) -> Reply:
        """Return the answer with the content type changed."""
        kept = {name: text for name, text in reply.headers.items() if name.lower() != "content-type"}
        return Reply(reply.status, reply.body, kept | ({"Content-Type": self.value} if self.value is not None else {}))
