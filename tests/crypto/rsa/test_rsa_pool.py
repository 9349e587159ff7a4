"""The pool of RSA keys: quick, distinct, repeatable where asked, safe among processes, tolerant of a bad cache."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key

from mockkms.crypto.asymmetric import load_private
from mockkms.crypto.rsa import pool as rsa_pool
from mockkms.crypto.rsa.primes import primes
from mockkms.crypto.rsa.store import KeyDirectory, default_directory
from mockkms.world.entropy import Entropy
from tests.waiting import eventually


def number(at: int) -> bytes:
    """A valid small key, different for each number."""
    p, q = primes(2048)[at], primes(2048)[at + 1]
    return rsa_pool.key_from_primes(p, q)


class Maker:
    """Makes keys out of known primes, so that no test waits, and counts them."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, bits: int) -> bytes:
        self.made += 1
        return number(self.made)


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_seeded_worlds_repeat(bits: int) -> None:
    one, other = Entropy(7), Entropy(7)
    first = [rsa_pool.take(bits, one) for _ in range(3)]
    assert first == [rsa_pool.take(bits, other) for _ in range(3)]
    assert rsa_pool.take(bits, Entropy(7), "a") == rsa_pool.take(bits, one, "a")
    assert load_private(first[0]).key_size == bits


@pytest.mark.parametrize("bits", [2048, 3072])
def test_fixed_keys_pass_the_full_check(bits: int) -> None:
    load_der_private_key(rsa_pool.take(bits, Entropy(3), "x"), None)


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_the_fixed_numbers_are_primes(bits: int) -> None:
    """By Fermat's test with two bases, which no composite number of this size passes by chance."""
    for prime in primes(bits):
        assert pow(2, prime - 1, prime) == pow(3, prime - 1, prime) == 1


def test_every_product_has_full_length_and_fits_the_exponent() -> None:
    for bits in (2048, 3072, 4096):
        assert len(set(primes(bits))) == 32
        assert (min(primes(bits)) ** 2).bit_length() == bits
        assert all((prime - 1) % rsa_pool.EXPONENT for prime in primes(bits))


def test_a_key_in_use_is_not_given_again() -> None:
    taken: set[bytes] = set()
    for _ in range(20):
        key = rsa_pool.take(2048, Entropy(1), "same label", taken)
        assert key not in taken
        taken.add(key)


def test_no_more_keys_in_use_are_looked_at_than_there_are() -> None:
    """A key may have thousands of versions; a seeded world has 496 different ones of a size."""
    every: dict[bytes, None] = {}
    for _ in range(496):
        every[rsa_pool.take(2048, Entropy(1), "label", iter(every))] = None
    assert len(every) == 496
    taken = iter([*every, *every])
    first = rsa_pool.take(2048, Entropy(1), "label")
    assert rsa_pool.take(2048, Entropy(1), "label", taken) == first
    assert len(list(taken)) == 496


def test_a_4096_bit_key_of_a_seeded_world_takes_milliseconds() -> None:
    began = time.process_time()
    for at in range(10):
        rsa_pool.take(4096, Entropy(1), f"key {at}")
    assert time.process_time() - began < 1


def test_an_unseeded_world_gets_prepared_keys_and_distinct_ones(tmp_path: Path) -> None:
    maker = Maker()
    pool = rsa_pool.Pool(KeyDirectory(tmp_path / "cache"), maker)
    thread = pool.prepare(2048)
    assert thread is not None
    thread.join()
    assert maker.made == rsa_pool.PREPARED
    taken: set[bytes] = set()
    for _ in range(rsa_pool.PREPARED + 2):
        taken.add(pool.take(2048, Entropy(), taken))
    assert len(taken) == rsa_pool.PREPARED + 2
    assert maker.made == rsa_pool.PREPARED + 2
    assert len(KeyDirectory(tmp_path / "cache").read(2048)) == rsa_pool.PREPARED + 2


def test_a_second_process_finds_what_the_first_one_made(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "cache")
    key = number(0)
    store.add(2048, key, 8)
    maker = Maker()
    for at in range(1, rsa_pool.PREPARED):
        store.add(2048, number(10 + at), 8)
    assert rsa_pool.Pool(KeyDirectory(tmp_path / "cache"), maker).take(2048, Entropy()) in store.read(2048)
    assert maker.made == 0


def test_files_are_private(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "deep" / "cache")
    store.add(2048, number(0), 8)
    assert stat.S_IMODE((tmp_path / "deep" / "cache").stat().st_mode) == 0o700
    for file in (tmp_path / "deep" / "cache").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "deep" / "cache").glob(".*")] == []


def test_the_cache_stays_bounded(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "cache")
    for at in range(6):
        store.add(2048, number(at), 4)
        store.add(2048, number(at), 4)
    assert store.read(2048) == [number(at) for at in range(4)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"format": 1, "bits": 2048, "sum": "", "keys": ["!"]}',
        b'{"format": 1, "bits": 2048, "sum": "wrong", "keys": ["AAAA"]}',
        b'{"format": 9, "bits": 2048, "sum": "", "keys": []}',
        b" " * (2 << 20),
    ],
)
def test_a_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    (tmp_path / "cache" / "rsa-2048.json").write_bytes(content)
    assert store.read(2048) == []
    store.add(2048, number(1), 8)
    assert store.read(2048) == [number(1)]


def test_a_flipped_bit_is_detected(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    file = tmp_path / "cache" / "rsa-2048.json"
    document = json.loads(file.read_text())
    document["keys"][0] = "A" + document["keys"][0][1:]
    file.write_text(json.dumps(document))
    assert store.read(2048) == []


def test_files_that_others_may_write_are_not_trusted(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    (tmp_path / "cache" / "rsa-2048.json").chmod(0o644)
    assert store.read(2048) == []
    (tmp_path / "cache").chmod(0o755)
    store.add(2048, number(1), 8)
    assert store.read(2048) == []


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    file = tmp_path / "cache" / "rsa-2048.json"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert store.read(2048) == []


def test_a_foreign_owner_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert store.read(2048) == []
    store.add(3072, number(0), 8)
    assert not (tmp_path / "cache" / "rsa-3072.json").exists()


def test_without_a_usable_directory_the_process_keeps_its_own_keys(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a directory")
    maker = Maker()
    pool = rsa_pool.Pool(KeyDirectory(tmp_path / "cache"), maker)
    key = pool.take(2048, Entropy())
    thread = pool.prepare(2048)
    if thread is not None:
        thread.join()
    assert key in pool.keys(2048)


def _unusable(folder: Path, how: str) -> None:
    """Make a folder one in which no key can be kept."""
    if how == "file":
        folder.write_text("not a directory")
    elif how == "below a file":
        folder.parent.write_text("not a directory")
    elif how == "open to others":
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
    else:
        folder.mkdir(mode=0o700)
        (folder / how).mkdir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes, and its own errors")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("file", "Not a directory"),
        ("below a file", "Not a directory|File exists"),
        ("open to others", r"it has to belong to this user and to be closed to others \(chmod 700\)"),
        ("rsa-2048.lock", "Is a directory"),
        ("rsa-2048.turn", "Is a directory"),
        ("rsa-2048.json", "Is a directory"),
    ],
)
def test_an_unusable_cache_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, reason: str
) -> None:
    folder = tmp_path / "parent" / "cache" if how == "below a file" else tmp_path / "cache"
    _unusable(folder, how)
    pool = rsa_pool.Pool(KeyDirectory(folder), Maker())
    for _ in range(2):
        pool.take(2048, Entropy(), pool.keys(2048))
        thread = pool.prepare(2048)
        if thread is not None:
            thread.join()
    eventually(lambda: caplog.messages)  # The thread that ``take`` started may not be that far.
    (message,) = caplog.messages
    assert re.fullmatch(
        f"RSA keys cannot be kept in {folder}: ({reason})\\. Every process makes its own, which takes up to a second a "
        "key; MOCKKMS_CACHE_DIR names another folder\\.",
        message,
    )


def test_a_usable_cache_is_not_mentioned(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache" / "rsa-2048.json").write_text("damaged")
    pool = rsa_pool.Pool(KeyDirectory(tmp_path / "cache"), Maker())
    pool.take(2048, Entropy())
    assert caplog.messages == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "cache" / "rsa-2048.json", 0o600)
    store = KeyDirectory(tmp_path / "cache")
    store.add(2048, number(0), 8)
    assert store.read(2048) == [number(0)]


def test_fresh_keys_are_made_new(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Maker()
    monkeypatch.setattr(rsa_pool, "generate", maker)
    entropy = Entropy(1)
    entropy.fresh_keys = True
    assert rsa_pool.take(2048, entropy) != rsa_pool.take(2048, entropy)
    assert maker.made == 2


def test_generated_keys_are_real() -> None:
    load_der_private_key(rsa_pool.generate(2048), None)


@pytest.mark.skipif(sys.platform == "win32", reason="the cache's locks need flock")
def test_eight_processes_at_once(tmp_path: Path) -> None:
    program = """
import sys
from mockkms.crypto.rsa import pool as rsa_pool
from mockkms.crypto.rsa.primes import primes
from mockkms.crypto.rsa.store import KeyDirectory, default_directory
me = int(sys.argv[1])
store = KeyDirectory(default_directory())
for at in range(5):
    store.add(2048, rsa_pool.key_from_primes(primes(2048)[me], primes(2048)[10 + at]), 100)
    seen = store.read(2048)
    assert len(seen) > at, (me, at, len(seen))
"""
    environment = {**os.environ, "MOCKKMS_CACHE_DIR": str(tmp_path / "cache")}
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(at)], env=environment, stderr=subprocess.PIPE)
        for at in range(8)
    ]
    faults = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 8, faults
    assert len(set(KeyDirectory(tmp_path / "cache").read(2048))) == 40


def test_only_one_process_prepares(tmp_path: Path) -> None:
    store, other = KeyDirectory(tmp_path / "cache"), KeyDirectory(tmp_path / "cache")
    with store.turn(2048) as mine:
        with other.turn(2048) as theirs:
            assert (mine, theirs) == (True, False)
        with other.turn(4096) as different:
            assert different
    with other.turn(2048) as later:
        assert later


def test_the_default_cache_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKKMS_CACHE_DIR", "/somewhere")
    assert default_directory() == Path("/somewhere")
    monkeypatch.delenv("MOCKKMS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert sys.platform == "win32" or default_directory() == Path("/cache/mockkms")


@pytest.mark.skipif(sys.platform == "win32", reason="a user without a home")
def test_without_a_home_nothing_is_written_to_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOCKKMS_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", _no_user)
    assert default_directory().parent == Path(tempfile.gettempdir())


def _no_user(number: int) -> None:
    raise KeyError(number)
