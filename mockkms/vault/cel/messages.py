"""What programs of one purpose may name: messages such as ``pb.Auth``, with their fields, and constants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockkms.lazy_dataclass import dataclass

STRING, INT, UINT, BOOL, STRINGS, MAP = "string", "int64", "uint32", "bool", "list", "map"
BYTES, MOMENT, LONG, NUMBER = "bytes", "timestamp", "uint64", "enum"
"""Kinds of fields; ``[kind]`` is a list, and the name of a message is the kind of a field that holds one."""


@dataclass(frozen=True)
class Dialect:
    """The messages and constants of programs of one purpose."""

    messages: Mapping[str, Mapping[str, str]]
    """Kinds of fields by name, by message."""
    container: str = ""
    """The package of the messages, which programs may write before a name."""
    constants: Mapping[str, Mapping[str, int]] | None = None
    """Numbers by name, by enumeration."""

    @property
    def names(self) -> frozenset[str]:
        """The names of enumerations, which every expression may use."""
        return frozenset(self.constants or ())

    @property
    def whole_names(self) -> frozenset[str]:
        """The names of enumerations with their package."""
        return frozenset(map(self.whole, self.names))

    def whole(self, name: str) -> str:
        """Return the name of a message with its package."""
        return f"{self.container}.{name}" if self.container else name

    def candidates(self, name: str) -> list[str]:
        """Return the names that a name may stand for, from the one in the container to the plain one."""
        packages = self.container.split(".") if self.container else []
        return [".".join([*packages[:size], name]) for size in range(len(packages), -1, -1)]

    def message(self, name: str) -> Mapping[str, str] | None:
        """Return the fields of a message, whose name may begin with the container."""
        plain = name.removeprefix(f"{self.container}.") if self.container else name
        return self.messages.get(plain)


MESSAGES: Final[dict[str, dict[str, str]]] = {
    "pb.Auth": {
        "lease_options": "pb.LeaseOptions",
        "internal_data": STRING,
        "display_name": STRING,
        "policies": STRINGS,
        "metadata": MAP,
        "client_token": STRING,
        "accessor": STRING,
        "period": INT,
        "num_uses": INT,
        "entity_id": STRING,
        "alias": "logical.Alias",
        "group_aliases": "[logical.Alias]",
        "bound_cidrs": STRINGS,
        "token_policies": STRINGS,
        "identity_policies": STRINGS,
        "explicit_max_ttl": INT,
        "token_type": UINT,
        "no_default_policy": BOOL,
    },
    "pb.LeaseOptions": {
        "TTL": INT,
        "renewable": BOOL,
        "increment": INT,
        "issue_time": "timestamp",
        "MaxTTL": INT,
    },
    "logical.Alias": {
        "mount_type": STRING,
        "mount_accessor": STRING,
        "name": STRING,
        "metadata": MAP,
        "ID": STRING,
        "namespace_id": STRING,
        "custom_metadata": MAP,
        "local": BOOL,
    },
}
"""Field names and their kinds; durations are nanoseconds."""
LOGINS: Final = Dialect(MESSAGES)
"""What roles of the JWT method may name."""
