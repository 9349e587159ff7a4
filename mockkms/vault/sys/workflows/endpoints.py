"""``sys/workflows``: stored sequences of requests that run by name; ``run.py`` describes what is supported."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.collections import page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import walk
from mockkms.vault.framework.message import (
    BackendError,
    ErrorResponse,
    Operation,
    Request,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.sys.workflows.run import Run

_DEEPEST = 5
"""Workflows that may run inside one another."""
_PATH = {"path": Field(Kind.STRING, help="Path of the workflow, in any case.")}
_PAGE = {
    "after": Field(Kind.STRING, query=True, help="List paths after this one."),
    "limit": Field(Kind.INT, query=True, help="List no more than this many paths."),
}

listing = engine.path("workflows/manage[/]", _PAGE, help="Paths of all workflows.", needs=Feature.WORKFLOWS)
one = engine.path(
    "workflows/manage/{path:some}",
    {
        **_PATH,
        "description": Field(Kind.STRING, help="Description of the workflow."),
        "workflow": Field(Kind.STRING, help="The workflow in HCL or JSON."),
        "cas": Field(Kind.INT, help="Expected version; has no effect, as on the real server."),
        "cas_required": Field(Kind.BOOL, help="Requires a version in writes, which are then refused."),
        "allow_unauthenticated": Field(
            Kind.BOOL, help="Whether it may run without a token, if the server allows that."
        ),
        **_PAGE,
    },
    help="A workflow.",
    needs=Feature.WORKFLOWS,
)
execution = engine.path(
    "workflows/execute/{path:some}",
    _PATH,
    help="Run a workflow.",
    arbitrary=True,
    needs=Feature.WORKFLOWS,
    go_errors=True,
)
trace = engine.path(
    "workflows/trace/{path:some}",
    _PATH,
    help="Run a workflow and show every step.",
    arbitrary=True,
    needs=Feature.WORKFLOWS,
)


@stored("sys.Stored")
@dataclass
class Stored:
    """A stored workflow."""

    path: str
    workflow: str
    description: str = ""
    version: int = 1
    cas_required: bool = False
    allow_unauthenticated: bool = False


def _known(call: Call) -> dict[str, Stored]:
    """Return the workflows of the namespace by path."""
    every: dict[str, dict[str, Stored]] = call.core.state.system.get("workflows", {})
    return every.get(call.request.namespace, {})


def _path(call: Call) -> str:
    return str(call["path"]).strip().lower()


@listing.on(Operation.LIST)
def list_workflows(_state: object, call: Call) -> dict[str, object]:
    """Return the workflows outside folders; the real server does not list folders."""
    return _listed(call, [path for path in sorted(_known(call)) if "/" not in path])


@listing.on(Operation.SCAN)
def scan_workflows(_state: object, call: Call) -> dict[str, object]:
    """Return the paths of all workflows."""
    return _listed(call, walk(_known(call)))


@one.on(Operation.LIST)
@one.on(Operation.SCAN)
def list_below(_state: object, call: Call) -> dict[str, object]:
    """Return the workflows below a folder."""
    folder = _path(call).rstrip("/") + "/"
    return _listed(call, [path for path in sorted(_known(call)) if path.startswith(folder)])


def _listed(call: Call, paths: list[str]) -> dict[str, object]:
    shown = page(paths, call["after"], call["limit"])
    known = _known(call)
    return {"keys": shown, "key_info": {path: asdict(known[path]) for path in shown}} if shown else {}


@one.on(Operation.READ)
def read(_state: object, call: Call) -> dict[str, object] | None:
    """Return a workflow."""
    found = _known(call).get(_path(call))
    return asdict(found) if found else None


@one.on(Operation.UPDATE)
def write(
    _state: object,
    call: Call,
    *,
    workflow: str,
    cas_required: bool,
    description: str,
    allow_unauthenticated: bool,
    path: str,
) -> dict[str, object]:
    """Store a workflow, replacing all of its settings."""
    from mockkms.vault.sys.workflows.text import parse

    found = _known(call).get(_path(call))
    with refusing():
        parse(workflow)
    if cas_required or (found is not None and found.cas_required):
        raise ErrorResponse("check-and-set parameter required for this call")
    made = Stored(
        _path(call),
        workflow,
        description,
        found.version + 1 if found else 1,
        cas_required,
        allow_unauthenticated,
    )
    call.core.state.system.setdefault("workflows", {}).setdefault(call.request.namespace, {})[made.path] = made
    return {**asdict(made), "path": path}


@one.on(Operation.DELETE)
def delete(_state: object, call: Call) -> None:
    """Delete a workflow."""
    _known(call).pop(_path(call), None)


@execution.on(Operation.UPDATE)
def execute(_state: object, call: Call) -> Reply:
    """Run a workflow; without an ``output`` block the answer is empty."""
    from mockkms.vault.sys.workflows.run import within

    run = _run(call)
    if run.workflow.output is not None:
        run.run()
        return run.output()
    with within("failed to evaluate workflow"):
        run.run()
    return Response()


@trace.on(Operation.UPDATE)
def show(_state: object, call: Call) -> dict[str, object]:
    """Run a workflow; return every request and response, and the error, which is encoded as ``{}``."""
    run = _run(call)
    shown: dict[str, object] = {"history": run.history, "error": None}
    try:
        run.run()
        if run.workflow.output is not None:
            shown["response"] = None
            output = run.output()
            shown["response"] = {
                "secret": None, "auth": None, "data": output.data, "redirect": "", "warnings": None, "wrap_info": None,
                "headers": output.headers,
            }  # fmt: skip
    except BackendError:
        shown["error"] = {}
    return shown


def _run(call: Call) -> Run:
    from mockkms.vault.sys.workflows.run import Run
    from mockkms.vault.sys.workflows.text import parse

    found = _known(call).get(_path(call))
    if found is None:
        raise BackendError("workflow does not exist", status=404)
    request, own = call.request, call.request.namespace
    if ".unauthed.workflow." in request.id:
        raise permission_denied()
    if request.id.count(".workflow.") == _DEEPEST:
        raise BackendError("too much workflow recursion", status=400)

    def handler(inner: Request) -> Response:
        inner.inner = True
        inner.namespace = own + inner.namespace
        inner.remote_address, inner.remote_port = request.remote_address, request.remote_port
        response = call.core.handle(inner)
        if response.errors and response.errors[0].startswith("no handler for route"):
            response.errors = [error_list(["unsupported path"])]  # As a request that skips the HTTP layer is refused.
        return response

    def mounted(inner: Request) -> Mount | None:
        return call.core.state.mounts.match(inner.namespace, inner.path)

    prefix = f"{request.id}.authed.workflow.{call['path']}"
    return Run(parse(found.workflow), dict(call.raw), prefix, request.token, handler, mounted)
