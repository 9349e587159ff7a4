"""The control API's reports: the linter's findings, the minimal policy, the explanation of a policy decision."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from mockkms.error_context import error_context
from mockkms.faults.parsing import mapping, text, within
from mockkms.server.control.routing import ControlError, ControlRequest, route
from mockkms.server.control.worlds import WorldHandle
from mockkms.world.journal.least_privilege import privileges
from mockkms.world.journal.linter import lint


@route("GET", "lint", "Bad habits of the client", slow=True)
def get_lint(request: ControlRequest) -> dict[str, object]:
    """Return the linter's findings, each with the name of its rule."""
    return {"findings": [{"rule": found.rule, "message": found.message} for found in lint(request.world)]}


@route(
    "GET",
    "policy",
    "The minimal policy for the requests, and unused grants; format=hcl for text",
    slow=True,
    query={"format": ("json", "hcl")},
)
def get_policy(request: ControlRequest) -> dict[str, object] | str:
    """Return the policy as data, or as HCL with the unused grants in comments."""
    found = privileges(request.world)
    if request.query.get("format") == "hcl":
        return str(found)
    needed = {path: sorted(names) for path, names in sorted(found.needed.items())}
    grants = [asdict(grant) for grant in found.grants]
    return {"policy": found.policy, "needed": needed, "unused": found.unused, "grants": grants}


@route("POST", "explain", "Explain the policy decision for a token", body="{token | accessor, operation, path}")
def explain(request: ControlRequest) -> dict[str, object]:
    """Return the decision, and the explanation as text. Raises ControlError for an unknown token or operation."""
    keys = ("token", "accessor", "operation", "path")
    words = mapping(request.data, keys)
    given: list[str] = []
    for word in keys:
        with within(word):
            given.append(text(words.get(word, "")))
    token, accessor, operation, path = given
    if accessor:
        token = request.world.core.state.tokens.by_accessor.get(accessor, "")
        if not token:
            raise ControlError(404, f"no token has the accessor {accessor!r}")
    with error_context(raised=partial(ControlError, 400)):
        explanation = WorldHandle(request.world).explain(token, operation, path)
    return {"allowed": explanation.allowed, "rule": explanation.decision.rule, "text": str(explanation)}
