"""Every example of the page on clusters runs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import requests

from mockkms import Cluster

from .pages import run_pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "cluster.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_python_examples_run(tmp_path: Path) -> None:
    first, second = blocks("python")
    indented = first.replace("\n", "\n    ").rstrip()
    program = f"def test_first():\n    {indented}\n\n\n{second}"
    (tmp_path / "test_examples.py").write_text(program, encoding="utf-8")
    run = run_pytest(tmp_path)
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_commands_for_other_languages_work() -> None:
    serve, *asked = blocks("sh")[0].splitlines()
    assert shlex.split(serve)[:4] == ["mockkms", "serve", "--nodes", "3"]
    with Cluster(nodes=3, standby="redirect", election_delay=5) as cluster:
        for command in asked:
            words = shlex.split(command.replace("http://127.0.0.1:8202", cluster.nodes[1].url))
            url = words[-1]
            answer = requests.post(url, data=words[2], timeout=60) if "-d" in words else requests.get(url, timeout=60)
            shown = json.loads(answer.text)["nodes"]
        assert [node["role"] for node in shown] == ["stopped", "standby", "standby"]
