"""Paths that need no token and lead nowhere: what the real server opens by prefix and no endpoint answers."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import Operation, unsupported_path


def declare(engine: Engine, *prefixes: str) -> None:
    """Declare everything below ``prefixes`` that no endpoint before it answers."""

    def nowhere(state: object, call: Call) -> None:
        raise unsupported_path()

    for prefix in prefixes:
        path = engine.path(f"{prefix}/{{rest:all}}", login=True, help="Needs no token, but leads nowhere.")
        path.on(*(set(Operation) - {Operation.HELP, Operation.INTERNAL}))(nowhere)
