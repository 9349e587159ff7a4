"""Errors of Go's ``encoding/xml``. Source: those of Go 1.26 for the same documents."""

from __future__ import annotations

import re

import pytest

from mockkms.vault.golang.xml import check


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"<a>", "line 1: unexpected EOF"),
        (b"<a>\n<b></a>", "line 2: element <b> closed by </a>"),
        (b"</a>", "line 1: unexpected end element </a>"),
        (b"<n:a></m:a>", "line 1: element <a> in space n closed by </a> in space m"),
        (b"<n:a></a>", 'line 1: element <a> in space n closed by </a> in space ""'),
        (b"<a b></a>", "line 1: attribute name without = in element"),
        (b"<a b=c></a>", "line 1: unquoted or missing attribute value in element"),
        (b"<a b='<'/>", "line 1: unescaped < inside quoted string"),
        (b"<a / >", "line 1: expected /> in element"),
        (b"<a =''/>", "line 1: expected attribute name in element"),
        (b"< a>", "line 1: expected element name after <"),
        (b"<1/>", "line 1: invalid XML name: 1"),
        (b"<a></ a>", "line 1: expected element name after </"),
        (b"<a></a b>", "line 1: invalid characters between </a and >"),
        (b"<a>&x;</a>", "line 1: invalid character entity &x;"),
        (b"<a>&#" + b"9" * 5000 + b";</a>", "line 1: invalid character entity &#" + "9" * 5000 + ";"),
        (b"<a>&amp</a>", "line 1: invalid character entity &amp (no semicolon)"),
        (b"<a>]]></a>", "line 1: unescaped ]]> not in CDATA section"),
        (b"<a>\x01</a>", "line 1: illegal character code U+0001"),
        (b"<a>\xff</a>", "line 1: invalid UTF-8"),
        (b"<!-- a -- b -->", 'line 1: invalid sequence "--" not allowed in comments'),
        (b"<!-a>", "line 1: invalid sequence <!- not part of <!--"),
        (b"<![CDATX[", "line 1: invalid <![ sequence"),
        (b"<![CDATA[ a", "line 1: unexpected EOF in CDATA section"),
        (b"<? a?>", "line 1: expected target name after <?"),
    ],
)
def test_documents_that_are_not_well_formed(document: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^XML syntax error on {re.escape(fault)}$"):
        check(document)


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"<?xml version='1.1'?><a/>", 'xml: unsupported version "1.1"; only version 1.0 is supported'),
        (
            b'<?xml version="1.0" encoding="latin1"?><a/>',
            'xml: encoding "latin1" declared but Decoder.CharsetReader is nil',
        ),
    ],
)
def test_declarations_that_go_does_not_read(document: bytes, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        check(document)


@pytest.mark.parametrize("document", [b"", b"plain text", b"<!-- a --> <!DOCTYPE a [<!ENTITY b 'c'>]>"])
def test_documents_without_an_element(document: bytes) -> None:
    assert check(document) is None


def test_the_first_element_is_shown_as_by_go() -> None:
    found = check(b"<?xml version='1.0'?>\n<h:html xmlns:h='urn:x' h:a='1' lang='&lt;'><b/></h:html><c/>")
    assert found is not None
    assert found.name == "html"
    assert found.shown == "{{urn:x html} [{{xmlns h} urn:x} {{urn:x a} 1} {{ lang} <}]}"
