"""The README's table of clients: each tells its story, over HTTP and over HTTPS."""

from __future__ import annotations

import json
import re
import sys

import pytest

from mockkms import MockKMS
from tests.clients.matrix import CLIENTS, EXPECTED, TRANSPORTS, Client
from tests.clients.toolchain import run
from tests.docs.pages import ROOT

ROW = re.compile(r"\| (.+?) \| (.+?) \| (.*?) \| (.+?) \| (.+?) \|")


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@pytest.mark.parametrize(
    "transport", [pytest.param(name, marks=pytest.mark.server(**options)) for name, options in TRANSPORTS.items()]
)
def test_the_story(kms: MockKMS, client: Client, transport: str) -> None:
    told = client.tell({
        "VAULT_ADDR": kms.url, "VAULT_TOKEN": kms.token, "VAULT_CACERT": kms.ca_file or "",
        "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost",
    })  # fmt: skip
    assert json.loads(told) == client.expected
    assert kms.url.startswith(transport.lower() + ":")
    if client.expected is EXPECTED:
        kms.journal.assert_called("secret/data/app/db", operation="read", status=403, times=1)
    kms.journal.assert_no_unhandled()


def test_no_story_goes_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BAO_ADDR", "BAO_TOKEN", "VAULT_NAMESPACE"):
        monkeypatch.setenv(name, "of the developer")
    code = "import os; print([name for name in os.environ if name.startswith(('BAO_', 'VAULT_'))])"
    assert run(sys.executable, "-c", code, env={"VAULT_ADDR": "http://127.0.0.1:1"}) == "['VAULT_ADDR']\n"


def test_the_readme_has_the_table() -> None:
    _, _, rest = (
        (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- clients: written by scripts/client-matrix -->")
    )
    table, _, _ = rest.partition("<!-- end of clients -->")
    head, _, *rows = [match.groups() for match in ROW.finditer(table)]
    assert head == ("language", "client", "version", *TRANSPORTS)
    assert [row[:2] for row in rows] == [(client.language, client.name) for client in CLIENTS]
    for row, client in zip(rows, CLIENTS, strict=True):
        if client.language == "program" and all(told.startswith("not run: ") for told in row[3:]):
            continue  # The table says that the program was not there.
        assert row[2] == client.version or not client.version
        assert row[2][0].isdigit()
        assert row[3:] == ("yes", "yes")
