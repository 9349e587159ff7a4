"""``sys/storage/raft``: snapshots as backup tools take and restore them.

Paths, headers, the files of an archive and messages follow the real server's source (``logical_system_raft.go``,
``physical/raft/snapshot/archive.go``, ``api/sys_raft.go``). The state in an archive has a form of mockkms's own.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
import requests

from mockkms import FLAVORS, Cluster, MockKMS
from mockkms.cli.config import read
from mockkms.vault.sys.storage import archive

OTHER_KEYS = "could not verify hash file, possibly the snapshot is using a different set of unseal keys"


@pytest.fixture(scope="module")
def server() -> Iterator[MockKMS]:
    with MockKMS(storage="raft", seed="payments", root_token="root") as made:
        yield made


@pytest.fixture
def raft(server: MockKMS) -> MockKMS:
    server.reset()
    return server


def ask(kms: MockKMS, method: str, path: str, body: object = None, token: str = "") -> requests.Response:
    headers = {"X-Vault-Token": token or kms.token}
    sent = {"data": body} if isinstance(body, bytes) else {"json": body}
    return requests.request(method, f"{kms.url}/v1/{path}", headers=headers, timeout=60, **sent)  # type: ignore[arg-type]


def take(kms: MockKMS) -> bytes:
    answer = ask(kms, "GET", "sys/storage/raft/snapshot")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/gzip"
    assert answer.headers["Content-Disposition"] == "attachment"
    return answer.content


def files_of(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as opened:
        found = {member.name: opened.extractfile(member) for member in opened}
        return {name: file.read() for name, file in found.items() if file is not None}


def test_a_backup_with_hvac(raft: MockKMS) -> None:
    client = hvac.Client(url=raft.url, token="root")
    kept = client.sys.take_raft_snapshot().content
    token = client.auth.token.create(ttl="1h")["auth"]["client_token"]
    client.secrets.kv.v2.create_or_update_secret("payments/api", {"changed": True})
    client.sys.disable_secrets_engine("legacy")
    assert client.sys.restore_raft_snapshot(kept).status_code == 204
    assert (
        client.secrets.kv.v2.read_secret("payments/api", raise_on_deleted_version=True)["data"]["data"]["retries"] == 3
    )
    assert client.read("legacy/smtp")["data"]["host"] == "mail.example.com"
    assert not hvac_is_authenticated(raft, token)
    assert raft.state == "unsealed"
    assert client.sys.read_raft_config()["data"]["config"]["servers"] == [{
        "node_id": "mockkms", "address": raft.world.core.standing.leader_cluster_address.removeprefix("https://"),  # type: ignore[union-attr]
        "leader": True, "protocol_version": "3", "voter": True,
    }]  # fmt: skip
    client.adapter.close()


def hvac_is_authenticated(kms: MockKMS, token: str) -> bool:
    client = hvac.Client(url=kms.url, token=token)
    try:
        return bool(client.is_authenticated())
    finally:
        client.adapter.close()


@pytest.mark.parametrize("flavor", FLAVORS)
def test_every_product(flavor: str) -> None:
    with MockKMS(storage="raft", flavor=flavor, root_token="root") as kms:
        ask(kms, "POST", "secret/data/a", {"data": {"n": 1}})
        kept = take(kms)
        ask(kms, "DELETE", "sys/mounts/secret")
        assert ask(kms, "POST", "sys/storage/raft/snapshot", kept).status_code == 204
        assert ask(kms, "GET", "secret/data/a").json()["data"]["data"] == {"n": 1}


def test_what_stays_as_it_is(raft: MockKMS) -> None:
    kept = take(raft)
    raft.clock.advance(3600)
    raft.faults.add("never/*", answer=500)
    now, requested = raft.clock.now(), raft.journal.total
    assert ask(raft, "POST", "sys/storage/raft/snapshot", kept).status_code == 204
    assert (raft.clock.now() >= now, len(raft.faults), raft.journal.total) == (True, 1, requested + 1)
    assert take(raft)


def test_the_files_of_an_archive(raft: MockKMS) -> None:
    raft.clock.freeze()
    found = files_of(take(raft))
    assert list(found) == ["meta.json", "state.bin", "SHA256SUMS", "SHA256SUMS.sealed"]
    assert json.loads(found["meta.json"])["Size"] == len(found["state.bin"])
    assert len(found["SHA256SUMS"].splitlines()) == 2
    assert found["SHA256SUMS.sealed"]


def test_other_unseal_keys(raft: MockKMS) -> None:
    kept, key = take(raft), raft.unseal_keys[0]
    with MockKMS(storage="raft", root_token="another") as other:
        refused = ask(other, "POST", "sys/storage/raft/snapshot", kept)
        assert (refused.status_code, OTHER_KEYS in refused.text) == (400, True)
        assert ask(other, "POST", "sys/storage/raft/snapshot-force", kept).status_code == 204
        assert (other.state, other.token, other.unseal_keys) == ("sealed", "root", [key])
        assert ask(other, "POST", "sys/unseal", {"key": key}).json()["sealed"] is False
        assert ask(other, "GET", "legacy/smtp").json()["data"]["host"] == "mail.example.com"
        assert ask(other, "GET", "auth/token/lookup-self", token="another").status_code == 403


def test_another_product(raft: MockKMS) -> None:
    kept = take(raft)
    with MockKMS(storage="raft", flavor="openbao") as other:
        refused = ask(other, "POST", "sys/storage/raft/snapshot-force", kept)
        assert refused.status_code == 500, refused.text
        assert "the snapshot is one of vault, and this server emulates openbao" in refused.text


def damaged(kept: bytes) -> list[tuple[bytes, str]]:
    files = files_of(kept)
    state = archive.pack(b"vault: [", b"", index=0, moment=0)
    foreign = archive.pack(b"x", b"", index=0, moment=0)
    return [
        (b"", "failed to read snapshot file"),
        (b"text", "failed to decompress snapshot: gzip: invalid header"),
        (gzip.compress(b"text"), "failed to read snapshot file"),
        (kept[: len(kept) // 2], "failed to decompress snapshot: unexpected EOF"),
        (kept[:20] + b"\xff" * 20 + kept[40:], "failed to decompress snapshot: flate: corrupt input"),
        (state, "the state of the snapshot cannot be read: "),
        (foreign, "a world is a mapping"),
        (repacked(files, "state.bin", b"other"), 'hash check failed for \\"state.bin\\"'),
        (repacked(files, "meta.json", None), "file missing for 'meta.json'"),
        (real_snapshot(), "this is not a snapshot of mockkms: those of a real server hold its encrypted storage"),
    ]


def repacked(files: dict[str, bytes], name: str, content: bytes | None) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as made:
        for known, old in files.items():
            new = content if known == name else old
            if new is not None:
                info = tarfile.TarInfo(known)
                info.size = len(new)
                made.addfile(info, io.BytesIO(new))
    return gzip.compress(packed.getvalue())


def real_snapshot() -> bytes:
    """An archive whose meta data are those of a real server."""
    import hashlib

    files = {"meta.json": b'{"Version":1,"ID":"bolt-snapshot","Index":5,"Term":2,"Size":3}', "state.bin": b"abc"}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return repacked({**files, "SHA256SUMS": sums.encode()}, "none", None)


def test_damaged_archives_change_nothing(raft: MockKMS) -> None:
    for sent, message in damaged(take(raft)):
        refused = ask(raft, "POST", "sys/storage/raft/snapshot-force", sent)
        assert refused.status_code == 500
        assert message in refused.text
    assert ask(raft, "GET", "legacy/smtp").status_code == 200


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="has more than 0 MiB"):
        archive.unpack(gzip.compress(b"0" * 2000), None)


def test_a_sparse_file_is_no_part_of_a_snapshot() -> None:
    """A few bytes of GNU's sparse format stand for any number of zeros."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as made:
        info = tarfile.TarInfo("meta.json")
        info.type = tarfile.GNUTYPE_SPARSE
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        header[386:398], header[398:410], header[483:495] = b"%011o " % (1 << 31), b"%011o " % 0, b"%011o " % (1 << 31)
        header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:512]))
        made.fileobj.write(bytes(header))  # type: ignore[union-attr]
    with pytest.raises(ValueError, match=r"file missing for 'meta\.json'"):
        archive.unpack(gzip.compress(packed.getvalue()), None)


def test_a_chain_of_headers_for_one_name_is_refused() -> None:
    """Python's reader calls itself for each."""
    info = tarfile.TarInfo("a")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1
    chain = (info.tobuf(tarfile.GNU_FORMAT) + b"a".ljust(tarfile.BLOCKSIZE, b"\0")) * 3000
    with pytest.raises(ValueError, match="too many headers for one file"):
        archive.unpack(gzip.compress(chain), None)


def test_policies_apply(raft: MockKMS) -> None:
    ask(
        raft,
        "POST",
        "sys/policies/acl/backup",
        {"policy": 'path "sys/storage/raft/snapshot" {capabilities = ["read"]}'},
    )
    token = ask(raft, "POST", "auth/token/create", {"policies": ["backup"]}).json()["auth"]["client_token"]
    taken = ask(raft, "GET", "sys/storage/raft/snapshot", token=token)
    assert taken.status_code == 200
    for path in ("snapshot", "snapshot-force"):
        assert ask(raft, "POST", f"sys/storage/raft/{path}", taken.content, token=token).status_code == 403
    assert raft.journal.count("sys/storage/*", denied=True) == 2


def test_the_status_of_a_server_with_raft_storage(raft: MockKMS) -> None:
    """What snapshot agents ask first: whether this node is the leader."""
    leader = ask(raft, "GET", "sys/leader").json()
    assert (leader["ha_enabled"], leader["is_self"], leader["leader_address"]) == (True, True, raft.url)
    assert ask(raft, "GET", "sys/seal-status").json()["storage_type"] == "raft"
    assert ask(raft, "GET", "sys/health").json()["standby"] is False
    assert ask(raft, "GET", "sys/config/state/sanitized").json()["data"]["storage"]["type"] == "raft"


def test_a_server_without_raft_storage(kms: MockKMS) -> None:
    for method, path in (("GET", "snapshot"), ("POST", "snapshot-force"), ("GET", "configuration")):
        answer = ask(kms, method, f"sys/storage/raft/{path}")
        assert answer.json() == {"errors": ["1 error occurred:\n\t* unsupported path\n\n"]}
        assert answer.status_code == 404
    assert "mockkms serve --storage raft" in str(kms.journal[-1])
    with pytest.raises(ValueError, match="storage='file': expected one of inmem, raft"):
        MockKMS(storage="file")


def test_events_are_of_the_enterprise_edition(kms: MockKMS) -> None:
    """The community edition has no ``sys/events``: https://developer.hashicorp.com/vault/docs/concepts/events."""
    answer = ask(kms, "GET", "sys/events/subscribe/kv-v2/data-write")
    assert (answer.status_code, "unsupported path" in answer.text) == (404, True)


def test_a_cluster_redirects_to_its_leader() -> None:
    with Cluster(nodes=3, storage="raft", root_token="root") as cluster:
        standby = f"{cluster.nodes[1].url}/v1/sys/storage/raft/snapshot"
        headers = {"X-Vault-Token": "root"}
        first = requests.get(standby, headers=headers, allow_redirects=False, timeout=60)
        assert (first.status_code, first.headers["Location"].startswith(cluster.nodes[0].url)) == (307, True)
        kept = requests.get(first.headers["Location"], headers=headers, timeout=60)
        assert kept.status_code == 200
        found = requests.get(f"{cluster.nodes[0].url}/v1/sys/storage/raft/configuration", headers=headers, timeout=60)
        servers = found.json()["data"]["config"]["servers"]
        assert [(one["node_id"], one["leader"]) for one in servers] == [
            ("mockkms-0", True), ("mockkms-1", False), ("mockkms-2", False),
        ]  # fmt: skip


def test_a_tenant_has_its_own(raft: MockKMS) -> None:
    tenant = raft.tenant("one")
    headers = {"X-Vault-Token": tenant.token}
    kept = requests.get(f"{tenant.url}/v1/sys/storage/raft/snapshot", headers=headers, timeout=60)
    requests.delete(f"{tenant.url}/v1/sys/mounts/legacy", headers=headers, timeout=60)
    url = f"{tenant.url}/v1/sys/storage/raft/snapshot"
    assert requests.post(url, data=kept.content, headers=headers, timeout=60).status_code == 204
    assert requests.get(f"{tenant.url}/v1/legacy/smtp", headers=headers, timeout=60).status_code == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('storage "raft" {\n  path = "/data"\n}\n', "raft"), ('{"storage": {"raft": {"path": "/data"}}}', "raft"),
        ('storage "file" {\n  path = "/data"\n}\n', "inmem"),
    ],
)  # fmt: skip
def test_the_storage_of_a_configuration(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "c.hcl"
    path.write_text(text)
    config = read([path])
    assert config.storage == expected
    assert bool(config.notes) is (expected == "inmem")


@pytest.mark.parametrize("flavor", FLAVORS)
def test_nodes_join_by_requests_without_a_token(flavor: str) -> None:
    url = "sys/storage/raft"
    with MockKMS(flavor=flavor) as kms:
        for path in ("join", "bootstrap"):
            answer = ask(kms, "POST", f"{url}/{path}", token="none")
            assert (answer.status_code, answer.json()) == (500, {"errors": ["raft backend not in use"]})
        wrong = ask(kms, "POST", f"{url}/join", {"retry": "x"}, token="none").json()["errors"][0]
        assert wrong.endswith("cannot unmarshal string into Go struct field JoinRequest.retry of type bool")
        assert ask(kms, "GET", f"{url}/join").status_code == 405
        assert ask(kms, "GET", f"{url}/bootstrap").status_code == 400
    with MockKMS(flavor=flavor, storage="raft") as kms:
        assert ask(kms, "POST", f"{url}/join", token="none").json() == {"joined": True}
        assert "already has state" in ask(kms, "POST", f"{url}/bootstrap", token="none").text
        voters = ask(kms, "POST", f"{url}/join", {"non_voter": True}, token="none").status_code
        assert voters == (200 if flavor == "openbao" else 400)
