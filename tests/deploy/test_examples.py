"""The examples in ``deploy/`` for Compose, CI services and Kubernetes: parsed, checked, and their commands run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockkms import MockKMS, RemoteKMS
from mockkms.cli import main

from .commands import DEPLOY, parsed

IMAGE_USER = int(re.findall(r"^USER (\d+)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)[-1])
WORLD = DEPLOY / "worlds" / "world.yaml"


def documents(name: str) -> list[Any]:
    """The documents of a YAML file. The key ``on`` of a workflow is a text, as GitHub reads it."""
    text = re.sub(r"^on:", '"on":', (DEPLOY / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return list(yaml.safe_load_all(text))


def scripts() -> list[tuple[str, str]]:
    """Every line of shell in the examples for CI, with the job that has it."""
    [workflow], [pipeline] = documents("github-actions.yaml"), documents("gitlab-ci.yaml")
    found = [
        (f"github {name}", step["run"])
        for name, job in workflow["jobs"].items()
        for step in job["steps"]
        if "run" in step
    ]
    for name, job in pipeline.items():
        found += [(f"gitlab {name}", line) for part in ("script", "after_script") for line in job.get(part, ())]
    return found


def test_every_file_parses() -> None:
    files = [path.name for path in DEPLOY.glob("*.yaml")]
    assert sorted(files) == ["compose.yaml", "github-actions.yaml", "gitlab-ci.yaml", "kubernetes.yaml"]
    for name in files:
        assert all(isinstance(document, dict) for document in documents(name))


def test_the_world_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(WORLD)]) == 0, capsys.readouterr().out


def test_compose(monkeypatch: pytest.MonkeyPatch) -> None:
    [compose] = documents("compose.yaml")
    vault, app = compose["services"]["vault"], compose["services"]["app"]
    assert (DEPLOY / vault["build"]["context"] / vault["build"]["dockerfile"]).is_file()
    options = parsed(vault["command"], monkeypatch)
    source, target, mode = vault["volumes"][0].split(":")
    assert options.seed == [f"{target}/{WORLD.name}"]
    assert (DEPLOY / source).resolve() == WORLD.parent
    assert mode == "ro"
    assert vault["ports"] == ["127.0.0.1:8200:8200"], "other machines must not reach it"
    assert app["depends_on"] == {"vault": {"condition": "service_healthy"}}
    assert "HEALTHCHECK" in (DEPLOY / "Containerfile").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the client of the example is curl")
@pytest.mark.server(seed=WORLD)
def test_the_program_in_compose_gets_its_secret(kms: MockKMS) -> None:
    [compose] = documents("compose.yaml")
    words = [word.replace("http://vault:8200", kms.url) for word in compose["services"]["app"]["command"]]
    run = subprocess.run(["curl", *words], capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(run.stdout)["data"]["data"] == {"password": "s3cr3t"}


def test_github_actions() -> None:
    [workflow] = documents("github-actions.yaml")
    assert set(workflow) == {"name", "on", "permissions", "jobs"}
    for name, job in workflow["jobs"].items():
        assert set(job) <= {"runs-on", "timeout-minutes", "steps", "services", "env"}, name
        for step in job["steps"]:
            assert ("uses" in step) + ("run" in step) == 1, step
            assert set(step) <= {"uses", "run", "with", "name", "if"}, step
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1")), step
    service = workflow["jobs"]["service"]
    # A service cannot be given arguments: all must work with the image's own command.
    assert set(service["services"]["vault"]) == {"image", "ports"}
    assert service["env"]["VAULT_ADDR"].endswith(":8200")


def test_gitlab_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    [pipeline] = documents("gitlab-ci.yaml")
    for name, job in pipeline.items():
        assert set(job) <= {"stage", "image", "services", "variables", "script", "after_script"}, name
        assert all(isinstance(line, str) for line in job["script"]), name
    job = pipeline["integration"]
    [service] = job["services"]
    assert set(service) == {"name", "alias", "command"}
    assert parsed(service["command"], monkeypatch).root_token == job["variables"]["VAULT_TOKEN"]
    assert {job["variables"][name] for name in ("VAULT_ADDR", "MOCKKMS_URL")} == {f"http://{service['alias']}:8200"}


@pytest.mark.parametrize(("job", "line"), scripts())
def test_scripts_are_shell_and_use_flags_that_exist(job: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["sh", "-n", "-c", line], check=True)
    words = shlex.split(line)
    if words[0] == "mockkms":
        options = parsed(words[1:], monkeypatch)
        for world in (*getattr(options, "seed", ()), *getattr(options, "worlds", ())):
            assert DEPLOY.parent / world == WORLD


@pytest.mark.server(root_token="root")
def test_the_jobs_with_a_service_run(kms: MockKMS, tmp_path: Path) -> None:
    """Their scripts, with a test of two lines in place of ``scripts/integration-tests``."""
    command = tmp_path / "mockkms"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom mockkms.cli import main\nsys.exit(main())\n")
    test = tmp_path / "tests"
    test.write_text('#!/bin/sh\n[ -n "$VAULT_ADDR" ] && [ -n "$VAULT_TOKEN" ] && echo tested\n')
    for path in (command, test):
        path.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path),
        "VAULT_ADDR": kms.url, "VAULT_TOKEN": "root", "MOCKKMS_URL": kms.url,
    }  # fmt: skip
    for job, line in scripts():
        if line.startswith("pip ") or (line.startswith("curl") and shutil.which("curl") is None):
            continue
        script = line.replace("scripts/integration-tests", str(test))
        run = ["sh", "-c", script]
        done = subprocess.run(
            run, env=environment, cwd=DEPLOY.parent, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (job, line, done.stdout, done.stderr)
        assert "integration-tests" not in line or done.stdout == "tested\n"
    with RemoteKMS(kms.url) as remote:
        assert "transit/" in str(remote.call("GET", "state?format=yaml")), "the world was loaded"


def test_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    config, deployment, service = documents("kubernetes.yaml")
    kinds = [(one["apiVersion"], one["kind"]) for one in (config, deployment, service)]
    assert kinds == [("v1", "ConfigMap"), ("apps/v1", "Deployment"), ("v1", "Service")]
    assert config["data"] == {WORLD.name: WORLD.read_text(encoding="utf-8")}

    spec = deployment["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert labels == spec["selector"]["matchLabels"] == service["spec"]["selector"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    pod = spec["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == IMAGE_USER
    [container] = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    options = parsed(container["args"], monkeypatch)
    world = next(mount for mount in container["volumeMounts"] if mount["name"] == "world")
    assert options.seed == [f"{world['mountPath']}/{WORLD.name}"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": 8200}
    [port] = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8200, "http")
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} == {"http"}


@pytest.mark.parametrize("state", ["unsealed", "sealed", "uninitialized"])
def test_the_probes_hold_in_every_state(state: str) -> None:
    import requests

    _, deployment, _ = documents("kubernetes.yaml")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    with MockKMS(state=state) as kms:
        for probe in ("readinessProbe", "livenessProbe"):
            answer = requests.get(kms.url + container[probe]["httpGet"]["path"], timeout=60)
            assert answer.status_code == 200, (probe, state)
