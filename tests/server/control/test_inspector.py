"""The page at ``/_mockkms/ui/``, which asks the control API for all it shows."""

from __future__ import annotations

import re

import requests

from mockkms import MockKMS


def test_the_page_asks_routes_that_answer() -> None:
    with MockKMS() as kms:
        page = requests.get(f"{kms.url}/_mockkms/ui/", timeout=10)
        assert page.headers["Content-Type"].startswith("text/html")
        asked = re.findall(r'ask\("(GET|POST|DELETE)", "(\w+)"\)', page.text)
        assert {path for _, path in asked} == {"faults", "journal", "reset"}
        for method, path in asked:
            assert requests.request(method, f"{kms.url}/_mockkms/{path}", timeout=10).ok, path
