"""Every example of the README runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main
from tests.serving import served

from .pages import run_pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


pytestmark = pytest.mark.server(seed={"rustfs": {"configured": True}})


def test_the_pytest_example_passes(tmp_path: Path) -> None:
    (tmp_path / "test_orders.py").write_text(blocks("python")[0], encoding="utf-8")
    run = run_pytest(tmp_path)
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_example_world_is_good_and_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = tmp_path / "world.yaml"
    world.write_text(blocks("yaml")[0], encoding="utf-8")
    assert main(["check", str(world)]) == 0, capsys.readouterr().out
    with MockKMS(seed=world) as kms:
        headers = {"X-Vault-Token": "app-token"}
        encrypted = requests.post(f"{kms.url}/v1/transit/encrypt/orders", json={"plaintext": ""}, headers=headers)
        assert encrypted.json()["data"]["ciphertext"].startswith("vault:v2:")
        read = requests.get(f"{kms.url}/v1/secret/data/app/db", headers={"X-Vault-Token": "root"}).json()
        assert read["data"]["data"] == {"password": "s3cr3t"}
        listed = requests.get(f"{kms.rustfs_url}/rustfs/admin/v3/kms/key/list").json()
        assert [key["keyName"] for key in listed["keys"]] == ["my-encryption-key"]


@pytest.mark.parametrize("place", [0, 1], ids=["set-up", "stand-in"])
def test_curl_works_right_after_serve(place: int, tmp_path: Path) -> None:
    lines = "".join(blocks("sh")).splitlines()
    serve = [line[line.index("mockkms serve") :] for line in lines if "mockkms serve" in line][place]
    asked = [shlex.split(line) for line in lines if line.startswith("curl") and "localhost:9000" in line]
    words = shlex.split(serve, comments=True)
    assert words[-4:] == ["--port", "8200", "--rustfs-port", "9000"]
    with served(tmp_path, *words[2:-4], "--rustfs-port", "0") as ready:
        for number, (_, *rest) in enumerate(asked):
            body = rest[1].replace("http://127.0.0.1:8200", ready["url"]) if rest[0] == "-d" else None
            url = rest[-1].replace("http://localhost:9000", ready["rustfs_url"])
            answer = requests.post(url, data=body, timeout=60)
            assert answer.status_code == 200, answer.text
            if number == 1:
                assert answer.json()["keyName"] == "my-encryption-key"
            else:
                assert answer.json()["success"] is True, answer.text


def test_the_cache_folder_is_as_it_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = "from mockkms import MockKMS; from mockkms.crypto.rsa.store import default_directory as d; print(d())"
    named = re.findall(r"`(MOCKKMS_\w+)` names another folder", README)
    assert named == ["MOCKKMS_CACHE_DIR"]
    monkeypatch.setenv(named[0], str(tmp_path))
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == str(tmp_path)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands are written with curl")
def test_the_curl_examples_work(kms: MockKMS) -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("curl")]
    assert len(commands) == 5
    for command in commands:
        command = command.replace("http://localhost:9000", kms.rustfs_url).replace("http://127.0.0.1:8200", kms.url)
        words = ["curl", "-sSf", *shlex.split(command)[1:]]
        run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, (command, run.stdout, run.stderr)


def test_every_page_that_is_named_exists() -> None:
    named = re.findall(r"\]\(([A-Z]+\.md)\)|`(docs/[\w-]+\.md)`", README)
    assert named
    for pair in named:
        page = next(filter(None, pair))
        assert (ROOT / page).is_file(), page
