"""``remote.faults``: the fault rules of a remote server."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from mockkms.arguments import check_arguments, check_attribute
from mockkms.faults.parsing import FaultError, UnknownRule, unknown_rule
from mockkms.remote.document import Document, RemoteError
from mockkms.remote.wire import Wire

_COUNTS = ("id", "seed", "matched", "fired")


class RemoteRule:
    """A rule of a remote server. Its counts are fetched each time; once it is removed, the last ones remain."""

    def __init__(self, wire: Wire, document: Document) -> None:
        self._wire, self._document = wire, document
        self.id = document.text("id")

    def describe(self) -> dict[str, object]:
        """Return the rule as data, with its counts."""
        return dict(self._fetched().data)

    def _fetched(self) -> Document:
        try:
            self._document = self._wire.get("faults/" + quote(self.id, safe=""))
        except RemoteError as error:
            if error.status != 404:
                raise
        return self._document

    @property
    def words(self) -> dict[str, object]:
        """The keys of the rule, without its counts."""
        return {word: value for word, value in self._document.data.items() if word not in _COUNTS}

    @property
    def note(self) -> str:
        """The comment of the rule."""
        return str(self._document.data.get("note", ""))

    @property
    def matched(self) -> int:
        """Number of requests that matched while the rule was active."""
        return self._fetched().whole("matched")

    @property
    def fired(self) -> int:
        """Number of requests to which the rule was applied."""
        return self._fetched().whole("fired")

    def __repr__(self) -> str:
        return f"<RemoteRule {self.id}: {self._document.data}>"


class RemoteScript:
    """A script of a remote server, as it was when it was fetched."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.id = document.text("id")
        self.at = document.whole("at")
        """Number of completed steps."""
        self.complaints = document.texts("complaints")

    def left(self) -> list[str]:
        """Return the steps that are still expected."""
        return self._document.texts("left")

    def describe(self) -> dict[str, object]:
        """Return the script's progress as data."""
        return {word: value for word, value in self._document.data.items() if word != "ok"}


class RemoteFaults:
    """The interface of ``RuleBook`` for a remote world."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def __repr__(self) -> str:
        return f"<RemoteFaults of {self._wire.url}>"

    def add(self, match: object = None, /, **words: object) -> RemoteRule:
        """Add a rule. Raises FaultError (a ValueError) for an unknown key or an invalid value."""
        if match is not None and "match" in words:
            raise FaultError("`match` is given twice")
        if match is not None:
            words = dict(match) if isinstance(match, dict) and not words else {"match": match, **words}
        try:
            return self._added(words)[0]
        except FaultError as error:
            for one in error.each():
                one.path = one.path.removeprefix("[0]").removeprefix(".")
            raise

    def extend(self, rules: object) -> list[RemoteRule]:
        """Add rules from data: a list of rules, or of a script. All or none."""
        if rules is None:  # A request without a body.
            raise FaultError("expected a list of rules")
        return self._added(rules)

    def _added(self, rules: object) -> list[RemoteRule]:
        return [RemoteRule(self._wire, rule) for rule in self._wire.post("faults", rules).documents("rules")]

    def script(self, steps: object) -> RemoteScript:
        """Start a script: every request must be its next step. Raises FaultError."""
        return RemoteScript(self._wire.post("script", steps))

    @property
    def current_script(self) -> RemoteScript | None:
        """The active script; None if there is none."""
        try:
            return RemoteScript(self._wire.get("script"))
        except RemoteError as error:
            if error.status != 404:
                raise
            return None

    def remove(self, id: str) -> bool:
        """Remove a rule. Return False if no rule has this id."""
        check_arguments({"id": id})
        try:
            self._wire.call("DELETE", "faults/" + quote(id, safe=""))
        except RemoteError as error:
            if error.status != 404:
                raise
            return False
        return True

    def enable(self, id: str) -> None:
        """Let a disabled rule be evaluated again, with its counts. Raises KeyError for an unknown id."""
        self._switch(id, on=True)

    def disable(self, id: str) -> None:
        """Keep a rule and its counts without evaluating it until it is enabled. Raises KeyError for an unknown id."""
        self._switch(id, on=False)

    def _switch(self, id: str, *, on: bool) -> None:
        check_arguments({"id": id})
        try:
            self._wire.call("POST", "faults/" + quote(id, safe=""), {"enabled": on})
        except RemoteError as error:
            if error.status == 404:
                raise UnknownRule(str(error), unknown=id) from None
            raise

    def clear(self) -> None:
        """Remove all rules and the script."""
        self._wire.call("DELETE", "faults")

    def list(self) -> list[RemoteRule]:
        """Return all rules, in order."""
        return [RemoteRule(self._wire, rule) for rule in self._wire.get("faults").documents("rules")]

    def get(self, id: str) -> RemoteRule:
        """Return the rule with this id. Raises KeyError for an unknown id."""
        check_arguments({"id": id})
        rules = self.list()
        for rule in rules:
            if rule.id == id:
                return rule
        raise unknown_rule(id, [rule.id for rule in rules])

    @property
    def state(self) -> str:
        """The state of the rules, set by ``set_state``."""
        return self._wire.get("faults").text("state")

    @state.setter
    def state(self, value: str) -> None:
        check_attribute("state", str, value)
        self._wire.call("POST", "state", {"set_state": value})

    @property
    def header(self) -> bool:
        """Whether responses name the rules that changed them in ``X-Mockkms-Fault``."""
        return self._wire.get("state").flag("fault_header")

    @header.setter
    def header(self, value: bool) -> None:
        check_attribute("header", bool, value)
        self._wire.call("POST", "state", {"fault_header": value})

    @property
    def unfired(self) -> tuple[RemoteRule, ...]:
        """The rules that never fired."""
        rules = self._wire.get("faults").documents("rules")
        return tuple(RemoteRule(self._wire, rule) for rule in rules if not rule.whole("fired"))

    def problems(self) -> tuple[str, ...]:
        """Return the problems that a test should report at its end."""
        return tuple(self._wire.get("faults").texts("problems"))

    def assert_all_fired(self) -> None:
        """Raise AssertionError if a rule never fired or a script was not completed."""
        self._wire.call("POST", "journal/assert", {"faults_fired": True})

    def assert_script_done(self) -> None:
        """Raise AssertionError if the script met an unexpected request or has steps left."""
        self._wire.call("POST", "journal/assert", {"script_done": True})

    def describe(self) -> str:
        """Return the rules with their counts as text; empty without rules."""
        return str(self._wire.call("GET", "faults?format=table")).rstrip("\n")

    def __iter__(self) -> Iterator[RemoteRule]:
        return iter(self.list())

    def __len__(self) -> int:
        return len(self.list())
