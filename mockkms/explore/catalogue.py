"""The catalogue of failures: what each one is, to which requests it applies, and which sets have it.

Own failures come from a YAML file, a mapping of names to fault kinds as in a rule::

    slow-storage: {delay: 3s, help: the storage takes three seconds}
    read-only: {match: {operation: write}, answer: {status: 500, errors: [read only]}}
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mockkms.explore import ExploreError
from mockkms.explore.observing import Observation, SeenRequest
from mockkms.explore.results import ExploredFailure

Words = Mapping[str, object]
Applies = Callable[[SeenRequest, Observation], bool]
SETS = ("smoke", "default", "all")
CUT_AFTER = 20
"""Bytes of the body before ``cut``."""
_STATUS_PATHS = ("sys/health", "sys/seal-status", "sys/leader", "sys/init")
"""Answered without a token, and from the state of the node."""
_OWN_TOKEN = ("auth/token/revoke-self",)


@dataclass(frozen=True)
class Failure:
    """One way in which a request can fail."""

    name: str
    help: str
    words: Words
    """The fault kinds of the rule, and ``applied``."""
    applied: bool = False
    """Whether the request takes effect although the client sees a failure."""
    smallest: str = "all"
    """The smallest set that has it."""
    applies: Applies = lambda seen, run: True
    waits: bool = False
    """Whether a client without a time-out waits until the limit of the run."""

    def shown(self) -> ExploredFailure:
        """Return the failure as a column of the result."""
        return ExploredFailure(self.name, self.help, self.applied, dict(self.words))


def _any_vault(seen: SeenRequest, run: Observation) -> bool:
    return seen.entry.service == "vault"


def _decided(seen: SeenRequest, run: Observation) -> bool:
    """Return whether policies decide about the request."""
    return seen.entry.service != "vault" or seen.entry.path not in _STATUS_PATHS


def _has_body(seen: SeenRequest, run: Observation) -> bool:
    return len(seen.entry.answer) > CUT_AFTER and seen.entry.method != "HEAD"


def _answers_json(seen: SeenRequest, run: Observation) -> bool:
    return seen.entry.status == 200 and seen.entry.method != "HEAD"


def _own_token(seen: SeenRequest, run: Observation) -> bool:
    """Return whether the request has a token that may end without ending the test's own access: not a root token."""
    entry = seen.entry
    return bool(entry.token and entry.accessor) and "root" not in entry.policies and entry.path not in _OWN_TOKEN


def _names_lease(seen: SeenRequest, run: Observation) -> bool:
    return seen.entry.service == "vault" and seen.entry.path.startswith(
        ("sys/leases/renew", "sys/leases/lookup", "sys/renew")
    )


def _reads(seen: SeenRequest, run: Observation) -> bool:
    return seen.entry.operation in ("read", "list") and seen.entry.path not in _STATUS_PATHS


def _reads_after_write(seen: SeenRequest, run: Observation) -> bool:
    """Return whether a replica that lags behind could answer differently: the mount was written to before."""
    entry = seen.entry
    if entry.service != "vault" or entry.operation not in ("read", "list") or entry.path in _STATUS_PATHS:
        return False
    for before in run.requests:
        if before is seen:
            return False
        if before.server == seen.server and before.writes and not before.failed and before.entry.mount == entry.mount:
            return True
    return False


FAILURES = (
    Failure("sealed", "503: the server is sealed", {"answer": "sealed"}, smallest="smoke"),
    Failure(
        "standby", "503: no active node", {"answer": "standby"}, smallest="default", applies=_any_vault
    ),
    Failure(
        "rate-limited", "429 with Retry-After: 1", {"answer": {"preset": "rate-limited", "retry_after": 1}},
        smallest="smoke", applies=_decided,
    ),
    Failure("internal-error", "500", {"answer": "internal-error"}, smallest="default"),
    Failure("bad-gateway", "502 with HTML, from a proxy", {"answer": "bad-gateway"}, smallest="default"),
    Failure("timeout", "no answer", {"hang": True}, smallest="default", waits=True),
    Failure(
        "reset-before", "the connection is reset before the request takes effect", {"lose_request": "reset"},
        smallest="smoke",
    ),
    Failure(
        "reset-after", "the request takes effect, and its answer is lost by a reset", {"lose_answer": "reset"},
        applied=True, smallest="smoke",
    ),
    Failure(
        "cut", f"the request takes effect, and its answer ends after {CUT_AFTER} bytes", {"close": CUT_AFTER},
        applied=True, smallest="default", applies=_has_body,
    ),
    Failure(
        "permission-denied", "403: permission denied", {"answer": "permission-denied"}, smallest="smoke",
        applies=_decided,
    ),
    Failure(
        "token-expired", "the token of the request has ended, and stays so", {"revoke": True}, smallest="default",
        applies=_own_token,
    ),
    Failure(
        "lease-revoked", "the newest lease has ended, and stays so", {"expire": "last"}, smallest="default",
        applies=_names_lease,
    ),
    Failure(
        "stale", "a read is answered as before the test", {"stale": "baseline"}, smallest="default",
        applies=_reads_after_write,
    ),
    Failure("gateway-timeout", "504 with HTML, from a proxy", {"answer": "gateway-timeout"}),
    Failure("unavailable", "503 with HTML, from a proxy", {"answer": "unavailable"}),
    Failure("lagging", "412: a replica has not caught up", {"answer": "lagging"}, applies=_any_vault),
    Failure("overloaded", "503 with Retry-After: 2", {"answer": "overloaded"}, applies=_any_vault),
    Failure("slow", "the answer takes three seconds", {"delay": 3}),
    Failure(
        "close-after", "the request takes effect, and the connection is closed", {"lose_answer": "close"}, applied=True
    ),
    Failure(
        "not-json", "200 with a page of a proxy",
        {"answer": {"status": 200, "body": "<html>login</html>", "content_type": "text/html"}}, applies=_answers_json,
    ),
    Failure(
        "empty", "the request takes effect, and the body is empty", {"empty": True}, applied=True,
        applies=_answers_json,
    ),
    Failure("gone", "404: what is read is not there", {"answer": "not-found"}, applies=_reads),
    Failure("restart", "every connection is cut, the state is kept", {"restart": "keep"}),
    Failure("outage", "the server is sealed, and stays so", {"seal": True}, applies=_any_vault),
)  # fmt: skip
"""All failures, in the order of the columns."""


def select(words: Sequence[str], own: Sequence[Failure] = ()) -> list[Failure]:
    """Return the failures of sets and names, in the order of the catalogue, own ones last. Raises ExploreError.

    Own failures are always included, unless only names are given.
    """
    known = {failure.name: failure for failure in (*FAILURES, *own)}
    chosen: set[str] = set()
    words = [word.strip() for part in words for word in part.split(",") if word.strip()] or ["default"]
    for word in words:
        if word in SETS:
            sets = SETS[: SETS.index(word) + 1]
            chosen |= {failure.name for failure in FAILURES if failure.smallest in sets}
            chosen |= {failure.name for failure in own}
        elif word in known:
            chosen.add(word)
        else:
            raise ExploreError(f"no failure {word!r}; {nearest_of(word, [*SETS, *known])}")
    return [failure for name, failure in known.items() if name in chosen]


def nearest_of(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """Return ``did you mean 'x'?`` with the closest known name; if none is close ``otherwise``, or all names."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else otherwise or f"known: {', '.join(known)}"


def read_failures(path: Path) -> list[Failure]:
    """Read own failures from a YAML file. Raises ExploreError, which names the file and the wrong key."""
    from mockkms.worldfile.nodes import read_yaml
    from mockkms.worldfile.problems import SeedError
    from mockkms.worldfile.sources import content

    try:
        # As worlds are read: nothing that aliases expand beyond a bound, no tags.
        text = content(path).text
        given = read_yaml(text, str(path)).plain() if text.strip() else None
    except SeedError as error:
        raise ExploreError("\n".join(str(problem) for problem in error.problems)) from None
    if not isinstance(given, Mapping) or not given:
        raise ExploreError(f"{path}: expected a mapping of names to fault kinds, such as slow: {{delay: 3s}}")
    return [_own(f"{path}: {name}", str(name), words) for name, words in given.items()]


def _own(where: str, name: str, given: object) -> Failure:
    from mockkms.faults.kinds import KINDS
    from mockkms.faults.match import read_match
    from mockkms.faults.parsing import FaultError
    from mockkms.faults.rule import Rule

    if not isinstance(given, Mapping):
        raise ExploreError(f"{where}: expected a mapping of fault kinds, such as {{delay: 3s}}")
    if any(name == failure.name for failure in FAILURES):
        raise ExploreError(f"{where}: the catalogue has a failure of this name")
    allowed = ("help", "match", "applied", "chance", "sequence", *sorted(KINDS))
    for word in given:
        if word not in allowed:
            raise ExploreError(f"{where}: unknown key {word!r}; {nearest_of(str(word), allowed)}")
    words = {str(word): value for word, value in given.items() if word not in ("help", "match")}
    try:
        rule = Rule(words, rule_id=name, now=0, seed=0)
        matcher = read_match(given.get("match") or {})
    except FaultError as error:
        raise ExploreError(f"{where}: {error}") from None
    if rule.of_connections:
        raise ExploreError(f"{where}: a failure strikes a request, and tls applies before there is one")
    return Failure(
        name, str(given.get("help", "")) or ", ".join(map(str, words)), words, rule.applied or "lose_answer" in words,
        "own", lambda seen, run: matcher(seen.entry), "hang" in words,
    )  # fmt: skip
