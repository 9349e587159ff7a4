"""YAML text, or Python data, as a tree of values with their places.

Only plain YAML is read: no tag is ever executed, aliases are expanded within a bound, duplicate keys are faults.
"""

from __future__ import annotations

import re

import yaml

from mockkms.vault.framework.shapes.nodes import KeyEntry, Node
from mockkms.worldfile.problems import Problem, SeedError

MAX_BYTES = 4 * 1024 * 1024
"""Largest world file."""
MAX_NODES = 200_000
"""Most values after aliases are expanded: more is a YAML bomb, not a world."""

MAX_DEPTH = 200
"""Most levels of values inside values."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TOO_DEEP = f"values are nested more than {MAX_DEPTH} levels deep"
_DEEP = re.compile(rf"^ {{{MAX_DEPTH},}}|(?:[-?:][ \t]+){{{MAX_DEPTH},}}", re.MULTILINE)
"""Indentation or a run of indicators that opens ``MAX_DEPTH`` levels."""
_SEARCHED = 64 * 1024
"""Characters of a text that are searched at once."""
_BRACKETS = re.compile(r"[\[\]{}]")
_TAG = "tag:yaml.org,2002:"
_KINDS = {"str": "text", "int": "integer", "float": "number", "bool": "boolean", "null": "null", "timestamp": "time"}


def decode_text(raw: bytes, file: str) -> str:
    """Return the text of a file, without a byte order mark. Raises SeedError with the place of what is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise SeedError([Problem(file, line, column, "", "not UTF-8 text")]) from None


def read_yaml(text: str | bytes, file: str) -> Node:
    """Return the tree of one YAML document. Raises SeedError for anything but plain YAML."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        size = len(raw) / 1024 / 1024
        raise SeedError([Problem(file, 1, 1, "", f"the file has {size:.1f} MiB; a world has at most 4 MiB")])
    decoded = decode_text(raw, file)
    try:
        if _may_be_deep(decoded):
            _check_depth(file, decoded)
        loader = _LOADER(decoded)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except SeedError:
        raise
    except yaml.MarkedYAMLError as error:
        raise SeedError([_syntax(file, decoded, error)]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise SeedError([Problem(file, 1, 1, "", f"not YAML: {str(error).splitlines()[0]}")]) from None
    if root is None:
        raise SeedError([Problem(file, 1, 1, "", "the file is empty; the smallest world is `mockkms: 1`")])
    builder = _Builder(file, decoded)
    node = builder.node(root, "")
    if builder.problems:
        raise SeedError(builder.problems)
    return node


def _may_be_deep(text: str) -> bool:
    """Return whether a text may hold so many levels that the recursive parser would fail."""
    start = 0
    while start < len(text):
        # In pieces of whole lines: no other thread runs during a search.
        end = text.find("\n", start + _SEARCHED) + 1 or len(text)
        if _DEEP.search(text, start, end) is not None:
            return True
        start = end
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += 1 if found[0] in "[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def _check_depth(file: str, text: str) -> None:
    """Raise SeedError if values are nested too deeply; this reads events, without recursion."""
    loader, depth = _LOADER(text), 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    mark = event.start_mark
                    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
                    raise SeedError([Problem(file, line, column, "", _TOO_DEEP)])
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        loader.dispose()


def _syntax(file: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    # libyaml reports the token before which it stumbled: look for the tab itself around there.
    for number in range(max(0, line - 2), min(len(lines), line + 1)):
        indentation = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        if "\t" in indentation:
            return Problem(
                file, number + 1, indentation.index("\t") + 1, "", "a tab indents this line; YAML wants spaces"
            )
    problem = error.problem or "not YAML"
    return Problem(file, line, column, "", f"not YAML: {problem}")


class _Builder:
    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.lines: list[str] = []
        self.problems: list[Problem] = []
        self.count = 0
        self.open: set[int] = set()

    def fault(self, at: yaml.Node, path: str, message: str) -> None:
        mark = at.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, path, message))

    def node(self, raw: yaml.Node, path: str) -> Node:
        mark = raw.start_mark
        place = (self.file, mark.line + 1, mark.column + 1)
        self.count += 1
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES:,} values after aliases are expanded: this is not a world"
            raise SeedError([*self.problems, Problem(*place, path, message)])
        if id(raw) in self.open:
            raise SeedError([*self.problems, Problem(*place, path, "an alias that contains itself")])
        if len(self.open) > MAX_DEPTH:
            raise SeedError([*self.problems, Problem(*place, "", _TOO_DEEP)])
        self.open.add(id(raw))
        try:
            if isinstance(raw, yaml.MappingNode):
                return Node("mapping", self.entries(raw, path), *place)
            if isinstance(raw, yaml.SequenceNode):
                items = [self.node(item, f"{path}[{index}]") for index, item in enumerate(raw.value)]
                return Node("list", items, *place)
            return self.scalar(raw, path, place)
        finally:
            self.open.discard(id(raw))

    def entries(self, raw: yaml.MappingNode, path: str) -> dict[str, KeyEntry]:
        if raw.tag not in (_TAG + "map", _TAG + "omap"):
            self.fault(raw, path, f"the tag {_shown(raw.tag)} is not allowed; write a plain mapping")
        entries: dict[str, KeyEntry] = {}
        merged: dict[str, KeyEntry] = {}
        for key_node, value_node in raw.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.fault(key_node, path, "a key must be text")
                continue
            key = str(key_node.value)
            if key_node.tag == _TAG + "merge":
                self.merge(value_node, path, merged)
                continue
            below = f"{path}.{key}" if path else key
            if key in entries:
                first = entries[key].line
                self.fault(key_node, below, f'duplicate key "{key}"; first in line {first}')
                continue
            mark = key_node.start_mark
            entries[key] = KeyEntry(key, mark.line + 1, mark.column + 1, self.node(value_node, below))
        return {**{key: entry for key, entry in merged.items() if key not in entries}, **entries}

    def merge(self, value: yaml.Node, path: str, merged: dict[str, KeyEntry]) -> None:
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self.fault(source, path, "<< merges mappings only")
                continue
            for key, entry in self.entries(source, path).items():
                merged.setdefault(key, entry)

    def scalar(self, raw: yaml.Node, path: str, place: tuple[str, int, int]) -> Node:
        short = raw.tag.removeprefix(_TAG)
        text = str(raw.value)
        kind = _KINDS.get(short)
        if kind is None:
            self.fault(raw, path, f"the tag {_shown(raw.tag)} is not allowed; write the plain value")
            return Node("null", None, *place, text)
        try:
            value = _scalar_value(kind, text)
        except ValueError:
            kind, value = "text", text
        style = str(getattr(raw, "style", None) or "")
        return Node(kind, value, *place, text, style, self.indent(raw) if style in ("|", ">") else 0)

    def indent(self, raw: yaml.Node) -> int:
        """Return how far the lines of a block scalar are indented."""
        self.lines = self.lines or self.text.split("\n")
        below = (line for line in self.lines[raw.start_mark.line + 1 :] if line.strip())
        first = next(below, "")
        return len(first) - len(first.lstrip(" "))


def _shown(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _scalar_value(kind: str, text: str) -> int | float | bool | str | None:
    if kind == "integer":
        return int(text.replace("_", ""), 0) if not text.lstrip("+-").startswith("0") or len(text) < 2 else _octal(text)
    if kind == "number":
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if kind == "boolean":
        return text.lower() in ("true", "yes", "on")
    return None if kind == "null" else text


def _octal(text: str) -> int:
    plain = text.replace("_", "")
    try:
        return int(plain, 0)
    except ValueError:
        return int(plain, 8)


def from_python(value: object, file: str = "<dict>", depth: int = 0) -> Node:
    """Return the tree of Python data. Raises SeedError for a value that YAML cannot represent."""
    if depth > MAX_DEPTH:
        raise SeedError([Problem(file, 0, 0, "", _TOO_DEEP)])
    depth += 1
    if isinstance(value, dict):
        entries = {_text(k, file): from_python(v, file, depth) for k, v in value.items()}
        return Node("mapping", {key: KeyEntry(key, 0, 0, below) for key, below in entries.items()}, file)
    if isinstance(value, (list, tuple)):
        return Node("list", [from_python(item, file, depth) for item in value], file)
    if value is None:
        return Node("null", None, file, text="null")
    for kind, type_ in (("boolean", bool), ("integer", int), ("number", float), ("text", str)):
        if isinstance(value, type_):
            return Node(kind, value, file, text=_text(value, file))
    raise SeedError([Problem(file, 0, 0, "", f"{type(value).__name__} is not a value that a world can contain")])


def _text(value: object, file: str) -> str:
    try:
        return str(value)
    except (ValueError, RecursionError):
        raise SeedError([Problem(file, 0, 0, "", f"{type(value).__name__} without a text form")]) from None


def layered(below: Node, above: Node) -> Node:
    """Return ``above`` merged over ``below``: mappings key by key; all other values are replaced."""
    if below.kind != "mapping" or above.kind != "mapping":
        return above
    entries = dict(below.entries)
    for key, entry in above.entries.items():
        old = entries.get(key)
        if old is not None:
            entry = KeyEntry(key, entry.line, entry.column, layered(old.value, entry.value))
        entries[key] = entry
    return Node("mapping", entries, above.file, above.line, above.column)
