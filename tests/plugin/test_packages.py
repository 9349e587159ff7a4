"""What is in the wheel and in the source archive, built once from a copy of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("mockkms", "conftest_plugin", "fixtures", "pyproject.toml", "setup.py", "LICENSE", "README.md")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives."""
    pytest.importorskip("build")
    pytest.importorskip("wheel")
    place = tmp_path_factory.mktemp("package")
    checkout = place / "checkout"
    checkout.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, checkout)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(place / "dist"), str(checkout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return place / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_module_and_file_is_in_the_wheel(wheel: dict[str, bytes]) -> None:
    wanted = {"mockkms/py.typed", "mockkms/mockkms.schema.json", "pytest_mockkms/py.typed"}
    homes = {"mockkms": "mockkms", "conftest_plugin": "pytest_mockkms", "fixtures": "mockkms/worlds"}
    for folder, package in homes.items():
        for kind in ("*.py", "*.yaml", "*.html", "*.css", "*.js"):
            wanted |= {f"{package}/{path.relative_to(ROOT / folder)}" for path in (ROOT / folder).rglob(kind)}
    assert wanted - set(wheel) == set()
    assert any(name.endswith(".yaml") for name in wanted)
    assert not [name for name in wheel if name.startswith(("tests", "bench", "docs", "conftest_plugin", "fixtures"))]


def test_the_wheels_own_words(wheel: dict[str, bytes]) -> None:
    (points,) = (text.decode() for name, text in wheel.items() if name.endswith("entry_points.txt"))
    assert "[console_scripts]\nmockkms = mockkms.cli:main" in points
    assert "[pytest11]\nmockkms = pytest_mockkms.plugin" in points
    assert [name for name in wheel if name.endswith("licenses/LICENSE")]
    (metadata,) = (text.decode() for name, text in wheel.items() if name.endswith("dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in metadata
    assert "Classifier: Framework :: Pytest" in metadata
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra" not in line]
    assert not [line for line in needed if "pytest" in line or "trustme" in line]


def test_the_wheel_works_where_nothing_else_of_ours_is(built: Path, tmp_path: Path) -> None:
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    program = (
        "import mockkms, pytest_mockkms.plugin; from mockkms.worldfile import ready_made; print(mockkms.__file__);"
        "print(sorted(ready_made()));\nwith mockkms.MockKMS(seed='dev') as kms: print(kms.url)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    where, worlds, url = done.stdout.splitlines()
    assert Path(where).parent == tmp_path / "mockkms"
    assert "'dev'" in worlds
    assert url.startswith("http://127.0.0.1:")


def test_the_source_archive(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "pyproject.toml", "setup.py", "conftest_plugin/plugin.py", "fixtures/dev.yaml"}
    assert wanted | {"mockkms/py.typed", "mockkms/mockkms.schema.json"} <= names
