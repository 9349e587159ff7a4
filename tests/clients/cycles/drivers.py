"""Clients that carry out the requests of rows: hvac, and a Go program with Vault's own module."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import hvac
from hvac import exceptions

from tests.clients.cycles.rows import Step, with_values

_STATUS = {
    exceptions.InvalidRequest: 400,
    exceptions.Forbidden: 403,
    exceptions.InvalidPath: 404,
    exceptions.PreconditionFailed: 412,
    exceptions.InternalServerError: 500,
}


@dataclass(frozen=True)
class Answer:
    """What a client makes of an answer: nothing is 404 for reads and lists, 204 for others."""

    status: int
    data: dict[str, Any] = field(default_factory=dict)
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def member(self, dotted: str) -> Any:
        """A member of the data, which may be below others."""
        found: Any = self.data
        for name in dotted.split("."):
            found = found[int(name) if isinstance(found, list) else name]
        return found


Lives = Mapping[str, Sequence[Step]]


def _with_hvac(client: hvac.Client, step: Step, path: str, data: Any) -> Any:
    if step.verb == "write":
        return client.write_data(path, data=data or {})
    call: Callable[[str], Any] = {"read": client.read, "list": client.list, "delete": client.delete}[step.verb]
    return call(path)


def by_hvac(client: hvac.Client, steps: Sequence[Step]) -> list[Answer]:
    """The answers to one life through hvac's generic methods."""
    saved: dict[str, str] = {}
    answers = []
    for step in steps:
        try:
            found = _with_hvac(client, step, with_values(step.path, saved), with_values(step.data, saved))
        except exceptions.VaultError as error:
            answers.append(Answer(_STATUS.get(type(error), 405), errors=tuple(error.errors or ())))
            continue
        if isinstance(found, dict):
            answer = Answer(200, found.get("data") or {}, (), found.get("warnings") or ())
        else:
            answer = Answer(404 if step.verb in ("read", "list") else 204)
        answers.append(answer)
        saved |= {name: answer.member(place) for name, place in step.save.items()} if answer.data else {}
    return answers


def by_go(program: str, url: str, token: str, lives: Lives) -> dict[str, list[Answer]]:
    """The answers to many lives, by name, through ``Logical()`` of Vault's Go module."""
    asked = {
        name: [
            {"verb": step.verb, "path": step.path, "data": step.data or {}, "save": dict(step.save)} for step in steps
        ]
        for name, steps in lives.items()
    }
    done = subprocess.run(
        [program, url, token], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {
        name: [
            Answer(one["status"], one["data"] or {}, tuple(one["errors"] or ()), tuple(one["warnings"] or ()))
            for one in answers
        ]
        for name, answers in json.loads(done.stdout).items()
    }
