"""A run over the whole surface in a process that notes every file it writes and every peer it calls.

``python -m tests.security.watched FOLDER`` prints them as JSON; ``FOLDER`` holds the places that the user named.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

SHOTS = 700
_CHANGES = {
    "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "os.mkfifo", "os.mknod", "shutil.rmtree", "shutil.move", "shutil.copyfile", "tempfile.mkstemp",
    "tempfile.mkdtemp",
}  # fmt: skip
_RUNS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn", "os.startfile"}

written: set[str] = set()
called: set[str] = set()
started: set[str] = set()


def note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        writes = isinstance(mode, str) and set(mode) & set("wax+")
        if writes or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
            written.add(path if isinstance(path, int | str) and isinstance(path, str) else repr(path))
    elif event in _CHANGES:
        written.add(str(arguments[0]))
        if event in ("os.rename", "os.link", "shutil.move"):
            written.add(str(arguments[1]))
    elif event in _RUNS:
        started.add(f"{event} {arguments[0]!r}")
    elif event == "socket.connect":
        called.add(str(arguments[1][0]) if isinstance(arguments[1], tuple) else repr(arguments[1]))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        called.add(str(arguments[0]))


def surface(folder: Path) -> None:
    """Random requests at everything that is declared, in all products, and a server with state, audit and TLS."""
    import requests

    from mockkms import MockKMS, RemoteKMS
    from mockkms.server.gateway.gateway import Gateway
    from mockkms.vault.products import PRODUCTS
    from tests.server.gateway.fuzzing import Fuzzer
    from tests.server.gateway.test_fuzz import RESET_EVERY, answered, furnished

    for flavor in PRODUCTS:
        world = furnished(flavor)
        gateway = Gateway(world)
        gateway.threads = None
        fuzzer = Fuzzer(f"watched {flavor}", PRODUCTS[flavor])
        for number in range(SHOTS):
            if number % RESET_EVERY == 0:
                world.reset()
            shot = fuzzer.shot()
            # A file that a request names is a place that the user named.
            if "/sys/audit/" not in shot.target:
                answered(gateway, shot)
    state = folder / "state"
    for flavor in ("vault", "openbao"):
        with MockKMS(tls=True, flavor=flavor, state_file=f"{state}-{flavor}") as kms:
            headers = {"X-Vault-Token": kms.token}

            def ask(kms: MockKMS, path: str, headers: dict[str, str], **body: Any) -> int:
                url = f"{kms.url}/v1/{path}"
                return requests.post(url, json=body, headers=headers, timeout=60, verify=kms.ca_file).status_code

            if flavor == "vault":
                options = {"file_path": str(folder / "audit" / "log")}
                assert ask(kms, "sys/audit/file", headers, type="file", options=options) == 204
            ask(kms, "secret/data/a", headers, data={"a": "b"})
            ask(kms, "sys/mounts/transit", headers, type="transit")
            for kind in ("aes256-gcm96", "rsa-2048", "rsa-4096", "ecdsa-p256"):
                ask(kms, f"transit/keys/{kind}", headers, type=kind)
            with RemoteKMS(kms.url, ca_file=kms.ca_file) as remote:
                one = remote.tenant("one")
                one.faults.add("secret/*", answer="sealed")
                one.load({"vault": {"mounts": {"kv/": {"type": "kv"}}}})
                before = one.snapshot()
                one.dump(), one.lint(), str(one.privileges())
                one.restore(before)
            kms.reset()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    sys.addaudithook(note)
    surface(place)
    assert threading.active_count() < 20
    print(json.dumps({"written": sorted(written), "called": sorted(called), "started": sorted(started)}))
