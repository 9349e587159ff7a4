"""Running a workflow: the requests of each flow in turn, with values from the input and earlier steps.

Values come from ``input``, ``request`` and ``response``, and from templates that only name a value
(``{{ .input.name }}``). CEL expressions and other templates are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mockkms.vault.framework.fields import convert, zero
from mockkms.vault.framework.message import BackendError, Operation, Request, Response, refusing
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.golang.number import Number
from mockkms.vault.mounts.table import Mount
from mockkms.vault.sys.workflows.history import shown_request, shown_response
from mockkms.vault.sys.workflows.text import Workflow, WorkflowBlock

_DENIED = "permission denied"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_REQUIRED = {
    "input": {"field_name": '"'},
    "request": {"flow_name": "'", "request_name": '"'},
    "response": {"flow_name": '"', "response_name": "'"},
    "template": {"template": "'"},
}
"""The members of references by source, each with the quotes that the real server puts around its name."""
_SELECTING = {"request": "or ", "response": ""}
_DOTTED = re.compile(r"(?:\.[A-Za-z_]\w*)+")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))

Handler = Callable[[Request], Response]
History = dict[str, dict[str, dict[str, object] | None]]
"""Requests or responses by the names of their flow and of themselves."""


@contextmanager
def within(place: str) -> Iterator[None]:
    """Name the place in the workflow in which an error of the body happened. The status is kept."""
    try:
        yield
    except BackendError as error:
        error.errors[0] = f"{place}: {error.errors[0]}"
        raise


class Run:
    """One run. ``history`` records its requests and responses."""

    def __init__(
        self,
        workflow: Workflow,
        sent: dict[str, object],
        prefix: str,
        token: str,
        handler: Handler,
        mounted: Callable[[Request], Mount | None],
    ) -> None:
        self.workflow = workflow
        self.sent = sent
        self.prefix = prefix
        self.token = token
        self.handler = handler
        self.mounted = mounted
        """Returns the mount that a request was for."""
        self.input: dict[str, object] = {}
        self.history: dict[str, History | None] = {"requests": None, "responses": None}
        with within("failed building profile engine"):
            self._check_names()
            self._read_input()

    def _check_names(self) -> None:
        flows = self.workflow.flows
        _check_unique(flows, "duplicate outer block name '{0}' found at indices {1} and {2}")
        for flow in flows:
            _check_unique(
                flow.requests, f"duplicate request name '{{0}}' in outer block '{flow.name}' at indices {{1}} and {{2}}"
            )
        for flow in flows:
            if len(flows) > 1:
                _check_name("outer block", flow.name)
            for request in flow.requests:
                _check_name(f"request in block '{flow.name}'", request.name)

    def _read_input(self) -> None:
        for index, declared in enumerate(self.workflow.fields or ()):
            if declared.name == "path" or any(f.name == declared.name for f in (self.workflow.fields or ())[:index]):
                raise BackendError(
                    f"input.fields.{index} [named {quote(declared.name)}] already present in request schema"
                )
        for declared in self.workflow.fields or ():
            value = declared.default if declared.default is not None else zero(declared.kind)
            if declared.name in self.sent:
                failed = f"failed input schema validation: error converting input for field {quote(declared.name)}: "
                with refusing(failed, BackendError):
                    there, converted = convert(declared.kind, self.sent[declared.name])
                value = converted if there else value
            self.input[declared.name] = value
        for declared in self.workflow.fields or ():
            if declared.required and declared.name not in self.sent:
                raise BackendError(f"failed input validation: missing required field {quote(declared.name)}")

    def run(self) -> None:
        """Make all requests. Raises BackendError at the first failure that is not allowed."""
        for index, flow in enumerate(self.workflow.flows):
            with within(f"flow.[{flow.name} ({index})]"):
                if "when" in flow.settings and not _truth(self._part("when", flow.settings["when"])):
                    continue
                for number, request in enumerate(flow.requests):
                    with within(f"request.[{request.name} ({number})]"):
                        self._request(index, flow, number, request)

    def output(self) -> Response:
        """Return the answer that the ``output`` block describes. Raises BackendError."""
        settings = self.workflow.output or {}
        found = self._part("output data", settings["data"]) if "data" in settings else None
        data = None if found is None else _mapping(found)
        headers = {}
        for name, values in _collapsed(settings.get("headers", {})).items():
            headers[name] = ", ".join(_text(self.value(value)) for value in _list(values))
        return Response(data=data, headers=headers)

    def _part(self, what: str, setting: object) -> object:
        with within(f"failed to evaluate {what}"):
            return self.value(setting)

    def _request(self, index: int, flow: WorkflowBlock, number: int, block: WorkflowBlock) -> None:
        settings = block.settings
        with within("in building request"):
            request, operation, allowed = self._built(
                f"flow[{index}].{flow.name}.request[{number}].{block.name}", settings
            )
            execute = "when" not in settings or _truth(self._part("when", settings["when"]))
        self._keep("requests", flow, block, shown_request(request, operation, with_data="data" in settings))
        if not execute:
            return
        response = self.handler(request)
        if response.errors is None or (response.errors == [] and response.status == 404):  # Nothing found: no error.
            self._keep("responses", flow, block, shown_response(response, self.mounted(request)))
        elif not allowed:
            status = response.status if response.status in (403, 404, 405) else 500
            fault = "; ".join(response.errors) or "request failed"
            if fault == _DENIED:
                fault = error_list([fault])  # Only HTTP answers leave an invalid token's error bare.
            raise BackendError(f"failed to evaluate request: {fault}", status=status)

    def _built(self, request_id: str, settings: dict[str, object]) -> tuple[Request, str, bool]:
        names = ("operation", "path", "token", "data", "headers", "allow_failure")
        found = {name: self._part(name.replace("_", " "), settings[name]) for name in names if name in settings}
        named = _text(found.get("operation", ""))
        try:
            operation = Operation(named)
        except ValueError:
            operation = Operation.INTERNAL
        headers = {name: _text(value) for name, value in _mapping(found.get("headers")).items()}
        request = Request(
            operation,
            _text(found.get("path", "")).removeprefix("/"),
            data=_mapping(found.get("data")),
            token=_text(found["token"]) if "token" in found else self.token,
            namespace=headers.get("X-Vault-Namespace", ""),
            headers=headers,
            id=f"{self.prefix}.{request_id}",
        )
        return request, named, _truth(found.get("allow_failure", False))

    def _keep(self, kind: str, flow: WorkflowBlock, block: WorkflowBlock, value: dict[str, object] | None) -> None:
        kept = self.history[kind]
        if kept is None:
            kept = self.history[kind] = {}
        kept.setdefault(flow.name, {})[block.name] = value

    # -- values --------------------------------------------------------------------------------------------------

    def value(self, setting: object) -> object:
        """Return a setting with its references filled in. Raises BackendError."""
        if isinstance(setting, list) and setting and all(isinstance(part, dict) for part in setting):
            setting = _collapsed(setting)
        if isinstance(setting, list):
            items = []
            for index, item in enumerate(setting):
                with within(f"list.{index}"):
                    items.append(self.value(item))
            return items
        if not isinstance(setting, dict):
            return setting
        if ("eval_source" in setting) != ("eval_type" in setting):
            raise BackendError(
                f"malformed object; missing either 'eval_type' or 'eval_source': obj={_go_syntax(setting)}"
            )
        filled = {}
        for key, item in setting.items():
            with within(f"while evaluating map.{key}"):
                filled[key] = self.value(item)
        return self._sourced(filled) if "eval_source" in filled else filled

    def _sourced(self, reference: dict[str, object]) -> object:
        """Return the value that a reference names. Raises BackendError."""
        source = reference["eval_source"]
        sources: dict[object, Callable[[dict[str, object]], object]] = {
            "request": lambda reference: self._from_history("request", reference),
            "response": lambda reference: self._from_history("response", reference),
            "template": self._from_template,
        }
        if self.workflow.fields is not None:
            sources["input"] = self._from_input
        if not isinstance(source, str) or source not in sources:
            raise BackendError(f"unknown value for 'eval_source': {source}")
        with within(f"failed to validate source '{source}'"):
            self._check(source, reference)
        with within(f"failed to evaluate source '{source}'"):
            found = sources[source](reference)
        with within(f"failed to convert value to type '{reference['eval_type']}'"):
            return _converted(found, str(reference["eval_type"]))

    def _check(self, source: str, reference: dict[str, object]) -> None:
        """Check the members of a reference. Raises BackendError."""
        for name, mark in _REQUIRED[source].items():
            if name not in reference:
                raise BackendError(f"{source} source is missing required field {mark}{name}{mark}")
            value = reference[name]
            if not isinstance(value, str):
                typed = '"' if (source, name) == ("response", "flow_name") else "'"
                raise BackendError(
                    f"field {typed}{name}{typed} is of wrong type: expected 'string' got '{_go_type(value)}'"
                )
        if source == "input" and reference["field_name"] not in self.input:
            raise BackendError(f"referenced field {quote(str(reference['field_name']))} is missing from schema")
        selector = reference.get("field_selector")
        if source in _SELECTING and not isinstance(selector, (str, int, list)):
            raise BackendError(
                f"unknown type for {source} source field 'field_selector': {_go_type(selector)}; expected either "
                f"string, []string, {_SELECTING[source]}[]interface{{}}"
            )

    def _from_input(self, reference: dict[str, object]) -> object:
        return self.input[str(reference["field_name"])]

    def _from_history(self, kind: str, reference: dict[str, object]) -> object:
        flow, name = str(reference["flow_name"]), str(reference[f"{kind}_name"])
        kept = self.history[f"{kind}s"]
        if kept is None:
            raise BackendError("no values written")
        if flow not in kept:
            raise BackendError(f"missing outer block '{flow}'")
        if name not in kept[flow]:
            raise BackendError(f"in outer block '{flow}': missing inner block '{name}'")
        return _selected(kept[flow][name], _list(reference.get("field_selector", [])))

    def _from_template(self, reference: dict[str, object]) -> str:
        known = {**_mapping(reference.get("data")), **self.history, "input": self.sent}
        template, out, place = str(reference.get("template", "")), [], 0
        while (begin := template.find("{{", place)) >= 0 and (end := template.find("}}", begin + 2)) >= 0:
            action = template[begin + 2 : end].removeprefix("-").removesuffix("-").strip()
            out += [template[place:begin], _named(known, action, template, begin)]
            place = end + 2
        return "".join(out) + template[place:]


def _go_type(value: object) -> str:
    """Return Go's name for the type of a decoded value."""
    if value is None or isinstance(value, dict):
        return "<nil>" if value is None else "map[string]interface {}"
    return {bool: "bool", int: "int", float: "float64", str: "string"}.get(type(value), "[]interface {}")


def _go_syntax(value: object) -> str:
    """Return a decoded value as ``%#v`` prints it."""
    if isinstance(value, dict):
        members = ", ".join(f"{quote(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{members}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    if value is None or isinstance(value, bool):
        return {None: "interface {}(nil)", True: "true", False: "false"}[value]
    return quote(value) if isinstance(value, str) else str(value)


def _named(known: object, action: str, template: str, begin: int) -> str:
    """Return the value that a template's action names. Raises BackendError.

    ``begin``: where the action begins in ``template``.
    """
    if not _DOTTED.fullmatch(action):
        raise BackendError(f"the template action {quote(action)} is not emulated")
    at = template.index(action, begin)
    for step in action[1:].split("."):
        if not isinstance(known, dict) or step not in known:
            line = template.count("\n", 0, at) + 1
            column = at - (template.rfind("\n", 0, at) + 1)
            raise BackendError(
                f"failed to execute templator: unable to apply template: template: template:{line}:{column}: executing "
                f'"template" at <{action}>: map has no entry for key {quote(step)}'
            )
        known = known[step]
        at += 1 + len(step)
    return _text(known)


def _check_unique(blocks: list[WorkflowBlock], text: str) -> None:
    seen: dict[str, int] = {}
    for index, block in enumerate(blocks):
        if block.name in seen:
            raise BackendError(text.format(block.name, seen[block.name], index))
        seen[block.name] = index


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "must start with a letter or underscore and contain only letters, digits"
        raise BackendError(f"{kind} name '{name}' is invalid: {rule}")


def _mapping(value: object) -> dict[str, object]:
    """Return an object as a new dict; a missing one is empty. Raises BackendError for any other value."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise BackendError(f"expected a map, got {quote(type(value).__name__)}")
    return dict(value)


def _list(value: object) -> list[object]:
    """Return a value as a list; one that is not a list becomes its only item."""
    return value if isinstance(value, list) else [value]


def _collapsed(blocks: object) -> dict[str, object]:
    """Return a block decoded from HCL, merging a list of mappings into one."""
    if not isinstance(blocks, list):
        return _mapping(blocks)
    return {key: value for part in blocks for key, value in part.items()}


def _selected(found: object, selector: list[object]) -> object:
    for depth, step in enumerate(selector):
        if isinstance(step, str):
            if not isinstance(found, dict) or step not in found:
                keys = f":\n\tavailable keys: [{' '.join(sorted(found))}]" if isinstance(found, dict) else ""
                raise BackendError(f"error resolving field: field {quote(step)} at depth {depth} is missing{keys}")
            found = found[step]
        elif isinstance(step, int) and isinstance(found, list) and 0 <= step < len(found):
            found = found[step]
        else:
            raise BackendError(f"error resolving field: selector ({step}) out of bounds at depth {depth}")
    return found


def _converted(value: object, value_type: str) -> object:
    fault = f"conversion-error: cannot convert value to type '{value_type}'"
    with refusing(error=BackendError, of=(TypeError, ValueError), text=fault):
        if value_type == "string":
            return _text(value)
        if value_type == "int":
            return int(_number(value))
        if value_type == "float64":
            return float(_number(value))
    if value_type == "bool":
        return _truth(value)
    if value_type == "[]string":
        return [_text(item) for item in _list(value)]
    if value_type not in ("", "map", "map[string]interface{}", "any", "interface{}"):
        raise BackendError(f"unsupported type conversion: {value_type}")
    return value


def _number(value: object) -> str | float:
    """Return what ``int`` or ``float`` can read, 0 for an empty value. Raises TypeError for a list or an object."""
    if isinstance(value, (str, int, float)):
        return value or 0
    if value is None or value in ([], {}):
        return 0
    if isinstance(value, Number):
        return str(value)
    raise TypeError


def _text(value: object) -> str:
    """Return a value as text, as Go's weak decoding does."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list) and len(value) == 1:
        return _text(value[0])
    if isinstance(value, list | dict):
        raise BackendError(f"expected type 'string', got unconvertible type '{type(value).__name__}'")
    return "" if value is None else str(value)


def _truth(value: object) -> bool:
    return value in _TRUE if isinstance(value, str) else bool(value)
