"""Version histories compared with a plain model, on a frozen clock."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.vault.driving import World

PATHS = st.sampled_from(["a", "dir/b"])
NUMBERS = st.integers(0, 6)


@dataclass
class Entry:
    value: int
    deleted: bool = False
    destroyed: bool = False


@dataclass
class History:
    versions: dict[int, Entry] = field(default_factory=dict)
    current: int = 0


class Histories(RuleBasedStateMachine):
    """Writes, deletes, undeletes and destroys; every version must read as the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.write("secret/config", {"max_versions": 3})
        self.model: dict[str, History] = {}

    @rule(path=PATHS, value=st.integers(-5, 5))
    def write(self, path: str, value: int) -> None:
        history = self.model.setdefault(path, History())
        answer = self.world.write(f"secret/data/{path}", {"data": {"v": value}, "options": {"cas": history.current}})
        assert answer.data is not None
        history.current += 1
        assert answer.data["version"] == history.current
        history.versions[history.current] = Entry(value)
        history.versions.pop(history.current - 3, None)

    @rule(path=PATHS)
    def write_with_a_stale_number(self, path: str) -> None:
        wrong = self.model.get(path, History()).current + 1
        assert self.world.write(f"secret/data/{path}", {"data": {}, "options": {"cas": wrong}}).status == 400

    @rule(path=PATHS)
    def delete_current(self, path: str) -> None:
        self.world.ask("delete", f"secret/data/{path}")
        history = self.model.get(path)
        if history and history.current in history.versions:
            history.versions[history.current].deleted = True

    @rule(path=PATHS, number=NUMBERS, action=st.sampled_from(["delete", "undelete", "destroy"]))
    def mark(self, path: str, number: int, action: str) -> None:
        assert self.world.write(f"secret/{action}/{path}", {"versions": [number]}).status == 204
        entry = self.model.get(path, History()).versions.get(number)
        if entry is None or entry.destroyed:
            return
        if action == "destroy":
            entry.destroyed = True
        else:
            entry.deleted = action == "delete"

    @rule(path=PATHS)
    def remove(self, path: str) -> None:
        self.world.ask("delete", f"secret/metadata/{path}")
        self.model.pop(path, None)

    @rule(seconds=st.integers(0, 10**6))
    def wait(self, seconds: int) -> None:
        self.world.later(seconds)

    @invariant()
    def every_version_reads_as_it_should(self) -> None:
        for path, history in self.model.items():
            for number in range(1, history.current + 1):
                answer = self.world.ask("read", f"secret/data/{path}", {"version": number})
                entry = history.versions.get(number)
                if entry is None:
                    assert (answer.status, answer.errors) == (404, [])
                    continue
                assert answer.data is not None
                gone = entry.deleted or entry.destroyed
                assert answer.status == (404 if gone else 0)
                assert answer.data["data"] == (None if gone else {"v": entry.value})
                assert answer.data["metadata"]["destroyed"] == entry.destroyed

    @invariant()
    def lists_show_what_there_is(self) -> None:
        listed = self.world.ask("scan", "secret/metadata/").data
        assert sorted((listed or {}).get("keys", [])) == sorted(self.model)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=25, stateful_step_count=20)
