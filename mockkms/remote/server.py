"""RemoteKMS: a mockkms server in another process, or one tenant of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from mockkms.arguments import check_arguments
from mockkms.control_token import control_token as chosen_token
from mockkms.environment import ServerEnvironment
from mockkms.faults.parsing import unknown
from mockkms.remote.chaos import RemoteChaos
from mockkms.remote.clock import RemoteClock
from mockkms.remote.document import Document, RemoteError
from mockkms.remote.faults import RemoteFaults
from mockkms.remote.journal import RemoteJournal
from mockkms.remote.wire import Wire

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.world.journal.least_privilege import Privileges
    from mockkms.world.journal.linter import Finding
    from mockkms.worldfile.problems import Problem
    from mockkms.worldfile.sources import Written


@dataclass(frozen=True)
class RemoteSnapshot:
    """A snapshot that the server keeps under ``name``."""

    name: str


@dataclass(frozen=True)
class RemoteExplanation:
    """The policy decision for one request; ``str()`` returns the explanation."""

    allowed: bool
    rule: str
    text: str

    def __str__(self) -> str:
        return self.text


class RemoteKMS:
    """The API of MockKMS for a server in another process or container, such as ``mockkms serve``.

        kms = RemoteKMS("http://127.0.0.1:8200")
        kms.faults.add("transit/encrypt/*", answer="sealed", times=2)
        kms.journal.assert_called("transit/encrypt/orders", times=3)

    ``control_token``: the token that the server was started with, if any; ``control_token_file``: a file that contains
    it. Without both, ``$MOCKKMS_CONTROL_TOKEN`` or the file ``$MOCKKMS_CONTROL_TOKEN_FILE``. ``ca_file``: path of the
    certificate (PEM) to trust. ``timeout``: seconds for which the server may be silent; a response may take six times
    that. No request is sent before the first use.

    Raises ValueError for an invalid address and an unreadable token file. Every method raises RemoteError if the server
    cannot be reached, is not mockkms, requires another token, or has another API version; FaultError (a ValueError) for
    unknown keys and invalid values; and AssertionError for assertions of the journal.
    """

    def __init__(
        self,
        url: str,
        *,
        control_token: str | None = None,
        control_token_file: str | Path | None = None,
        ca_file: str = "",
        timeout: float = 10.0,
    ) -> None:
        check_arguments(locals())
        token = chosen_token(control_token, control_token_file)
        self._wire = Wire(url, token, ca_file, timeout)
        self.url = self.rustfs_url = self._wire.url
        """The address for clients of both APIs, without a trailing slash."""
        self.ca_file, self.control_token = ca_file, token
        self._tenants: list[RemoteKMS] = []
        self.faults = RemoteFaults(self._wire)
        self.journal = RemoteJournal(self._wire)
        self.clock = RemoteClock(self._wire)
        self.chaos = RemoteChaos(self._wire)

    def connect(self) -> Self:
        """Check that the server is mockkms, has this API version and accepts the token. Raises RemoteError."""
        self._wire.check()
        return self

    def environment(self) -> ServerEnvironment[Self]:
        """Return a context, usable as a decorator, that sets ``VAULT_ADDR``, ``VAULT_TOKEN``, … and restores them."""
        return ServerEnvironment(self)

    def close(self) -> None:
        """Close the connections, also those of its tenants; the next use opens new ones."""
        self._wire.close()
        for tenant in self._tenants:
            tenant.close()

    def call(self, method: str, path: str, data: object = None) -> Any:
        """Call any route of the control API: ``call("POST", "cluster", {"do": "step-down"})``."""
        return self._wire.call(method, path, data)

    def _state(self) -> Document:
        return self._wire.get("state")

    @property
    def token(self) -> str:
        """The root token; empty while the Vault is uninitialized."""
        return self._state().text("token")

    @property
    def state(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``."""
        return self._state().text("seal")

    @property
    def flavor(self) -> str:
        """Name of the emulated product, as given in ``flavor``."""
        return self._state().text("flavor")

    @property
    def rng(self) -> int | str | None:
        """The seed of ids, keys and nonces; None if they are random."""
        seed = self._state().data.get("rng")
        return seed if isinstance(seed, (int, str)) else None

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64."""
        return self._state().texts("unseal_keys")

    def tenant(self, id: str, *, now: bool = False) -> RemoteKMS:
        """Return the tenant behind ``/t/<id>``, created from the server's baseline if it is new.

        ``now``: always create it, from the server's current state. A tenant has tenants of its own, below its address.
        Raises ValueError for an invalid id, and RemoteError if all tenants are busy, or if this is
        a tenant of a tenant.
        """
        check_arguments({"tenant": id, "now": now})
        if now:
            self.call("POST", "tenants/" + quote(id, safe=""), {"from": "now"})
        wire = self._wire
        tenant = RemoteKMS(
            f"{self.url}/t/{quote(id, safe='')}",
            control_token=wire.control_token,
            ca_file=wire.ca_file,
            timeout=wire.timeout,
        )
        self._tenants.append(tenant)
        return tenant.connect()

    def tenants(self) -> list[str]:
        """Return the ids of the tenants, the least recently used first."""
        return self._wire.get("tenants").texts("tenants")

    def forget_tenant(self, id: str) -> None:
        """Drop a tenant. Raises ValueError for an unknown id."""
        check_arguments({"tenant": id})
        self.call("DELETE", "tenants/" + quote(id, safe=""))

    def reset(self) -> None:
        """Return to the baseline: state, clock, faults and journal. All tenants are dropped."""
        self.call("POST", "reset")

    def load(self, *seeds: object) -> None:
        """Replace the world by the initial one with ``seeds`` merged over it, and make that the baseline of ``reset``.

        All tenants are dropped. Files are read in this process and sent. Raises SeedError; the world is unchanged then.
        """
        from mockkms.worldfile.nodes import decode_text
        from mockkms.worldfile.problems import SeedError
        from mockkms.worldfile.sources import content

        written = {place: content(seed) for place, seed in enumerate(seeds) if not isinstance(seed, Mapping)}
        texts = {
            place: one.text if isinstance(one.text, str) else decode_text(one.text, one.file)
            for place, one in written.items()
        }
        try:
            self.call("POST", "world", {"worlds": [texts.get(place, seed) for place, seed in enumerate(seeds)]})
        except RemoteError as error:
            if not error.problems:
                raise
            raise SeedError(_problems_in(written.values(), error.problems)) from None

    def set_baseline(self) -> None:
        """Make the current state the baseline of ``reset``, until the next ``load``."""
        self.call("POST", "baseline")

    def snapshot(self, name: str = "") -> RemoteSnapshot:
        """Take a snapshot on the server, with a generated name if none is given; see ``drop``."""
        check_arguments({"snapshot": name})
        kept = RemoteSnapshot(name or f"snapshot-{uuid.uuid4()}")
        self.call("POST", "snapshots/" + quote(kept.name, safe=""))
        return kept

    def snapshots(self) -> list[str]:
        """Return the names of the snapshots on the server."""
        return self._wire.get("snapshots").texts("snapshots")

    def drop(self, snapshot: RemoteSnapshot | str) -> None:
        """Delete a snapshot; the server keeps at most 100. Raises ValueError for an unknown name."""
        self._of("DELETE", snapshot, "")

    def restore(self, snapshot: RemoteSnapshot | str) -> None:
        """Restore a snapshot. Raises ValueError for an unknown name."""
        self._of("POST", snapshot, "/restore")

    def diff(self, old: RemoteSnapshot | str, new: RemoteSnapshot | str | None = None) -> str:
        """Return the changes between two snapshots, or to the current state: lines with + - ~, empty if equal."""
        query = "" if new is None else "?with=" + quote(_name(new), safe="")
        return str(self._of("GET", old, "/diff" + query)).rstrip("\n")

    def _of(self, method: str, snapshot: RemoteSnapshot | str, rest: str) -> object:
        try:
            return self.call(method, f"snapshots/{quote(_name(snapshot), safe='')}{rest}")
        except RemoteError as error:
            if error.status != 404:
                raise
            raise unknown(_name(snapshot), self.snapshots(), "snapshot") from None

    def act(self, **words: object) -> None:
        """Run actions on the server, named like the fault kinds: ``act(restart="keep")``, ``act(refuse=5)``."""
        self.call("POST", "state", words)

    def seal(self) -> None:
        """Seal the Vault, as ``sys/seal`` does."""
        self.act(seal=True)

    def unseal(self) -> None:
        """Unseal the Vault without key shares."""
        self.act(unseal=True)

    def dump(self) -> str:
        """Return the world as YAML. Loading it gives an equal world."""
        return str(self.call("GET", "state?format=yaml"))

    def explain(self, token: str, operation: str, path: str) -> RemoteExplanation:
        """Explain whether ``token`` may do ``operation`` on ``path``. Raises ValueError for an unknown token."""
        check_arguments({"token": token, "operation": operation, "path": path})
        try:
            found = self._wire.post("explain", {"token": token, "operation": operation, "path": path})
        except RemoteError as error:
            if error.status != 400:
                raise
            raise ValueError(str(error)) from None
        return RemoteExplanation(found.flag("allowed"), found.text("rule"), found.text("text"))

    def lint(self) -> list[Finding]:
        """Return the linter's findings: bad habits of the client, and tokens and leases it did not revoke."""
        from mockkms.world.journal.linter import Finding

        return [Finding(one.text("rule"), one.text("message")) for one in self._wire.get("lint").documents("findings")]

    def privileges(self) -> Privileges:
        """Return the minimal policy for the requests, and the grants they never used; ``str()`` is HCL."""
        from mockkms.world.journal.least_privilege import Grant, Privileges

        found = self._wire.get("policy")
        needed = Document(found.mapping("needed"))
        grants = [
            Grant(
                one.text("namespace"),
                one.text("policy"),
                one.text("path"),
                tuple(one.texts("capabilities")),
                tuple(one.texts("unused")),
            )
            for one in found.documents("grants")
        ]
        return Privileges({path: set(needed.texts(path)) for path in needed.data}, grants)

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RemoteKMS({self.url!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a copy is made of, also in another process: it has a connection of its own."""
        token, seconds = self.control_token, self._wire.timeout
        return partial(RemoteKMS, self.url, control_token=token, ca_file=self.ca_file, timeout=seconds), ()


def _name(snapshot: RemoteSnapshot | str) -> str:
    name = snapshot.name if isinstance(snapshot, RemoteSnapshot) else snapshot
    check_arguments({"snapshot": name})
    return name


def _problems_in(files: Iterable[Written], reported: Iterable[Mapping[str, object]]) -> list[Problem]:
    """Return the problems that a server has reported, which got texts without names, with the files they are in."""
    from mockkms.worldfile.problems import Problem
    from mockkms.worldfile.spec import read

    several = {one.file: one for one in files}
    # Of several files, the one in which reading finds the same; what only the world made of all shows stays without.
    known = {replace(found, file=""): name for name, one in several.items() for found in read([one]).problems}
    found = []
    for one in map(Document, reported):
        place = (one.whole("line"), one.whole("column"), one.text("path"), one.text("message"))
        problem = Problem(one.text("file"), *place)
        if problem.file == "<text>":
            name = next(iter(several)) if len(several) == 1 else known.get(Problem("", *place), problem.file)
            problem = replace(problem, file=name)
        found.append(problem)
    return found


if TYPE_CHECKING:

    def _has_the_whole_interface(one: RemoteKMS) -> Kms:
        return one
