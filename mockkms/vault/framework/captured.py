"""Describing a mount of a running server for a world file, from what its API shows, without secrets.

A section of world files has a function for this where the API shows what a world needs (``WorldSection.capture``). It
reads and lists below the mount through a ``CapturedMount``, which leaves secrets out and notes what it may not see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from mockkms.vault.framework.endpoint import Endpoint
from mockkms.vault.framework.fields import zero

STAND_IN = "mockkms-redacted"
"""The value of a secret that a world must have."""


class CapturedMount(Protocol):
    """A mount of a running server. Paths are relative to it."""

    type: str
    """As users name it."""
    options: Mapping[str, str]

    def read(self, path: str) -> Mapping[str, object] | None:
        """Return the data of a path without secrets; None if there is none or it must not be read."""

    def names(self, path: str) -> list[str]:
        """Return the names in a list; empty if it is empty or must not be read."""

    def names_of_ids(self, kind: str) -> Mapping[str, str]:
        """Return the names of entities or groups (``entity``, ``group``) of the namespace by their ids."""

    def left_out(self, what: str, why: str) -> None:
        """Note that something at a path relative to the mount is not captured."""


Capture = Callable[[CapturedMount], Mapping[str, object]]
"""Returns what a section's ``fill`` reads."""


def parameters_in(data: Mapping[str, object], endpoint: Endpoint) -> dict[str, object]:
    """Return the parameters of an endpoint that its read shows, without default and empty values."""
    found: dict[str, object] = {}
    for name, declared in endpoint.fields.items():
        if name in endpoint.captures or declared.deprecated or data.get(name) is None:
            continue
        default = zero(declared.kind) if declared.default is None else declared.default
        value = data[name]
        if value != default and (value or default):
            found[name] = value
    return found
