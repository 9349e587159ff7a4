"""The rules that may concern a request, found once for each service and path: thousands of rules cost no more than few.

Of the conditions of a rule, the static ones (service, path, mount) are decided here; all others with each request.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.faults.matchers import Matcher
from mockkms.faults.parsing import FaultError
from mockkms.faults.request_view import View
from mockkms.faults.rule import Rule
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED

Rules = tuple[Rule, ...]


class Candidates:
    """A cache of the rules by service and path; it is emptied whenever the rules change."""

    def __init__(self) -> None:
        self._by_path: dict[tuple[str, str, str], Rules] = {}
        self._ignored: set[tuple[str, str]] = set()
        """Services and paths (as sent) to which no rule applies."""

    def forget(self) -> None:
        """Empty the cache."""
        self._by_path, self._ignored = {}, set()

    def excludes(self, service: str, path: str) -> bool:
        """Return whether it is known that no rule concerns ``path``, which is as sent, without query."""
        return (service, path) in self._ignored

    def of(self, view: View, injected: Rules, rules: Rules) -> Rules:
        """Return those of the enabled rules whose static conditions a request meets, in their order.

        Raises FaultError if a regular expression would take too long.
        """
        known = (view.service, view.path, view.target.partition("?")[0])
        found = self._by_path.get(known)
        if found is None:
            enabled = (rule for rule in (*injected, *rules) if rule.enabled and not rule.of_connections)
            found = tuple(rule for rule in enabled if fits(rule, rule.static, view))
            if len(self._by_path) >= MOST_CACHED:
                self.forget()
            if len(known[1]) <= LONGEST_CACHED and len(known[2]) <= LONGEST_CACHED:
                self._by_path[known] = found
                if not found:
                    self._ignored.add((view.service, known[2]))
        return found


def fits(rule: Rule, conditions: Iterable[Matcher], view: View) -> bool:
    """Return whether a request meets all ``conditions``, which are a rule's.

    Raises FaultError, which names the rule, if a regular expression would take too long.
    """
    try:
        return all(condition(view) for condition in conditions)
    except FaultError as error:
        error.prefix(f"rule {rule.id!r}: match")
        raise
