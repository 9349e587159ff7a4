"""A result of an exploration with every outcome, and texts that would break a page that does not escape them."""

from __future__ import annotations

import pytest

from mockkms.explore.results import (
    Cell,
    Exploration,
    ExploredFailure,
    ExploredRequest,
    ExploredTest,
    InjectedFault,
    Outcome,
    Wrong,
)  # fmt: skip

HOSTILE = "</code></script><script>document.title = 'broken'</script>\"'&"
"""A text that must only ever be shown."""
FAILURES = (
    "sealed", "standby", "rate-limited", "internal-error", "bad-gateway-html", "timeout", "reset-before", "reset-after",
    "cut-answer", "permission-denied", "token-expired", "lease-revoked", "stale-read",
)  # fmt: skip
REQUESTS = ("write transit/encrypt/{name}#1", "write transit/keys/{name}/rotate#1", "read secret/data/{path}#1")


def _request(name: str) -> ExploredRequest:
    operation, _, path = name.partition("#")[0].partition(" ")
    target = path.replace("{name}", "orders").replace("{path}", "app/db")
    return ExploredRequest(name, "vault", operation, path, 1, example=f"POST /v1/{target}", status=200)


def _cell(request: str, failure: str, outcome: Outcome, **more: object) -> Cell:
    rule = {"path": "transit/encrypt/*", "answer": "sealed", "times": 1}
    command = f"pytest --mockkms-explore --mockkms-explore-case '{failure}@{request}' test_orders.py::test_order"
    return Cell(
        (InjectedFault(request, failure),), outcome, seconds=0.12, requests=4, rules=(rule,), command=command, **more
    )  # type: ignore[arg-type]


@pytest.fixture
def exploration() -> Exploration:
    """Two tests: one with every outcome and a pair of failures, one that tolerates everything."""
    first, second, third = REQUESTS
    cells = [
        _cell(request, failure, Outcome.TOLERATED)
        for request in REQUESTS
        for failure in FAILURES[2:12]
        if not (request == third and failure == "reset-after")
    ]
    cells += [
        _cell(
            first, "sealed", Outcome.RAISED, exception="hvac.exceptions.VaultDown", where="orders.py:12",
            detail=HOSTILE, log=("   1 503 update POST /v1/transit/encrypt/orders", HOSTILE),
        ),
        _cell(first, "standby", Outcome.FAILED, detail="assert None == 'vault:v1:'", where="test_orders.py:20"),
        _cell(second, "sealed", Outcome.HUNG, detail="it did not end within 5 s", where="orders.py:31"),
        _cell(second, "standby", Outcome.WRONG, kind=str(Wrong.DOUBLE_WRITE), detail="transit/keys/orders: 3 versions"),
        _cell(third, "sealed", Outcome.RAISED, accepted=True, exception="hvac.exceptions.VaultDown"),
        _cell(third, "standby", Outcome.RAISED, known=True, exception="hvac.exceptions.VaultDown"),
        _cell(third, "reset-after", Outcome.MISSED),
        Cell(
            (InjectedFault(first, "timeout"), InjectedFault(second, "sealed")), Outcome.WRONG, str(Wrong.LOST_WRITE),
            command="pytest --pair",
        ),
    ]  # fmt: skip
    failures = tuple(
        ExploredFailure(name, f"what {name} does", name == "reset-after", {"answer": name}) for name in FAILURES
    )
    calm = tuple(_cell(first, name, Outcome.TOLERATED) for name in FAILURES[:5])
    tests = (
        ExploredTest("test_orders.py::test_order", tuple(map(_request, REQUESTS)), tuple(cells), len(cells) + 2, 2),
        ExploredTest("test_orders.py::test_calm", (_request(first),), calm, len(calm)),
        ExploredTest("test_orders.py::test_slow", skipped=f"it needs more than 60 s {HOSTILE}"),
    )
    return Exploration(tests, failures, 2, "2026-11-29T09:00:00Z", 4.2, "0.1.0", baseline="known.json")
