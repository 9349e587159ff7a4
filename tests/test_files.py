"""Files and folders of processes that were killed."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.files import remove_leftovers, replace_file, write_text
from mockkms.pem_folders import PemFolder, remove_abandoned_folders

ENDLESS = Path("/dev/zero")
COMMANDS = [
    ("check", "{}"),
    ("diff", "{}", "dev"),
    ("run", "--seed", "{}", "--", "true"),
    ("serve", "--port", "0", "--seed", "{}"),
    ("serve", "--port", "0", "--faults", "{}"),
    ("serve", "--port", "0", "--chaos", "{}"),
    ("serve", "--port", "0", "--config", "{}"),
    ("explore", "--failures", "{}", "--", "true"),
    ("explore", "--baseline", "{}", "--", "true"),
    ("explore", "--resume", "{}", "--", "true"),
]
"""All flags that name a file to read, other than keys, certificates, states and recordings, which are no devices."""

HOLDER = """
import sys
from mockkms.pem_folders import PemFolder
from mockkms import MockKMS
kms = MockKMS(tls=True).start()
folder = PemFolder()
(folder.path / "key.pem").write_text("secret")
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not ENDLESS.exists(), reason="the system has no /dev/zero")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:-1]))
def test_a_file_without_an_end_is_an_error(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word.format(ENDLESS) for word in command]) == 2
    assert re.search(r"/dev/zero.*more than \d+ MiB", capsys.readouterr().err)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process and its children."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


def held() -> tuple[subprocess.Popen[str], Path]:
    """A process that has a server with TLS and a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def killed(process: subprocess.Popen[str]) -> None:
    with process:
        process.send_signal(signal.SIGKILL)


def test_the_next_start_removes_the_folders_of_a_killed_process(temporary: Path) -> None:
    process, folder = held()
    remove_abandoned_folders()
    assert (folder / "key.pem").exists(), "a folder in use was removed"
    assert len(list(temporary.iterdir())) == 2
    killed(process)
    assert folder.exists()
    with MockKMS():
        assert list(temporary.iterdir()) == []


def test_only_folders_with_nothing_but_pem_files_are_removed(temporary: Path) -> None:
    other, like = temporary / "mockkms-tests", temporary / "mockkms-pem-mine"
    for folder in (other, like):
        folder.mkdir()
        (folder / "notes.txt").write_text("")
    (temporary / "mockkms-pem-file").write_text("")
    (temporary / "mockkms-pem-link").symlink_to(other)
    remove_abandoned_folders()
    assert len(list(temporary.rglob("*"))) == 6
    assert (other / "notes.txt").exists()


def test_a_folder_is_private_and_goes_when_closed(temporary: Path) -> None:
    with PemFolder() as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(temporary.iterdir()) == []
    made = PemFolder()
    (made.path / "a.pem").write_text("")
    made.close()
    made.close()
    assert list(temporary.iterdir()) == []


def test_a_file_that_a_killed_process_was_writing_is_removed(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in (".state-longer-than-it", ".other-12345678", "state")]
    left = tmp_path / ".state-12345678"
    for path in (*kept, left):
        path.write_text("")
    writer = os.open(left, os.O_RDONLY)
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(writer, fcntl.LOCK_EX)
    remove_leftovers(tmp_path / "state")
    assert left.exists(), "a file that is being written was removed"
    os.close(writer)
    remove_leftovers(tmp_path / "state")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    replace_file(tmp_path / "state", b"new")
    assert (tmp_path / "state").read_bytes() == b"new"
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_text_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "world.yaml"
    write_text(path, "old")
    path.chmod(0o640)
    write_text(path, "new \ud800")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new \\ud800", 0o640)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left on device"):
            write_text(path, "newer")
    assert path.read_text() == "new \\ud800"
    assert [one.name for one in tmp_path.iterdir()] == ["world.yaml"]


def test_a_text_goes_where_nothing_can_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "world.yaml"
    path.write_text("old")
    (tmp_path / "link").symlink_to(path)
    write_text(tmp_path / "link", "through the link")
    assert (tmp_path / "link").is_symlink()
    assert path.read_text() == "through the link"
    write_text(Path(os.devnull), "nothing")

    def mounted(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", mounted)
        write_text(path, "in place")
    assert path.read_text() == "in place"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "world.yaml"]


def test_a_symbolic_link_to_itself_is_not_replaced_by_a_text(tmp_path: Path) -> None:
    link = tmp_path / "world.yaml"
    link.symlink_to(link.name)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        write_text(link, "vault: {}\n")
    assert link.is_symlink()
