"""What a browser sends for a foreign page is refused on every path of a loopback listener, and nothing else is."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS

ROOT = {"X-Vault-Token": "root"}
PATHS = (
    "/v1/sys/health", "/v1/secret/data/x", "/v1/sys/audit/x", "/rustfs/admin/v3/kms/status", "/_mockkms/state",
    "/t/page/v1/sys/health", "/", "/elsewhere",
)  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


pytestmark = pytest.mark.server(root_token="root", allow_hosts=["dev.example"])


def ask(kms: MockKMS, path: str, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(kms.url + path, headers={**ROOT, **named}, timeout=10, allow_redirects=False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Host": "evil.example:8200", "Sec-Fetch-Mode": "cors"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_foreign_pages_are_refused(kms: MockKMS, path: str, headers: dict[str, str]) -> None:
    answer = ask(kms, path, **headers)
    assert answer.status_code == 403
    assert "mockkms: " in answer.json()["errors"][0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "vault.example"},
        {"Host": "dev.example", "Origin": "http://dev.example"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:9", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_everything_else_is_answered(kms: MockKMS, headers: dict[str, str]) -> None:
    assert ask(kms, "/v1/sys/health", **headers).status_code == 200


def test_origins_that_cors_allows_are_answered(kms: MockKMS) -> None:
    page = {"Host": "evil.example", "Origin": "http://app.example"}
    assert ask(kms, "/v1/sys/health", **page).status_code == 403
    requests.post(
        f"{kms.url}/v1/sys/config/cors", json={"allowed_origins": "http://app.example"}, headers=ROOT, timeout=10
    )
    answer = ask(kms, "/v1/sys/health", **page)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "http://app.example")
    other = ask(kms, "/v1/sys/health", Origin="http://other.example")
    assert (other.status_code, other.json()["errors"]) == (403, ["origin not allowed"])


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_page_with_a_rebound_name_reaches_nothing(kms: MockKMS, tmp_path: Path) -> None:
    """The page comes from a host of its own; then its name is this machine's, and it asks the server with the token."""
    port = int(kms.url.rpartition(":")[2])
    script = (
        "<body><script>"
        f"fetch('http://evil.test:{port}/v1/secret/data/x', {{method: 'POST', headers: {{'X-Vault-Token': 'root'}},"
        " body: JSON.stringify({data: {stolen: 1}})})"
        ".then(answer => answer.text()).then(text => { document.body.textContent = 'GOT ' + text; })"
        ".catch(() => { document.body.textContent = 'GOT NOTHING'; });"
        "</script></body>"
    )

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(script.encode())

        def log_message(self, *_: object) -> None: ...

    pages = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    try:
        assert CHROMIUM is not None
        shown = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={tmp_path}",
                "--host-resolver-rules=MAP evil.test 127.0.0.1", "--virtual-time-budget=5000", "--dump-dom",
                f"http://evil.test:{pages.server_port}/",
            ],
            capture_output=True, text=True, timeout=60, check=False,
        ).stdout  # fmt: skip
    finally:
        pages.shutdown()
        pages.server_close()
    assert "GOT " in shown, shown
    assert "stolen" not in shown
    assert requests.get(f"{kms.url}/v1/secret/data/x", headers=ROOT, timeout=10).status_code == 404
