"""A request is decoded once and matched once, whoever asks: pipeline, rules and journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.framework.engine import Engine
from mockkms.vault.golang import json as go_json


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a body was decoded and a path looked up."""
    calls: Counter[str] = Counter()

    def counting(owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def count(*arguments: Any, **named: Any) -> Any:
            calls[name] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, count)

    counting(go_json, "decode")
    counting(Engine, "route")
    return calls


@pytest.mark.parametrize("rule", [{}, {"operation": "delete"}, {"key": "other"}, {"operation": "update", "times": 0}])
def test_a_request_is_decoded_and_matched_once(counted: Counter[str], rule: dict[str, Any]) -> None:
    with MockKMS() as kms:
        headers = {"X-Vault-Token": kms.token}
        url = f"{kms.url}/v1"
        requests.post(f"{url}/sys/mounts/transit", json={"type": "transit"}, headers=headers, timeout=60)
        requests.post(f"{url}/transit/keys/k", json={}, headers=headers, timeout=60)
        if rule:
            kms.faults.add("transit/*", answer="sealed", **rule)
        counted.clear()
        answer = requests.post(f"{url}/transit/encrypt/k", json={"plaintext": "YQ=="}, headers=headers, timeout=60)
        assert answer.status_code == 200
        assert [*kms.journal][-1].path == "transit/encrypt/k"
    assert counted == {"decode": 1, "route": 1}
