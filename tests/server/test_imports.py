"""What a server does not import until a request needs it: each takes megabytes, or part of the start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from mockkms import MockKMS
from mockkms.crypto.rsa.pool import PREPARED, Pool
from mockkms.crypto.rsa.store import KeyDirectory

store = KeyDirectory(Path(sys.argv[1]))
for number in range(PREPARED):
    store.add(2048, b"key %d" % number, PREPARED)
thread = Pool(store).prepare(2048)
thread and thread.join()
with MockKMS() as kms:
    for path in ("sys/health", "sys/mounts", "secret/config", "auth/token/lookup-self"):
        urlopen(Request(f"{kms.url}/v1/{path}", headers={"X-Vault-Token": "root"}), timeout=60).close()
print(*sys.modules)
"""


def test_a_server_without_ciphertexts_needs_no_cryptography(tmp_path: Path) -> None:
    """Nor the applications and routes of aiohttp, the XML of audit logs, and decimals."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "cache")], capture_output=True, text=True, timeout=60, check=True
    )
    modules = set(done.stdout.split())
    assert "aiohttp.web_protocol" in modules
    assert not modules & {"cryptography", "aiohttp.web", "aiohttp.web_app", "xml.sax", "decimal"}


ROUTES = """
from mockkms import MockKMS
from urllib.error import HTTPError
from urllib.request import urlopen

with MockKMS() as kms:
    try:
        urlopen(f"{kms.url}/_mockkms/cluster", timeout=60)
    except HTTPError as error:
        print(error.code, error.read().decode())
"""


def test_the_routes_of_a_cluster_do_not_depend_on_what_was_imported() -> None:
    """A single server answers them as such, also in a process that never had a cluster."""
    done = subprocess.run([sys.executable, "-c", ROUTES], capture_output=True, text=True, timeout=60, check=True)
    status, _, body = done.stdout.partition(" ")
    assert status == "404"
    assert "this server is not a cluster" in body
