"""Closed streams, full disks, encodings that lack characters: commands say what is wrong, without a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = (["schema"], ["check", "dev"], ["version"], ["man"], ["completion", "bash"], ["serve", "--help"])
ASCII = {"PYTHONIOENCODING": "ascii"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def shell(line: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell, in which ``"$@"`` is the command with these words."""
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "mockkms", *words]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, check=False, env=environment,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_closed_streams_are_no_error(words: list[str]) -> None:
    for closed in (">&-", "2>&-", "<&- >&- 2>&-"):
        done = shell(f'"$@" {closed}', *words)
        assert (done.returncode, done.stderr) == (0, ""), closed


def test_an_error_is_lost_with_its_stream_alone(tmp_path: Path) -> None:
    done = shell('"$@" 2>&-', "check", str(tmp_path / "none.yaml"))
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", COMMANDS[:-1], ids=" ".join)
def test_output_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    done = shell('"$@" >/dev/full', *words)
    assert done.returncode == 2
    assert done.stderr == f"mockkms {words[0]}: cannot write the output: No space left on device\n"


def test_documents_are_utf8_whatever_the_locale() -> None:
    shipped = Path(__file__).parents[2] / "mockkms" / "mockkms.schema.json"
    done = shell('"$@"', "schema", **ASCII)
    assert done.stdout == shipped.read_text(encoding="utf-8")
    assert not done.stdout.isascii()


@pytest.mark.parametrize("locale", [ASCII, C_LOCALE], ids=["ascii", "C"])
def test_characters_that_an_encoding_lacks_are_escaped(locale: dict[str, str], tmp_path: Path) -> None:
    assert "RUSTFS_KMS_BACKUP_DIR, \\u2026" in shell('"$@"', "serve", "--help", **locale).stdout
    world = tmp_path / "w.yaml"
    world.write_text('mockkms: 1\nvault: {policies: {ü: "x"}}\n', encoding="utf-8")
    done = shell('"$@"', "check", str(world), **locale)
    assert (done.returncode, done.stderr) == (1, "1 error\n")
    assert r"vault.policies.\xfc: failed to parse policy" in done.stdout


def test_pipes_are_read_once(tmp_path: Path) -> None:
    """As with the ``<(command)`` of shells: looking at the kind of a file would empty the pipe."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("mockkms: 1\n")
    done = shell(f'cat {tmp_path}/a.yaml | "$@" {tmp_path}/b.yaml', "diff", "/dev/stdin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
