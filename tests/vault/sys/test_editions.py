"""What the community edition refuses, and what it has instead: the three products side by side."""

from __future__ import annotations

import pytest

from mockkms.vault.framework.message import Operation
from mockkms.vault.sys import enterprise
from tests.vault.driving import World

VAULTS = ("vault", "vault-1.21")


@pytest.mark.parametrize("flavor", VAULTS)
@pytest.mark.parametrize(
    ("operation", "path", "status"),
    [
        ("list", "sys/namespaces/", 404),
        ("read", "sys/namespaces/", 405),
        ("read", "sys/namespaces/a/b", 404),
        ("list", "sys/namespaces/a/", 405),
        ("update", "sys/namespaces/api-lock/lock/a", 404),
        ("read", "sys/replication/performance/primary/enable", 405),
        ("update", "sys/replication/dr/primary/enable", 404),
        ("delete", "sys/sealwrap/rewrap", 405),
        ("read", "sys/managed-keys/pkcs11/k", 404),
        ("update", "sys/managed-keys/pkcs11/k/test/sign", 404),
        ("read", "sys/managed-keys/pkcs11/k/test/sign", 405),
    ],
)
def test_a_path_of_the_paid_edition(flavor: str, operation: str, path: str, status: int) -> None:
    answer = World(flavor).ask(operation, path)
    assert answer.status == status
    words = "enterprise-only feature" if status == 404 else "1 error occurred:\n\t* unsupported operation\n\n"
    assert answer.errors == [words]


@pytest.mark.parametrize("flavor", VAULTS)
def test_a_path_that_is_none_of_them(flavor: str) -> None:
    for path in ("sys/replication/performance/merge", "sys/mfa/method/sms/m", "sys/license", "sys/sync/github-apps"):
        assert World(flavor).ask("read", path).errors == ["1 error occurred:\n\t* unsupported path\n\n"]


@pytest.mark.parametrize(
    ("flavor", "text"),
    [
        ("vault", "enterprise-only feature"),
        ("vault-1.21", "1 error occurred:\n\t* unsupported path\n\n"),
        ("openbao", "1 error occurred:\n\t* unsupported path\n\n"),
    ],
)
def test_only_vault_2_has_the_path_of_state_reports(flavor: str, text: str) -> None:
    world = World(flavor)
    assert world.write("sys/reporting/scan").errors == [text]
    world.write("sys/policies/acl/all", {"policy": 'path "*" { capabilities = ["update"] }'})
    assert (world.write("sys/reporting/scan", token=world.token(policies=["all"])).status == 403) is (flavor == "vault")


def test_openbao_has_none_of_them() -> None:
    world = World("openbao")
    for template in (*enterprise.STUBS, *enterprise.AGENT_STUBS):
        if not template.startswith(("namespaces", "replication/dr/secondary/license")) and "{" not in template:
            path = "sys/" + template.replace("[/]", "/")
            assert world.ask("list" if path.endswith("/") else "read", path).errors == [
                "1 error occurred:\n\t* unsupported path\n\n"
            ]


@pytest.mark.parametrize(("flavor", "status"), [("vault", 404), ("vault-1.21", 404), ("openbao", 403)])
def test_those_that_answer_without_a_token(flavor: str, status: int) -> None:
    world = World(flavor)
    for path in enterprise.OPEN:
        operation = str(Operation(enterprise.STUBS[path]))
        assert world.ask(operation, f"sys/{path}", token="").status == status


@pytest.mark.parametrize(("flavor", "status"), [("vault", 404), ("vault-1.21", 404), ("openbao", 404)])
def test_what_is_open_and_absent(flavor: str, status: int) -> None:
    answer = World(flavor).ask("read", "sys/wrapping/pubkey", token="")
    assert (answer.status, answer.errors) == (status, ["unsupported path"])


@pytest.mark.parametrize(("flavor", "there"), [("vault", True), ("vault-1.21", False), ("openbao", False)])
def test_billing(flavor: str, there: bool) -> None:
    world = World(flavor)
    assert (world.ask("read", "sys/billing/config").data == {"retention_months": 37}) is there
    if not there:
        return
    assert world.write("sys/billing/config", {"retention_months": 12}).status == 400
    assert world.write("sys/billing/config", {"retention_months": 24}).warnings == []
    assert world.ask("read", "sys/billing/config").data == {"retention_months": 24}
    (warning,) = world.write("sys/billing/config", {"retention_months": 36}).warnings
    assert warning.startswith("Retention period increased from 24 to 36 months. Historical data ")


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("x", ' as "2006-01": cannot parse "x" as "2006"'),
        ("2026", ' as "2006-01": cannot parse "" as "-"'),
        ("2026-1", ' as "2006-01": cannot parse "1" as "01"'),
        ("2026-13", ": month out of range"),
        ("2026-011", ': extra text: "1"'),
    ],
)
def test_months_of_a_bill(month: str, words: str) -> None:
    answer = World("vault").ask("read", "sys/billing/overview", {"start_month": month})
    refusal = f'invalid start_month format: parsing time "{month}"{words}'
    assert answer.errors == [f"1 error occurred:\n\t* {refusal}\n\n"]


@pytest.mark.parametrize("flavor", VAULTS)
def test_pins(flavor: str) -> None:
    world = World(flavor)
    path = "sys/plugins/pins/secret/kv"
    assert world.ask("read", path).errors == ["1 error occurred:\n\t* no pinned version for this plugin\n\n"]
    assert world.write(path, {"version": "1.0"}).errors == [
        'plugin not found in the catalog; secret plugin "kv" version v1.0.0 does not exist'
    ]
    assert world.ask("list", "sys/plugins/pins").status == 405
    assert world.ask("delete", path).errors is None


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "error xoring token: decoded first base64 value is nil or empty"),
        ({"encoded_token": "eA=="}, "error xoring token: decoded second base64 value is nil or empty"),
        ({"otp": "x"}, "error xoring token: length of byte slices is not equivalent: 0 != 1"),
    ],
)
def test_decoding_a_token(sent: dict[str, str], words: str) -> None:
    answer = World("vault").write("sys/decode-token", sent, token="")
    assert (answer.status, answer.errors) == (500, [words])
    other = World("openbao").write("sys/decode-token", sent, token="")
    assert (other.status, other.errors) == (400, ["provided 'encoded_token' or 'otp' is empty"])
