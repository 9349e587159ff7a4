"""Reads what a report says about one server: linter, privileges, fault rules, paths that are not emulated."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from mockkms.faults.addresses import TOKEN, TOKEN_FORM
from mockkms.remote.document import RemoteError
from mockkms.report.model import RuleUse, Usage
from mockkms.world.journal.queries import read_query

if TYPE_CHECKING:
    from mockkms.api import Kms

MOST = 500
"""Bound of the findings, rules and requests of one test: it may send a million requests."""


def observe(
    use: Usage, kms: Kms, *, lint: bool = True, given: Collection[str] = (), allowed: Sequence[str] = ()
) -> None:
    """Add to ``use`` what is known of a server; a server that cannot be read is named in ``use.problems``.

    ``given``: ids of the rules that come from worlds and markers. ``allowed``: globs of paths that may be unhandled.
    """
    try:
        _observe(use, kms, given, allowed, lint=lint)
    except (RemoteError, ValueError) as error:
        use.problems.append(f"{_place(kms)}: {error}")


def _place(kms: Kms) -> str:
    try:
        return kms.url
    except RuntimeError:  # It was stopped by its test.
        return repr(kms)


def _observe(use: Usage, kms: Kms, given: Collection[str], allowed: Sequence[str], *, lint: bool) -> None:
    use.requests += len(kms.journal)
    if lint:
        use.findings += kms.lint()[: MOST - len(use.findings)]
    found = kms.privileges()
    for path, names in found.needed.items():
        use.needed.setdefault(path, set()).update(names)
    use.grants += found.grants
    idle = {rule.id for rule in kms.faults.unfired}
    for rule in list(kms.faults)[: MOST - len(use.rules)]:
        # Rules that are not enabled need not fire.
        if rule.fired or rule.id in idle:
            text = TOKEN_FORM.sub(TOKEN, json.dumps(rule.words, default=str, ensure_ascii=False))
            use.rules.append(RuleUse(rule.id, text, rule.matched, rule.fired, rule.id in given))
    fits = read_query({"path": [*allowed]}, {}) if allowed else None
    for entry in kms.journal.entries(unhandled=True):
        line = f"{entry.operation} {entry.shown_path}"
        if len(use.unhandled) < MOST and line not in use.unhandled and (fits is None or not fits(entry)):
            use.unhandled.append(line)
