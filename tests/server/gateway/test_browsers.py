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
    return requests.get(kms.url + path, headers={**ROOT, **named}, timeout=60, allow_redirects=False)


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
        {"Host": "evil.example", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"},
        {"Host": "evil.example:8200", "Accept-Language": "en"},
        {"Host": "evil.example", "Referer": "http://evil.example/"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Referer": "http://evil.example/localhost"},
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
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Referer": "http://localhost:3000/"},
        {"Host": "localhost:1", "User-Agent": "Mozilla/5.0", "Accept-Language": "en", "Referer": "http://localhost/"},
        {"Host": "dev.example", "User-Agent": "Mozilla/5.0", "Accept-Language": "en"},
    ],
)
def test_everything_else_is_answered(kms: MockKMS, headers: dict[str, str]) -> None:
    assert ask(kms, "/v1/sys/health", **headers).status_code == 200


def test_origins_that_cors_allows_are_answered(kms: MockKMS) -> None:
    page = {"Host": "evil.example", "Origin": "http://app.example"}
    assert ask(kms, "/v1/sys/health", **page).status_code == 403
    requests.post(
        f"{kms.url}/v1/sys/config/cors", json={"allowed_origins": "http://app.example"}, headers=ROOT, timeout=60
    )
    answer = ask(kms, "/v1/sys/health", **page)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, "http://app.example")
    loaded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Referer": "http://app.example/page"}
    assert ask(kms, "/v1/sys/health", **loaded).status_code == 200
    assert ask(kms, "/v1/sys/health", **{**loaded, "Referer": "http://evil.example/"}).status_code == 403
    other = ask(kms, "/v1/sys/health", Origin="http://other.example")
    assert (other.status_code, other.json()["errors"]) == (403, ["origin not allowed"])


@pytest.mark.parametrize("path", PATHS)
def test_the_journal_shows_what_was_refused(kms: MockKMS, path: str) -> None:
    ask(kms, path, Origin="http://evil.example", X_Vault_Token="root")
    journal = kms.tenant("page").journal if path.startswith("/t/") else kms.journal
    (entry,) = journal.entries(status=403)
    assert entry.target == path.removeprefix("/t/page")
    assert "pages of http://evil.example may not use this server" in entry.answer.decode()
    journal.assert_no_unhandled()
    assert kms.lint() is not None
    assert str(kms.privileges()) == str(MockKMS().privileges())


PAGE = """<body><iframe name="hole"></iframe><script>
const server = "SERVER", asked = [];
const paths = ["/v1/secret/data/x", "/v1/sys/audit/x", "/v1/sys/init", "/_mockkms/reset", "/_mockkms/faults",
  "/_mockkms/state", "/rustfs/admin/v3/kms/keys", "/t/page/v1/secret/data/x"];
for (const path of paths) {
  for (const mode of ["cors", "no-cors"]) {
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
      const headers = mode === "cors" ? {"X-Vault-Token": "root", "Content-Type": type} : {"Content-Type": type};
      for (const method of mode === "cors" ? ["POST", "PUT", "DELETE"] : ["POST"]) {
        asked.push(fetch(server + path, {method, mode, headers, body: '{"data": {"stolen": 1}}'})
          .then(answer => answer.text()));
      }
    }
  }
  const form = document.createElement("form");
  form.method = "POST"; form.action = server + path; form.target = "hole"; form.enctype = "text/plain";
  const field = document.createElement("input");
  field.name = '{"data": {"stolen": 1, "a": "'; field.value = '"}}';
  form.append(field); document.body.append(form); form.submit();
  const image = new Image(); image.src = server + path;
  const frame = document.createElement("iframe"); frame.src = server + path; document.body.append(frame);
  asked.push(fetch(server + path, {mode: "no-cors", referrerPolicy: "no-referrer"}).then(answer => answer.text()));
}
asked.push(new Promise((done, failed) => {
  const socket = new WebSocket(server.replace("http", "ws") + "/v1/sys/events/subscribe/x");
  socket.onopen = () => done("OPEN"); socket.onerror = failed;
}));
Promise.allSettled(asked).then(all => {
  document.title = "DONE " + all.map(one => one.value || "").filter(text => text && !text.includes("mockkms: ")).join();
});
</script></body>"""


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("page", "server"), [("evil.test", "evil.test"), ("page.test", "127.0.0.1")])
def test_a_foreign_page_reaches_nothing(kms: MockKMS, tmp_path: Path, page: str, server: str) -> None:
    """A page comes from a host of its own, whose name may be this machine's afterwards, and knows the root token."""
    before = kms.dump()
    text = PAGE.replace("SERVER", f"http://{server}:{kms.url.rpartition(':')[2]}").encode()

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None: ...

    pages = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    try:
        assert CHROMIUM is not None
        shown = subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={tmp_path}",
                "--host-resolver-rules=MAP *.test 127.0.0.1", "--virtual-time-budget=20000", "--dump-dom",
                f"http://{page}:{pages.server_port}/",
            ],
            capture_output=True, text=True, timeout=90, check=False,
        ).stdout  # fmt: skip
    finally:
        pages.shutdown()
        pages.server_close()
    assert "<title>DONE </title>" in shown, shown
    seen = [*kms.journal, *kms.tenant("page").journal]
    assert {entry.status for entry in seen} == {403}
    assert {entry.method for entry in seen} >= {"GET", "POST", "OPTIONS"}
    kms.journal.clear()
    assert kms.dump() == before


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_rebound_page_reads_nothing_of_its_own_origin(kms: MockKMS, tmp_path: Path) -> None:
    """A browser says little of a GET to the page's own origin: neither ``Origin`` nor ``Sec-Fetch-*``."""
    assert CHROMIUM is not None
    shown = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-first-run", f"--user-data-dir={tmp_path}",
            "--host-resolver-rules=MAP *.test 127.0.0.1", "--dump-dom",
            f"http://evil.test:{kms.url.rpartition(':')[2]}/v1/sys/seal-status",
        ],
        capture_output=True, text=True, timeout=60, check=False,
    ).stdout  # fmt: skip
    assert "the host name 'evil.test' is not one of this server" in shown
    assert {(entry.status, "origin" in entry.headers) for entry in kms.journal} == {(403, False)}


@pytest.mark.parametrize("name", ["", " ", "http://app.test", "app.test:3000", "app.test/x", "[::1]", "a b"])
def test_an_allowed_name_that_no_host_has_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a host name to allow; examples: app\.test"):
        MockKMS(allow_hosts=[name])
    MockKMS(allow_hosts=["App.test", "::1", "10.0.0.1", "*"])
