"""The OpenAPI document of the control API, made from its table of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mockkms.faults.kinds import KINDS
from mockkms.faults.match import COMBINED
from mockkms.faults.matchers import MATCHERS
from mockkms.faults.presets import PRESETS
from mockkms.faults.rule import OWN_WORDS
from mockkms.faults.schedule import WORDS

if TYPE_CHECKING:
    from mockkms.server.control.routing import Route


def document(routes: Iterable[Route], version: str) -> dict[str, object]:
    """Return the OpenAPI 3.1 document of the routes, with the schema of a rule."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(f"/_mockkms/{route.path}", {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mockkms control API", "version": version},
        "paths": paths,
        "components": {"schemas": {"Rule": rule_schema(), "Match": match_schema()}},
    }


def _operation(route: Route) -> dict[str, object]:
    names = re.findall(r"\{(\w+)\}", route.path)
    operation: dict[str, object] = {
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()} {route.path}").strip("_"),
        "summary": route.summary,
        "responses": {
            "200": {"description": "done"},
            "400": {"description": "a word or value is not understood; message says which, path where"},
            "403": {"description": "not from loopback, or a foreign Host or Origin"},
        },
    }
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if route.body:
        schema: dict[str, object] = {"description": route.body}
        if route.path == "faults":
            rule = {"$ref": "#/components/schemas/Rule"}
            schema = {"oneOf": [rule, {"type": "array", "items": rule}]}
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def match_schema() -> dict[str, object]:
    """Return the JSON Schema of a match."""
    return {"type": ["object", "string"], "properties": _match_properties(), "additionalProperties": False}


def _match_properties() -> dict[str, object]:
    properties: dict[str, object] = {word: {"description": matcher.help} for word, matcher in MATCHERS.items()}
    inner = {"$ref": "#/components/schemas/Match"}
    for word in COMBINED:
        properties[word] = inner if word == "not" else {"type": "array", "items": inner}
    return properties


def rule_schema() -> dict[str, object]:
    """Return the JSON Schema of a rule: its own keys, schedule, fault kinds, and the keys of a match."""
    properties: dict[str, object] = {word: {"description": text} for word, text in {**OWN_WORDS, **WORDS}.items()}
    properties |= {word: {"description": kind.help, "examples": [kind.example]} for word, kind in KINDS.items()}
    properties |= _match_properties()
    properties["match"] = {"$ref": "#/components/schemas/Match"}
    presets = ", ".join(sorted(PRESETS))
    properties["answer"] = {"description": f"{KINDS['answer'].help}; presets: {presets}"}
    return {"type": "object", "properties": properties, "additionalProperties": False}
