"""Sends a scenario to a server and tells in which steps it answers otherwise than the real one did."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from typing import Any

from mockkms import MockKMS
from tests.parity.compare import differences
from tests.parity.compute import compute
from tests.parity.normalise import normalise
from tests.parity.scenarios import Scenario
from tests.parity.scrub import MEMORABLE
from tests.parity.wire import Answer, Wire

_VARIABLE = re.compile(r"\$\{(\w+)\}")


class NotSentError(Exception):
    """A step asks for a value that was never captured."""


def replay(kms: MockKMS, scenario: Scenario, unseal_key: str) -> tuple[dict[str, list[str]], str]:
    """Run every step against ``kms``, moving its clock where a step waits.

    Returns what differs by step id (equal steps left out), and the unseal key (base64) that holds afterwards.
    """
    run = _Run(kms, scenario, unseal_key)
    try:
        run.tidy()
        for request in scenario.given:
            run.wire.send(request)
        found = {step["id"]: lines for step in scenario.steps if (lines := run.step(step))}
        run.tidy()
    finally:
        run.wire.close()
    return found, str(run.variables["unseal_key"])


class _Run:
    def __init__(self, kms: MockKMS, scenario: Scenario, unseal_key: str) -> None:
        self.kms = kms
        self.scenario = scenario
        self.wire = Wire(kms.url, kms.token)
        self.variables: dict[str, Any] = dict(scenario.variables)
        for name, value in scenario.variables.items():
            self.variables[name] = _filled(value, self.variables)
        self.variables |= {"root": kms.token, "unseal_key": unseal_key}
        self.captured: dict[str, str] = {}

    def tidy(self) -> None:
        """Send what removes the scenario's leftovers."""
        for request in self.scenario.cleanup:
            try:
                self.wire.send(_filled(request, self.variables))
            except NotSentError:
                continue
            self.kms.clock.advance(request.get("wait", 0))

    def step(self, step: Mapping[str, Any]) -> list[str]:
        """Send one step; what differs from its recording."""
        try:
            for name, call in step.get("compute", {}).items():
                given = _filled(call, self.variables)
                self.variables[name] = compute(given.pop("fn"), given, self.kms.clock.now())
            request = _filled(step["request"], self.variables)
        except NotSentError as error:
            return [] if step["want"] is None else [f"request: not sent, ${{{error}}} was never captured"]
        self.kms.clock.advance(step.get("wait", 0))
        try:
            answer = self.wire.send(request)
        except (OSError, http.client.HTTPException) as error:
            self.wire.close()
            return [f"request: no answer, {type(error).__name__}"]
        seen = normalise(step, request["path"], answer, self.captured)
        missing = self._capture(step.get("capture", {}), answer)
        return [] if step["want"] is None else [*differences(step["want"], seen), *missing]

    def _capture(self, wanted: Mapping[str, str], answer: Answer) -> list[str]:
        try:
            body = json.loads(answer.body or b"null") if wanted else None
        except ValueError:
            body = None
        missing = []
        for name, place in wanted.items():
            try:
                value = _dig(body, place)
            except LookupError:
                self.variables.pop(name, None)
                missing.append(f"capture: {name} has no {place}")
                continue
            self.variables[name] = value
            if isinstance(value, str) and len(value) >= MEMORABLE:
                self.captured[name] = value
        return missing


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """``${name}`` replaced at any depth; alone in a string it keeps its type. Raises NotSentError."""
    if isinstance(value, dict):
        return {_filled(key, variables): _filled(below, variables) for key, below in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value

    def named(name: str) -> Any:
        if name not in variables:
            raise NotSentError(name)
        return variables[name]

    lone = _VARIABLE.fullmatch(value)
    return named(lone[1]) if lone else _VARIABLE.sub(lambda found: str(named(found[1])), value)


def _dig(value: Any, place: str) -> Any:
    """What stands at a dotted place. Raises LookupError."""
    for part in place.split("."):
        if isinstance(value, list) and part.lstrip("-").isdigit():
            value = value[int(part)]
        elif isinstance(value, dict):
            value = value[part]
        else:
            raise LookupError(part)
    return value
