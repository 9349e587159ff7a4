"""``mockkms completion`` in real shells, and ``mockkms man``."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import subprocess
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import pytest

from mockkms.cli import COMMANDS, main
from mockkms.cli.shells.grammar import Command, grammar


@cache
def made(shell: str) -> str:
    """What the command prints, made once."""
    with redirect_stdout(io.StringIO()) as out:
        assert main(["completion", shell]) == 0
    return out.getvalue()


@pytest.fixture
def bash(tmp_path: Path) -> object:
    """Returns what bash offers for a command line; its last word is the one that is being typed."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    loaded = made("bash")
    for name in ("world one.yaml", "other.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()

    def complete(*words: str) -> list[str]:
        given = " ".join(shlex.quote(word) for word in ("mockkms", *words))
        ask = f"COMP_WORDS=({given}); COMP_CWORD={len(words)}; _mockkms\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
        run = subprocess.run(
            ["bash", "--norc", "-u", "-c", f"{loaded}\n{ask}"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert run.stderr == ""
        return run.stdout.split("\n")[:-1]

    return complete


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["jour"], ["journal"]),
        (["clock", ""], ["show", "resume", "advance", "set", "freeze"]),
        (["clock", "fr"], ["freeze"]),
        (["serve", "--flavor", "vault"], ["vault", "vault-1.21"]),
        (["serve", "--flavor", "=", "op"], ["openbao"]),
        (["serve", "--flavor", "="], ["vault", "vault-1.21", "openbao"]),
        (["serve", "--tls-c"], ["--tls-cert", "--tls-client-ca"]),
        (["serve", "--port", ""], [""]),
        (["serve", "--watch", ""], ["reload", "restart"]),
        (["serve", "--watch", "--fault-"], ["--fault-header"]),
        (["serve", "--seed", "o"], ["other.yaml"]),
        (["serve", "--seed", "wor"], ["world one.yaml"]),
        (["serve", "--seed", "pay"], ["payments"]),
        (["serve", "--seed", "state", "--redac"], ["--redact"]),
        (["check", "other.yaml", "wor"], ["world one.yaml"]),
        (["server", "-dev-tls-cert-dir", ""], ["folder"]),
        (["server", "-dev-r"], ["-dev-root-token-id"]),
        (["fault", "list", "--ur"], ["--url"]),
        (["state", "--url", "http", "snap"], ["snapshots", "snapshot"]),
        (["state", "--nothing"], [""]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["run", "--", "--seed"], [""]),
    ],
)
def test_bash(words: list[str], offered: list[str], bash: object) -> None:
    assert callable(bash)
    assert bash(*words) == offered


def test_bash_offers_all_commands_and_programs(bash: object) -> None:
    assert callable(bash)
    assert bash("") == list(COMMANDS)
    assert "bash" in bash("run", "--seed", "x", "--", "bas")


def test_bash_can_load_it_as_its_help_says() -> None:
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    run = ["bash", "--norc", "-c", 'eval "$1"; complete -p mockkms', "bash", made("bash")]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "complete -F _mockkms mockkms\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mockkms jour", ["journal"]),
        ("mockkms clock fr", ["freeze"]),
        ("mockkms serve --flavor vault", ["vault", "vault-1.21"]),
        ("mockkms serve --tls-c", ["--tls-cert", "--tls-client-ca"]),
        ("mockkms server -dev-r", ["-dev-root-token-id"]),
        ("mockkms serve --seed pay", ["payments"]),
        ("mockkms check oth", ["other.yaml"]),
        ("mockkms state --url http://x rev", []),
    ],
)
def test_fish(line: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "other.yaml").touch()
    (tmp_path / "completion.fish").write_text(made("fish"))
    ask = f"source completion.fish; complete -C {shlex.quote(line)}"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    run = subprocess.run(
        ["fish", "--no-config", "-c", ask], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    found = [row.split("\t")[0] for row in run.stdout.splitlines()]
    if offered:
        assert sorted(found) == sorted(offered)


_ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; cd $1; fpath=($1 \$fpath); stty columns 4000 rows 100"
zpty -w shell "autoload -Uz compinit; compinit -u -d $1/dump"
zpty -w shell "zstyle ':completion:*' list-colors ''; LISTMAX=1000; bindkey '^I' list-choices; print READY"
while zpty -r shell line; do [[ $line == *READY$'\r'* && $line != *print* ]] && break; done
zpty -w -n shell "$2"$'\t'
output=
for attempt in {1..300}; do
    while zpty -r -t shell line; do output+=$line; done
    [[ $output == *"$3"* ]] && break
    sleep 0.1
done
sleep 0.2
while zpty -r -t shell line; do output+=$line; done
print -r -- "$output"
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mockkms clock ", ["show", "resume", "advance", "set", "freeze"]),
        ("mockkms serve --flavor ", ["vault", "vault-1.21", "openbao"]),
        ("mockkms serve --tls-", ["--tls-cert", "--tls-key"]),
    ],
)
def test_zsh(line: str, offered: list[str], tmp_path: Path) -> None:
    (tmp_path / "_mockkms").write_text(made("zsh"))
    run = subprocess.run(
        ["zsh", "-f", "-c", _ZSH, "zsh", str(tmp_path), line, offered[-1]],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert [word for word in offered if word not in run.stdout] == [], run.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_valid_for_its_shell(shell: str, tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.write_text(made(shell))
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", str(file)], check=True)


def test_every_command_is_described() -> None:
    def undescribed(command: Command) -> list[str]:
        own = [] if command.summary else [" ".join(command.path)]
        return own + [f"{' '.join(command.path)} {flag.names[0]}" for flag in command.flags if not flag.help]

    root = grammar()
    assert [sub.path[1] for sub in root.commands] == list(COMMANDS)
    assert [one for command in list(root.walk())[1:] for one in undescribed(command)] == []


def test_the_manual_page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["man"]) == 0
    text = capsys.readouterr().out
    for command in list(grammar().walk())[1:]:
        assert " ".join(command.path).replace("-", r"\-") in text
        for flag in command.flags:
            assert flag.names[-1].replace("-", r"\-") in text or flag.names[0] == "-h"
    assert "`" not in text
    monkeypatch.setenv("VAULT_ADDR", "http://elsewhere:1")
    main(["man"])
    assert capsys.readouterr().out == text, "the page must not depend on where it is made"
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    run = subprocess.run(
        ["groff", "-ww", "-man", "-T", "utf8", "-Z"], input=text, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stderr == ""
