"""LDIF as RFC 2849 has it, and its errors."""

from __future__ import annotations

import re

import pytest

from mockkms.outside.ldif import parse


def test_entries_and_changes() -> None:
    text = """version: 1
# a person
dn: cn=ann,
 dc=example
objectClass: person
objectClass: top
cn:: YW5u

dn: cn=ann,dc=example
changetype: modify
replace: userPassword
userPassword: secret
-
add: mail
mail: a@example
mail: b@example
-
delete: description

dn: cn=bob,dc=example
changetype: delete
"""
    added, modified, deleted = parse(text)
    assert (added.dn, added.kind) == ("cn=ann,dc=example", "add")
    assert added.attributes == [("objectClass", [b"person", b"top"]), ("cn", [b"ann"])]
    assert modified.changes == [
        ("replace", "userPassword", [b"secret"]), ("add", "mail", [b"a@example", b"b@example"]),
        ("delete", "description", []),
    ]  # fmt: skip
    assert (deleted.dn, deleted.kind) == ("cn=bob,dc=example", "delete")
    assert parse("\n# nothing\n") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cn: ann", "Error in line 2: missing 'dn:'"),
        ("dn: cn=a\nodd", "Error in line 2: Missing : in line"),
        ("dn: cn=a\nchangetype: modrdn", "Error in line 2: Unsupported changetype modrdn"),
        ("dn: cn=a\ncn:: *", "Error in line 2: Error decoding base64 value"),
        ("dn: cn=a", "Error in line 2: only a dn: line"),
        ("dn: cn=a\nchangetype: modify\nodd: x", "Error in line 3: Invalid modify operation odd"),
        ("dn: cn=a\nchangetype: modify\nadd: x\ny: 1", "Error in line 4: Attribute y does not match x"),
    ],
)
def test_other_texts_are_refused_with_their_line(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        parse(text)
