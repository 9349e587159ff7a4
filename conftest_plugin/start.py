"""Checks of the options at the start of a session: a server that is down, a world that cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import settings


def check(config: pytest.Config) -> None:
    """Check what the options name, once, in the process that was started. Raises UsageError."""
    url, upstream = settings.option(config, "mockkms_url"), settings.upstream(config)
    if url:
        _check_server(
            "--mockkms-url",
            url,
            settings.control_token(config),
            "start it (`mockkms serve` prints its address), correct the address, or leave the option out: each "
            "process then starts a server of its own",
        )
    elif upstream:
        _check_server(
            "--mockkms-upstream",
            upstream,
            "",
            "start it, correct the address, or leave the option out: requests are then answered by the emulated server",
        )
    written = settings.record(config)
    if written is not None and written.exists():
        raise pytest.UsageError(f"--mockkms-record: {written} exists already; remove it, or name another file")
    recording = settings.replay(config)
    if recording is not None:
        _check_recording(recording)
    if config.getoption("mockkms_seed"):
        _check_seed(config)


def _check_recording(path: Path) -> None:
    """Read the recording of ``--mockkms-replay``. Raises UsageError with the line of an error."""
    from mockkms import MockKMS

    try:
        MockKMS(replay=path)
    except ValueError as error:
        raise pytest.UsageError(f"--mockkms-replay: {error}") from None


def _check_server(option: str, url: str, control_token: str, advice: str) -> None:
    """Check that a server answers HTTP requests at an address. Raises UsageError."""
    from mockkms import RemoteError, RemoteKMS
    from mockkms.remote import NotMockKMS

    ca_file = settings.ca_file_for(url)
    try:
        remote = RemoteKMS(url, control_token=control_token, ca_file=ca_file)
    except ValueError as error:
        raise pytest.UsageError(f"{option}: {error}") from None
    try:
        remote.connect()
    except NotMockKMS:
        return
    except RemoteError as error:
        if error.status == 0:
            reason = str(error).rpartition(f"{url.rstrip('/')}: ")[2]
            raise pytest.UsageError(f"{option}: no server answers at {url}: {reason}; {advice}") from None
        if option == "--mockkms-url":
            raise pytest.UsageError(f"{option}: {error}") from None
    finally:
        remote.close()


def _check_seed(config: pytest.Config) -> None:
    """Load the worlds of ``--mockkms-seed``. Raises UsageError with the place of each error."""
    from mockkms import MockKMS

    seed = settings.suite_seed(config)
    try:
        if settings.upstream(config):
            MockKMS(seed=seed, upstream=settings.upstream(config))
        else:
            MockKMS(seed=seed)
    except ValueError as error:
        raise pytest.UsageError(f"--mockkms-seed: {error}") from None
