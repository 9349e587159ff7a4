"""``python -m bench.soak``: a server in a process of its own under mixed load, for thirty minutes by default.

Clients encrypt, store, read and delete, create tokens and revoke them, while a fifth of the requests meets a fault;
beside them snapshots are taken and put back, tenants come and go, and the clock jumps past what expires. The server
runs in asyncio's debug mode. Afterwards its memory must be as it was after the warm-up (the first fifth of the time),
its open files as at the start, and it must have written nothing. Loopback only; ends by itself.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from mockkms import RemoteKMS

CLIENTS = 4
SAMPLES = 30
"""How often memory and files are looked at."""
GROWTH_MIB = 24.0
"""What memory may grow by after the warm-up: the journal is full by then, and the allocator keeps some."""
RULES: list[dict[str, Any]] = [
    {"path": "transit/*", "chance": 0.2, "seed": 1, "times": None,
     "sequence": [{"answer": 500}, {"answer": "sealed"}, {"reset": True}, {"truncate": 9}, {"delay": 0.01}]},
    {"path": "secret/*", "chance": 0.2, "seed": 2, "times": None,
     "sequence": [{"answer": "rate-limited"}, {"close": True}, {"lose_answer": "close"}, {"garbage": "wire"}]},
]  # fmt: skip
SLOW = "Executing <"
"""How asyncio's debug mode begins the line on a callback that took 100 ms: on a busy machine any can. Only counted."""


@dataclass
class Result:
    """The result of a run."""

    seconds: float
    outcomes: Counter[str]
    """Statuses of all requests, and ``cut`` for those without a whole answer."""
    control: Counter[str]
    """What was done to the world, by name."""
    files: list[int] = field(default_factory=list)
    """Open files of the server at the start, at each look and after all clients left."""
    resident_mib: list[float] = field(default_factory=list)
    written: str = ""
    """What the server wrote to its standard error: warnings of asyncio, tracebacks."""
    exit_code: int | None = None

    def faults(self) -> list[str]:
        """Return what is wrong with the run, one sentence each."""
        found = []
        warm = self.resident_mib[len(self.resident_mib) // 5 :]
        if warm and max(warm) - warm[0] > GROWTH_MIB:
            found.append(f"memory grew from {warm[0]:.1f} to {max(warm):.1f} MiB after the warm-up")
        if self.files and self.files[-1] > self.files[0]:
            found.append(f"open files went from {self.files[0]} to {self.files[-1]}")
        if serious := [line for line in self.written.splitlines() if line.strip() and not line.startswith(SLOW)]:
            found.append(f"the server wrote: {' | '.join(serious)[:2000]}")
        if self.exit_code != 0:
            found.append(f"the server ended with {self.exit_code}")
        return found


def run(seconds: float, clients: int = CLIENTS, seed: int = 1) -> Result:
    """Load a server for ``seconds``. Raises RuntimeError if it does not start."""
    with tempfile.TemporaryDirectory() as folder:
        ready, errors = Path(folder, "ready.json"), Path(folder, "errors.txt")
        environment = {**os.environ, "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "error::ResourceWarning"}
        command = [sys.executable, "-m", "mockkms", "serve", "--port", "0", "--root-token", "root"]
        with errors.open("wb") as written:
            server = subprocess.Popen(
                [*command, "--rng", str(seed), "--ready-file", str(ready)],
                env=environment, stdout=subprocess.DEVNULL, stderr=written,
            )  # fmt: skip
        try:
            url = _url(server, ready)
            result = _loaded(url, server.pid, seconds, clients, seed)
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                code = server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                code = server.wait()
        result.written, result.exit_code = errors.read_text(encoding="utf-8", errors="replace"), code
        return result


def _url(server: subprocess.Popen[bytes], ready: Path) -> str:
    deadline, pause = monotonic() + 30, threading.Event()
    while monotonic() < deadline and server.poll() is None:
        if ready.exists() and (text := ready.read_text(encoding="utf-8")):
            url: str = json.loads(text)["url"]
            return url
        pause.wait(0.01)
    raise RuntimeError("mockkms serve did not start within 30 seconds")


def _loaded(url: str, pid: int, seconds: float, clients: int, seed: int) -> Result:
    with RemoteKMS(url) as kms:
        ask = _Client(url, "root", random.Random(seed))
        ask.request("POST", "/v1/sys/mounts/transit", {"type": "transit"})
        ask.request("POST", "/v1/transit/keys/orders", {})
        ask.close()
        kms.set_baseline()
        kms.faults.extend(RULES)
        result = Result(seconds, Counter(), Counter(), [_files(pid)], [])
        stop = threading.Event()
        workers = [_Client(url, "root", random.Random(f"{seed} {number}")) for number in range(clients)]
        threads = [threading.Thread(target=worker.work, args=(stop,)) for worker in workers]
        for thread in threads:
            thread.start()
        _steer(kms, pid, seconds, random.Random(f"control {seed}"), result)
        stop.set()
        for thread, worker in zip(threads, workers, strict=True):
            thread.join()
            result.outcomes += worker.outcomes
        kms.faults.clear()
    deadline, pause = monotonic() + 30, threading.Event()
    # The server sees a moment later that its clients left.
    while _files(pid) > result.files[0] - 1 and monotonic() < deadline:
        pause.wait(0.05)
    result.files[0] -= 1  # The connection of the control client.
    result.files.append(_files(pid))
    return result


def _steer(kms: RemoteKMS, pid: int, seconds: float, dice: random.Random, result: Result) -> None:
    """Change the world until the time is over, and look at memory and files now and then."""
    started, pause = monotonic(), threading.Event()
    looks = 0
    while (gone := monotonic() - started) < seconds:
        if gone >= looks * seconds / SAMPLES:
            result.files.append(_files(pid))
            result.resident_mib.append(_resident(pid))
            looks += 1
        action = dice.choice(("snapshot", "tenant", "clock", "reset", "rules"))
        if action == "snapshot":
            kept = kms.snapshot("soak")
            kms.restore(kept)
            kms.drop(kept)
        elif action == "tenant":
            name = f"t{dice.randrange(40)}"
            kms.tenant(name, now=True).close()
            if dice.random() < 0.5:
                kms.forget_tenant(name)
        elif action == "clock":
            kms.clock.advance(dice.choice((0.5, 60.0, 86400.0 * 40)))
        elif action == "reset":
            kms.reset()
            kms.faults.extend(RULES)
        else:
            kms.faults.clear()
            kms.faults.extend(RULES)
        result.control[action] += 1
        pause.wait(0.02)


class _Client:
    """A client with one connection, which sends requests until it is stopped."""

    def __init__(self, url: str, token: str, dice: random.Random) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=30)
        self._token = token
        self._dice = dice
        self.outcomes: Counter[str] = Counter()

    def work(self, stop: threading.Event) -> None:
        """Send requests until ``stop`` is set."""
        while not stop.is_set():
            name = self._dice.randrange(200)
            method, path, data = self._dice.choice((
                ("POST", "/v1/transit/encrypt/orders", {"plaintext": "aGVsbG8="}),
                ("POST", "/v1/transit/encrypt/orders", {"batch_input": [{"plaintext": "aGVsbG8="}] * 50}),
                ("POST", f"/v1/secret/data/s{name}", {"data": {"a": "b" * name}}),
                ("GET", f"/v1/secret/data/s{name}", None),
                ("DELETE", f"/v1/secret/metadata/s{name}", None),
                ("POST", "/v1/auth/token/create", {"ttl": "30s"}),
                ("GET", "/v1/auth/token/lookup-self", None),
                ("LIST", "/v1/secret/metadata", None),
                ("GET", f"/t/t{self._dice.randrange(40)}/v1/sys/health", None),
                ("GET", f"/v1/nowhere/{name}", None),
            ))  # fmt: skip
            self.request(method, path, data)
        self.close()

    def request(self, method: str, path: str, data: Any) -> None:
        """Send one request and count its outcome."""
        body = None if data is None else json.dumps(data)
        try:
            self._line.request(method, path, body, {"X-Vault-Token": self._token})
            answer = self._line.getresponse()
            answer.read()
            self.outcomes[str(answer.status)] += 1
        except (OSError, http.client.HTTPException, ValueError):
            self._line.close()
            self.outcomes["cut"] += 1

    def close(self) -> None:
        """Close the connection."""
        self._line.close()


def _files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _resident(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv: list[str] | None = None) -> int:
    """Run and print; returns 1 if memory grew, or something was left behind or written."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800, metavar="N")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args(argv)
    result = run(options.seconds, options.clients, options.seed)
    faults = result.faults()
    sys.stdout.write(
        f"requests: {dict(result.outcomes)}\ncontrol: {dict(result.control)}\n"
        f"resident MiB: {' '.join(f'{one:.0f}' for one in result.resident_mib)}\n"
        f"open files: {' '.join(map(str, result.files))}\n"
        f"callbacks of 100 ms and more: {result.written.count(SLOW)}\n"
        + "".join(f"{one}\n" for one in faults or ["nothing is left"])
    )
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
