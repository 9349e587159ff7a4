"""``remote.faults``: the fault rules of a server elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from mockkms.faults.parsing import FaultError
from mockkms.remote.wire import RemoteError, Wire

_COUNTS = ("id", "seed", "matched", "fired")


class RemoteRule:
    """A rule elsewhere. Its counts are asked for each time; once it is gone, they stay as they were last."""

    def __init__(self, wire: Wire, data: dict[str, Any]) -> None:
        self._wire, self._data = wire, data
        self.id: str = data["id"]

    def describe(self) -> dict[str, Any]:
        """The rule as data, with its counts."""
        try:
            self._data = self._wire.call("GET", "faults/" + quote(self.id, safe=""))
        except RemoteError as error:
            if error.status != 404:
                raise
        return dict(self._data)

    @property
    def words(self) -> dict[str, Any]:
        """What the rule was made of."""
        return {word: value for word, value in self._data.items() if word not in _COUNTS}

    @property
    def note(self) -> str:
        """A text for people."""
        return str(self._data.get("note", ""))

    @property
    def matched(self) -> int:
        """Requests that fitted while the rule was in force."""
        return int(self.describe()["matched"])

    @property
    def fired(self) -> int:
        """Requests it did something to."""
        return int(self.describe()["fired"])

    def __repr__(self) -> str:
        return f"<RemoteRule {self.id}: {self._data}>"


class RemoteScript:
    """A script elsewhere, as it was when asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = {word: value for word, value in data.items() if word != "ok"}
        self.id: str = data["id"]
        self.at: int = data["at"]
        """Steps done."""
        self.complaints: list[str] = data["complaints"]

    def left(self) -> list[str]:
        """The steps that were not met yet."""
        return list(self._data["left"])

    def describe(self) -> dict[str, Any]:
        """The script's progress as data."""
        return dict(self._data)


class RemoteFaults:
    """As ``RuleBook``, of a world elsewhere."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def add(self, match: Any = None, /, **words: Any) -> RemoteRule:
        """Add a rule. Raises FaultError (a ValueError) for a word or value that the server does not know."""
        if match is not None and "match" in words:
            raise FaultError("the match is given twice")
        if match is not None:
            words = dict(match) if isinstance(match, dict) and not words else {"match": match, **words}
        try:
            return self._added(words)[0]
        except FaultError as error:
            raise FaultError(error.message, error.path.removeprefix("[0]").removeprefix(".")) from None

    def extend(self, rules: Any) -> list[RemoteRule]:
        """Add rules from data: a list of rules, or of a script. All or none."""
        return self._added(rules)

    def _added(self, rules: Any) -> list[RemoteRule]:
        return [RemoteRule(self._wire, data) for data in self._wire.call("POST", "faults", rules)["rules"]]

    def script(self, steps: Any) -> RemoteScript:
        """Follow a script: every request must be its next step. Raises FaultError."""
        return RemoteScript(self._wire.call("POST", "script", steps))

    @property
    def current_script(self) -> RemoteScript | None:
        """The script that is followed."""
        try:
            return RemoteScript(self._wire.call("GET", "script"))
        except RemoteError as error:
            if error.status != 404:
                raise
            return None

    def remove(self, id: str) -> bool:
        """Take a rule away; False where there is none of that id."""
        try:
            self._wire.call("DELETE", "faults/" + quote(id, safe=""))
        except RemoteError as error:
            if error.status != 404:
                raise
            return False
        return True

    def clear(self) -> None:
        """Take all rules and the script away."""
        self._wire.call("DELETE", "faults")

    def list(self) -> list[RemoteRule]:
        """All rules, in order."""
        return [RemoteRule(self._wire, data) for data in self._wire.call("GET", "faults")["rules"]]

    def get(self, id: str) -> RemoteRule:
        """The rule of that id. Raises KeyError."""
        for rule in self:
            if rule.id == id:
                return rule
        raise KeyError(id)

    @property
    def state(self) -> str:
        """The rules' state, as ``set_state`` left it."""
        return str(self._wire.call("GET", "faults")["state"])

    @state.setter
    def state(self, value: str) -> None:
        self._wire.call("POST", "state", {"set_state": value})

    @property
    def header(self) -> bool:
        """Answers name the rules that made or changed them in ``X-Mockkms-Fault``."""
        return bool(self._wire.call("GET", "state")["fault_header"])

    @header.setter
    def header(self, value: bool) -> None:
        self._wire.call("POST", "state", {"fault_header": value})

    @property
    def unfired(self) -> tuple[RemoteRule, ...]:
        """The rules that never fired."""
        rules = self._wire.call("GET", "faults")["rules"]
        return tuple(RemoteRule(self._wire, data) for data in rules if not data["fired"])

    def problems(self) -> tuple[str, ...]:
        """What a test should hear of at its end."""
        return tuple(self._wire.call("GET", "faults")["problems"])

    def assert_all_fired(self) -> None:
        """Raise AssertionError where a rule never fired or a script was not followed to its end."""
        self._wire.call("POST", "journal/assert", {"faults_fired": True})

    def assert_script_done(self) -> None:
        """Raise AssertionError where the script met something unexpected or has steps left."""
        self._wire.call("POST", "journal/assert", {"script_done": True})

    def describe(self) -> str:
        """The rules with their counts as lines for people; empty where there are none."""
        return str(self._wire.call("GET", "faults?format=table")).rstrip("\n")

    def __iter__(self) -> Iterator[RemoteRule]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())
