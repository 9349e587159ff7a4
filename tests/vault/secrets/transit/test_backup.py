"""Backups in the real server's format, and keys in a world's description: both restore an equal key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockkms.vault.framework.world_section import SpecFault
from mockkms.vault.secrets.transit.descriptions import dump_keys, seed_key
from mockkms.vault.secrets.transit.model import Transit
from tests.vault.secrets.transit.ring import AEAD, TYPES, Ring, b64, framed

SECRET = bytes(range(32))


def backed_up(ring: Ring, **options: Any) -> str:
    ring.create(exportable=True, allow_plaintext_backup=True, **options)
    backup: str = ring.good("read", "backup/k")["backup"]
    return backup


def restored(document: Any) -> str:
    return b64(json.dumps(document).encode())


@pytest.mark.parametrize("type", TYPES)
def test_a_restored_key_is_the_key_that_was_backed_up(ring: Ring, type: str) -> None:
    ring.create(type=type, exportable=True, allow_plaintext_backup=True)
    if type != "rsa-4096":
        ring.rotate()
    backup = ring.good("read", "backup/k")["backup"]
    ring.good("update", "restore/copy", backup=backup)
    copy, key = ring.key("copy"), ring.key()
    assert copy.restore_info is not None
    assert copy.restore_info.version == key.latest_version
    copy.restore_info, copy.name = None, "k"
    assert copy == key


def test_archived_versions_are_backed_up(ring: Ring) -> None:
    ring.create(exportable=True, allow_plaintext_backup=True)
    old = ring.encrypt(b"old")
    ring.rotate(times=2)
    ring.good("update", "keys/k/config", min_decryption_version=3)
    document = json.loads(base64.b64decode(ring.good("read", "backup/k")["backup"]))
    assert sorted(document["policy"]["keys"]) == ["3"]
    assert len(document["archived_keys"]["keys"]) == 4
    ring.good("update", "restore/copy", backup=restored(document))
    ring.good("update", "keys/copy/config", min_decryption_version=1)
    assert ring.decrypt(old, "copy") == b"old"


def test_restoring_over_a_key_needs_force(ring: Ring) -> None:
    backup = backed_up(ring)
    assert ring.bad("update", "restore", backup=backup) == (500, framed('key "k" already exists'))
    assert ring.ask("update", "restore", backup=backup, force=True).status == 204
    assert ring.bad("update", "restore/a/b", backup=backup) == (500, framed("key names cannot be paths"))
    assert ring.good("read", "keys/k")["restore_info"]["version"] == 1


def test_backups_that_are_refused(ring: Ring) -> None:
    ring.create()
    assert ring.bad("read", "backup/k") == (500, framed("exporting is disallowed on the policy"))
    ring.good("update", "keys/k/config", exportable=True)
    assert ring.bad("read", "backup/k") == (500, framed("plaintext backup is disallowed on the policy"))
    assert ring.bad("read", "backup/none") == (500, framed('key "none" not found'))


@pytest.mark.parametrize("document", [{}, [], 5, "x", None, {"policy": {}}, {"policy": {"type": 99}}])
def test_invalid_backups_are_refused(ring: Ring, document: Any) -> None:
    status, text = ring.bad("update", "restore", backup=restored(document))
    assert status == 400
    assert text.startswith("invalid backup: ")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"min_decryption_version": 0}, "minimum decryption version of 0 is less than 1"),
        ({"latest_version": 0}, "latest version of 0 is less than 1"),
        ({"min_decryption_version": 3}, "minimum decryption version of 3 is greater than the latest version 1"),
        ({"min_encryption_version": 1, "min_decryption_version": 2},
         "minimum decryption version of 2 is greater than minimum encryption version 1"),
    ],
)  # fmt: skip
def test_invalid_bounds_are_refused(ring: Ring, change: dict[str, int], text: str) -> None:
    document = json.loads(base64.b64decode(backed_up(ring)))
    document["policy"].update(change)
    answer = ring.bad("update", "restore/n", backup=restored(document))
    assert answer == (500, framed(f'failed to restore the policy "n": {text}'))


_JSON = st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.text(max_size=5) | st.lists(st.integers(), max_size=2)


@given(type=st.sampled_from(["aes256-gcm96", "ecdsa-p256", "rsa-2048", "ed25519"]), data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_damaged_backup_breaks_the_server(ring: Ring, type: str, data: st.DataObject) -> None:
    if type not in ring.state.keys:
        ring.create(type, type=type, exportable=True, allow_plaintext_backup=True)
    document = json.loads(base64.b64decode(ring.good("read", f"backup/{type}")["backup"]))
    at = document["policy"]
    if data.draw(st.booleans()):
        at = at["keys"]["1"]
        if type == "rsa-2048" and data.draw(st.booleans()):
            at = at["rsa_key"]
    at[data.draw(st.sampled_from(sorted(at)))] = data.draw(_JSON)
    response = ring.ask("update", "restore/copy", backup=restored(document), force=True)
    assert response.status in (204, 400, 500)
    if response.status == 204 and "copy" in ring.state.keys:
        assert ring.ask("read", "keys/copy").status in (0, 200)
        assert ring.ask("update", "encrypt/copy", plaintext="").status in (0, 200, 400, 500)


@pytest.mark.parametrize("type", TYPES)
def test_a_dumped_key_loads_equal(ring: Ring, type: str) -> None:
    backed_up(ring, type=type, auto_rotate_period="25h")
    if type != "rsa-4096":
        ring.rotate()
        ring.good("update", "keys/k/config", min_decryption_version=2, min_encryption_version=2, deletion_allowed=True)
        ring.good("update", "keys/k/trim", min_available_version=2)
    dumped = dump_keys(ring.state)
    fresh = Transit()
    for name, spec in json.loads(json.dumps(dumped)).items():
        seed_key(fresh, ring.core, name, spec)
    assert fresh.keys == ring.state.keys
    assert dump_keys(fresh) == dumped


@pytest.mark.parametrize("type", AEAD)
def test_a_dumped_convergent_key_loads_equal(ring: Ring, type: str) -> None:
    ring.create(type=type, derived=True, convergent_encryption=True)
    fresh = Transit()
    seed_key(fresh, ring.core, "k", dump_keys(ring.state)["k"])
    assert fresh.keys == ring.state.keys


@pytest.mark.parametrize("type", TYPES)
def test_material_follows_from_seed_and_name(type: str) -> None:
    spec = {"type": type, "versions": 1 if type == "rsa-4096" else 2}
    one, two, other = Ring(seed=1), Ring(seed=1), Ring(seed=2)
    two.core.entropy.bytes(99)
    keys = [seed_key(ring.state, ring.core, "k", spec) for ring in (one, two, other)]
    assert keys[0] == keys[1]
    assert keys[0].latest.key != keys[2].latest.key
    named = seed_key(one.state, one.core, "l", spec)
    assert named.latest.key != keys[0].latest.key
    if len(named.versions) == 2:
        assert named.versions[1].key != named.versions[2].key


def test_given_material_is_used(ring: Ring) -> None:
    spec = {"versions": [{"material": b64(SECRET), "created": "2026-01-02T03:04:05Z"}], "exportable": True}
    key = seed_key(ring.state, ring.core, "k", spec)
    assert key.latest.key == SECRET
    assert key.latest.created == 1767323045
    assert ring.good("read", "export/encryption-key/k")["keys"] == {"1": b64(SECRET)}
    again = seed_key(Transit(), ring.core, "k", spec)
    assert again == key


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"type": "aes"}, "type"),
        ({"colour": "red"}, "colour"),
        ({"versions": 0}, "versions"),
        ({"versions": []}, "versions"),
        ({"versions": [{"material": "AAAA"}]}, "versions[0].material"),
        ({"versions": [{"material": b64(SECRET), "size": 1}]}, "versions[0].size"),
        ({"versions": [{}, {"created": "soon"}]}, "versions[1].created"),
        ({"type": "ecdsa-p256", "versions": [{"material": b64(SECRET)}]}, "versions[0].material"),
        ({"type": "rsa-2048", "derived": True}, "derived"),
        ({"convergent": True}, "convergent"),
        ({"exportable": "yes"}, "exportable"),
        ({"min_decryption_version": 2}, "min_decryption_version"),
        ({"auto_rotate_period": "10m"}, "auto_rotate_period"),
        ({"type": "hmac", "key_size": 5}, "key_size"),
    ],
)
def test_invalid_descriptions_are_refused(ring: Ring, spec: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecFault) as fault:
        seed_key(ring.state, ring.core, "k", spec)
    assert fault.value.path == path
    assert ring.state.keys == {}
