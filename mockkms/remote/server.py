"""RemoteKMS: a mockkms server elsewhere, or one tenant of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from mockkms.faults.parsing import unknown
from mockkms.remote.clock import RemoteClock
from mockkms.remote.faults import RemoteFaults
from mockkms.remote.journal import RemoteJournal
from mockkms.remote.wire import RemoteError, Wire

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.world.journal.least_privilege import Privileges
    from mockkms.world.journal.linter import Finding

_CUTS = ("restart", "refuse")
"""What ends the connection on which it was asked for."""


@dataclass(frozen=True)
class RemoteSnapshot:
    """A snapshot that the server keeps under this name."""

    name: str


@dataclass(frozen=True)
class RemoteExplanation:
    """What the policies say of one request; ``str()`` is the explanation for people."""

    allowed: bool
    rule: str
    text: str

    def __str__(self) -> str:
        return self.text


class RemoteKMS:
    """The API of MockKMS for a server elsewhere: ``mockkms serve``, in a container, in another process.

        kms = RemoteKMS("http://127.0.0.1:8200")
        kms.faults.add("transit/encrypt/*", answer="sealed", times=2)
        kms.journal.assert_called("transit/encrypt/orders", times=3)

    ``control_token`` is what the server was started with, if it was; ``ca_file`` the certificate (PEM) to trust;
    ``timeout`` seconds for one request. Nothing is asked before the first use. Raises ValueError for what is no
    address; every method raises RemoteError where the server cannot be reached, is no mockkms, wants another token, or
    speaks another version, FaultError (a ValueError) for words that it does not know, and AssertionError as the
    journal does.
    """

    def __init__(self, url: str, *, control_token: str = "", ca_file: str = "", timeout: float = 10.0) -> None:
        self._wire = Wire(url, control_token, ca_file, timeout)
        self.url = self.rustfs_url = self._wire.url
        """The address for clients of both APIs, without a trailing slash."""
        self.ca_file, self.control_token = ca_file, control_token
        self._tenants: list[RemoteKMS] = []
        self.faults = RemoteFaults(self._wire)
        self.journal = RemoteJournal(self._wire)
        self.clock = RemoteClock(self._wire)

    def connect(self) -> Self:
        """Ask now whether a mockkms of this version answers and takes the token. Raises RemoteError."""
        self._wire.check()
        return self

    def close(self) -> None:
        """Close the kept connections, those of its tenants too; the next use opens them again."""
        for held in (self, *self._tenants):
            held._wire.close()

    def call(self, method: str, path: str, data: Any = None) -> Any:
        """Any route of the control API: ``call("POST", "cluster", {"do": "step-down"})``."""
        return self._wire.call(method, path, data)

    def _state(self, word: str) -> Any:
        return self.call("GET", "state")[word]

    @property
    def token(self) -> str:
        """The root token; empty while the Vault is uninitialized."""
        return str(self._state("token"))

    @property
    def state(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``."""
        return str(self._state("seal"))

    @property
    def flavor(self) -> str:
        """The product that it is, by the name that ``flavor`` takes."""
        return str(self._state("flavor"))

    @property
    def rng(self) -> int | str | None:
        """The seed from which ids, keys and nonces repeat; None: they do not."""
        seed: int | str | None = self._state("rng")
        return seed

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64."""
        return list(self._state("unseal_keys"))

    def tenant(self, id: str, *, now: bool = False) -> RemoteKMS:
        """The world behind ``/t/<id>``, made from the server's baseline if it is new; ``now``: anew, from its present.

        Raises RemoteError for an id that no tenant can have, or where this is a tenant itself.
        """
        if now:
            self.call("POST", "tenants/" + quote(id, safe=""), {"from": "now"})
        wire = self._wire
        tenant = RemoteKMS(
            f"{self.url}/t/{quote(id, safe='')}",
            control_token=wire.control_token,
            ca_file=wire.ca_file,
            timeout=wire.timeout,
        )
        self._tenants.append(tenant.connect())
        return tenant

    def tenants(self) -> list[str]:
        """Ids of the tenants, the one idle for longest first."""
        return list(self.call("GET", "tenants")["tenants"])

    def forget_tenant(self, id: str) -> None:
        """Drop a tenant. Raises RemoteError where there is none of that id."""
        self.call("DELETE", "tenants/" + quote(id, safe=""))

    def reset(self) -> None:
        """Back to the baseline: state, clock, faults and journal."""
        self.call("POST", "reset")

    def load(self, *seeds: Any) -> None:
        """Go to the world of the start with ``seeds`` laid over it; ``reset`` goes back there from now on.

        Files are read here and sent. Raises SeedError, then nothing has changed there.
        """
        from mockkms.worldfile.problems import Problem, SeedError
        from mockkms.worldfile.sources import content

        written = {place: content(seed) for place, seed in enumerate(seeds) if not isinstance(seed, Mapping)}
        texts = {place: one.text if isinstance(one.text, str) else _text(one.text) for place, one in written.items()}
        files = {one.file for one in written.values()}
        try:
            self.call("POST", "world", {"worlds": [texts.get(place, seed) for place, seed in enumerate(seeds)]})
        except RemoteError as error:
            if not error.problems:
                raise
            name = files.pop() if len(files) == 1 else "<text>"
            problems = [{**one, "file": name if one["file"] == "<text>" else one["file"]} for one in error.problems]
            raise SeedError([Problem(**one) for one in problems]) from None

    def set_baseline(self) -> None:
        """Let ``reset`` go back to this moment, until the next ``load``."""
        self.call("POST", "baseline")

    def snapshot(self, name: str = "") -> RemoteSnapshot:
        """Keep everything there under this name, or one of its own; see ``drop``."""
        kept = RemoteSnapshot(name or f"snapshot-{uuid.uuid4()}")
        self.call("POST", "snapshots/" + quote(kept.name, safe=""))
        return kept

    def snapshots(self) -> list[str]:
        """Names of the snapshots that the server keeps."""
        return list(self.call("GET", "snapshots")["snapshots"])

    def drop(self, snapshot: RemoteSnapshot | str) -> None:
        """Forget a snapshot: the server keeps 100. Raises ValueError for a name that is not known."""
        self._of("DELETE", snapshot, "")

    def restore(self, snapshot: RemoteSnapshot | str) -> None:
        """Put back what ``snapshot`` kept. Raises ValueError for a name that is not known."""
        self._of("POST", snapshot, "/restore")

    def diff(self, old: RemoteSnapshot | str, new: RemoteSnapshot | str | None = None) -> str:
        """What changed in the state from one snapshot to another, or to now: lines with + - ~, empty if nothing."""
        query = "" if new is None else "?with=" + quote(_name(new), safe="")
        return str(self._of("GET", old, "/diff" + query)).rstrip("\n")

    def _of(self, method: str, snapshot: RemoteSnapshot | str, rest: str) -> Any:
        try:
            return self.call(method, f"snapshots/{quote(_name(snapshot), safe='')}{rest}")
        except RemoteError as error:
            if error.status != 404:
                raise
            raise unknown(_name(snapshot), self.snapshots(), "snapshot") from None

    def act(self, **words: Any) -> None:
        """Do something to the server, in the words of the faults on it: ``act(restart="keep")``, ``act(refuse=5)``."""
        try:
            self.call("POST", "state", words)
        except RemoteError as error:
            if error.status or not set(words) & set(_CUTS):
                raise

    def seal(self) -> None:
        """Seal the Vault, as ``sys/seal`` does."""
        self.act(seal=True)

    def unseal(self) -> None:
        """Unseal the Vault without asking for keys."""
        self.act(unseal=True)

    def dump(self) -> str:
        """The world as YAML that loads to an equal world."""
        return str(self.call("GET", "state?format=yaml"))

    def explain(self, token: str, operation: str, path: str) -> RemoteExplanation:
        """Why ``token`` may or may not do ``operation`` on ``path``. Raises ValueError for an unknown token."""
        try:
            told = self.call("POST", "explain", {"token": token, "operation": operation, "path": path})
        except RemoteError as error:
            if error.status != 400:
                raise
            raise ValueError(str(error)) from None
        return RemoteExplanation(told["allowed"], told["rule"], told["text"])

    def lint(self) -> list[Finding]:
        """What the client did that a real server would suffer from, and what it left alive."""
        from mockkms.world.journal.linter import Finding

        return [Finding(found["rule"], found["message"]) for found in self.call("GET", "lint")["findings"]]

    def privileges(self) -> Privileges:
        """The smallest policy that the requests needed, and the grants they never used; ``str()`` is HCL."""
        from mockkms.world.journal.least_privilege import Privileges

        told = self.call("GET", "policy")
        return Privileges({path: set(names) for path, names in told["needed"].items()}, told["unused"])

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RemoteKMS({self.url!r})"


def _name(snapshot: RemoteSnapshot | str) -> str:
    return snapshot if isinstance(snapshot, str) else snapshot.name


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


if TYPE_CHECKING:

    def _has_the_whole_interface(one: RemoteKMS) -> Kms:
        return one
