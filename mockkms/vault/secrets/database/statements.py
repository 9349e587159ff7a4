"""The statements of roles and connections: how the plugins divide and fill them in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from mockkms.crypto.encoding import b64
from mockkms.json_reading import read_json
from mockkms.vault.framework.fields import Kind, convert


def split(statement: str) -> list[str]:
    """Return the statements of a text: separated by semicolons, or a JSON list; both also in base64."""
    text = statement.strip()
    with suppress(ValueError):
        text = b64.decode(text).decode()
    parts: object = None
    with suppress(ValueError):
        parts = read_json(text)
    if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
        return [part.strip() for part in parts if part.strip()]
    return [part.strip() for part in text.split(";") if part.strip()]


def filled(query: str, names: Mapping[str, str]) -> str:
    """Return a statement with its templates, such as ``{{name}}``, replaced by values as they are."""
    for name, value in names.items():
        query = query.replace(f"{{{{{name}}}}}", value)
    return query


def seconds(setting: object) -> float:
    """Return a duration of a connection's settings; 0 for an invalid one, which the plugin reports elsewhere."""
    try:
        found = convert(Kind.SECONDS, setting)[1]
    except ValueError:
        return 0
    return float(found) if isinstance(found, int) else 0
