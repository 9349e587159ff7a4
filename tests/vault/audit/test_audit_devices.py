"""Audit devices: which ones may be enabled, their formats, and what a file that cannot be written does."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mockkms.vault.audit import device as audit
from tests.vault.driving import World

_CREATION = "unable to create new audit backend: "


def _enable(world: World, path: str, **options: str) -> list[str] | None:
    return world.write("sys/audit/log", {"type": "file", "options": {"file_path": path, **options}}).errors


def _sanity(path: str, text: str) -> str:
    return (
        f'{_CREATION}file sink creation failed for path "{path}": sanity check failed; unable to open "{path}" for '
        f'writing: unable to open file for sink "{path}": open {path}: {text}'
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"type": "odd"}, 'unknown backend type: "odd"'),
        ({}, 'unknown backend type: ""'),
        ({"type": "file"}, _CREATION + '"file_path" is required'),
        ({"type": "file", "options": {"file_path": " "}}, _CREATION + "file path is required"),
        ({"type": "file", "options": {"file_path": "discard", "format": "xml"}}, _CREATION + 'unsupported "format"'),
        ({"type": "file", "options": {"path": "discard", "log_raw": ""}}, _CREATION + 'unable to parse "log_raw"'),
        ({"type": "file", "options": {"file_path": "discard", "filter": "a"}}, "enterprise-only options supplied"),
        ({"type": "file", "options": {"file_path": "discard", "exclude": "[]"}}, "enterprise-only options supplied"),
        ({"type": "socket"}, _CREATION + '"address" is required'),
        ({"type": "socket", "options": {"address": " "}}, _CREATION + '"address" cannot be empty'),
        ({"type": "file", "options": {"file_path": "discard", "prefix": "a"}}, "audit log prefixing is not allowed"),
    ],
)
def test_devices_that_cannot_be(body: dict[str, Any], text: str) -> None:
    assert World("vault").write("sys/audit/log", body).errors == [text + ": invalid configuration"]


@pytest.mark.parametrize("path", ["{folder}/log", "discard"])
def test_a_file_has_one_device(tmp_path: Path, path: str) -> None:
    world, target = World("vault"), path.format(folder=tmp_path)
    assert _enable(world, target) is None
    more = {"type": "file", "options": {"file_path": target}}
    refused = None if target == "discard" else ["path already in use: invalid configuration"]
    assert world.write("sys/audit/second", more).errors == refused


def test_a_prefix_writes_nothing_into_a_file(tmp_path: Path) -> None:
    world, target = World("vault"), tmp_path / "authorized_keys"
    target.write_text("mine\n")
    assert _enable(world, str(target), prefix="theirs\n", mode="0777")
    assert _enable(world, str(target), mode="0777")
    assert target.read_text() == "mine\n"
    assert audit.devices(world.core) == {}


@pytest.mark.parametrize("mode", ["0777", "0700", "0601", "0010"])
def test_no_audit_file_is_executable(tmp_path: Path, mode: str) -> None:
    assert "must not be executable" in str(_enable(World("vault"), str(tmp_path / "log"), mode=mode))
    assert not (tmp_path / "log").exists()


def test_a_file_has_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "log"
    log.touch(mode=0o644)
    assert _enable(world, str(log), mode="0000") is None
    assert log.stat().st_mode & 0o777 == 0o644
    world.ask("delete", "sys/audit/log")
    assert _enable(world, str(log)) is None
    assert log.stat().st_mode & 0o777 == 0o600


def test_enabling_writes_a_line_to_test_the_file(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "log"
    assert _enable(world, str(log)) is None
    first = json.loads(log.read_text().splitlines()[0])
    assert (first["type"], first["request"]["path"]) == ("request", "sys/audit/test")


def test_what_is_no_file_is_refused_when_enabled(tmp_path: Path) -> None:
    world = World("vault")
    assert _enable(world, str(tmp_path)) == [_sanity(str(tmp_path), "is a directory")]
    long = str(tmp_path / ("a" * 300))
    assert _enable(world, long) == [_sanity(long, "file name too long")]
    fault = "write /dev/full: no space left on device"
    assert _enable(world, "/dev/full") == [
        'audit backend failed test message: error writing file for sink "/dev/full": unable to re-write to file for '
        f'sink "/dev/full": {fault}'
    ]
    assert "invalid argument" in str(_enable(world, str(tmp_path / "a\0b")))
    (tmp_path / "file").touch()
    assert "not a directory" in str(_enable(world, str(tmp_path / "file" / "log")))
    assert audit.devices(world.core) == {}


def test_a_fifo_holds_nothing_up(tmp_path: Path) -> None:
    world, fifo = World("vault"), tmp_path / "fifo"
    os.mkfifo(fifo)
    assert _enable(world, str(fifo)) == [_sanity(str(fifo), "no such device or address")]
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert _enable(world, str(fifo)) is None
        for _ in range(200):
            answer = world.ask("read", "sys/mounts")
        assert (answer.status, answer.errors) == (500, ["internal error"])
        assert world.ask("read", "sys/health").errors is None
    finally:
        os.close(reader)


def test_what_cannot_be_logged_does_not_run(tmp_path: Path) -> None:
    world, fifo = World("vault"), tmp_path / "fifo"
    os.mkfifo(fifo)
    world.write("sys/auth/userpass", {"type": "userpass"})
    world.write("auth/userpass/users/ann", {"password": "x"})
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert _enable(world, str(fifo)) is None
    os.close(reader)
    assert world.write("secret/data/a", {"data": {"b": "c"}}).errors == ["internal error"]
    login = world.write("auth/userpass/login/ann", {"password": "x"}, token="")
    assert (login.status, login.errors, login.auth) == (500, ["internal error"], None)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert world.ask("read", "secret/data/a").status == 404
    os.close(reader)


def test_the_line_of_a_request_comes_before_it_runs(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "log"
    assert _enable(world, str(log)) is None
    world.ask("read", "secret/data/none")
    world.ask("read", "nowhere")
    world.ask("read", "sys/mounts", token="unknown")
    world.ask("delete", "sys/audit/log")
    said = [json.loads(line) for line in log.read_text().splitlines()][1:]
    found = [(line["type"], line["request"]["path"], "error" in line) for line in said]
    # The device logs its own enabling only once it is there, and its end only as long as it is.
    assert found == [
        ("response", "sys/audit/log", False),
        ("request", "secret/data/none", False),
        ("response", "secret/data/none", False),
        ("request", "nowhere", False),
        ("response", "nowhere", True),
        ("request", "sys/mounts", True),
        ("response", "sys/mounts", True),
        ("request", "sys/audit/log", False),
    ]


def test_times_that_a_client_sends_are_hashed(tmp_path: Path) -> None:
    """Source: audit/hashstructure.go of Vault, which spares Go's type of times only; OpenBao's spares all times."""
    world, log = World("vault"), tmp_path / "log"
    assert _enable(world, str(log)) is None
    world.write("cubbyhole/a", {"moment": "2020-01-01T00:00:00Z", "list": ["2020-01-01T00:00:00Z"]})
    sent = json.loads(log.read_text().splitlines()[-1])["request"]["data"]
    assert sent["moment"].startswith("hmac-sha256:")
    assert sent["list"] == [sent["moment"]]


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "a" / "b" / "log"
    if os.geteuid() == 0:
        assert _enable(world, str(log)) is None
        assert log.exists()
    else:
        assert "permission denied" in str(_enable(world, str(log)))
    assert (tmp_path / "a").is_dir()


def test_one_working_device_is_enough(tmp_path: Path) -> None:
    world, fifo = World("vault"), tmp_path / "fifo"
    os.mkfifo(fifo)
    device = {"type": "file", "options": {"file_path": "discard"}}
    assert world.write("sys/audit/other", device).errors is None
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    assert _enable(world, str(fifo)) is None
    os.close(reader)
    assert world.ask("read", "sys/mounts").errors is None
    assert world.ask("delete", "sys/audit/other").status == 500  # Runs, but its answer cannot be logged.
    assert world.ask("read", "sys/mounts").status == 500
    assert world.write("sys/audit/other", device).errors == ["internal error"]


def test_the_file_stays_open(tmp_path: Path) -> None:
    world, log = World("vault"), tmp_path / "log"
    _enable(world, str(log))
    log.rename(tmp_path / "moved")
    world.ask("read", "sys/mounts")
    assert not log.exists()
    assert len((tmp_path / "moved").read_text().splitlines()) > 1


def test_jsonx_is_the_xml_of_an_entry(tmp_path: Path) -> None:
    # The documentation of sys/audit, and audit/entry_formatter.go: no line breaks, and no outer element.
    world, path = World("vault"), tmp_path / "log"
    assert _enable(world, str(path), format="jsonx") is None
    path.write_text("")
    world.write("secret/data/a", {"data": {"b": None, "c": [1, True]}})
    text = path.read_text()
    assert "\n" not in text
    header = '<json:entry xmlns:json="http://www.ibm.com/xmlns/prod/2009/jsonx">'
    entry = ElementTree.fromstring(f"{header}{text}</json:entry>")
    names = [element.get("name") for element in entry]
    assert names == ["auth", "request", "time", "type", "auth", "request", "response", "time", "type"]
    assert '<json:object name="data"><json:null name="b" /><json:array name="c"><json:number>1</json:number>' in text


@pytest.mark.parametrize("kind", ["tcp", "unix", "udp"])
def test_a_socket_receives_the_log(tmp_path: Path, kind: str) -> None:
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as listener:
        listener.settimeout(60)
        listener.bind(str(tmp_path / "s") if kind == "unix" else ("127.0.0.1", 0))
        named = listener.getsockname()
        address = named if kind == "unix" else f"127.0.0.1:{named[1]}"
        if kind != "udp":
            listener.listen()
        world = World("vault")
        options = {"address": address, "socket_type": kind}
        assert world.write("sys/audit/log", {"type": "socket", "options": options}).errors is None
        with listener if kind == "udp" else listener.accept()[0] as peer:
            world.write("secret/data/a", {"data": {"b": "c"}})
            text = b""
            while text.count(b"\n") < 4:
                text += peer.recv(65536)
        lines = [json.loads(line) for line in text.splitlines()]
        assert [(line["type"], line["request"]["path"]) for line in lines] == [
            ("request", "sys/audit/test"), ("response", "sys/audit/log"), ("request", "secret/data/a"),
            ("response", "secret/data/a"),
        ]  # fmt: skip
    world.ask("delete", "sys/audit/log")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"address": "127.0.0.1:1"}, "dial tcp 127.0.0.1:1: connect: connection refused"),
        ({"address": "192.0.2.1:9"}, "dial tcp 192.0.2.1:9: connect: connection refused"),
        ({"address": "a", "socket_type": "odd"}, "dial odd: unknown network odd"),
    ],
)
def test_a_socket_without_a_listener_is_refused(options: dict[str, str], text: str) -> None:
    world = World("vault")
    [refused] = world.write("sys/audit/log", {"type": "socket", "options": options}).errors or [""]
    assert refused.startswith(f'audit backend failed test message: error writing to socket "{options["address"]}": ')
    assert text in refused
    assert world.ask("read", "sys/audit").data == {}


def test_there_is_no_syslog(tmp_path: Path) -> None:
    [refused] = World("vault").write("sys/audit/log", {"type": "syslog"}).errors or [""]
    assert refused.endswith("error creating syslogger: Unix syslog delivery error")
