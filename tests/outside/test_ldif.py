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
-

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
        ("dn: cn=a\nodd", "Error in line 3: Missing : in line `odd`"),
        ("dn: cn=a\nodd:", "Error in line 3: empty value"),
        ("dn: cn=a\n: x", "Error in line 3: empty attribute name"),
        ("dn: cn=a\n-: x", "Error in line 3: invalid first character in attribute"),
        ("dn: cn=a\nchangetype: modrdn\n", "Error in line 3: unsupported changetype modrdn"),
        ("dn: cn=a\nchangetype: Add\n", "Error in line 3: invalid changetype Add"),
        ("dn: cn=a\nchangetype: delete\ncn: a\ncn: b", "Error in line 5: no attributes allowed for changetype delete"),
        ("dn: cn=a\ncn:: *", "Error in line 3: illegal base64 data at input byte 0"),
        ("dn: cn=a\ncn:< http://x", "Error in line 3: unsupported URL scheme http"),
        ("dn: cn=a", "Error in line 2: only a dn: line"),
        ("dn: cn=a\nchangetype: modify\nodd: x\n-", "Error in line 5: invalid operation odd in modify request"),
        (
            "dn: cn=a\nchangetype: modify\nadd: x\nx: 1",
            "Error in line 5: modify request does not close with a single dash",
        ),
        (
            "dn: cn=a\nchangetype: modify\nadd: x\ny: 1\n-",
            "Error in line 6: invalid attribute y in add request for x",
        ),
    ],
)
def test_other_texts_are_refused_with_their_line(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        parse(text)
