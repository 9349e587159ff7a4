"""The texts of ``?help=1``, laid out as by the real server's framework (``sdk/framework``: path.go, backend.go).

Layout, headings, names of types and regular expressions of routes are the real server's. What the endpoints and
parameters say of themselves is not recorded, and written for this project.
"""

from __future__ import annotations

from collections.abc import Iterable

from mockkms.vault.framework.endpoint import TOKEN, Endpoint
from mockkms.vault.framework.fields import Kind
from mockkms.vault.products import Product

_TYPES = {
    Kind.LOWER_STRING: "lowercase string", Kind.NAME: "name string", Kind.BOOL: "bool", Kind.INT: "int",
    Kind.INT64: "int64", Kind.MAP: "map", Kind.KV_PAIRS: "keypair", Kind.SECONDS: "duration (sec)",
    Kind.SIGNED_SECONDS: "duration (sec)", Kind.SLICE: "slice", Kind.STRING_SLICE: "slice",
    Kind.COMMA_STRINGS: "slice", Kind.COMMA_INTS: "slice", Kind.HEADER: "header", Kind.FLOAT: "float",
    Kind.TIME: "time",
}  # fmt: skip
"""Names of the types in ``FieldType.String``; all others are strings."""
_NAMES = {"": r"\w(([\w-.]+)?\w)?", "at": r"\w(([\w-.@]+)?\w)?", "all": ".*", "some": ".+"}
"""The expressions of ``GenericNameRegex``, ``GenericNameWithAtRegex`` and ``MatchAllRegex``."""
_PATHS = """\
The following paths are supported by this backend. To view help for
any of the paths below, use the help command with any route matching
the path pattern. Note that depending on the policy of your auth token,
you may or may not be able to access certain paths."""


def route(template: str) -> str:
    """Return a path template as the regular expression that the real server shows: ``^keys/(?P<name>…)$``."""
    written = []
    for name, kind, pattern, bracket, literal in TOKEN.findall(template.replace("[/]", "/?")):
        if name:
            written.append(f"(?P<{name}>{_NAMES.get(kind, pattern)})")
        else:
            written.append({"[": "(", "]": ")?"}.get(bracket, literal))
    return f"^{''.join(written)}$"


def path_help(endpoint: Endpoint, asked: str, product: Product) -> str:
    """Return help on one endpoint. ``asked``: the path of the request, relative to its mount."""
    known = {name: field for name, field in sorted(endpoint.fields.items()) if field.known_to(product)}
    parameters = "".join(
        f"\n    {name} ({_TYPES.get(field.kind, 'string')})\n\n"
        f"{_indented(f'(DEPRECATED) {field.help}' if field.deprecated else field.help or '<no description>')}\n"
        for name, field in known.items()
    )
    return (
        f"Request:        {asked}\nMatching Route: {route(endpoint.template)}\n\n{endpoint.help or '<no synopsis>'}\n\n"
        + (f"## PARAMETERS\n{parameters}" if parameters else "")
        + f"\n## DESCRIPTION\n\n{endpoint.description or '<no description>'}"
    )


def mount_help(summary: str, endpoints: Iterable[Endpoint]) -> str:
    """Return help on a whole mount: its endpoints, in the order of their routes."""
    known = sorted((route(endpoint.template), endpoint.help) for endpoint in endpoints)
    listed = "\n\n".join(f"    {path}\n{_indented(text)}" for path, text in known)
    return f"## DESCRIPTION\n\n{summary}\n\n## PATHS\n\n{_PATHS}\n\n{listed}".strip()


def _indented(text: str) -> str:
    return "\n".join(" " * 8 + line for line in text.splitlines())
