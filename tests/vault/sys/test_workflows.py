"""Workflows: kept, listed, refused, run and traced."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import World

SECRET = """
input {
  field "string" "name" { required = true }
  field "int" "count" { default = 2 }
}
flow "store" {
  request "write" {
    operation = "update"
    path = { eval_source = "template" eval_type = "string" template = "secret/data/{{ .input.name }}" }
    data = {
      data = {
        count = { eval_source = "input" eval_type = "string" field_name = "count" }
        fixed = ["a", "b"]
      }
    }
  }
  request "read" {
    operation = "read"
    path = {
      eval_source = "request" eval_type = "string"
      flow_name = "store" request_name = "write" field_selector = ["path"]
    }
  }
  request "never" {
    when = false
    operation = "read"
    path = "sys/nothing"
  }
}
output {
  data = {
    kept = {
      eval_source = "response" eval_type = "any"
      flow_name = "store" response_name = "read" field_selector = ["data", "data"]
    }
  }
}
"""
STATUS = 'flow "check" { request "status" { operation = "read" path = "sys/seal-status" } }'


def keep(world: World, name: str, text: str, **more: Any) -> Response:
    return world.write(f"sys/workflows/manage/{name}", {"workflow": text, **more})


def run(world: World, workflow: str, verb: str = "execute", /, **sent: Any) -> Response:
    return world.write(f"sys/workflows/{verb}/{workflow}", sent)


def test_a_workflow_is_kept_and_counted(world: World) -> None:
    first = keep(world, "check", STATUS, description="d")
    shown = {"path": "check", "workflow": STATUS, "description": "d", "version": 1, "cas_required": False,
             "allow_unauthenticated": False}  # fmt: skip
    assert first.data == shown
    keep(world, "check", STATUS, description="e")
    again = {**shown, "version": 2, "description": "e"}
    assert world.ask("read", "sys/workflows/manage/CHECK").data == again
    assert world.ask("list", "sys/workflows/manage/").data == {"keys": ["check"], "key_info": {"check": again}}
    assert world.ask("delete", "sys/workflows/manage/check").status == 204
    assert world.ask("read", "sys/workflows/manage/check").status == 404
    assert world.ask("list", "sys/workflows/manage/").status == 404


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", 'workflow must have at least one "flow" block'),
        ("flow {", "failed during HCL parsing: "),
        ('flow "a" { other = 1 }', "unknown or unsupported field other found in configuration at workflow:1:12"),
        ("flow { when = true }", "failed to parse workflow: flow.0: flow type must be specified"),
        ('input { field "odd" "x" {} } ' + STATUS, 'unknown field type: "odd"'),
        ("input {} input {} " + STATUS, "only a single 'input' block is allowed"),
        ("output {} output {} " + STATUS, "only a single 'output' block is allowed"),
    ],
)
def test_texts_that_are_refused(world: World, text: str, error: str) -> None:
    answer = keep(world, "a", text)
    assert answer.status == 400
    assert answer.errors is not None
    assert error in answer.errors[0]


def test_check_and_set_can_be_required_and_never_given(world: World) -> None:
    refused = keep(world, "a", STATUS, cas_required=True, cas=-1)
    assert refused.errors == ["check-and-set parameter required for this call"]


def test_a_run_fills_in_what_it_is_given_and_what_came_before(world: World) -> None:
    keep(world, "store", SECRET)
    assert run(world, "store", name="x").data == {"kept": {"count": "2", "fixed": ["a", "b"]}}
    assert (world.ask("read", "secret/data/x").data or {})["data"] == {"count": "2", "fixed": ["a", "b"]}
    missing = run(world, "store")
    text = 'failed building profile engine: failed input validation: missing required field "name"'
    assert (missing.status, missing.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_a_trace_shows_every_step(world: World) -> None:
    keep(world, "store", SECRET)
    traced = run(world, "store", "trace", name="x", count=5).data
    assert traced is not None
    assert traced["error"] is None
    assert list(traced["history"]["requests"]["store"]) == ["write", "read", "never"]
    assert list(traced["history"]["responses"]["store"]) == ["write", "read"]
    assert traced["response"]["data"] == {"kept": {"count": "5", "fixed": ["a", "b"]}}


@pytest.mark.parametrize("operation", ["", "zap"])
def test_a_trace_shows_operations_that_there_are_not(world: World, operation: str) -> None:
    keep(world, "odd", f'flow "a" {{ request "b" {{ operation = "{operation}" path = "secret/data/x" }} }}')
    traced = run(world, "odd", "trace").data
    assert traced is not None
    assert traced["history"]["requests"]["a"]["b"]["operation"] == operation


def test_an_empty_answer_without_output(world: World) -> None:
    keep(world, "check", STATUS)
    done = run(world, "check")
    assert (done.status, done.data, done.errors) == (0, None, None)
    assert run(world, "none").status == 404


def test_a_run_does_what_its_token_may(world: World) -> None:
    world.write("sys/policy/p", {"policy": 'path "sys/workflows/execute/*" { capabilities = ["update"] }'})
    keep(world, "read", 'flow "a" { request "b" { operation = "read" path = "secret/data/x" } }')
    refused = world.write("sys/workflows/execute/read", token=world.token(policies=["p"]))
    assert refused.status == 403
    assert refused.errors is not None
    assert "flow.[a (0)]: request.[b (0)]: failed to evaluate request: " in refused.errors[0]
    keep(world, "read", 'flow "a" { request "b" { operation = "read" path = "secret/data/x" token = "x" } }')
    assert run(world, "read").errors == [
        "1 error occurred:\n\t* failed to evaluate workflow: flow.[a (0)]: request.[b (0)]: "
        "failed to evaluate request: 1 error occurred:\n\t* permission denied\n\n\n\n"
    ]
    keep(world, "try", 'flow "a" { request "b" { operation = "read" path = "no/x" allow_failure = true } }')
    assert run(world, "try").errors is None


def test_workflows_do_not_run_within_themselves_without_end(world: World) -> None:
    keep(world, "loop", 'flow "a" { request "b" { operation = "update" path = "sys/workflows/execute/loop" } }')
    refused = run(world, "loop")
    assert refused.errors is not None
    assert "too much workflow recursion" in refused.errors[0]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ('eval_source = "cel" eval_type = "string"', "unknown value for 'eval_source': cel"),
        ('eval_source = "template" eval_type = "string" template = "{{ if .a }}x{{ end }}"', "is not emulated"),
        ('eval_source = "input"', "malformed object; missing either 'eval_type' or 'eval_source'"),
        (
            'eval_source = "response" eval_type = "any" flow_name = "a" response_name = "c" field_selector = "x"',
            "no values written",
        ),
    ],
)
def test_values_that_cannot_be(world: World, value: str, error: str) -> None:
    keep(world, "w", f'flow "a" {{ request "b" {{ operation = "read" path = {{ {value} }} }} }}')
    refused = run(world, "w")
    assert refused.status == 500
    assert refused.errors is not None
    assert error in refused.errors[0]


def test_the_other_product_has_none() -> None:
    assert keep(World("vault"), "a", STATUS).status == 404


def test_unclosed_actions_are_parsed_in_linear_time(world: World) -> None:
    said = f'{{ eval_source = "template" eval_type = "string" template = "{"{{ " * 20_000}" }}'
    keep(world, "open", f'flow "a" {{ request "b" {{ operation = "read" path = {said} allow_failure = true }} }}')
    began = time.thread_time()
    assert run(world, "open").errors is None
    assert time.thread_time() - began < 2
