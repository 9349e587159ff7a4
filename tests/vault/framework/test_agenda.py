"""The agenda of a mount names the records that a look at all of them would find due."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from mockkms.vault.framework.agenda import Agenda, drop_expired


@dataclass
class Job:
    """Something that is due at times."""

    due: float | None


class Count:
    """How often the time of a record was looked up."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, job: Job) -> float | None:
        self.looks += 1
        return job.due


@pytest.mark.parametrize("seed", range(8))
def test_what_is_due_is_found_after_any_changes(seed: int) -> None:
    chance, agenda, now = random.Random(seed), Agenda(), 0.0
    jobs: dict[str, Job] = {}
    found_some = False
    for _ in range(1500):
        name = f"j{chance.randrange(30)}"
        now += chance.choice((0, 0, 1, 5, -2))
        expected = {name for name, job in jobs.items() if job.due is not None and job.due <= now}
        found = agenda.due(jobs, lambda job: job.due, now, [name])
        assert set(found) == expected
        assert len(found) == len(expected)
        assert [jobs[name].due for name in found] == sorted(jobs[name].due or 0 for name in found)
        found_some = found_some or bool(found)
        for due in found:
            if chance.random() < 0.8:  # The others failed, and are due again at once.
                jobs[due].due = chance.choice((None, now + chance.randrange(1, 40)))
        match chance.randrange(4):
            case 0:
                jobs[name] = Job(chance.choice((None, now - 1, now + chance.randrange(60))))
            case 1:
                jobs.pop(name, None)
            case 2 if chance.random() < 0.05:
                jobs = {name: Job(job.due) for name, job in jobs.items()}  # A restored snapshot.
    assert found_some


def test_only_records_that_may_have_changed_are_looked_at() -> None:
    jobs, look, agenda = {f"j{number}": Job(100.0 + number) for number in range(1000)}, Count(), Agenda()
    assert agenda.due(jobs, look, 0.0) == []
    look.looks = 0
    for moment in range(50):
        assert agenda.due(jobs, look, float(moment), ["j7"]) == []
    assert look.looks == 49
    assert agenda.due(jobs, look, 102.0, ["j7"]) == ["j0", "j1", "j2"]
    assert look.looks == 50


def test_a_record_that_is_due_often_does_not_make_the_agenda_longer() -> None:
    jobs, agenda = {"a": Job(1e9), "b": Job(0.0)}, Agenda()
    for _ in range(10_000):
        agenda.due(jobs, lambda job: job.due, 0.0, ["a"])
    assert len(agenda._queue) < 100


def test_what_expired_goes_from_the_front_and_nothing_else_is_looked_at() -> None:
    table = {f"j{number}": Job(float(number)) for number in range(1000)}
    looks = 0

    def expires(job: Job) -> float:
        nonlocal looks
        looks += 1
        return job.due or 0.0

    drop_expired(table, expires, 2.0)
    assert next(iter(table)) == "j3"
    assert len(table) == 997
    assert looks == 4
    drop_expired(table, expires, 2000.0)
    drop_expired(table, expires, 2000.0)
    assert table == {}
