"""What only shows when the servers of several tests are seen together, and the files that reports are written to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.explore.results import Exploration
from mockkms.report import observing
from mockkms.report.model import Usage, usage_of
from mockkms.report.observing import observe
from mockkms.report.suite import Report, report_of
from mockkms.report.writing import report_format, write_report

POLICY = """
path "secret/data/*" { capabilities = ["create", "read", "delete"] }
path "transit/*" { capabilities = ["update"] }
"""


def ask(kms: MockKMS, method: str, path: str, body: object = None, token: str = "") -> requests.Response:
    headers = {"X-Vault-Token": token or kms.token}
    return requests.request(method, f"{kms.url}/v1/{path}", json=body, headers=headers, timeout=60)


def used(kms: MockKMS, name: str, *steps: tuple[str, str], given: tuple[str, ...] = ()) -> Usage:
    """What a test sees whose client has the policy ``app``."""
    ask(kms, "PUT", "sys/policies/acl/app", {"policy": POLICY})
    token = ask(kms, "POST", "auth/token/create", {"policies": ["app"]}).json()["auth"]["client_token"]
    kms.journal.clear()
    for method, path in steps:
        ask(kms, method, path, {"data": {}} if method == "POST" else None, token)
    use = Usage(name, "passed")
    observe(use, kms, given=given)
    return use


def test_a_grant_is_unused_if_no_test_used_it(kms: MockKMS) -> None:
    wrote = used(kms, "b", ("POST", "secret/data/a"))
    kms.reset()
    read = used(kms, "a", ("GET", "secret/data/a"))
    assert read.privileges.unused[0] == 'app: path "secret/data/*": create, delete'
    report = report_of([wrote, read])
    assert [test.name for test in report.tests] == ["a", "b"]
    assert report.privileges.unused == ['app: path "secret/data/*": delete', 'app: path "transit/*": update']
    assert report.privileges.needed == {"secret/data/a": {"create", "read"}}
    assert [(count.section, count.number) for count in report.wrong] == [("habits", 2), ("grants", 2)]
    assert str(report.wrong[0]) == "2 bad habits of the client"


def test_rules_of_worlds_need_to_fire_in_one_test_only(kms: MockKMS) -> None:
    uses = []
    for name, path in (("one", "secret/data/a"), ("two", "secret/data/b")):
        kms.reset()
        kms.faults.add("secret/data/a", id="given", delay=0.001)
        kms.faults.add("secret/data/z", id="nowhere", answer=500)
        kms.faults.add("secret/data/a", id="own", status=501, times=1)
        kms.faults.add("secret/data/a", id="off", enabled=False, answer=500)
        uses.append(used(kms, name, ("GET", path), given=("given", "nowhere")))
    unfired = report_of(uses).unfired
    assert [(test, rule.partition(":")[0]) for test, rule in unfired] == [("two", "own"), ("", "nowhere")]


def test_tokens_of_rules_are_not_shown(kms: MockKMS) -> None:
    token = ask(kms, "POST", "auth/token/create", {}).json()["auth"]["client_token"]
    kms.faults.add({"path": "transit/*", "token": token}, answer=500)
    use = Usage("test_it")
    observe(use, kms)
    assert token not in json.dumps(use.data())
    assert "transit/*" in use.rules[0].text


def test_requests_that_are_not_emulated(kms: MockKMS) -> None:
    ask(kms, "GET", "sys/no-such-path")
    ask(kms, "GET", "sys/billing/one")
    use = Usage("test_it")
    observe(use, kms, lint=False, allowed=["sys/billing/*"])
    assert Report([use]).unhandled == {"read sys/no-such-path": ["test_it"]}
    assert use.findings == []


def test_what_one_test_adds_is_bounded(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "MOST", 3)
    for number in range(6):
        kms.faults.add(f"secret/data/{number}", answer=500)
        ask(kms, "GET", f"sys/no-such-path/{number}")
        ask(kms, "POST", "auth/token/create", {})
    use = Usage("test_it")
    observe(use, kms)
    assert (len(use.findings), len(use.rules), len(use.unhandled)) == (3, 3, 3)


def test_a_server_that_is_gone_is_named(kms: MockKMS) -> None:
    from mockkms import RemoteKMS

    remote = RemoteKMS("http://127.0.0.1:1", timeout=1)
    use = Usage("test_it")
    observe(use, remote)
    assert use.problems[0].startswith("http://127.0.0.1:1: ")
    assert "Connection refused" in use.problems[0]


def test_the_data_of_a_test_comes_back(kms: MockKMS) -> None:
    kms.faults.add("transit/*", answer=500)
    use = used(kms, "test_it", ("GET", "secret/data/a"), ("GET", "sys/no-such-path"))
    assert usage_of(json.loads(json.dumps(use.data()))) == use


def test_the_json_document(kms: MockKMS, tmp_path: Path, exploration: Exploration) -> None:
    kms.faults.add("transit/*", id="idle", answer=500)
    path = tmp_path / "report.json"
    path.write_text("old")
    write_report(path, report_of([used(kms, "test_it", ("GET", "secret/data/a"))], exploration))
    data = json.loads(path.read_text())
    assert data["mockkms_report"] == 1
    assert data["counts"] == {"exploration": 5, "habits": 1, "unhandled": 0, "rules": 1, "grants": 2}
    assert data["findings"][0]["rule"] == "token-left"
    assert data["unfired"] == [
        {"rule": 'idle: {"match": "transit/*", "answer": 500}', "test": "test_it"},
    ]
    assert data["unused_grants"][0] == {
        "namespace": "", "policy": "app", "path": "secret/data/*", "unused": ["create", "delete"], "used": ["read"],
    }  # fmt: skip
    assert data["policy"] == 'path "secret/data/a" {\n  capabilities = ["read"]\n}\n'
    assert Exploration.from_data(data["exploration"]) == exploration
    assert usage_of(data["tests"][0]).name == "test_it"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("name", ["report.html", "report.json", "report.hcl"])
def test_names_that_utf_8_cannot_hold_and_links(name: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / name
    link.symlink_to(tmp_path / "elsewhere" / name)
    write_report(link, Report([Usage("test_it[\udc80]")]))
    assert link.is_symlink()
    assert "test_it[\\udc80]" in link.read_text(encoding="utf-8")


def test_policies_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "needed.hcl"
    report = Report([Usage("test_it", needed={"secret/data/a": {"read"}})])
    write_report(path, report)
    write_report(path, report)
    assert path.read_text() == '# test_it\npath "secret/data/a" {\n  capabilities = ["read"]\n}\n\n' * 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.html", "html"), ("a.HTM", "html"), ("a.json", "json"), ("a.hcl", "hcl"), ("a", "hcl"), ("a.txt", "hcl")],
)
def test_the_suffix_is_the_format(name: str, kind: str) -> None:
    assert report_format(Path(name)) == kind


@pytest.mark.parametrize(("name", "meant"), [("a.htlm", ".html"), ("a.jsn", ".json"), ("a.xhtml", ".html")])
def test_a_misspelled_suffix_is_refused(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        report_format(Path(name))
