"""Running a workflow: the requests of each flow in turn, with values from the input and earlier steps.

Values come from ``input``, ``request`` and ``response``, and from templates that only name a value
(``{{ .input.name }}``). CEL expressions and other templates are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mockkms.vault.framework.fields import convert, zero
from mockkms.vault.framework.message import BackendError, Operation, Request, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.sys.workflows.text import Block, Workflow

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_DOTTED = re.compile(r"(?:\.[A-Za-z_]\w*)+")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))

Handler = Callable[[Request], Response]


class RunError(Exception):
    """A run that failed, with the reason and the HTTP status of the answer."""

    def __init__(self, text: str, status: int = 500) -> None:
        super().__init__(text)
        self.status = status


class Run:
    """One run. ``history`` records its requests and responses."""

    def __init__(self, workflow: Workflow, sent: dict[str, Any], prefix: str, token: str, handler: Handler) -> None:
        self.workflow = workflow
        self.sent = sent
        self.prefix = prefix
        self.token = token
        self.handler = handler
        self.input: dict[str, Any] = {}
        self.history: dict[str, Any] = {"requests": None, "responses": None}
        try:
            self._check_names()
            self._read_input()
        except RunError as error:
            raise RunError(f"failed building profile engine: {error}") from None

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
                raise RunError(f"input.fields.{index} [named {quote(declared.name)}] already present in request schema")
        for declared in self.workflow.fields or ():
            value = declared.default if declared.default is not None else zero(declared.kind)
            if declared.name in self.sent:
                try:
                    there, converted = convert(declared.kind, self.sent[declared.name])
                except ValueError as error:
                    text = f'error converting input for field "{declared.name}": {error}'
                    raise RunError(f"failed input schema validation: {text}") from None
                value = converted if there else value
            self.input[declared.name] = value
        for declared in self.workflow.fields or ():
            if declared.required and declared.name not in self.sent:
                raise RunError(f"failed input validation: missing required field {quote(declared.name)}")

    def run(self) -> None:
        """Make all requests. Raises RunError at the first failure that is not allowed."""
        for index, flow in enumerate(self.workflow.flows):
            try:
                if "when" in flow.settings and not _truth(self._part("when", self.value, flow.settings["when"])):
                    continue
                for number, request in enumerate(flow.requests):
                    try:
                        self._request(index, flow, number, request)
                    except RunError as error:
                        raise RunError(f"request.[{request.name} ({number})]: {error}", error.status) from None
            except RunError as error:
                raise RunError(f"flow.[{flow.name} ({index})]: {error}", error.status) from None

    def output(self) -> Response:
        """Return the answer that the ``output`` block describes. Raises RunError."""
        said = self.workflow.output or {}
        data = self._part("output data", self.value, said["data"]) if "data" in said else None
        headers = {}
        for name, values in _collapsed(said.get("headers", {})).items():
            headers[name] = ", ".join(_text(self.value(value)) for value in values)
        return Response(data=data, headers=headers)

    def _part(self, what: str, evaluate: Callable[[Any], Any], said: Any) -> Any:
        try:
            return evaluate(said)
        except RunError as error:
            raise RunError(f"failed to evaluate {what}: {error}") from None

    def _request(self, index: int, flow: Block, number: int, block: Block) -> None:
        said = block.settings
        try:
            request, allowed = self._built(f"flow[{index}].{flow.name}.request[{number}].{block.name}", said)
            execute = "when" not in said or _truth(self._part("when", self.value, said["when"]))
        except RunError as error:
            raise RunError(f"in building request: {error}") from None
        shown = {"id": request.id, "operation": request.operation.value, "path": request.path, "data": request.data}
        self._keep("requests", flow, block, {**shown, "headers": dict(request.headers), "client_token": request.token})
        if not execute:
            return
        response = self.handler(request)
        if response.errors is None:
            self._keep("responses", flow, block, _shown(response))
        elif not allowed:
            status = response.status if response.status in (403, 404, 405) else 500
            raise RunError(f"failed to evaluate request: {'; '.join(response.errors) or 'request failed'}", status)

    def _built(self, request_id: str, said: dict[str, Any]) -> tuple[Request, bool]:
        words = ("operation", "path", "token", "data", "headers", "allow_failure")
        found = {word: self._part(word.replace("_", " "), self.value, said[word]) for word in words if word in said}
        try:
            operation = Operation(_text(found.get("operation", "")))
        except ValueError:
            raise RunError(f"failed to evaluate operation: unknown operation {found.get('operation', '')}") from None
        headers = {name: _text(value) for name, value in (found.get("headers") or {}).items()}
        request = Request(
            operation,
            _text(found.get("path", "")).removeprefix("/"),
            data=dict(found.get("data") or {}),
            token=_text(found["token"]) if "token" in found else self.token,
            namespace=headers.get("X-Vault-Namespace", ""),
            headers=headers,
            id=f"{self.prefix}.{request_id}",
        )
        return request, _truth(found.get("allow_failure", False))

    def _keep(self, kind: str, flow: Block, block: Block, value: dict[str, Any]) -> None:
        self.history[kind] = self.history[kind] or {}
        self.history[kind].setdefault(flow.name, {})[block.name] = value

    # -- values --------------------------------------------------------------------------------------------------

    def value(self, said: Any) -> Any:
        """Return a setting with its references filled in. Raises RunError."""
        if isinstance(said, list) and said and all(isinstance(part, dict) for part in said):
            said = _collapsed(said)
        if isinstance(said, list):
            return [self.value(item) for item in said]
        if not isinstance(said, dict):
            return said
        if ("eval_source" in said) != ("eval_type" in said):
            raise RunError("malformed object; missing either 'eval_type' or 'eval_source'")
        filled = {key: self.value(item) for key, item in said.items()}
        return self._sourced(filled) if "eval_source" in filled else filled

    def _sourced(self, said: dict[str, Any]) -> Any:
        source = said["eval_source"]
        sources: dict[str, Callable[[dict[str, Any]], Any]] = {
            "request": lambda said: self._from_history("request", said),
            "response": lambda said: self._from_history("response", said),
            "template": self._from_template,
        }
        if self.workflow.fields is not None:
            sources["input"] = self._from_input
        if source not in sources:
            raise RunError(f"unknown value for 'eval_source': {source}")
        try:
            return _converted(sources[source](said), str(said["eval_type"]))
        except RunError as error:
            raise RunError(f"failed to evaluate source '{source}': {error}") from None

    def _from_input(self, said: dict[str, Any]) -> Any:
        name = said.get("field_name")
        if name not in self.input:
            raise RunError(f"referenced field {quote(str(name))} is missing from schema")
        return self.input[name]

    def _from_history(self, kind: str, said: dict[str, Any]) -> Any:
        for word in ("flow_name", f"{kind}_name"):
            if word not in said:
                raise RunError(f"{kind} source is missing required field '{word}'")
        flow, name = str(said["flow_name"]), str(said[f"{kind}_name"])
        kept = self.history[f"{kind}s"]
        if kept is None:
            raise RunError("no values written")
        if flow not in kept:
            raise RunError(f"missing outer block '{flow}'")
        if name not in kept[flow]:
            raise RunError(f"in outer block '{flow}': missing inner block '{name}'")
        selector = said.get("field_selector", [])
        return _selected(kept[flow][name], selector if isinstance(selector, list) else [selector])

    def _from_template(self, said: dict[str, Any]) -> str:
        known = {**(said.get("data") or {}), **self.history, "input": self.sent}

        template, out, place = str(said.get("template", "")), [], 0
        while (begin := template.find("{{", place)) >= 0 and (end := template.find("}}", begin + 2)) >= 0:
            action = template[begin + 2 : end].removeprefix("-").removesuffix("-").strip()
            out += [template[place:begin], self._named(known, action)]
            place = end + 2
        return "".join(out) + template[place:]

    def _named(self, known: dict[str, Any], action: str) -> str:
        """Return the value that a template's action names. Raises RunError."""
        if not _DOTTED.fullmatch(action):
            raise RunError(f"the template action {quote(action)} is not emulated")
        found: Any = known
        for step in action[1:].split("."):
            if not isinstance(found, dict) or step not in found:
                raise RunError(f"failed to execute templator: map has no entry for key {quote(step)}")
            found = found[step]
        return _text(found)


def _check_unique(blocks: list[Block], text: str) -> None:
    seen: dict[str, int] = {}
    for index, block in enumerate(blocks):
        if block.name in seen:
            raise RunError(text.format(block.name, seen[block.name], index))
        seen[block.name] = index


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        rule = "must start with a letter or underscore and contain only letters, digits"
        raise RunError(f"{kind} name '{name}' is invalid: {rule}")


def _collapsed(said: Any) -> dict[str, Any]:
    """Return a block decoded from HCL, merging a list of mappings into one."""
    return {key: value for part in said for key, value in part.items()} if isinstance(said, list) else dict(said)


def _selected(found: Any, selector: list[Any]) -> Any:
    for depth, step in enumerate(selector):
        if isinstance(step, str):
            if not isinstance(found, dict) or step not in found:
                raise RunError(f"error resolving field: field {quote(step)} at depth {depth} is missing")
        elif not isinstance(found, list) or not 0 <= step < len(found):
            raise RunError(f"error resolving field: selector ({step}) out of bounds at depth {depth}")
        found = found[step]
    return found


def _converted(value: Any, value_type: str) -> Any:
    try:
        if value_type == "string":
            return _text(value)
        if value_type == "int":
            return int(value or 0)
        if value_type == "float64":
            return float(value or 0)
    except (TypeError, ValueError):
        raise RunError(f"conversion-error: cannot convert value to type '{value_type}'") from None
    if value_type == "bool":
        return _truth(value)
    if value_type == "[]string":
        return [_text(item) for item in (value if isinstance(value, list) else [value])]
    if value_type not in ("", "map", "map[string]interface{}", "any", "interface{}"):
        raise RunError(f"unsupported type conversion: {value_type}")
    return value


def _text(value: Any) -> str:
    """Return a value as text, as Go's weak decoding does."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list) and len(value) == 1:
        return _text(value[0])
    if isinstance(value, list | dict):
        raise RunError(f"expected type 'string', got unconvertible type '{type(value).__name__}'")
    return "" if value is None else str(value)


def _truth(value: Any) -> bool:
    return value in _TRUE if isinstance(value, str) else bool(value)


def _shown(response: Response) -> dict[str, Any]:
    """Return a response in the form recorded in the history."""
    auth = response.auth
    shown = {
        "client_token": auth.client_token, "accessor": auth.accessor, "policies": auth.policies,
        "token_policies": auth.token_policies, "identity_policies": auth.identity_policies,
        "metadata": auth.metadata, "entity_id": auth.entity_id, "num_uses": auth.num_uses, "orphan": auth.orphan,
        "renewable": auth.renewable, "lease": auth.lease_duration * 1_000_000_000,
        "mfa_requirement": auth.mfa_requirement,
    } if auth else None  # fmt: skip
    data = response.document if response.document is not None else response.plain_data()
    return {"auth": shown, "data": data, "redirect": response.redirect, "warnings": response.warnings or None}


def refused(error: RunError, what: str = "") -> BackendError:
    """Return the error that answers a failed run."""
    return BackendError(what + str(error), status=error.status)
