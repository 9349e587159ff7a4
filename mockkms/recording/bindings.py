"""The values of a recording's placeholders in one replay: what the client sends in their place, else generated values.

A client that writes ``hunter2`` where the recorded one wrote a secret reads ``hunter2`` wherever a later answer
contains that secret.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.recording.exchange import Exchange
from mockkms.recording.placeholders import Form, usable
from mockkms.recording.unify import Found, placeholders_in, slots
from mockkms.world.journal.hiding import Secret

_LONGEST = 1024 * 1024
"""Characters of the longest value that is kept in place of a secret."""
_MOST = 64 * 1024 * 1024
"""Characters of all such values together."""


class Bindings:
    """The values of placeholders."""

    def __init__(self, forms: dict[str, tuple[Form, int]], issued: frozenset[str]) -> None:
        self._forms, self._issued = forms, issued
        self._usable: dict[str, Secret] = {}
        self._names: dict[Secret, str] = {}
        """Placeholders by the made-up value that stands for them."""
        self._bound: dict[str, Secret] = {}
        self._holders: dict[Secret, str] = {}
        """Placeholders by the value that a client sent last in their place."""
        self._size = 0

    def value(self, placeholder: str) -> Secret:
        """Return the value for answers."""
        bound = self._bound.get(placeholder)
        return self._made_up(placeholder) if bound is None else bound

    def knows(self, value: str) -> bool:
        """Return whether a value is bound to a placeholder."""
        return self.holder(value) != ""

    def holder(self, value: Secret) -> str:
        """Return the placeholder to which a value is bound; empty if there is none."""
        return self._holders.get(value) or self._names.get(value) or ""

    def fits(self, placeholder: str, value: Secret) -> bool:
        """Return whether a value can be bound to a placeholder without contradicting earlier requests."""
        if not placeholder:
            return value == ""
        bound = self._bound.get(placeholder)
        if bound is not None:
            return bound == value
        form = self._forms.get(placeholder)
        if form is not None and (form[0].kind == "number") == isinstance(value, str):
            return False
        if self.holder(value) == placeholder or self._made_up(placeholder) == value:
            return True
        # A secret that the recorded server generated can only be sent as the replay has returned it.
        return placeholder not in self._issued and self.holder(value) == ""

    def bind(self, found: Found) -> None:
        """Bind values to placeholders."""
        for placeholder, value in found:
            if not placeholder or value == "" or value == self._made_up(placeholder):
                continue
            holder = self.holder(value)
            if holder not in ("", placeholder) and placeholder in self._issued:
                # The client uses another of its secrets than the recorded client did, not a new value of this one.
                continue
            size = len(value) if isinstance(value, str) else 8
            old = self._bound.pop(placeholder, None)
            if old is not None:
                self._size -= len(old) if isinstance(old, str) else 8
                if self._holders.get(old) == placeholder:
                    del self._holders[old]
            if size <= _LONGEST and self._size + size <= _MOST:
                self._bound[placeholder] = value
                self._holders.setdefault(value, placeholder)
                self._size += size

    def clear(self) -> None:
        """Forget what clients have sent."""
        self._bound.clear()
        self._holders.clear()
        self._size = 0

    def _made_up(self, placeholder: str) -> Secret:
        found = self._usable.get(placeholder)
        if found is None:
            form, number = self._forms.get(placeholder) or (Form("text"), _number(placeholder))
            found = self._usable[placeholder] = usable(form, number)
            # Short numbers occur as other values too.
            if isinstance(found, str) and form.kind != "digits":
                self._names[found] = placeholder
        return found


def _number(placeholder: str) -> int:
    return int(placeholder.rpartition(":")[2].rstrip(")") or 0)


def issued(exchanges: Iterable[Exchange]) -> frozenset[str]:
    """Return the placeholders of secrets that the server generated: an answer contained them before any request did."""
    sent: set[str] = set()
    made: set[str] = set()
    for exchange in exchanges:
        sent.update(slots(exchange.request))
        made.update(name for name in _in_answer(exchange) if name not in sent)
    return frozenset(made)


def _in_answer(exchange: Exchange) -> list[str]:
    texts = [text for _, text in exchange.answer.headers]
    return [name for value in (*texts, exchange.answer.body.value) for name in placeholders_in(value)]
