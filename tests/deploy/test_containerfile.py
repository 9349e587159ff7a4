"""``deploy/Containerfile``: read instruction by instruction. Building it needs a daemon, which tests do not have."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mockkms.cli import main
from tests.cli.conftest import Served, serve

from .commands import DEPLOY, ROOT, parsed

__all__ = ["serve"]


def instructions() -> list[tuple[str, str]]:
    """The instructions, without comments and with continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]  # type: ignore[misc]


def last(name: str) -> str:
    """The last instruction of a name: the one that counts."""
    return [value for word, value in instructions() if word == name][-1]


def test_the_instructions_are_those_of_containerfiles() -> None:
    words = [word for word, _ in instructions()]
    known = {
        "ARG",
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "LABEL",
        "ENV",
        "USER",
        "EXPOSE",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert set(words) == known
    assert words.count("FROM") == 2


def test_nothing_depends_on_the_architecture() -> None:
    text = " ".join(value for _, value in instructions())
    assert not re.search(r"amd64|x86|arm64|aarch64|--platform|TARGETARCH", text)
    assert "--only-binary :all:" in text, "a dependency without a wheel for an architecture must not be compiled"


def test_python_and_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given = dict(value.split("=") for word, value in instructions() if word == "ARG")
    assert f"Programming Language :: Python :: {given['PYTHON']}" in project["classifiers"]
    assert set(given["EXTRAS"].split(",")) <= set(project["optional-dependencies"])
    assert project["license"] in last("LABEL")


def test_it_does_not_run_as_root() -> None:
    assert int(last("USER")) > 0
    words = [word for word, _ in instructions()]
    assert "RUN" not in words[words.index("USER") :]


def test_the_commands_in_it_are_shell() -> None:
    for word, value in instructions():
        if word == "RUN":
            subprocess.run(["sh", "-n", "-c", value], check=True)


def test_what_is_copied_is_enough_for_the_packages(tmp_path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    sources: list[str] = []
    for word, value in instructions():
        if word == "COPY" and "--from" not in value:
            sources += shlex.split(value)[:-1]
    assert {f"!{source}" for source in sources} == {line for line in ignored if line.startswith("!")}
    for source in sources:
        (tmp_path / source).symlink_to(ROOT / source)
    program = (
        "from distutils.core import run_setup\n"
        "import setuptools\n"
        "print(*run_setup('setup.py', stop_after='init').packages)"
    )
    run = [sys.executable, "-W", "ignore", "-c", program]
    here, there = (
        subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True, timeout=60).stdout
        for folder in (ROOT, tmp_path)
    )
    assert here == there


def test_the_command_is_one_of_mockkms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(last("ENTRYPOINT")) == ["mockkms"]
    options = parsed(json.loads(last("CMD")), monkeypatch)
    assert (options.command, options.host, options.control_anywhere, options.port) == ("serve", "0.0.0.0", True, None)
    assert last("EXPOSE") == "8200"


@pytest.fixture
def healthy(tmp_path: Path) -> Callable[..., int]:
    """Run the health check with the image's variables changed; its exit code."""
    check = last("HEALTHCHECK").partition(" CMD ")[2]
    assert check
    command = tmp_path / "mockkms"
    command.write_text(f"#!{sys.executable}\nimport sys\nfrom mockkms.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)

    def run(**variables: str) -> int:
        words = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", **variables}
        return subprocess.run(["sh", "-c", check], env=words, capture_output=True, timeout=60, check=False).returncode

    return run


def test_the_health_check_tells_a_server_that_answers(
    serve: Callable[..., Served], healthy: Callable[..., int]
) -> None:
    variables = dict(pair.split("=", 1) for word, value in instructions() if word == "ENV" for pair in value.split())
    served = serve(*json.loads(last("CMD"))[1:], "--host", "127.0.0.1")
    address = variables["VAULT_ADDR"].replace("8200", served.url.rpartition(":")[2])
    assert healthy(VAULT_ADDR=address) == 0
    assert main(["state", "seal", "--url", served.url]) == 0
    assert healthy(VAULT_ADDR=address) == 1
    served.stop()
    assert healthy(VAULT_ADDR=address) == 1


def test_the_health_check_of_a_server_with_tls_needs_two_variables(
    serve: Callable[..., Served], healthy: Callable[..., int]
) -> None:
    [option] = re.findall(
        r"`-e (VAULT_ADDR=https.*) -e (.*)`", (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    )
    address, trust = (pair.split("=", 1)[1] for pair in option)
    served = serve(*json.loads(last("CMD"))[1:], "--host", "127.0.0.1", "--tls")
    address = address.replace("8200", served.url.rpartition(":")[2])
    assert healthy(VAULT_ADDR=address.replace("https", "http")) == 1
    assert healthy(VAULT_ADDR=address, VAULT_SKIP_VERIFY=trust) == 0
