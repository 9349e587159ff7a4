"""``mockkms chaos`` and ``serve --chaos`` against real servers, and what misuse says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS, RemoteKMS
from mockkms.cli import main
from tests.serving import served

pytestmark = pytest.mark.server(rng=2)


class Run:
    """Runs a command with the address of a server."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self.capsys = url, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(["chaos", *words, "--url", self.url])
        return code, *self.capsys.readouterr()


@pytest.fixture
def run(kms: MockKMS, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in ("MOCKKMS_URL", "VAULT_ADDR", "VAULT_CACERT", "MOCKKMS_CONTROL_TOKEN", "MOCKKMS_CONTROL_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    return Run(kms.url, capsys)


def test_start_status_stop(run: Run, kms: MockKMS) -> None:
    kms.clock.freeze()
    assert run("status") == (0, "no chaos\n", "")
    assert run("stop") == (0, "no chaos\n", "")
    code, said, _ = run("start", "normal=30s", "sealed=10s", "--seed", "4", "--phase", "sealed", "--once")
    assert (code, said.splitlines()[0]) == (0, "timeline: phase sealed, 10s left; seed 4")
    assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 503
    assert "(1 of 1 failed)" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["phase"] == "sealed"
    kms.clock.advance(10)
    assert run("status")[1] == "no chaos\n"
    assert run("start", "2%")[0] == 0
    assert run("stop")[1] == "stopped\n"
    assert json.loads(run("start", "token-storm", "--json")[1])["name"] == "token-storm"
    assert json.loads(run("stop", "--json")[1])["active"] is False


def test_list_and_show(run: Run, kms: MockKMS) -> None:
    assert [line.split()[0] for line in run("list")[1].splitlines()] == kms.chaos.incidents()
    assert [one["name"] for one in json.loads(run("list", "--json")[1])["incidents"]] == kms.chaos.incidents()
    said = run("show", "leader-election")[1]
    assert "  election              5s  connections are cut" in said
    assert "A client should:\n- Retry 503" in said
    assert json.loads(run("show", "leader-election", "--json")[1])["loop"] is True


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            ["start", "leader-elektion"],
            1,
            "unknown incident or failure 'leader-elektion'; did you mean 'leader-election'?",
        ),
        (["show", "leader-elektion"], 1, "unknown incident 'leader-elektion'; did you mean 'leader-election'?"),
        (["start", "2"], 1, "got '2' (str); did you mean '2%'?"),
        (["start", "-5%"], 1, "expected a percentage above 0% and up to 100%, such as 2%, or a number such as 0.02"),
        (["start", "-.5"], 1, "got '-.5' (str)"),
        (["start", "NaN"], 1, "unknown incident or failure 'NaN'; expected a percentage such as 2%, phases as in"),
        (["start", "seald"], 1, "unknown incident or failure 'seald'; did you mean 'sealed'?"),
        (["start", "certificate-expiry"], 1, "phase 'expired', tls: this server speaks no TLS; start it with tls=True"),
        (["start", "2%", "token-storm"], 2, "expected one plan"),
        (["start", "none.yaml"], 2, "none.yaml: cannot be read: No such file or directory"),
        (["start", "token-storm", "--phase", "strom"], 1, "phase: unknown phase 'strom'; did you mean 'storm'?"),
        (["start", "2%", "--phase", "x"], 1, "phase: unknown phase 'x'"),
    ],
)
def test_misuse(run: Run, words: list[str], code: int, message: str) -> None:
    found, out, said = run(*words)
    assert (found, out) == (code, "")
    assert message in said
    assert said.count("\n") == 1


def test_files(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("phases: [{name: a, rules: [{answer: 418}]}]\n")
    assert run("start", str(path))[0] == 0
    path.write_text("[1, 2]\n")
    assert "expected a plan such as phases: [...], found list" in run("start", str(path))[2]
    path.write_text("phases: [\n")
    assert f"{path}:2:1" in run("start", str(path))[2]


def test_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("name: mine\nphases: [{name: all, rules: [{path: sys/health, answer: 418}]}]\n")
    with served(tmp_path, "--chaos", str(plan), "--chaos-seed", "9") as ready, RemoteKMS(ready["url"]) as kms:
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).status_code == 418
        assert (kms.chaos.status()["name"], kms.chaos.status()["seed"]) == ("mine", 9)
        kms.chaos.stop()
        kms.reset()
        assert kms.chaos.active
    with MockKMS(tls=True, seed={"chaos": {"plan": "50%", "seed": "a"}}) as secure:
        remote = RemoteKMS(secure.url, ca_file=secure.ca_file)
        assert (remote.chaos.status()["name"], remote.chaos.status()["seed"]) == ("50%", "a")
        remote.chaos.start("certificate-expiry")
        remote.close()
    plan.write_text("phases:\n  - name: a\n    lats: 3s\n")
    for given, message in (
        (str(plan), f"{plan}:3:5: chaos.phases[0].lats: unknown key 'lats'; did you mean 'lasts'?"),
        ("leader-elektion", "unknown incident or failure 'leader-elektion'; did you mean 'leader-election'?"),
        ("200%", "mockkms serve: --chaos: expected a percentage above 0% and up to 100%"),
        ("-5%", "mockkms serve: --chaos: expected a percentage above 0% and up to 100%"),
        ("NaN", "expected a percentage such as 2%, phases as in normal=30s sealed=10s, or one of: "),
        (
            "certificate-expiry",
            "--chaos: chaos: phase 'expired', tls: this server speaks no TLS; start it with",
        ),
    ):
        assert main(["serve", "--port", "0", "--chaos", given]) == 2
        assert message in capsys.readouterr().err
    assert main(["serve", "--port", "0", "--chaos-seed", "3"]) == 2
    assert "--chaos-seed needs --chaos" in capsys.readouterr().err
