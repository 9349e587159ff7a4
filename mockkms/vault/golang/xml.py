"""Whether a document is well-formed for Go's ``encoding/xml``, and its error if it is not."""

from __future__ import annotations

import re
from typing import NoReturn

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.number import of_digits

_SPACE = b" \r\n\t"
_NAME_BYTE = re.compile(rb"[A-Za-z0-9_:.\-\x80-\xff]")
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"apos": b"'", b"quot": b'"'}
_LAST = 0x10FFFF
_DIGIT, _HEX_DIGIT = re.compile(rb"[0-9]"), re.compile(rb"[0-9a-fA-F]")
_TARGET = "expected target name after <?"


@dataclass(frozen=True)
class FirstElement:
    """The first element of a document."""

    name: str
    """Its name without a prefix."""
    shown: str
    """The element as ``%v`` shows Go's ``xml.StartElement``."""


def check(content: bytes) -> FirstElement | None:
    """Return the first element of a document, or None for a document without one.

    Raises ValueError with Go's text for a document that is not well-formed. As in Go, a document may have several
    elements side by side, and text around them.
    """
    return _XmlReader(content).document()


class _XmlReader:
    """Reads one document, byte by byte as Go does."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at, self._line = content, 0, 1
        self._open: list[bytes] = []

    def document(self) -> FirstElement | None:
        first = None
        while self._at < len(self._content):
            if self._content[self._at] != ord("<"):
                self._text(None)
                continue
            self._must()
            mark = self._must()
            if mark == b"/":
                self._end()
            elif mark == b"?":
                self._instruction()
            elif mark == b"!":
                self._declaration()
            else:
                self._back(mark)
                element = self._start()
                first = first or element
        if self._open:
            self._fail("unexpected EOF")
        return first

    def _fail(self, text: str) -> NoReturn:
        raise ValueError(f"XML syntax error on line {self._line}: {text}")

    def _must(self, ending: str = "unexpected EOF") -> bytes:
        """Return the next byte."""
        if self._at >= len(self._content):
            self._fail(ending)
        found = self._content[self._at : self._at + 1]
        self._at += 1
        self._line += found == b"\n"
        return found

    def _back(self, byte: bytes) -> None:
        self._at -= 1
        self._line -= byte == b"\n"

    def _space(self) -> None:
        while self._at < len(self._content) and self._content[self._at] in _SPACE:
            self._must()

    def _name(self, missing: str) -> bytes:
        """Return the name that comes next."""
        byte = self._must()
        if not _NAME_BYTE.match(byte):
            self._back(byte)
            self._fail(missing)
        found = b""
        while _NAME_BYTE.match(byte):
            found += byte
            byte = self._must()
        self._back(byte)
        if not _is_name(found):
            self._fail(f"invalid XML name: {found.decode(errors='replace')}")
        if found.count(b":") > 1 and missing != _TARGET:
            self._fail(missing)
        return found

    def _end(self) -> None:
        space, local = _parts(self._name("expected element name after </"))
        self._space()
        if self._must() != b">":
            self._fail(f"invalid characters between </{local} and >")
        if not self._open:
            self._fail(f"unexpected end element </{local}>")
        opened_space, opened = _parts(self._open.pop())
        if opened != local:
            self._fail(f"element <{opened}> closed by </{local}>")
        if opened_space != space:
            ending = space or '""'
            self._fail(f"element <{opened}> in space {opened_space} closed by </{local}> in space {ending}")

    def _start(self) -> FirstElement:
        name = self._name("expected element name after <")
        attributes: list[tuple[tuple[str, str], str]] = []
        while True:
            self._space()
            byte = self._must()
            if byte == b"/":
                if self._must() != b">":
                    self._fail("expected /> in element")
                return _element(name, attributes)
            if byte == b">":
                self._open.append(name)
                return _element(name, attributes)
            self._back(byte)
            attribute = self._name("expected attribute name in element")
            self._space()
            if self._must() != b"=":
                self._fail("attribute name without = in element")
            self._space()
            mark = self._must()
            if mark not in (b'"', b"'"):
                self._fail("unquoted or missing attribute value in element")
            attributes.append((_parts(attribute), self._text(mark)))

    def _instruction(self) -> None:
        target = self._name(_TARGET)
        self._space()
        start = self._at
        end = self._content.find(b"?>", start)
        self._skip(len(self._content) if end < 0 else end + 2)
        if end < 0:
            self._fail("unexpected EOF")
        if target != b"xml":
            return
        declared = self._content[start:end].decode(errors="replace")
        version, encoding = (_declared(name, declared) for name in ("version", "encoding"))
        if version not in ("", "1.0"):
            raise ValueError(f"xml: unsupported version {quote(version)}; only version 1.0 is supported")
        if encoding.lower() not in ("", "utf-8"):
            raise ValueError(f"xml: encoding {quote(encoding)} declared but Decoder.CharsetReader is nil")

    def _skip(self, to: int) -> None:
        self._line += self._content.count(b"\n", self._at, to)
        self._at = to

    def _declaration(self) -> None:
        """Read a comment, a CDATA section, or a directive such as ``<!DOCTYPE>``."""
        byte = self._must()
        if byte == b"-":
            if self._must() != b"-":
                self._fail("invalid sequence <!- not part of <!--")
            end = self._content.find(b"--", self._at)
            self._skip(len(self._content) if end < 0 else end + 2)
            if self._must() != b">":
                self._fail('invalid sequence "--" not allowed in comments')
        elif byte == b"[":
            for wanted in (b"C", b"D", b"A", b"T", b"A", b"["):
                if self._must() != wanted:
                    self._fail("invalid <![ sequence")
            start, end = self._at, self._content.find(b"]]>", self._at)
            self._skip(len(self._content) if end < 0 else end + 3)
            if end < 0:
                self._fail("unexpected EOF in CDATA section")
            self._check_text(self._content[start:end])
        else:
            self._directive()

    def _directive(self) -> None:
        quoted, depth = b"", 0
        while True:
            byte = self._must()
            if quoted:
                quoted = b"" if byte == quoted else quoted
            elif byte in (b'"', b"'"):
                quoted = byte
            elif byte == b">":
                if not depth:
                    return
                depth -= 1
            elif byte == b"<":
                if self._content.startswith(b"!--", self._at):
                    end = self._content.find(b"-->", self._at + 3)
                    self._skip(len(self._content) if end < 0 else end + 3)
                else:
                    depth += 1

    def _text(self, mark: bytes | None) -> str:
        """Return the text up to the next element, or a quoted value up to its mark."""
        found = b""
        while True:
            if self._at >= len(self._content):
                break  # As in Go, a quoted value may end with the document; what follows it is missing then.
            byte = self._must()
            if mark is None and byte == b">" and found.endswith(b"]]"):
                self._fail("unescaped ]]> not in CDATA section")
            if byte == b"<":
                if mark is not None:
                    self._fail("unescaped < inside quoted string")
                self._back(byte)
                break
            if byte == mark:
                break
            if byte == b"&":
                found += self._entity()
            else:
                found += byte
        self._check_text(found)
        return found.decode(errors="replace")

    def _entity(self) -> bytes:
        """Read a reference after its ampersand; return the character that it stands for, in UTF-8."""
        read, known = bytearray(b"&"), b""
        byte = self._must()
        if byte == b"#":
            read += byte
            byte = self._must()
            base, digit = (16, _HEX_DIGIT) if byte == b"x" else (10, _DIGIT)
            if base == 16:
                read += byte
                byte = self._must()
            start = len(read)
            while digit.match(byte):
                read += byte
                byte = self._must()
            if byte == b";" and len(read) > start:
                code = of_digits(read[start:].decode(), base)
                if code <= _LAST:
                    known = "\ufffd".encode() if 0xD800 <= code < 0xE000 else chr(code).encode()
        else:
            while _NAME_BYTE.match(byte):
                read += byte
                byte = self._must()
            if byte == b";":
                known = _ENTITIES.get(bytes(read[1:]), b"")
        if not known:
            ended = byte == b";"
            if not ended:
                self._back(byte)
            shown = read.decode(errors="replace") + (";" if ended else " (no semicolon)")
            self._fail(f"invalid character entity {shown}")
        return known

    def _check_text(self, content: bytes) -> None:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            before = content[: error.start].decode()
            self._check_characters(before)
            self._fail("invalid UTF-8")
        self._check_characters(text)

    def _check_characters(self, text: str) -> None:
        odd = re.search("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
        if odd is not None:
            self._fail(f"illegal character code U+{ord(odd.group()):04X}")


def _is_name(name: bytes) -> bool:
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return False
    return re.fullmatch(r"[^\W\d\-.][\w\-.:·]*|:[\w\-.:·]*", text) is not None


def _parts(name: bytes) -> tuple[str, str]:
    """Return the prefix of a name, and the rest."""
    space, _, local = name.decode(errors="replace").partition(":")
    return (space, local) if space and local else ("", name.decode(errors="replace"))


def _element(name: bytes, attributes: list[tuple[tuple[str, str], str]]) -> FirstElement:
    """Return an element whose prefixes are replaced by the name spaces that it declares itself."""
    spaces = {local if space else "": value for (space, local), value in attributes if "xmlns" in (space, local)}
    prefix, local = _parts(name)
    listed = " ".join(
        f"{{{{{space and spaces.get(space, space)} {one}}} {value}}}" for (space, one), value in attributes
    )
    return FirstElement(local, f"{{{{{spaces.get(prefix, prefix)} {local}}} [{listed}]}}")


def _declared(name: str, text: str) -> str:
    found = re.search(rf"""{name}\s*=\s*("[^"]*"|'[^']*')""", text)
    return found[1][1:-1] if found is not None else ""
