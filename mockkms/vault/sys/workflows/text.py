"""Parsing workflows: HCL with ``input``, ``flow`` and ``output`` blocks, into plain data."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from mockkms.error_context import error_context
from mockkms.vault.framework.fields import Kind
from mockkms.vault.golang.fmt import quote
from mockkms.vault.hcl.decode import decode_map
from mockkms.vault.hcl.parser import parse as parse_hcl
from mockkms.vault.hcl.tree import HclItem, HclItems, Object

KINDS = {
    "string": Kind.STRING, "int": Kind.INT, "int64": Kind.INT64, "bool": Kind.BOOL, "map": Kind.MAP,
    "duration_second": Kind.SECONDS, "signed_duration_second": Kind.SIGNED_SECONDS, "slice": Kind.SLICE,
    "string_slice": Kind.STRING_SLICE, "comma_string_slice": Kind.COMMA_STRINGS,
    "lower_case_string": Kind.LOWER_STRING, "name_string": Kind.NAME, "kv_pairs": Kind.KV_PAIRS,
    "comma_int_slice": Kind.COMMA_INTS, "header": Kind.HEADER, "float": Kind.FLOAT, "time": Kind.TIME,
}  # fmt: skip
_REQUEST = ("type", "operation", "path", "token", "data", "headers", "when", "allow_failure")
_FIELD = ("type", "name", "default", "description", "required", "deprecated", "query", "allowed_values")


T = TypeVar("T")


@dataclass
class WorkflowBlock:
    """A named ``request`` or ``flow`` with its settings, and a flow's requests."""

    name: str
    settings: dict[str, object]
    requests: list[WorkflowBlock] = field(default_factory=list)


@dataclass
class InputField:
    """One parameter of a workflow."""

    name: str
    kind: Kind
    default: object = None
    required: bool = False


@dataclass
class Workflow:
    """A parsed workflow."""

    fields: list[InputField] | None
    """None: no ``input`` block."""
    flows: list[WorkflowBlock]
    output: dict[str, object] | None


def parse(text: str) -> Workflow:
    """Parse a workflow. Raises ValueError."""
    with error_context("failed during HCL parsing: "):
        items = parse_hcl(text)
    unused: list[str] = []
    fields = flows = output = None
    if found := items.under("input").items:
        fields = _stage("failed to parse input configuration block", _input, found, unused)
    if found := items.under("flow").items:
        flows = _stage("failed to parse workflow", _flows, found, unused)
    if found := items.under("output").items:
        output = _stage("failed to parse output configuration block", _output, found, unused)
    if not flows:
        raise ValueError('workflow must have at least one "flow" block')
    if unused:
        raise ValueError("\n".join(unused))
    return Workflow(fields, flows, output)


def _stage(what: str, read: Callable[[list[HclItem], list[str]], T], found: list[HclItem], unused: list[str]) -> T:
    with error_context(f"{what}: "):
        return read(found, unused)


def _settings(item: HclItem, known: Collection[str], unused: list[str], blocks: str = "") -> dict[str, object]:
    """Return a block's settings without its inner ``blocks``; add the names of unknown ones to ``unused``."""
    settings = decode_map(item.value, "root")
    for inner in item.value.members.items if isinstance(item.value, Object) else ():
        key = inner.keys[0]
        if key.name not in known and key.name.casefold() != blocks:
            unused.append(f"unknown or unsupported field {key.name} found in configuration at workflow:{key.position}")
    return {name: value for name, value in settings.items() if name.casefold() != blocks}


def _inside(item: HclItem, name: str) -> list[HclItem]:
    return item.value.members.under(name).items if isinstance(item.value, Object) else HclItems().items


def _flows(found: list[HclItem], unused: list[str]) -> list[WorkflowBlock]:
    flows = []
    for index, item in enumerate(found):
        settings = _settings(item, ("type", "when"), unused, "request")
        name = str(settings.get("type") or (item.keys[0].name if len(item.keys) == 1 else ""))
        if not name:
            raise ValueError(f"flow.{index}: flow type must be specified")
        flow = WorkflowBlock(name, settings)
        for number, inner in enumerate(_inside(item, "request")):
            given = _settings(inner, _REQUEST, unused)
            called = str(given.get("type") or (inner.keys[0].name if len(inner.keys) == 1 else ""))
            if not called:
                text = f"request.{number}: initialize type must be specified"
                raise ValueError(f"flow.{index}: error parsing 'request': {text}")
            flow.requests.append(WorkflowBlock(called, given))
        flows.append(flow)
    return flows


def _input(found: list[HclItem], unused: list[str]) -> list[InputField]:
    if len(found) > 1:
        raise ValueError("only a single 'input' block is allowed")
    _settings(found[0], (), unused, "field")
    fields = []
    for index, item in enumerate(_inside(found[0], "field")):
        given = _settings(item, _FIELD, unused)
        keys = [key.name for key in item.keys]
        input_type, name = str(given.get("type", "")), str(given.get("name", ""))
        wanted = (not input_type) + (not name)
        if wanted and len(keys) != wanted:
            text = "field type and name must be specified either as keys or block parameters"
            raise ValueError(f"input: error parsing 'field': field.{index}: {text}")
        input_type = input_type or keys[0]
        name = name or keys[-1]
        if input_type not in KINDS:
            text = f"unknown field type: {quote(input_type)}"
            raise ValueError(f"input: error parsing 'field': field.{index}: {text}")
        fields.append(InputField(name, KINDS[input_type], given.get("default"), given.get("required") is True))
    return fields


def _output(found: list[HclItem], unused: list[str]) -> dict[str, object]:
    if len(found) > 1:
        raise ValueError("only a single 'output' block is allowed")
    return _settings(found[0], ("data", "headers"), unused)
