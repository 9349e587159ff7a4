"""What the command line says to a misspelt word, and what Python says of its objects."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS
from mockkms.cli import main
from mockkms.cli.arguments import rng
from mockkms.faults import FaultError, RuleBook
from mockkms.world.clock import Clock


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["srve"], "unknown command 'srve'; did you mean serve?"),
        (["completely"], "unknown command 'completely'; "),
        (["seal"], "unknown command 'seal'; did you mean state seal?"),
        (["advance", "1h"], "unknown command 'advance'; did you mean clock advance or state advance?"),
        (
            ["fault", "add", "secret/*", "--answer", "sealed", "--times", "1"],
            "unrecognized arguments: --answer sealed --times 1; keys are written as words: answer=… times=…",
        ),
        (["serve", "--sed", "x"], "unrecognized arguments: --sed x; did you mean --seed?"),
        (["clock", "sett", "x"], "invalid choice: 'sett'; did you mean set?"),
        (["clock", "advance", "1h", "--ur=x", "-z"], "mockkms clock advance: unrecognized arguments: -z"),
        (
            ["chaos", "start", "2%", "--sed", "x"],
            "mockkms chaos start: unrecognized arguments: --sed x; did you mean --seed?",
        ),
        (["schema", "--url", "x"], "mockkms schema: unrecognized arguments: --url x; --help"),
        (["run", "--port", "99999999", "--", "true"], "argument --port: '99999999' is not a valid port (0 to 65535)"),
        (["run", "--port", "abc", "--", "true"], "mockkms run: argument --port: 'abc' is not a valid port"),
        (["serve", "--nodes", "x"], "argument --nodes: expected a whole number from 1 to 99, got 'x'"),
        (
            ["serve", "--election-delay", "-1"],
            "argument --election-delay: '-1' is not a number of seconds from 0 up to",
        ),
        (["explore", "--runs", "9" * 5000], "argument --runs: expected a whole number from 1 to 1000000, got '999"),
        (["serve", "--record-limit", "0"], "argument --record-limit: expected a whole number from 1 to 1024, got '0'"),
        (["serve", "--upstream-timeout", "0"], "argument --upstream-timeout: '0' is not a number of seconds above 0"),
        (["capture", "--max-requests", "0"], "argument --max-requests: expected a whole number from 1 to"),
        (["journal", "show", "--last", "0"], "argument --last: expected a whole number from 1"),
        (["capture", "--max-seconds", "nan"], "'nan' is not a number of seconds above 0 and up to 86400"),
        (["serve", "--watch=often"], "invalid choice: 'often'; expected one of: reload, restart"),
        (["serve", "--wat", "often"], "argument --watch: invalid choice: 'often'; expected one of: reload, restart"),
        ([], "mockkms: no command given; expected one of: serve, server, "),
        (["clock"], "mockkms clock: no action given; expected one of: show, resume, advance, set, freeze; "),
        (["fault", "add"], "mockkms fault add: the following arguments are required: path; --help"),
        (["journal", "--last", "5"], "unrecognized arguments: --last 5; --last comes after the action show; --help"),
        (["journal", "--last=5", "show"], "--last=5; --last comes after the action show; --help"),
        (["journal", "show", "--policy"], "--policy; --policy comes before show; --help"),
        (["journal", "status=503"], "status=503; words come after the action: show status=503; --help"),
        (["journal", "--status", "503"], "--status 503; keys are written as words: show status=503; --help"),
        (["journal", "-n", "5"], "mockkms journal: unrecognized arguments: -n 5; --help"),
        (["fault", "--url", "x", "list"], "--url x; --url comes after the action; --help"),
        (
            ["--json", "journal"],
            "mockkms journal: unrecognized arguments: --json; --json comes after the command journal;",
        ),
        (["--url", "x", "journal"], "mockkms: unrecognized arguments: --url x; --url comes after the command; --help"),
        (
            ["serve", "--version"],
            "mockkms serve: unrecognized arguments: --version; --version comes before serve; --help",
        ),
        (["serve", "world.yaml"], "world.yaml; worlds are given with --seed: --seed world.yaml; --help"),
        (["journal", "show", "--status=503"], "--status=503; keys are written as words: status=…; --help"),
    ],
)
def test_the_nearest_word(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["check", ""], 2, "'': the name of a world is empty"),
        (
            ["fault", "add", "status=503"],
            2,
            "the path comes first, then words such as status=503; example: mockkms",
        ),
        (
            ["fault", "add", '{"path": "a/*", "answer": 503}'],
            2,
            "a rule is a path and words, not JSON; example: mockkms fa",
        ),
        (["clock", "show", "--url", "http://[::1"], 2, "'http://[::1' is not a valid server address; example: http://"),
        (["serve", "--port", "9", "--control-port", "9"], 2, "--control-port 9: this port has another use; 0 picks"),
        (
            ["serve", "--port", "0", "--faults", "EMPTY"],
            2,
            "EMPTY:1:1: the file is empty; the smallest list of rules is []",
        ),
        (
            ["serve", "--port", "0", "--chaos", "EMPTY"],
            2,
            "EMPTY:1:1: the file is empty; the smallest plan is phases: ",
        ),
        (["serve", "--port", "0", "--clock", "-1x"], 2, "--clock -1x: "),
        (["state", "import", "dev", "/nowhere/x"], 2, "cannot write the state file /nowhere/x: No such file"),
        (["status", "--address", "foo"], 1, "Error checking seal status: 'foo' is not a valid server address; example"),
        (["explore", "--failures", "seald", "--", "x"], 2, "no file 'seald'; names of failures are given with --set"),
        (["explore", "--", "false"], 2, "without failures (exit code 1); it printed nothing\n"),
    ],
)
def test_misuse_is_one_line(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty.yaml"
    empty.touch()
    assert main([str(empty) if word == "EMPTY" else word for word in words]) == code
    said = capsys.readouterr().err
    assert message.replace("EMPTY", str(empty)) in said
    assert said.count("\n") == 1


def test_what_to_revoke_or_expire_must_exist(capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS() as kms:

        def code(*words: str) -> int:
            return main(["state", *words, "--url", kms.url])

        def create() -> requests.Response:
            url, headers = f"{kms.url}/v1/auth/token/create", {"X-Vault-Token": kms.token}
            return requests.post(url, json={"policies": ["default"]}, headers=headers, timeout=60)

        made = create()
        for words, message in (
            (("revoke", "nosuch"), "revoke: no token has this id or accessor"),
            (("expire", "nosuch"), "expire: no lease that could expire is below 'nosuch'"),
            (("expire", "last"), "expire: no secret has a lease"),
        ):
            assert code(*words) == 1
            assert message in capsys.readouterr().err
        assert code("expire", "auth/token") == 0
        assert code("revoke", made.json()["auth"]["accessor"]) == 1
        made = create()
        assert code("revoke", made.json()["auth"]["accessor"]) == 0


def test_a_folder_is_no_misspelt_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "worlds").mkdir()
    assert main(["check", "worlds", "dve"]) == 2
    said = capsys.readouterr().err
    assert "mockkms check: worlds: cannot be read: Is a directory\n" in said
    assert "dve: cannot be read: No such file or directory; did you mean" in said


def test_ids_of_tenants_and_taken_ports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("mockkms: 1\n# \xfc\n".encode("latin-1"))
    with MockKMS() as kms:
        assert main(["clock", "show", "--url", kms.url, "--tenant", "a/b"]) == 2
        assert "tenant='a/b': expected a name of up to 128 letters, digits and ._~-" in capsys.readouterr().err
        assert main(["load", str(latin), "--url", kms.url]) == 1
        assert f"{latin}:2:3: not UTF-8 text" in capsys.readouterr().err
        assert main(["run", "--port", kms.url.rpartition(":")[2], "--", "true"]) == 2
        assert "Address already in use; without --port a free one is used" in capsys.readouterr().err
        for address in ([kms.url], ["--url", kms.url], ["--url", kms.url, "--tenant", "one"]):
            assert main(["dump", *address]) == 0
            assert capsys.readouterr().out.startswith("mockkms: 1\n")


def test_help_has_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "state", "fault", "load"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
    assert "`" not in capsys.readouterr().out


def test_seeds_of_randomness_are_numbers_or_texts() -> None:
    long = "9" * 5000  # Python reads no number that long.
    assert [rng(text) for text in ("7", "-7", "007", "seven", "1.5", long)] == [7, -7, 7, "seven", "1.5", long]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2h", 7200), ("-1m30s", -90), ("250ms", 0.25), ("+30", 30), (5, 5), (timedelta(minutes=1), 60)],
)
def test_durations(value: Any, seconds: float) -> None:
    clock = Clock()
    clock.freeze("2026-01-01")
    before = clock.now()
    assert clock.advance(value) - before == seconds


@pytest.mark.parametrize("value", ["2 hours", "", "h", "1h2", True, None, float("nan")])
def test_what_is_not_a_duration(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a duration: use seconds, text such as '2h' or a timedelta"):
        Clock().advance(value)


def test_the_clock_is_set_to_times_only(capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS() as kms:
        before = kms.clock.now()
        for value in ("2026", "2h"):
            assert main(["clock", "set", value, "--url", kms.url]) == 1
            assert "to move the clock by a duration, use advance" in capsys.readouterr().err
        assert kms.clock.now() - before < 60


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"path": "v1/secret/*", "status": 500}, "path: paths are below /v1/: expected 'secret/*', or '/v1/secret/*'"),
        ({"method": "FETCH", "status": 500}, "method: unknown method 'FETCH'"),
        ({"close": True, "hang": True}, "hang: close and hang both decide how the connection ends"),
        ({"answer": "sealed", "stale": True}, "stale: answer and stale both decide the whole response"),
        (
            {"answer": "sealed", "close": True},
            "close: close ends the connection before any byte, so answer has no effect",
        ),
        ({"hang": True, "truncate": 5}, "truncate: hang and truncate both decide how the connection ends"),
        ({"lose_answer": True, "status": 500}, "status: lose_answer ends the connection before any byte"),
        ({"empty": True, "garbage": 5}, "garbage: empty and garbage both decide the body"),
        ({"seal": True, "unseal": True}, "unseal: seal and unseal both decide whether the server is sealed"),
        ({"pth": "x", "status": 500}, "unknown key 'pth'; did you mean 'path'?"),
    ],
)
def test_rules_that_could_never_fire(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(FaultError) as refused:
        RuleBook().extend(rule)
    assert str(refused.value).startswith(message)


def test_check_names_every_error_of_a_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "world.yaml"
    world.write_text(
        "mockkms: 1\nfaults:\n  - pth: x\n    staus: 5\n    method: FETCH\nvault:\n  tokens:\n"
        "    - {id: same, policies: []}\n    - {id: same, policies: []}\n"
    )
    assert main(["check", str(world)]) == 1
    text = capsys.readouterr()
    for expected in ("'pth'", "'staus'", "'FETCH'"):
        assert expected in text.out + text.err, text
    assert "[0]: [0]" not in text.out + text.err


def test_check_names_a_token_whose_id_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("mockkms: 1\nvault:\n  tokens:\n    - {id: same, policies: []}\n    - {id: same, policies: []}\n")
    assert main(["check", str(world)]) == 1
    assert f"{world}:5:12: vault.tokens[1].id: tokens[0] has this id already" in capsys.readouterr().out


def test_queries_of_a_wrong_kind() -> None:
    with MockKMS() as kms:
        for query in ("status=abc", "denied=perhaps", "unhandled=1"):
            answer = requests.get(f"{kms.url}/_mockkms/journal?{query}", timeout=60)
            assert answer.status_code == 400
            assert query.partition("=")[0] in answer.json()["path"]
        with pytest.raises(FaultError):
            kms.journal.entries(status="200")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("faults?fromat=table", "unknown parameter 'fromat'; did you mean 'format'?"),
        ("faults?format=xml", "expected json or table, got 'xml' (str)"),
        ("policy?format=xml", "expected json or hcl, got 'xml' (str)"),
        ("state?format=json5", "expected json or yaml, got 'json5' (str)"),
        ("journal?lst=3", "unknown word 'lst'; did you mean 'last'?"),
        ("journal?bodies=no", "expected true or false, got 'no' (str)"),
        ("journal?format=xml", "expected json or table, got 'xml' (str)"),
        ("lint?last=5", "unknown parameter 'last'; this path takes none"),
    ],
)
def test_parameters_of_the_control_api_are_checked(path: str, message: str) -> None:
    with MockKMS() as kms:
        answer = requests.get(f"{kms.url}/_mockkms/{path}", timeout=60)
        assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("world", "", "the body is empty"),
        ("journal", '["path"]', "expected a mapping of match words"),
        ("journal/assert", "{}", "nothing is asserted"),
        ("clock", '{"freeze": true, "resume": true}', "freeze and resume both decide whether the clock runs"),
        ("state", '{"seal": true, "unseal": true}', "seal and unseal both decide whether the server is sealed"),
        ("state", '{"refuse": 1, "deaf": 1}', "refuse and deaf both decide how the connection ends"),
    ],
)
def test_bodies_of_the_control_api_that_ask_for_nothing_or_a_contradiction(path: str, body: str, message: str) -> None:
    with MockKMS() as kms:
        answer = requests.post(f"{kms.url}/_mockkms/{path}", body, timeout=60)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(message)


def test_worlds_by_command_and_as_yaml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("mockkms: 1\nvault: {mounts: {kept/: {type: kv}}}\n")
    with MockKMS() as kms:
        assert main(["load", str(world), "--url", kms.url]) == 0
        assert "kept/" in {mount.path for mount in kms.world.core.state.mounts.entries.values()}
        world.write_text("mockkms: 1\nvalt: {}\n")
        assert main(["load", str(world), "--url", kms.url]) == 1
        assert f"{world}:2:1" in capsys.readouterr().err
        posted = requests.post(
            f"{kms.url}/_mockkms/world", data="mockkms: 1\nvault: {mounts: {other/: {type: kv}}}\n", timeout=60
        )
        assert posted.json() == {"ok": True}
        assert "other/" in {mount.path for mount in kms.world.core.state.mounts.entries.values()}
        refused = requests.post(f"{kms.url}/_mockkms/world", data="mockkms: 1\nvalt: {}\n", timeout=60)
        assert refused.status_code == 400
        assert refused.json()["problems"][0]["line"] == 2


def test_reprs() -> None:
    kms = MockKMS()
    assert repr(kms) == "<MockKMS of vault not running, unsealed>"
    with kms:
        requests.get(f"{kms.url}/v1/sys/health", timeout=60)
        kms.faults.add("transit/*", status=503)
        kms.clock.freeze("2026-01-01")
        assert repr(kms) == f"<MockKMS of vault at {kms.url}, unsealed>"
        assert repr(kms.clock) == "<Clock 2026-01-01T00:00:00Z, frozen>"
        assert repr(kms.journal).startswith("<Journal of 1 requests; the last one:    1 200")
        assert repr(kms.faults).startswith("<RuleBook of 1 rules>\nrule-1: matched 0, fired 0")
        remote = RemoteKMS(kms.url)
        parts = {"Journal": remote.journal, "Faults": remote.faults, "Clock": remote.clock, "Chaos": remote.chaos}
        assert [repr(part) for part in parts.values()] == [f"<Remote{name} of {kms.url}>" for name in parts]
    assert repr(kms) == "<MockKMS of vault not running, unsealed>"


def test_a_stopped_server_has_no_address() -> None:
    """Each start may have another port: an address of before would be that of another program."""
    for kms in (MockKMS(rustfs_port=0, control_port=0, further=[("127.0.0.1", 0, None)]), Cluster(nodes=2)):
        for _ in range(2):
            with kms:
                assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 200
            for address in ("url", "rustfs_url", "control_url"):
                with pytest.raises(RuntimeError, match="no address while it is not running; use start"):
                    getattr(kms, address)
            assert kms.further_urls == []


def test_a_closed_pipe_ends_a_command_without_a_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "mockkms", "schema"]
        done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
