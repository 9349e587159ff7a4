"""The messages that a program may construct, such as ``pb.Auth``. Fields are checked on construction."""

from __future__ import annotations

from typing import Any, Final

STRING, INT, UINT, BOOL, STRINGS, MAP = "string", "int64", "uint32", "bool", "list", "map"

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

_NAMES: Final = {
    "StringType": "string", "IntType": "int", "UintType": "uint", "BoolType": "bool", "BytesType": "bytes",
    "ListType": "list", "MapType": "map", "DoubleType": "double", "NoneType": "null_type",
}  # fmt: skip
_WANTED: Final = {
    STRING: "StringType",
    INT: "IntType",
    UINT: "UintType",
    BOOL: "BoolType",
    "timestamp": "TimestampType",
}


def message_types(celtypes: Any, evaluation: Any) -> dict[str, type]:
    """Return a class for each message, derived from the library's base class, a dict of fields."""
    return {name: _message(name, fields, celtypes, evaluation) for name, fields in MESSAGES.items()}


def _message(name: str, fields: dict[str, str], celtypes: Any, evaluation: Any) -> type:
    def make(self: Any, given: Any = None) -> None:
        for field, value in (given or {}).items():
            if isinstance(value, evaluation.CELEvalError):
                raise ValueError(value.args[0])
            if str(field) not in fields:
                raise ValueError(f"no such field: {field}")
            _check(f"{name}.{field}", fields[str(field)], value)
        celtypes.MessageType.__init__(self, given or {})

    return type(name, (celtypes.MessageType,), {"__init__": make})


def _check(place: str, kind: str, value: Any) -> None:
    """Raise ValueError with the library's text for a value that does not fit its field."""
    found = type(value).__name__
    if kind in (STRINGS, "[logical.Alias]"):
        if found != "ListType":
            raise ValueError(f"unsupported field type for {place}: {_NAMES.get(found, found)}")
        for item in value:
            _check(place, STRING if kind == STRINGS else kind[1:-1], item)
    elif kind == MAP:
        if found != "MapType":
            raise ValueError(f"unsupported field type for {place}: {_NAMES.get(found, found)}")
        for item in value.values():
            _check(place, STRING, item)
    elif found != _WANTED.get(kind, kind):
        why = f"unsupported type conversion from '{_NAMES.get(found, found)}' to {kind}"
        if found == "DoubleType":
            why = f"type conversion error from Double to '{kind}'"
        raise ValueError(f"field type conversion error for {place} value type: {why}")
