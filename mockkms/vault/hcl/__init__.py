"""HashiCorp's configuration language, version 1, and its JSON form: policies, password policies, configuration files.

``parse`` returns the tree (for code that checks keys and reports positions), ``loads`` plain dicts and lists. Errors
are ``HclError`` with line, column and the real parser's message.
"""

from __future__ import annotations

from mockkms.vault.hcl.decode import (
    check_keys,
    decode_any,
    decode_int,
    decode_map,
    decode_string,
    decode_strings,
    field_values,
    key_faults,
    loads,
)
from mockkms.vault.hcl.parser import parse
from mockkms.vault.hcl.tree import HclError, HclItem, HclItems, Literal, Node, Object, Position

__all__ = [
    "HclError",
    "HclItem",
    "HclItems",
    "Literal",
    "Node",
    "Object",
    "Position",
    "check_keys",
    "decode_any",
    "decode_int",
    "decode_map",
    "decode_string",
    "decode_strings",
    "field_values",
    "key_faults",
    "loads",
    "parse",
]
