"""Texts of a megabyte are read in one pass, whatever is in them: read again from each place, they would take hours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace

import pytest

from mockkms.server.json_limits import limits
from mockkms.vault.auth.cloud import oci
from mockkms.vault.auth.ldap import directory
from mockkms.vault.directories import settings
from mockkms.vault.hcl import values
from mockkms.vault.secrets.database import postgres
from mockkms.vault.sys.plugins import versions
from mockkms.world.clock import duration_of

SIZE = 1 << 20


def filters(text: str) -> None:
    """Check a search filter of LDAP."""
    settings.check(SimpleNamespace(userfilter=text, groupfilter=""))  # type: ignore[arg-type]


def number(text: str) -> None:
    """Check a number of JSON."""
    limits._GO_NUMBER.fullmatch(text.encode())


@pytest.mark.parametrize(
    ("read", "part"),
    [
        (number, "1"),
        (versions._VERSION.fullmatch, "a"),
        (oci._MEMBER.findall, "a"),
        (oci._MEMBER.findall, 'a="'),
        (directory._plain, " "),
        (directory._plain, "\n,"),
        (filters, "{{"),
        (filters, "{{ "),
        (values.unquote, "${a}"),
        (values.unquote, "{"),
        (postgres._spans_lines, '"a",'),
        (postgres._spans_lines, "'"),
        (duration_of, "1"),
        (duration_of, "1."),
        (duration_of, "1h"),
    ],
)
def test_it_ends(read: Callable[[str], object], part: str) -> None:
    text = part * (SIZE // len(part))
    for whole in (text, f"1{text}!"):  # What is invalid at its end alone is where readers begin anew.
        with suppress(ValueError):
            read(whole)
