"""Routes of the control API for fault rules and the script. Request and response bodies are JSON objects."""

from __future__ import annotations

from mockkms.faults.parsing import flag, mapping, unknown_rule, within
from mockkms.faults.rule import Rule
from mockkms.server.control.routing import FORMATS, ControlError, ControlRequest, route


@route("GET", "faults", "All rules with their counts; format=table for text", query={"format": FORMATS}, slow=True)
def list_faults(request: ControlRequest) -> dict[str, object] | str:
    """Return the rules, their state, and the problems that a test should report; or the rules as text."""
    book = request.world.faults
    if request.query.get("format") == "table":
        return book.describe()
    return {"rules": [rule.describe() for rule in book.list()], "state": book.state, "problems": book.problems()}


@route(
    "POST",
    "faults",
    "Add a rule, or a list of them (all or none)",
    body="a rule, or a list of rules",
    slow_if_large=True,
)
def add_faults(request: ControlRequest) -> dict[str, object]:
    """Return the rules that were added, with their ids. Raises FaultError for an invalid one; none is added then."""
    if request.data is None:
        raise ControlError(400, "the body is empty; expected a rule, or a list of rules")
    added = request.world.faults.extend(request.data)
    return {"ok": True, "rules": [rule.describe() for rule in added], "id": added[0].id if len(added) == 1 else None}


@route("DELETE", "faults", "Remove all rules and the script, and stop chaos")
def clear_faults(request: ControlRequest) -> dict[str, object]:
    """Remove everything that injects faults; a server that refuses or ignores connections listens again."""
    request.world.faults.clear()
    request.world.overdue()  # What ends a phase of chaos.
    request.host.listen_again()
    return {"ok": True}


@route("GET", "faults/{id}", "One rule with its counts")
def get_fault(request: ControlRequest) -> dict[str, object]:
    """Return one rule. Raises ControlError (404) for an unknown id."""
    return _rule(request).describe()


def _rule(request: ControlRequest) -> Rule:
    name, book = request.names["id"], request.world.faults
    if all(rule.id != name for rule in book):
        raise ControlError(404, str(unknown_rule(name, (rule.id for rule in book))))
    return book.get(name)


@route("POST", "faults/{id}", "Enable or disable one rule; its counts stay", body="{enabled: true | false}")
def switch_fault(request: ControlRequest) -> dict[str, object]:
    """Return the rule, enabled or disabled. Raises ControlError, with status 404 for an unknown id."""
    words = mapping(request.data, ("enabled",))
    if "enabled" not in words:
        raise ControlError(400, "enabled: expected true or false")
    book = request.world.faults
    with within("enabled"):
        enabled = flag(words["enabled"])
    (book.enable if enabled else book.disable)(_rule(request).id)
    return _rule(request).describe()  # The book has replaced the rule.


@route("DELETE", "faults/{id}", "Remove one rule")
def remove_fault(request: ControlRequest) -> dict[str, object]:
    """Remove one rule. Raises ControlError (404) for an unknown id."""
    request.world.faults.remove(_rule(request).id)
    return {"ok": True}


@route("GET", "script", "The script's progress")
def get_script(request: ControlRequest) -> dict[str, object]:
    """Return the progress of the script. Raises ControlError (404) if no script is active."""
    script = request.world.faults.current_script
    if script is None:
        raise ControlError(404, "no script is active")
    return script.describe()


@route(
    "POST",
    "script",
    "Follow a script: every request must be its next step",
    body="a list of steps, or a script",
    slow_if_large=True,
)
def set_script(request: ControlRequest) -> dict[str, object]:
    """Start a script in place of an earlier one, and return it. Raises FaultError."""
    return {"ok": True, **request.world.faults.script(request.data).describe()}
