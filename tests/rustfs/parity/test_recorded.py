"""What the released RustFS answered on its admin KMS API, asked again step by step.

``data/<group>.jsonl`` holds the scenarios of a group, one a line. A group shares one server and runs in order; its
first scenario configures that server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from mockkms import MockKMS
from tests.parity.compare import differences
from tests.rustfs.parity.normalise import normalise
from tests.rustfs.parity.wire import send

DATA = Path(__file__).parent / "data"
GROUPS = sorted(path.stem for path in DATA.glob("*.jsonl"))
PLACES = {  # as long as the recorded ones: some messages tell a column
    "key_dir": "/var/rustfs/kms-keys",
    "backup_dir": "/var/rustfs/kms-backup",
    "vault_addr": "http://127.0.0.1:8200",
    "vault_token": "root",
}
WITH_BACKUP = ("local-backup", "vault-kv2", "vault-transit")


def scenarios(group: str) -> list[dict[str, Any]]:
    lines = (DATA / f"{group}.jsonl").read_text(encoding="utf-8").rstrip("\n").split("\n")
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("group", GROUPS)
def test_answers_are_the_recorded_ones(kms: MockKMS, group: str) -> None:
    kms.reset()
    environment = {"backup_dir": PLACES["backup_dir"], "backup_kek_id": "parity-kek"} if group in WITH_BACKUP else {}
    kms.world.rustfs.seed({"api": "current", "auth": "sigv4", "environment": environment})
    wrong = [line for scenario in scenarios(group) for line in replay(kms, scenario)]
    assert not wrong, "\n".join(wrong)


BY_DESIGN = {
    "u03-routing": {"14", "15", "16", "17"},  # paths of the older contract, which every other ``api`` serves
    "u04-not-configured": {"02"},  # GET /status: nothing tells the contract, so it is the guide's
    "u05-configure-errors": {"01", "02", "03", "04"},  # bodies that name neither kind, before any configuration
}


@pytest.mark.parametrize("group", GROUPS)
def test_auto_differs_only_where_nothing_tells_the_contract(kms: MockKMS, group: str) -> None:
    kms.reset()
    environment = {"backup_dir": PLACES["backup_dir"], "backup_kek_id": "parity-kek"} if group in WITH_BACKUP else {}
    kms.world.rustfs.seed({"api": "auto", "auth": "sigv4", "environment": environment})
    for scenario in scenarios(group):
        wrong = {line.split()[0].rpartition("/")[2] for line in replay(kms, scenario)}
        assert wrong == BY_DESIGN.get(scenario["name"], set()), scenario["name"]


def replay(kms: MockKMS, scenario: Mapping[str, Any]) -> Iterator[str]:
    """Every difference from the recording."""
    variables: dict[str, Any] = {**PLACES, "run": f"r{crc32(scenario['name'].encode()):08x}"}
    for step in scenario["steps"]:
        asked = filled({name: value for name, value in step.items() if name != "want"}, variables)
        body = json.dumps(asked["json"]).encode() if "json" in asked else asked.get("body", "").encode()
        kms.clock.advance(step.get("wait", 0))
        names = named(variables)
        status, content_type, raw = send(kms.rustfs_url, asked, body, kms.clock.now())
        for name, pointer in step.get("save", {}).items():
            variables[f"v_{name}"] = at(json.loads(raw), pointer)
        for line in differences(step["want"], normalise(status, content_type, raw, names)):
            yield f"{scenario['name']}/{step['id']} {line}"


def named(variables: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What stands for local texts, the longer-lived first."""
    fixed = [("run", "<run>"), ("key_dir", "<key_dir>"), ("backup_dir", "<backup_dir>"), ("vault_addr", "<vault>")]
    saved = [(str(value), f"<{name}>") for name, value in variables.items() if name.startswith("v_") and value]
    return [(variables[name], label) for name, label in fixed] + saved


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """``${name}`` replaced at any depth; unknown names stay."""
    if isinstance(value, dict):
        return {filled(key, variables): filled(below, variables) for key, below in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+)\}", lambda found: str(variables.get(found[1], found[0])), value)


def at(document: Any, pointer: str) -> Any:
    """What a JSON pointer names; None where there is nothing."""
    for part in pointer.strip("/").split("/"):
        if document is None:
            return None
        document = document[int(part)] if isinstance(document, list) else document.get(part)
    return document
