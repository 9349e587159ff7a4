"""``mockkms explore -- COMMAND``, with commands in Python and the shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mockkms.explore.results import Outcome, Wrong, read_results
from tests.serving import heed_interrupts

PROGRAM = """
import os, sys, urllib.request, urllib.error

def ask(method, path, body=None):
    request = urllib.request.Request(f"{os.environ['VAULT_ADDR']}/v1/{path}", body, method=method)
    request.add_header("X-Vault-Token", os.environ["VAULT_TOKEN"])
    return urllib.request.urlopen(request, timeout=TIMEOUT).read()

try:
    ask("POST", "secret/data/a", b'{"data": {"x": "1"}}')
except OSError:
    pass  # The flaw: a lost write.
for attempt in (1, 2):
    try:
        ask("GET", "sys/mounts")
        break
    except OSError as error:
        print("failed:", error)
        if attempt == 2:
            sys.exit(4)
"""


def explore(
    tmp_path: Path, *flags: str, program: str = PROGRAM, timeout: str = "1"
) -> subprocess.CompletedProcess[str]:
    """Explore a program."""
    (tmp_path / "program.py").write_text(program.replace("TIMEOUT", timeout))
    command = [sys.executable, "-m", "mockkms", "explore", *flags, "--", sys.executable, "program.py"]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)


def test_flaws_are_found(tmp_path: Path) -> None:
    """A swallowed write is wrong, a retried read is tolerated; the exit code says that there are problems."""
    done = explore(tmp_path, "--set=smoke", "--json=result.json", "--runs=100")
    assert done.returncode == 1, done.stderr
    assert "10 runs, about " in done.stderr
    result = read_results(tmp_path / "result.json")
    (test,) = result.tests
    assert test.id.endswith("program.py")
    wrong = test.cell("write secret/data/{path}#1", "reset-before")
    assert wrong is not None
    assert (wrong.outcome, wrong.kind) == (Outcome.WRONG, Wrong.LOST_WRITE)
    read = test.cell("read sys/mounts#1", "sealed")
    assert read is not None
    assert (read.outcome, read.retries) == (Outcome.TOLERATED, 1)
    assert "WRONG (lost-write): sealed@write secret/data/{path}#1" in done.stdout
    assert "  and with " in done.stdout
    case = next(line for line in done.stdout.splitlines() if "again:" in line)
    assert "mockkms explore --set=smoke '--case=" in case


def test_exit_codes_and_accepted(tmp_path: Path) -> None:
    """What is accepted, or not to fail on, gives exit code 0, and so does a baseline."""
    flags = ("--set=sealed", "--json=result.json")
    assert explore(tmp_path, *flags, "--accept=sealed:lost-write").returncode == 0
    assert explore(tmp_path, *flags, "--fail-on=raised").returncode == 0
    assert explore(tmp_path, *flags).returncode == 1
    assert explore(tmp_path, *flags, "--baseline=result.json").returncode == 0


def test_hung_commands_are_ended(tmp_path: Path) -> None:
    """The limit ends the command with all that it started; a failing exit code is an outcome with the last line."""
    (tmp_path / "child.py").write_text("import time\ntime.sleep(60.25)\n")
    program = "import subprocess, sys\nfor _ in range(8): subprocess.Popen([sys.executable, 'child.py', 'of-hung'])\n"
    flags = ("--set=timeout,permission-denied", "--limit=2", "--json=result.json", "--fail-on=none")
    text = program + PROGRAM.replace("(1, 2)", "(2,)")
    started = time.monotonic()
    assert explore(tmp_path, *flags, program=text, timeout="60").returncode == 0
    assert time.monotonic() - started < 60
    (test,) = read_results(tmp_path / "result.json").tests
    outcomes = {cell.id: cell for cell in test.cells}
    hung = outcomes["timeout@read sys/mounts#1"]
    assert hung.outcome is Outcome.HUNG
    # The fault handler has written where the program was, and no child has written between its lines.
    assert hung.where.endswith("program.py:9")
    denied = outcomes["permission-denied@read sys/mounts#1"]
    assert (denied.outcome, denied.exception) == (Outcome.FAILED, "exit code 4")
    assert denied.detail == "failed: HTTP Error 403: Forbidden"
    assert "child.py of-hung" not in subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout


def test_the_limit_is_that_of_the_first_run_too(tmp_path: Path) -> None:
    """A command that hangs without any failure is ended after ``--limit``."""
    done = explore(tmp_path, "--limit=0.5", program="import time\ntime.sleep(60)\n")
    assert done.returncode == 2
    assert "the command does not pass without failures (not ended after 0.5 s)" in done.stderr


def test_an_interruption_keeps_what_is_known(tmp_path: Path) -> None:
    """SIGINT ends the command, shows the outcomes so far, and a file of outcomes is resumed."""
    (tmp_path / "program.py").write_text(PROGRAM.replace("TIMEOUT", "60"))
    command = [sys.executable, "-m", "mockkms", "explore", "--set=sealed,timeout", "--resume=kept", "--limit=60", "--"]
    with subprocess.Popen(
        [*command, sys.executable, "program.py"], stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        preexec_fn=heed_interrupts,
    ) as process:  # fmt: skip
        for _ in range(600):
            if (tmp_path / "kept").exists() and (tmp_path / "kept").stat().st_size:
                break
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "explored: 1 run of 1 test" in out
    assert "3 planned runs left out" in out
    assert len((tmp_path / "kept").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "command", "message"),
    [
        ((), (), "no command given; example: mockkms explore -- pytest"),
        (("--set=smok",), ("true",), "no failure 'smok'; did you mean 'smoke'?"),
        (("--accept=sealed",), ("true",), "expected a failure and an outcome"),
        (("--dry-run", "--json=a"), ("true",), "--dry-run and --json cannot be used together: a dry run has no result"),
        (("--dry-run", "--report=a.html"), ("true",), "--dry-run and --report cannot be used together"),
        (("--limit=0",), ("true",), "is not a number of seconds"),
        (("--baseline=none",), ("true",), "write it with: mockkms explore --json FILE -- CMD"),
        (("--json=none/a",), ("true",), "none/a cannot be written: the folder none does not exist"),
        (("--lmit=3",), ("true",), "unrecognized arguments: --lmit=3; did you mean --limit?"),
        ((), ("true",), "the command makes no request: does it use VAULT_ADDR or BAO_ADDR?"),
        ((), ("false",), "the command does not pass without failures (exit code 1)"),
        ((), ("/nonexistent/program",), "cannot run /nonexistent/program: No such file or directory"),
    ],
)
def test_messages(tmp_path: Path, flags: tuple[str, ...], command: tuple[str, ...], message: str) -> None:
    """Errors are one line that says what would be right."""
    done = subprocess.run(
        [sys.executable, "-m", "mockkms", "explore", *flags, "--", *command], capture_output=True, text=True,
        cwd=tmp_path, timeout=60, env={**os.environ, "TERM": "dumb"},
    )  # fmt: skip
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_list(tmp_path: Path) -> None:
    """``--list`` needs no command."""
    done = subprocess.run(
        [sys.executable, "-m", "mockkms", "explore", "--list", "--set=smoke"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "sealed", "rate-limited", "reset-before", "reset-after", "permission-denied",
    ]  # fmt: skip


def test_the_report_has_the_run_without_failures_too(tmp_path: Path) -> None:
    """Matrix, linter and minimal policy are one file; the policy is that of the run without failures."""
    done = explore(tmp_path, "--set=sealed", "--report=report.json")
    assert done.returncode == 1, done.stderr
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["counts"]["exploration"] == 1
    assert sorted(data["tests"][0]["needed"]) == ["secret/data/a", "sys/mounts"]
    assert data["exploration"]["tests"][0]["id"] == data["tests"][0]["name"]
    explore(tmp_path, "--set=sealed", "--report=report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Run this case again" in page
    assert "program.py" in page
    refused = explore(tmp_path, "--report=report.pdf")
    assert refused.returncode == 2
    assert "expected a name that ends in .html or .json" in refused.stderr
    assert explore(tmp_path, "--report=none/report.html").returncode == 2
