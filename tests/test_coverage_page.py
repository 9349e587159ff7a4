"""docs/coverage.md says what the endpoint declarations say."""

from __future__ import annotations

import pytest

from scripts import coverage


def test_page_is_current() -> None:
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run scripts/coverage.py"


@pytest.mark.parametrize(
    "name", ["auth-approle", "auth-token", "auth-userpass", "cubbyhole", "kv-v1", "kv-v2", "transit"]
)
def test_the_engines_in_daily_use_are_emulated_whole(name: str) -> None:
    group = next(group for group in coverage.groups() if group.name == name)
    assert group.operations
    assert not group.lacking_operations
    assert not group.lacking_parameters
