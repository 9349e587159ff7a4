"""The parser, and the choice between HCL and its JSON form."""

from __future__ import annotations

import functools

from mockkms.error_context import error_context
from mockkms.vault.hcl.lexer import LITERALS, HclLexer, HclToken, TokenKind
from mockkms.vault.hcl.tree import NOWHERE, EndOfText, HclError, HclItem, HclItems, ItemKey, ListNode, Literal, Object
from mockkms.vault.hcl.values import literal, unquote

MAX_DEPTH = 100
"""Nesting limit of lists and objects: protects the parser; policies nest far less."""


def parse(text: str | bytes, *, unique: bool = False) -> HclItems:
    """Parse a text, HCL or (if it starts with a brace) JSON, into items.

    ``unique`` refuses a repeated argument (``key = …``) in one block. Raises HclError.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.lstrip().startswith("{"):
        from mockkms.vault.hcl.jsonform import parse_json  # the rarer form: imported when needed

        return parse_json(text)
    return _HclParser(text.replace("\r\n", "\n"), unique=unique).parse()


class _HclParser:
    def __init__(self, text: str, *, unique: bool) -> None:
        self.lexer = HclLexer(text)
        self.unique = unique
        self.depth = 0
        self.held: HclToken | None = None
        self.last = HclToken(TokenKind.EOF, "", NOWHERE)

    def parse(self) -> HclItems:
        try:
            found = self._items(inside=False)
        except HclError:
            if self.lexer.fault is not None:
                raise self.lexer.fault from None
            raise
        if self.lexer.fault is not None:
            raise self.lexer.fault
        return found

    def _next(self) -> HclToken:
        self.last = self.held or self.lexer.next()
        self.held = None
        return self.last

    def _peek(self) -> HclToken:
        if self.held is None:
            self.held = self.lexer.next()
        return self.held

    def _items(self, *, inside: bool) -> HclItems:
        found = HclItems()
        given: set[str] = set()
        while not (inside and self._peek().kind is TokenKind.RBRACE):
            try:
                item = self._item()
            except EndOfText:
                break
            if self.unique and item.assign.line:
                for key in item.keys:
                    if key.text in given:
                        raise HclError(
                            f'The argument "{key.text}" at {key.position} was already set. '
                            "Each argument can only be defined once"
                        )
                    given.add(key.text)
            found.items.append(item)
            if self._peek().kind is TokenKind.COMMA:
                self._next()
        return found

    def _item(self) -> HclItem:
        keys, stop = self._keys()
        if stop.kind is TokenKind.ASSIGN:
            return HclItem(keys, self._value(), stop.position)
        if stop.kind is TokenKind.LBRACE:
            return HclItem(keys, self._object(stop))
        names = " ".join(key.text for key in keys)
        raise HclError(f"key '{names}' expected start of object ('{{') or assignment ('=')", stop.position)

    def _keys(self) -> tuple[list[ItemKey], HclToken]:
        """Return the keys of an item and the token after them."""
        keys: list[ItemKey] = []
        while True:
            token = self._next()
            kind = token.kind
            if kind is TokenKind.IDENT:
                keys.append(ItemKey(token.text, token.text, token.position))
            elif kind is TokenKind.STRING:
                name = "" if self.lexer.fault else unquote(token.text, token.position)
                keys.append(ItemKey(name, token.text, token.position))
            elif kind is TokenKind.EOF and not keys:
                raise EndOfText
            elif kind is TokenKind.EOF or (kind is TokenKind.RBRACE and keys):
                return keys, token
            elif kind in (TokenKind.ASSIGN, TokenKind.LBRACE):
                self._check_keys(keys, token)
                return keys, token
            elif kind is TokenKind.ILLEGAL:
                raise HclError("illegal character", token.position)
            else:
                raise HclError(f"expected: IDENT | STRING | ASSIGN | LBRACE got: {kind}", token.position)

    @staticmethod
    def _check_keys(keys: list[ItemKey], token: HclToken) -> None:
        if token.kind is TokenKind.LBRACE and not keys:
            raise HclError(f"expected: IDENT | STRING got: {token.kind}", token.position)
        if token.kind is TokenKind.ASSIGN and not keys:
            raise HclError("no object keys found!", token.position)
        if token.kind is TokenKind.ASSIGN and len(keys) > 1:
            raise HclError(f"nested object expected: LBRACE got: {token.kind}", token.position)

    def _value(self) -> Literal | ListNode | Object:
        token = self._next()
        if token.kind in LITERALS:
            return self._literal(token)
        if token.kind is TokenKind.LBRACE:
            return self._object(token)
        if token.kind is TokenKind.LBRACK:
            return self._list(token)
        if token.kind is TokenKind.EOF:
            raise EndOfText
        raise HclError(f"Unknown token: {token.position} {token.kind} {token.text}", token.position)

    def _literal(self, token: HclToken) -> Literal:
        if self.lexer.fault is not None:
            return Literal("", token.text, token.position)
        return literal(token)

    def _deeper(self, opening: HclToken) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise HclError(f"nested deeper than {MAX_DEPTH} levels", opening.position)

    def _object(self, opening: HclToken) -> Object:
        self._deeper(opening)
        members = self._items(inside=True)
        token = self._next()
        if token.kind is not TokenKind.RBRACE:
            raise HclError(f"object expected closing RBRACE got: {token.kind}", token.position)
        self.depth -= 1
        return Object(members, opening.position)

    def _list(self, opening: HclToken) -> ListNode:
        self._deeper(opening)
        found = ListNode([], opening.position)
        separated = True
        while True:
            token = self._next()
            kind = token.kind
            if not separated and kind not in (TokenKind.COMMA, TokenKind.RBRACK):
                raise HclError(f"error parsing list, expected comma or list end, got: {kind}", token.position)
            if kind is TokenKind.RBRACK:
                self.depth -= 1
                return found
            if kind is TokenKind.COMMA:
                separated = True
                continue
            found.items.append(self._element(token))
            # The real parser does not require a comma after a nested list.
            separated = kind is TokenKind.LBRACK

    def _element(self, token: HclToken) -> Literal | ListNode | Object:
        if token.kind in LITERALS:
            return self._literal(token)
        if token.kind not in (TokenKind.LBRACE, TokenKind.LBRACK):
            raise HclError(f"unexpected token while parsing list: {token.kind}", token.position)
        what = "object" if token.kind is TokenKind.LBRACE else "list"
        at = functools.partial(HclError, position=token.position)
        with error_context(f"error while trying to parse {what} within list: ", at, of=HclError):
            return self._object(token) if token.kind is TokenKind.LBRACE else self._list(token)
