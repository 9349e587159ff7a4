"""Judgement of runs that passed: was something lost, written twice, or used after its end, without being noticed?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mockkms.explore.observing import Observation, SeenRequest
from mockkms.explore.places import Place
from mockkms.explore.planning import Case
from mockkms.explore.results import Wrong
from mockkms.explore.states import differences

_LOOKS = ("auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self")
"""Requests by which a client finds out about its token, or gives it up."""
_MOST_RETRIES = 2
"""Repetitions of a request with a token that has ended which are a retry, not a use."""
_SLACK = 0.05
"""Seconds that a client may be early, for the inaccuracy of the measurement."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong with a run that passed."""

    kind: Wrong
    detail: str


class Judge:
    """Compares runs with two runs without failures; the effects of the writes of ``plain`` are known."""

    def __init__(self, plain: Observation, again: Observation) -> None:
        self._plain, self._again = plain, again
        self._effective = {seen.place for seen in plain.requests if seen.effective}
        """The places of writes that change the state."""
        self._writes = _applied(plain, self._effective)
        steady = _applied(again, self._effective)
        self._unsteady = {place for place in self._effective if self._writes[place] != steady[place]}
        """Places to which two plain runs write differently often."""

    def complaint(self, run: Observation, case: Case) -> Complaint | None:
        """Return what is wrong with a run that passed; None if nothing is."""
        for one in (*self._doubled(run), *_used(run, case), *_hurried(run), *self._lost(run), *self._other(run)):
            return one
        return None

    def _doubled(self, run: Observation) -> Iterator[Complaint]:
        struck = next((seen for seen in run.requests if seen.injected and seen.writes), None)
        if run.doubled and struck is not None:
            yield Complaint(Wrong.DOUBLE_WRITE, f"{struck.place} took effect again: {run.doubled}")
            return
        made = _applied(run, self._effective)
        for place in self._steady():
            if made[place] > self._writes[place]:
                changed = self._changed(run)
                if changed:
                    count = f"{made[place]} times instead of {self._writes[place]}"
                    yield Complaint(Wrong.DOUBLE_WRITE, f"{place} took effect {count}: {changed}")
                    return

    def _lost(self, run: Observation) -> Iterator[Complaint]:
        made = _applied(run, self._effective)
        for place in self._steady():
            if made[place] < self._writes[place]:
                count = f"{made[place]} of {self._writes[place]} times"
                yield Complaint(Wrong.LOST_WRITE, f"{place} took effect {count}, and nothing noticed")
                return

    def _other(self, run: Observation) -> Iterator[Complaint]:
        changed = self._changed(run)
        if changed:
            yield Complaint(Wrong.OTHER_STATE, changed)

    def _steady(self) -> list[Place]:
        return [place for place in self._writes if place not in self._unsteady]

    def _changed(self, run: Observation) -> str:
        """Return the first difference of the final states; empty if there is none."""
        for server, state in run.states.items():
            plain, again = self._plain.states.get(server), self._again.states.get(server)
            if plain is not None and again is not None:
                for one in differences(plain, again, state):
                    return one if server == 0 else f"server {server}: {one}"
        return ""


def _applied(run: Observation, places: set[Place]) -> Counter[Place]:
    """Count the writes of a run to these places that took effect, in order of the first one."""
    found: Counter[Place] = Counter()
    for seen in run.requests:
        if seen.place in places and (seen.injected_applied or (not seen.injected and 200 <= seen.entry.status < 400)):
            found[seen.place] += 1
    return found


def _used(run: Observation, case: Case) -> Iterator[Complaint]:
    """Complain of a client that goes on using a token or a lease after it was told of its end."""
    for number, failure in enumerate(case.failures, 1):
        struck = run.struck(number)
        if struck is None:
            continue
        after = run.requests[run.requests.index(struck) + 1 :]
        if failure.words.get("revoke") is True:
            uses = [seen for seen in after if seen.entry.token == struck.entry.token and seen.entry.path not in _LOOKS]
            others = [seen for seen in uses if not seen.equals(struck)]
            if others or len(uses) > _MOST_RETRIES:
                example = (others or uses)[0].place
                yield Complaint(Wrong.USED_AFTER_END, f"the token was used {_times(uses)} after its end, for {example}")
        elif "expire" in failure.words:
            uses = [seen for seen in after if seen.equals(struck) and seen.failed]
            if uses and not any(b'"lease_id":"' in seen.entry.answer for seen in after if not seen.failed):
                yield Complaint(Wrong.USED_AFTER_END, f"the lease was used {_times(uses)} after its end")


def _hurried(run: Observation) -> Iterator[Complaint]:
    """Complain of a client that repeats a request before the time that it was asked to wait for."""
    for place, seen in enumerate(run.requests):
        asked = seen.entry.retry_after
        if not asked or not seen.injected:
            continue
        retry = next((one for one in run.requests[place + 1 :] if one.equals(seen)), None)
        # An answer that was delayed, or a clock that the test has frozen, leaves the arrival unknown.
        waited = retry.at - seen.at if retry is not None else asked
        if retry is not None and waited + _SLACK < asked:
            text = f"{retry.place} was repeated after {waited:.2f} s, the answer asked for {asked:g} s"
            yield Complaint(Wrong.RETRY_AFTER_IGNORED, text)


def _times(uses: Sequence[SeenRequest]) -> str:
    return "once" if len(uses) == 1 else f"{len(uses)} times"
