"""Each kind of secret is sent through a real server: a redacting journal shows none of them, in no output."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pytest_mockkms.active import _report

from mockkms import MockKMS

from .secret_kinds import auth_methods, engines, requests_and_system
from .secret_kinds.registry import KINDS, Client

assert all((auth_methods, engines, requests_and_system)), "importing them registers the kinds"

LOG: list[str] = []
"""The lines that ``serve -v`` would write."""


@pytest.fixture(scope="module")
def server() -> Iterator[MockKMS]:
    with MockKMS(rng=4, root_token="the-root-token") as kms:
        kms.world.journal.subscribe(lambda entry: LOG.append(str(entry)))
        yield kms


def outputs(kms: MockKMS, log: list[str]) -> str:
    """Return everything that shows requests: entries, tables, the ``-v`` log, reports, assertions."""
    kms.faults.script([{"expect": "never/requested"}])
    shown = [json.dumps([entry.data() for entry in kms.journal], ensure_ascii=False), *map(repr, kms.journal), *log]
    shown += [kms.journal.table(), *kms.journal.lines(), str(kms.privileges()), *map(str, kms.lint())]
    shown.append(_report(kms, listed=False))
    try:
        kms.journal.assert_called("never/requested")
    except AssertionError as error:
        shown.append(str(error))
    return "\n".join(shown)


def send(kms: MockKMS, name: str, *, redact: bool) -> tuple[set[str], str]:
    """Send one kind; returns its secrets and everything that is shown."""
    kms.load()
    LOG.clear()
    kms.journal.redact = redact
    secrets = set(KINDS[name](Client(kms)))
    assert LOG, "the lines of -v are outputs too"
    return secrets, outputs(kms, LOG)


def test_every_module_registers_its_kinds() -> None:
    assert len(KINDS) >= 60


@pytest.mark.parametrize("name", KINDS)
def test_a_redacting_journal_shows_no_secret_in_any_output(server: MockKMS, name: str) -> None:
    secrets, shown = send(server, name, redact=True)
    assert secrets
    assert [secret for secret in secrets if secret in shown or json.dumps(secret)[1:-1] in shown] == []
    kept = b"".join(entry.body + entry.answer + entry.target.encode() for entry in server.journal)
    headers = "".join(text for entry in server.journal for text in entry.headers.values())
    assert [secret for secret in secrets if secret.encode() in kept or secret in headers] == []


IN_HEADERS = (
    "AWS session", "SigV4", "JWT under", "parameter", "token", "root token", "basic", "cookie", "control",
    "unknown secret", "second proof in a h", "inline",
)  # fmt: skip
"""Kinds of headers and parameters that no journal shows, or that the server does not take."""


@pytest.mark.parametrize("name", KINDS)
def test_without_redaction_bodies_are_shown_and_addresses_have_no_token(server: MockKMS, name: str) -> None:
    secrets, shown = send(server, name, redact=False)
    if not name.startswith(IN_HEADERS):
        assert [secret for secret in secrets if secret not in shown and json.dumps(secret)[1:-1] not in shown] == []
    addresses = [entry.data()["target"] + entry.data()["path"] for entry in server.journal]
    addresses += [*server.journal.lines(), server.journal.table(), str(server.privileges()), *map(str, server.lint())]
    tokens = {entry.token for entry in server.journal} - {""} | ({*secrets} if "token" in name else set())
    if "parameter" not in name:
        assert [token for token in tokens if len(token) >= 8 and token in "\n".join(addresses)] == []
