"""Every example of docs/chaos.md runs, its tables are complete, and each incident has a page that agrees with it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.faults.chaos.failures import FAILURES
from mockkms.faults.chaos.incidents import incident_names
from mockkms.faults.chaos.phases import PHASE_WORDS
from mockkms.faults.chaos.plans import PLAN_WORDS, read_plan
from tests.clients.toolchain import tool
from tests.deploy.commands import parsed

from .pages import ROOT, blocks

PAGE = "docs/chaos.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
INCIDENTS = ROOT / "docs" / "incidents"


def test_the_commands(kms: MockKMS, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    serve, *commands = [shlex.split(line, comments=True) for line in blocks(PAGE, "sh")[0].splitlines()]
    assert parsed(serve[1:], monkeypatch).chaos == "2%"
    monkeypatch.setenv("VAULT_ADDR", kms.url)
    for command in commands:
        assert main(command[1:]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "stopped"


def test_python(kms: MockKMS) -> None:
    first, second = blocks(PAGE, "python")
    exec(first, {"kms": kms})
    before, after = second.split("...\n")
    exec(before, {"kms": kms})
    exec(after, {"kms": kms})


def test_over_http(kms: MockKMS) -> None:
    answers = []
    for line in blocks(PAGE, "sh")[1].splitlines():
        words = shlex.split(line.replace("$VAULT_ADDR", kms.url))
        done = subprocess.run([tool(words[0]), *words[1:]], capture_output=True, text=True, timeout=60, check=True)
        answers.append(json.loads(done.stdout))
    assert [answer.get("name") for answer in answers] == ["2%", "token-storm", "token-storm", "token-storm"]
    assert [answer["active"] for answer in answers] == [True, True, True, False]


def test_the_plan_as_a_file(
    kms: MockKMS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [text] = blocks(PAGE, "yaml")
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["chaos", "start", str(path), "--url", kms.url]) == 0
    assert capsys.readouterr().out.startswith("maintenance: phase normal, ")
    assert main(["chaos", "start", str(path), "--phase", "restart", "--url", kms.url]) == 0
    assert kms.state == "sealed"
    assert kms.chaos.stop()


def test_the_plans_of_the_first_table() -> None:
    [rows] = re.findall(r"\| plan \| what it does \|\n\| --- \| --- \|\n((?:\|.*\n)+)", TEXT)
    for text in re.findall(r"^\| (.+?) \|", rows, re.MULTILINE):
        for plan in re.findall(r"`(.+?)`", text):
            if not plan.endswith(".yaml"):
                assert read_plan(plan).phases


def test_the_tables_are_complete() -> None:
    rows = re.findall(r"^\| (.+?) \|", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+)`", row)}
    assert {*PLAN_WORDS, *PHASE_WORDS, *FAILURES, *incident_names()} <= named
    failures = re.findall(r"^\| `([\w-]+)` \| (\d+) \| (.+) \|$", TEXT, re.MULTILINE)
    assert [(name, float(weight), help.replace("`", "")) for name, weight, help in failures] == [
        (name, failure.weight, failure.help) for name, failure in FAILURES.items()
    ]


def test_every_incident_has_a_page() -> None:
    assert sorted(path.stem for path in INCIDENTS.glob("*.md")) == incident_names()


@pytest.mark.parametrize("name", incident_names())
def test_the_page_of_an_incident(name: str) -> None:
    text = (INCIDENTS / f"{name}.md").read_text(encoding="utf-8")
    phases = re.findall(r"^\| `([\w-]+)` \| (?:(\d+) s|no end) \|", text, re.MULTILINE)
    expected = [(phase.name, "" if phase.lasts is None else f"{phase.lasts:g}") for phase in read_plan(name).phases]
    assert phases == expected
    assert f"mockkms chaos start {name}" in text
    assert f'kms.chaos.start("{name}")' in text
    assert text.count("\n- **") >= 4


@pytest.mark.parametrize("page", sorted(INCIDENTS.glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_an_incident_exist(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"`mockkms\s+([^`]+)`", page.read_text(encoding="utf-8"))
    assert lines
    for line in lines:
        parsed(shlex.split(line), monkeypatch)


def test_the_files_of_incidents_have_plans_with_phases() -> None:
    for path in sorted((ROOT / "fixtures" / "incidents").iterdir()):
        assert path.suffix == ".yaml"
        words = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert {"summary", "client", "phases"} <= set(words)
