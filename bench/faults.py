"""What fault rules that do not match cost a request."""

from __future__ import annotations

import json

from bench import load

COUNTS = (0, 10, 1000)


def set_rules(port: int, count: int) -> None:
    """Set ``count`` rules, none of which matches an encryption."""
    load.once(port, load.request("DELETE", "/_mockkms/faults"))
    rules = [{"match": f"secret/data/other{number}", "answer": "sealed"} for number in range(count)]
    if rules:
        load.once(port, load.request("POST", "/_mockkms/faults", json.dumps(rules).encode()))
