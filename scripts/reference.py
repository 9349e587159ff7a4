"""Writes the pages of docs/reference/ from the declarations: commands, control API, fault kinds, worlds, products.

python scripts/reference.py            write them
python scripts/reference.py --check    exit 1 if one is out of date
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mockkms import MockKMS  # noqa: E402
from mockkms.api import Kms, KmsChaos, KmsClock, KmsFaults, KmsJournal, KmsRule  # noqa: E402
from mockkms.cli.shells.grammar import Command, Flag, grammar  # noqa: E402 - run as a script, from any folder
from mockkms.faults.kinds import KINDS  # noqa: E402
from mockkms.faults.rule import Rule  # noqa: E402
from mockkms.faults.rulebook import RuleBook  # noqa: E402
from mockkms.server.control.routing import all_routes  # noqa: E402
from mockkms.vault.products import PRODUCTS, Product  # noqa: E402
from mockkms.vault.products.features import Feature  # noqa: E402
from mockkms.world.chaos import Chaos  # noqa: E402
from mockkms.world.clock import Clock  # noqa: E402
from mockkms.world.journal.entry import Entry  # noqa: E402
from mockkms.world.journal.journal import Journal  # noqa: E402
from mockkms.worldfile import json_schema  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
FEATURES = ROOT / "mockkms" / "vault" / "products" / "features.py"
WRITTEN = "This page is written by `scripts/reference.py` from the {}; a test keeps it current."
Schema = dict[str, object]


def table(*head: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """Return a table in Markdown, followed by an empty line; nothing without rows."""
    lines = [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |", *lines, ""] if lines else []


def code(text: str) -> str:
    """Return text as code, for a cell: a backslash would not help a vertical bar there."""
    return f"`{text}`" if text and "|" not in text else f"<code>{text}</code>" if text else ""


def plain(text: str) -> str:
    """Return a docstring's text in Markdown, in one line."""
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip().replace("<", "&lt;")


# -- the command line ------------------------------------------------------------------------------------------------


def commands() -> str:
    """Return the page of the command line."""
    lines = ["# Commands", "", WRITTEN.format("parsers of the commands"), ""]
    for command in list(grammar().walk())[1:]:
        lines += [f"{'#' * len(command.path)} {' '.join(command.path)}", "", *_command(command)]
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Command) -> list[str]:
    text = command.description or command.summary
    lines = [plain(re.sub(r"^mockkms [^:]*: ", "", text)[:1].upper() + re.sub(r"^mockkms [^:]*: ", "", text)[1:]), ""]
    lines += table("argument", "meaning", rows=([code(one.metavar), plain(one.help)] for one in command.positionals))
    flags = [flag for flag in command.flags if flag.names[0] != "-h"]
    return lines + table("flag", "meaning", rows=([_flag(flag), plain(flag.help)] for flag in flags))


def _flag(flag: Flag) -> str:
    value = "" if flag.values is None else f" [{flag.metavar}]" if flag.optional else f" {flag.metavar}"
    return code(", ".join(flag.names) + value)


# -- the control API -------------------------------------------------------------------------------------------------


def control() -> str:
    """Return the page of the control API."""
    lines = ["# Control API routes", "", WRITTEN.format("routes"), ""]
    lines += [
        "All paths are below `/_mockkms/`. [The control API](../control.md) explains the most important ones.",
        "",
    ]
    rows = sorted(all_routes(), key=lambda route: (route.path.split("/")[0], route.path, route.method))
    lines += table(
        "method", "path", "what it does", "body",
        rows=([route.method, code("/" + route.path), plain(route.summary), plain(route.body)] for route in rows),
    )  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


# -- faults ----------------------------------------------------------------------------------------------------------


def faults() -> str:
    """Return the page of the fault kinds and the other keys of rules."""
    rules = json_schema()["properties"]["faults"]["items"]["anyOf"][0]["properties"]
    lines = ["# Keys of fault rules", "", WRITTEN.format("fault kinds and the schema of worlds"), ""]
    lines += ["[Faults](../faults.md) explains them.", "", "## What happens", ""]
    lines += table(
        "key", "value", "example", "needs emulated state",
        rows=(
            [code(word), plain(kind.help), code(json.dumps(kind.example)), "yes" if kind.needs_state else ""]
            for word, kind in KINDS.items()
        ),
    )  # fmt: skip
    lines += [
        "Kinds that need emulated state are refused in [proxy mode](../proxy.md).",
        "",
        "## When, and for what",
        "",
    ]
    others = {word: told for word, told in rules.items() if word not in KINDS}
    lines += table(
        "key", "meaning", rows=([code(word), plain(told["description"])] for word, told in others.items() if told)
    )
    undescribed = ", ".join(code(word) for word, told in others.items() if not told)
    lines += [f"Keys of matches: {undescribed}.", ""]
    return "\n".join(lines).rstrip() + "\n"


# -- worlds ----------------------------------------------------------------------------------------------------------


def world() -> str:
    """Return the page of the keys of world files."""
    schema = json_schema()
    lines = ["# Keys of worlds", "", WRITTEN.format("schema of worlds"), ""]
    lines += ["[Worlds](../worlds.md) explains them; `mockkms schema` prints the schema, for editors.", ""]
    lines += ["`<name>` stands for a key of your choice, `[]` for the items of a list.", ""]
    sections = {"mounts": "Secrets engines", "auth": "Auth methods"}
    definitions = schema["$defs"]
    lines += ["## The file", "", *_keys(schema, definitions)]
    for name, title in (("tokens", "Tokens"), ("identity", "Identity")):
        lines += [f"## {title}: `vault.{name}`", "", *_keys(definitions[name], definitions)]
    for name, title in sections.items():
        kinds = definitions[name]["additionalProperties"]["oneOf"]
        shared = set.intersection(*(set(kind["properties"]) for kind in kinds if "properties" in kind)) - {"type"}
        lines += [f"## {title}: `vault.{name}.<path>`", "", "All types have:", ""]
        first = next(kind for kind in kinds if "properties" in kind)
        lines += _keys(
            {"properties": {key: first["properties"][key] for key in first["properties"] if key in shared}}, definitions
        )
        seen: set[str] = set()
        for kind in kinds:
            keys = {
                key: value for key, value in kind.get("properties", {}).items() if key not in shared and key != "type"
            }
            told = kind.get("properties", {}).get("type", {})
            names = [told["const"]] if "const" in told else told.get("enum", [])
            title = ", ".join(one for one in names if one not in seen)
            seen.update(names)
            if keys and title:
                lines += [f"### {title}", "", *_keys({"properties": keys}, definitions)]
    return "\n".join(lines).rstrip() + "\n"


def _keys(schema: Schema, definitions: Schema) -> list[str]:
    return table("key", "value", "meaning", rows=_rows(schema, "", definitions, 0))


def _rows(schema: Schema, prefix: str, definitions: Schema, depth: int) -> Iterator[tuple[str, str, str]]:
    """Yield key, kind of value and meaning of everything below a schema, rules of faults excepted."""
    for variant in _variants(schema):
        for key, value in variant.get("properties", {}).items():
            meaning = plain(value.get("description", ""))
            yield code(f"{prefix}{key}"), _kind(value), "" if meaning == key else meaning
            if key not in ("faults", "script") and depth < 5:
                yield from _rows(value, f"{prefix}{key}.", definitions, depth + 1)
        more = variant.get("additionalProperties")
        if isinstance(more, dict) and depth < 5:
            yield from _rows(more, f"{prefix}<name>.", definitions, depth + 1)
        if isinstance(variant.get("items"), dict):
            yield from _rows(variant["items"], f"{prefix[:-1]}[].", definitions, depth + 1)


def _variants(schema: Schema) -> list[Schema]:
    found = [one for name in ("anyOf", "oneOf") for one in schema.get(name, ())]
    return found or [schema]


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        return "see below"
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(value) if value == "" else str(value)) for value in schema["enum"])
    kinds = [_kind(one) for one in _variants(schema)] if _variants(schema) != [schema] else []
    given = schema.get("type", "any")
    kinds += [] if kinds else [one for one in ([given] if isinstance(given, str) else given) if one != "null"]
    return " or ".join(
        dict.fromkeys({"object": "mapping", "array": "list", "string": "text"}.get(one, one) for one in kinds)
    )


# -- products --------------------------------------------------------------------------------------------------------


def products() -> str:
    """Return the page that compares the products."""
    shown = list(PRODUCTS.values())
    lines = ["# Which Vault behaves how", "", WRITTEN.format("descriptions of the products"), ""]
    lines += [
        "The differences between the products that a client can observe. Recordings of the real servers verify them.",
        "",
    ]
    lines += [
        "A product is selected by its flavor: `--flavor openbao`, `MockKMS(flavor=…)`, the marker's `flavor=…`.",
        "",
    ]
    facts: dict[str, Callable[[Product], str]] = {
        "flavor": lambda one: code(one.name),
        "version": lambda one: one.version,
        "name in messages": lambda one: one.texts.product,
        "service tokens begin with": lambda one: code(one.service_prefix),
        "strings in one JSON body": lambda one: (
            f"at most {one.json_string_limit:,}" if one.json_string_limit else "no limit"
        ),
        "random bytes in one request": lambda one: f"at most {one.most_random_bytes:,}",
        "login without credentials": lambda one: str(one.missing_credentials),
    }
    names = [f"{one.texts.product} {one.version}" for one in shown]
    lines += table("", *names, rows=([fact, *(told(one) for one in shown)] for fact, told in facts.items()))
    for title, features in described().items():
        lines += [f"## {title}", ""]
        rows = ([text, *("yes" if one.has(feature) else "–" for one in shown)] for feature, text in features.items())
        lines += table("", *names, rows=rows)
    return "\n".join(lines).rstrip() + "\n"


def described() -> dict[str, dict[Feature, str]]:
    """Return the features with their descriptions, by the headings in their module."""
    found: dict[str, dict[Feature, str]] = {}
    pattern = re.compile(r'^    # -- ([^\n]+)$|^    [A-Z0-9_]+ = "([^"]+)"\n    """(.+?)"""', re.MULTILINE | re.DOTALL)
    title = ""
    for heading, value, text in pattern.findall(FEATURES.read_text(encoding="utf-8")):
        if heading:
            title = heading[:1].upper() + heading[1:]
        else:
            found.setdefault(title, {})[Feature(value)] = plain(text)
    missing = set(Feature) - {feature for features in found.values() for feature in features}
    if missing:
        raise ValueError(f"features without a description: {', '.join(sorted(missing))}")
    return found


# -- Python ------------------------------------------------------------------------------------------------------------

INTERFACES: tuple[tuple[str, type, type], ...] = (
    ("The server: `kms`", Kms, MockKMS),
    ("Fault rules: `kms.faults`", KmsFaults, RuleBook),
    ("One rule, as `kms.faults.add(…)` returns it", KmsRule, Rule),
    ("The journal: `kms.journal`", KmsJournal, Journal),
    ("The clock: `kms.clock`", KmsClock, Clock),
    ("Chaos: `kms.chaos`", KmsChaos, Chaos),
)
"""Heading, the interface that servers of all kinds share, and the class whose docstrings describe it."""


ENTRY = (
    "number", "time", "service", "method", "target", "path", "operation", "mount", "key", "namespace", "token",
    "accessor", "policies", "headers", "body", "fields", "status", "answer", "seconds", "rules", "phase", "cut",
    "denied", "unhandled", "hint", "line",
)  # fmt: skip
"""The members of a request in the journal that tests use."""


def python() -> str:
    """Return the page of the Python interface."""
    lines = [
        "# Python", "", WRITTEN.format("interface `mockkms.Kms`"), "",
        "What `MockKMS`, its tenants and `RemoteKMS` have in common; a test typed with `mockkms.Kms` accepts all of "
        "them. In pytest, it is the value of the fixture `mockkms`. Words such as `operation=` are the keys of "
        "[rules](faults.md).", "",
    ]  # fmt: skip
    for heading, interface, described_by in INTERFACES:
        members = [name for name in vars(interface) if not name.startswith("_")]
        rows = [(code(_call(name, getattr(interface, name))), _member(described_by, name)) for name in members]
        rows += [(code(name), _member(described_by, name)) for name in vars(interface).get("__annotations__", ())]
        lines += [f"## {heading}", "", *table("member", "meaning", rows=rows)]
        if interface is KmsJournal:
            rows = [(code(name), _member(Entry, name)) for name in ENTRY]
            lines += [
                "## One request, as `kms.journal.entries(…)` returns it",
                "",
                *table("member", "meaning", rows=rows),
            ]
    rows = [(code(", ".join(names)), text) for names, text in _arguments()]
    lines += ["## Arguments of `MockKMS`", "", *table("argument", "meaning", rows=rows)]
    return "\n".join(lines).rstrip() + "\n"


def _arguments() -> Iterator[tuple[list[str], str]]:
    """Yield the arguments that the class describes in a list, with what it says about them."""
    for entry in re.findall(r"^- (.+?)(?=^- |^\S|\Z)", inspect.getdoc(MockKMS) or "", re.MULTILINE | re.DOTALL):
        for part in re.split(r"(?<=\.)\s+(?=``\w+``(?:, ``\w+``)*:)", entry):
            names, _, text = part.partition(": ")
            yield re.findall(r"``(\w+)``", names), plain(text)


def _call(name: str, member: object) -> str:
    """Return how a member is written: with its arguments, if it is a method."""
    if not callable(member):
        return name
    arguments = [
        ("*" if one.kind is one.VAR_POSITIONAL else "**" if one.kind is one.VAR_KEYWORD else "")
        + one.name
        + ("" if one.default is one.empty else f"={one.default!r}")
        for one in list(inspect.signature(member).parameters.values())[1:]
    ]
    return f"{name}({', '.join(arguments)})"


def _member(cls: type, name: str) -> str:
    """Return the first paragraph of what a class says about a member: in a docstring, or below an attribute."""
    found = inspect.getdoc(getattr(cls, name, None)) if hasattr(cls, name) else None
    for base in () if found else cls.__mro__[:-1]:
        source = inspect.getsource(base)
        below = re.search(rf'^        self\.{name}\b[^\n]*\n        """(.+?)"""', source, re.MULTILINE | re.DOTALL)
        found = found or (below[1] if below else None)
    return plain((found or "").split("\n\n")[0])


PAGES = {
    "python": python,
    "commands": commands,
    "control": control,
    "faults": faults,
    "worlds": world,
    "products": products,
}


def main() -> int:
    """Write or check the pages; returns the exit status."""
    texts = {FOLDER / f"{name}.md": page() for name, page in PAGES.items()}
    if "--check" in sys.argv[1:]:
        old = [path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        for path in old:
            print(f"{path.relative_to(ROOT)} is out of date; run scripts/reference.py")
        return 1 if old else 0
    FOLDER.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
