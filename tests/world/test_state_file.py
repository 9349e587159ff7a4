"""Files that keep a world over restarts: what they hold, what is refused, what a kill leaves."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import hvac
import pytest

from mockkms import MockKMS
from mockkms.world import state_file
from mockkms.world.state_file import StateFileError
from mockkms.worldfile import exact


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the state is kept."""
    return tmp_path / "vault.state"


def client(kms: MockKMS) -> hvac.Client:
    """Return a client with the root token."""
    return hvac.Client(url=kms.url, token=kms.token)


def test_state_is_there_after_a_restart(path: Path) -> None:
    with MockKMS(seed="dev", state_file=path) as kms:
        one = client(kms)
        one.secrets.kv.v2.create_or_update_secret("app", secret={"a": "1"})
        one.sys.enable_secrets_engine("transit", path="more")
        one.secrets.transit.create_key("orders", mount_point="more")
        ciphertext = one.secrets.transit.encrypt_data("orders", "aGVsbG8=", mount_point="more")["data"]["ciphertext"]
        token = one.auth.token.create(ttl="1h")["auth"]["client_token"]
        before = exact.roots(kms.world)
        kms.clock.advance(60)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with MockKMS(state_file=path) as kms:
        assert kms.state_restored
        assert exact.roots(kms.world)["vault"] == before["vault"]
        one = client(kms)
        assert one.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=False)["data"]["data"] == {
            "a": "1"
        }
        plain = one.secrets.transit.decrypt_data("orders", ciphertext, mount_point="more")["data"]["plaintext"]
        assert plain == "aGVsbG8="
        ttl = hvac.Client(url=kms.url, token=token).auth.token.lookup_self()["data"]["ttl"]
        assert 3500 <= ttl <= 3541, "the clock that was moved is kept too"


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
def test_every_part_of_a_furnished_world_can_be_kept(path: Path, flavor: str) -> None:
    from tests.server.gateway.test_fuzz import furnished

    world = furnished(flavor)
    state_file.write(path, state_file.pickled(world.snapshot()), flavor, 0)
    header, kept = state_file.read(path)
    assert header.flavor == kept.flavor == flavor
    assert (kept.vault, kept.rustfs) == (world.core.state, world.rustfs.state)


def test_a_sealed_server_is_sealed_after_a_restart(path: Path) -> None:
    with MockKMS(state_file=path) as kms:
        keys = kms.unseal_keys
        kms.seal()
    with MockKMS(state_file=path) as kms:
        assert kms.state == "sealed"
        client(kms).sys.submit_unseal_keys(keys)
        assert kms.state == "unsealed"


def test_reset_goes_back_to_the_state_of_the_start(path: Path) -> None:
    with MockKMS(state_file=path) as kms:
        client(kms).secrets.kv.v2.create_or_update_secret("kept", secret={})
    with MockKMS(state_file=path) as kms:
        one = client(kms)
        one.secrets.kv.v2.create_or_update_secret("dropped", secret={})
        kms.reset()
        assert one.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["kept"]


def test_a_file_belongs_to_one_server(path: Path) -> None:
    with MockKMS(state_file=path), pytest.raises(StateFileError, match="another server keeps its state"):
        MockKMS(state_file=path).start()
    MockKMS(state_file=path).start().stop()


def changed_header(content: bytes, **words: object) -> bytes:
    """Return a state file whose first line says something else."""
    line, _, rest = content.partition(b"\n")
    mark, _, data = line.partition(b" ")
    return mark + b" " + json.dumps(json.loads(data) | words).encode() + b"\n" + rest


class Evil:
    """Pickles as a call of something outside this package."""

    def __reduce__(self) -> tuple[object, ...]:
        return print, ("ran",)


def with_evil(content: bytes) -> bytes:
    """Return a state file with a valid header whose state runs code in a plain unpickler."""
    import hashlib

    state = pickle.dumps(Evil())
    header = content.partition(b"\n")[0] + b"\n"
    return changed_header(header + state, length=len(state), sha256=hashlib.sha256(state).hexdigest())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content[:-1], "damaged: .* of .* bytes"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "damaged"),
        (lambda content: content[:20], "not a state file"),
        (lambda content: b"mockkms: 1\n", "not a state file of mockkms; a world in YAML goes to --seed"),
        (lambda content: b"", "not a state file"),
        (lambda content: changed_header(content, format=2, version="99.0"), "format 2, written by mockkms 99.0"),
        (lambda content: changed_header(content, format="x"), "first line cannot be read"),
        (lambda content: changed_header(content, format=float("inf")), "first line cannot be read"),
        (lambda content: changed_header(content, format=0), "first line cannot be read"),
        (lambda content: changed_header(content, version=3), "first line cannot be read"),
        (lambda content: changed_header(content, flavor=["vault"]), "first line cannot be read"),
        (lambda content: changed_header(content, flavor="openbao"), "first line is not that of its state"),
        (lambda content: changed_header(content, more=1), "first line cannot be read"),
        (with_evil, "builtins.print is not part of a state"),
    ],
)
def test_what_cannot_be_read_is_refused_and_left_alone(
    path: Path, spoil: Callable[[bytes], bytes], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    MockKMS(state_file=path).start().stop()
    path.write_bytes(spoil(path.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(StateFileError, match=message):
        MockKMS(state_file=path)
    assert path.read_bytes() == before
    assert capfd.readouterr().out == ""


def test_a_path_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateFileError, match=r"cannot read the state file .*: File name too long"):
        MockKMS(state_file=tmp_path / ("n" * 300))


def test_another_product_is_refused(path: Path) -> None:
    MockKMS(state_file=path, flavor="openbao").start().stop()
    with pytest.raises(StateFileError, match="keeps a world of openbao, not of vault"):
        MockKMS(state_file=path, flavor="vault")
    assert MockKMS(state_file=path).flavor == "openbao"


def test_members_that_an_older_version_did_not_have_get_their_defaults(path: Path) -> None:
    kms = MockKMS()
    mount = next(iter(kms.world.core.state.mounts.entries.values()))
    name = next(name for name in vars(mount) if name == "description")
    vars(mount).pop(name)
    state_file.write(path, state_file.pickled(kms.world.snapshot()), "vault", 0)
    path.write_bytes(changed_header(path.read_bytes(), version="0.0.1"))
    kept = state_file.read(path)[1]
    assert all(hasattr(one, name) for one in kept.vault.mounts.entries.values())


def test_what_the_process_changes_itself_is_kept_at_the_end(path: Path) -> None:
    with MockKMS(state_file=path) as kms:
        kms.world.core.mount("", "more/", "transit")
    assert "more/" in MockKMS(state_file=path).world.core.state.mounts.entries


def test_a_port_in_use_leaves_the_file_to_others(path: Path) -> None:
    with MockKMS() as taken, pytest.raises(OSError, match=r"."):
        MockKMS(port=int(taken.url.rpartition(":")[2]), state_file=path).start()
    MockKMS(state_file=path).start().stop()


def test_a_folder_that_is_gone_is_reported_once_and_the_state_written_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    kms = MockKMS(state_file=folder / "a.state").start()
    for one in folder.iterdir():
        one.unlink()
    folder.rmdir()
    client(kms).secrets.kv.v2.create_or_update_secret("a", secret={})
    kms.stop()
    assert [record.getMessage() for record in caplog.records if "cannot write the state file" in record.getMessage()]


def test_changes_that_cannot_be_written_at_the_end_are_reported_as_lost(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kms = MockKMS(state_file=path).start()
    path.unlink()
    path.mkdir()
    assert kms.state_complete
    kms.stop()
    assert not kms.state_complete
    assert caplog.messages[-1].endswith("Is a directory; the changes since it was last written are lost")


def test_a_symbolic_link_to_itself_is_refused_and_left_alone(path: Path) -> None:
    path.symlink_to(path.name)
    with pytest.raises(StateFileError, match=r"cannot read the state file .*: Too many levels of symbolic links"):
        MockKMS(state_file=path)
    assert os.readlink(path) == path.name


def test_a_symbolic_link_stays_and_the_file_behind_it_is_locked(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.state"
    link.symlink_to(path)
    with MockKMS(state_file=link) as kms:
        client(kms).secrets.kv.v2.create_or_update_secret("a", secret={})
        with pytest.raises(StateFileError, match="another server keeps its state"):
            MockKMS(state_file=path).start()
    assert link.is_symlink()
    assert MockKMS(state_file=path).state_restored


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_regular_files_are_read(kind: str, path: Path) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(StateFileError, match="is a device, a pipe or a socket"):
        MockKMS(state_file=path if kind == "pipe" else "/dev/zero")


def test_no_state_before_a_real_server(path: Path) -> None:
    with pytest.raises(ValueError, match="a real server answers here"):
        MockKMS(upstream="http://127.0.0.1:1", state_file=path)
