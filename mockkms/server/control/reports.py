"""The control API's reports over the journal: the linter's findings and the smallest policy."""

from __future__ import annotations

from typing import Any

from mockkms.server.control.routing import Asked, route
from mockkms.world.journal.least_privilege import privileges
from mockkms.world.journal.linter import lint


@route("GET", "lint", "Bad habits of the client")
def get_lint(asked: Asked) -> Any:
    """Findings with the name of their rule."""
    return {"findings": [{"rule": found.rule, "message": found.message} for found in lint(asked.world)]}


@route("GET", "policy", "The minimal policy for the requests, and unused grants; format=hcl for text")
def get_policy(asked: Asked) -> Any:
    """As data, or as HCL with the unused grants in comments."""
    found = privileges(asked.world)
    if asked.query.get("format") == "hcl":
        return str(found)
    needed = {path: sorted(names) for path, names in sorted(found.needed.items())}
    return {"policy": found.policy, "needed": needed, "unused": found.unused}
