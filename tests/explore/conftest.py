"""Explorations of functions, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.explore.catalogue import Failure, select
from mockkms.explore.explorer import Explorer, ExplorerSettings, NoWatcher, Verdict, Watcher
from mockkms.explore.observing import InjectedRule, Observation, Observer
from mockkms.explore.options import Acceptance
from mockkms.explore.results import ExploredTest, Outcome
from mockkms.explore.resuming import ResumeFile

Body = Callable[["Client"], None]
Explore = Callable[..., ExploredTest]


class Client:
    """A minimal client of one server, with its root token."""

    def __init__(self, kms: MockKMS) -> None:
        self.kms, self.token = kms, kms.token
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, **data: object) -> requests.Response:
        """Send a request; raise requests' error for a bad status."""
        headers = {"X-Vault-Token": self.token} if self.token else {}
        response = self.session.request(
            method, f"{self.kms.url}/v1/{path}", json=data or None, headers=headers, timeout=2
        )
        response.raise_for_status()
        return response

    def tried(self, times: int, method: str, path: str, **data: object) -> requests.Response:
        """Send a request again, at once, if it fails."""
        for attempt in range(times):
            try:
                return self(method, path, **data)
            except requests.RequestException:
                if attempt + 1 == times:
                    raise
        raise AssertionError


class FunctionRunner:
    """Runs a function with a client."""

    def __init__(self, kms: MockKMS, body: Body) -> None:
        self.kms, self.body, self.runs = kms, body, 0

    def command(self, case: str) -> str:
        return f"again {case}"

    def run(
        self, rules: Sequence[InjectedRule], limit: float, *, effects: bool = False, reseed: bool = False
    ) -> tuple[Verdict, Observation]:
        self.runs += 1
        observer = Observer(rules, effects=effects, reseed=reseed)
        self.kms.reset()
        observer.attach(self.kms)
        observer.phase = "call"
        started = time.monotonic()
        client = Client(self.kms)
        try:
            self.body(client)
            outcome, detail = Outcome.TOLERATED, ""
        except AssertionError as error:
            outcome, detail = Outcome.FAILED, str(error)
        except Exception as error:  # noqa: BLE001
            outcome, detail = Outcome.RAISED, repr(error)[:100]
        finally:
            client.session.close()
        observer.finish()
        observer.detach()
        return Verdict(outcome, time.monotonic() - started, detail), observer.seen


@pytest.fixture
def server() -> Iterator[MockKMS]:
    """A server with a transit key and a policy for users of userpass."""
    seed = {
        "vault": {
            "mounts": {"transit/": {"type": "transit", "keys": {"orders": {}}}},
            "policies": {"all": 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }'},
            "auth": {"userpass/": {"type": "userpass", "users": {"ann": {"password": "pw", "token_policies": "all"}}}},
        }
    }
    with MockKMS(seed=seed) as kms:
        yield kms


@pytest.fixture
def explore(server: MockKMS) -> Explore:
    """``explore(body, "smoke", depth=2)`` explores a function; ``resume`` and ``watcher`` are optional."""

    def run(
        body: Body,
        *names: str,
        accept: Sequence[Acceptance] = (),
        own: Sequence[Failure] = (),
        resume: Path | None = None,
        watcher: Watcher | None = None,
        **settings: object,
    ) -> ExploredTest:
        chosen = ExplorerSettings(select(names, own), **settings)  # type: ignore[arg-type]
        runner = FunctionRunner(server, body)
        first = runner.run((), 10)
        assert first[0].outcome is Outcome.TOLERATED, first[0].detail
        explorer = Explorer(chosen, watcher or NoWatcher(), ResumeFile(resume))
        return explorer.explore("body", runner, first, accept)

    return run
