"""What answers in place of the emulated server: a real server, whose answers may be recorded, or a recording."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.server.gateway.gateway import Gateway
from mockkms.world.world import World

if TYPE_CHECKING:
    from mockkms.recording.reader import Recording
    from mockkms.recording.writer import Recorder
    from mockkms.server.proxy.upstream import Upstream

PathLike = str | Path


_TIMEOUT = 60.0
"""Seconds without data after which a response of the upstream server is given up."""


class Front:
    """The options of ``MockKMS`` for proxy mode, recordings and replays, checked; it makes the gateway.

    Raises ValueError for options that contradict each other, an invalid address or PEM file, and a recording that
    cannot be read or written.
    """

    def __init__(
        self,
        world: World,
        *,
        state: str | None,
        upstream: str | None = None,
        ca: PathLike = "",
        cert: tuple[PathLike, PathLike] | None = None,
        insecure: bool = False,
        timeout: float = _TIMEOUT,
        record: PathLike | None = None,
        record_limit: int | None = None,
        replay: PathLike | None = None,
        replay_fallback: bool = False,
    ) -> None:
        self.recorder: Recorder | None = None
        self._world, self._fallback = world, replay_fallback
        self._upstream: Upstream | None = None
        self._recording: Recording | None = None
        if record is not None and upstream is None:
            raise ValueError("`record` requires `upstream`: the address of the server to record")
        if record_limit is not None and record is None:
            raise ValueError("`record_limit` requires `record`: the file of the recording")
        of_upstream = {"ca": ca != "", "cert": cert is not None, "insecure": insecure, "timeout": timeout != _TIMEOUT}
        useless = next((name for name, given in of_upstream.items() if given), "") if upstream is None else ""
        if useless:
            raise ValueError(f"`upstream_{useless}` requires `upstream`: the address of the real server")
        if replay_fallback and replay is None:
            raise ValueError("`replay_fallback` requires `replay`: the recording to answer from")
        if upstream is not None:
            if replay is not None:
                raise ValueError("`replay` and `upstream` cannot be used together: one of them answers")
            if state is not None:
                raise ValueError("`state` cannot be set in proxy mode: it belongs to the upstream server")
            from mockkms.server.proxy.upstream import Upstream

            self._upstream = Upstream(upstream, ca_file=ca, cert=cert, insecure=insecure, timeout=timeout)
            world.delegate_to(self._upstream.url)
            if record is not None:
                from mockkms.recording.writer import LIMIT, Recorder

                warn = logging.getLogger("mockkms").warning
                self.recorder = Recorder(
                    Path(record), self._upstream.url, world.clock.now(), warn, limit=record_limit or LIMIT
                )
        elif replay is not None:
            from mockkms.recording.reader import read

            if state is not None and not replay_fallback:
                raise ValueError("`state` cannot be set in a replay without `replay_fallback`: a recording answers")
            self._recording = read(Path(replay))
            world.recording = str(replay)
            if not replay_fallback:
                world.delegate_to(str(replay), "replay")

    def check_address(self, host: str, ports: Sequence[int]) -> None:
        """Raise ValueError if the server at these ports is its own upstream."""
        upstream = self._upstream
        if upstream is not None and upstream.port in ports and upstream.is_here(host):
            raise ValueError(f"upstream {upstream.url} is this server itself")

    def gateway(self) -> Gateway:
        """Return the gateway of the server."""
        if self._upstream is not None:
            from mockkms.server.proxy.gateway import ProxyGateway

            return ProxyGateway(self._world, self._upstream, recorder=self.recorder)
        if self._recording is not None:
            from mockkms.server.replay.gateway import ReplayGateway

            return ReplayGateway(self._world, self._recording, fallback=self._fallback)
        return Gateway(self._world)

    def section(self, gateway: Gateway, name: str) -> None:
        """Begin a section of the recording that is written or played."""
        from mockkms.server.replay.gateway import ReplayGateway

        if self.recorder is not None:
            self.recorder.section(name)
        elif isinstance(gateway, ReplayGateway):
            gateway.play(name)

    def close(self) -> None:
        """End the recording."""
        if self.recorder is not None:
            self.recorder.close()
