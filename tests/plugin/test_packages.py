"""What is in the wheel and in the source archive, built once from a copy of the checkout."""

from __future__ import annotations

import email
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("mockkms", "conftest_plugin", "fixtures", "pyproject.toml", "setup.py", "LICENSE", "README.md")


def build(place: Path, kind: str, *, umask: int = 0o022, **variables: str) -> Path:
    """Build one archive (wheel or sdist) from a copy of the checkout in a folder, and return its path."""
    checkout = place / "checkout"
    checkout.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, checkout / name, ignore=shutil.ignore_patterns("__pycache__"), copy_function=shutil.copyfile
            )
        elif source.exists():
            shutil.copyfile(source, checkout / name)
    program = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
    done = subprocess.run(
        [sys.executable, "-c", program, f"build_{kind}", str(place)],
        cwd=checkout, capture_output=True, text=True, timeout=300, umask=umask, env={**os.environ, **variables},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return place / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both archives."""
    place = tmp_path_factory.mktemp("package")
    for kind in ("wheel", "sdist"):
        build(place / kind, kind)
    return place


@pytest.fixture(scope="module")
def wheel(built: Path) -> dict[str, bytes]:
    (path,) = built.glob("wheel/*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_every_module_and_file_is_in_the_wheel(wheel: dict[str, bytes]) -> None:
    wanted = {"mockkms/py.typed", "pytest_mockkms/py.typed"}
    homes = {"mockkms": "mockkms", "conftest_plugin": "pytest_mockkms", "fixtures": "mockkms/worlds"}
    for folder, package in homes.items():
        for kind in ("*.py", "*.yaml", "*.html", "*.css", "*.js"):
            wanted |= {f"{package}/{path.relative_to(ROOT / folder)}" for path in (ROOT / folder).rglob(kind)}
    assert wanted - set(wheel) == set()
    assert any(name.endswith(".yaml") for name in wanted)
    assert not [name for name in wheel if name.startswith(("tests", "bench", "docs", "conftest_plugin", "fixtures"))]


def test_the_wheels_own_words(wheel: dict[str, bytes]) -> None:
    (points,) = (text.decode() for name, text in wheel.items() if name.endswith("entry_points.txt"))
    assert "[console_scripts]\nmockkms = mockkms.__main__:main" in points
    assert "[pytest11]\nmockkms = pytest_mockkms.plugin" in points
    assert [name for name in wheel if name.endswith("licenses/LICENSE")]
    (metadata,) = (text.decode() for name, text in wheel.items() if name.endswith("dist-info/METADATA"))
    assert "License-Expression: Apache-2.0" in metadata
    assert "Classifier: Framework :: Pytest" in metadata
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra" not in line]
    assert not [line for line in needed if "pytest" in line or "trustme" in line]


def test_the_wheel_works_where_nothing_else_of_ours_is(built: Path, tmp_path: Path) -> None:
    (path,) = built.glob("wheel/*.whl")
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
    (path,) = built.glob("sdist/*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "README.md", "pyproject.toml", "setup.py", "conftest_plugin/plugin.py", "fixtures/dev.yaml"}
    assert wanted | {"mockkms/py.typed"} <= names


def test_the_wheel_is_small(built: Path) -> None:
    (path,) = built.glob("wheel/*.whl")
    # 1.3 MB before there was every type that a product can mount; a jump beyond this is data that should not be in it.
    assert path.stat().st_size < 2_000_000


def test_wheels_are_reproducible(built: Path, tmp_path: Path) -> None:
    """Built again elsewhere, later, by a user with other permissions."""
    (first,) = built.glob("wheel/*.whl")
    second = build(tmp_path / "elsewhere", "wheel", umask=0o077, TZ="Asia/Kathmandu", PYTHONHASHSEED="7")
    assert second.name == first.name
    assert second.read_bytes() == first.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 & 0o777 for info in archive.infolist()} <= {0o644, 0o664}


def test_the_metadata_is_complete(wheel: dict[str, bytes]) -> None:
    (text,) = (text.decode() for name, text in wheel.items() if name.endswith("dist-info/METADATA"))
    metadata = email.message_from_string(text)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["Summary"] == project["description"]
    assert metadata["Keywords"].split(",") == project["keywords"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])
    classifiers = metadata.get_all("Classifier", [])
    versions = [one.rpartition(" :: ")[2] for one in classifiers if "Python :: 3." in one]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    assert len(classifiers) == len(set(classifiers))


def installed(wheel: Path, fresh: Path) -> Path:
    """Install the wheel in a new environment, with the dependencies of this one, and return its Python."""
    import aiohttp

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(fresh)], check=True, timeout=120)
    python = fresh / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "-q", str(wheel)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(pip, check=True, timeout=120, capture_output=True, env=environment)
    (packages,) = fresh.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(str(Path(aiohttp.__file__).parents[1]) + "\n")
    return python


def test_a_fresh_environment_serves(built: Path, tmp_path: Path) -> None:
    """What ``pipx run`` does: a new environment, the wheel, its command. Dependencies come from this environment."""
    (path,) = built.glob("wheel/*.whl")
    fresh = tmp_path / "fresh"
    python = installed(path, fresh)
    ready = tmp_path / "ready.json"
    command = [str(fresh / "bin" / "mockkms"), "serve", "--port", "0", "--ready-file", str(ready)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + 60
            while not ready.exists() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            url = json.loads(ready.read_text())["url"]
            with urllib.request.urlopen(f"{url}/v1/sys/health", timeout=60) as answer:
                assert json.load(answer)["initialized"]
            program = "import mockkms; print(mockkms.__file__)"
            found = subprocess.run(
                [str(python), "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True,
                check=True,
            )  # fmt: skip
            assert Path(found.stdout).is_relative_to(fresh)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert process.returncode == 0


def test_pytest_does_not_rewrite_the_installed_modules(built: Path, tmp_path: Path) -> None:
    """It would rewrite all modules of a distribution with a plugin, for a second in each new environment."""
    (path,) = built.glob("wheel/*.whl")
    python = installed(path, tmp_path / "fresh")
    (tmp_path / "conftest.py").write_text("from mockkms import MockKMS\n")
    (tmp_path / "test_one.py").write_text("def test_one(mockkms):\n    assert mockkms.state == 'unsealed'\n")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_one.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    modules = list(tmp_path.glob("fresh/lib/python*/site-packages/*mockkms/**/*.pyc"))
    assert modules
    rewritten = {module.name.partition(".")[0] for module in modules if "-pytest-" in module.name}
    assert rewritten == {"__init__", "fixtures", "plugin"}  # The plugin, as far as every session imports it.
    assert not [module for module in modules if "-pytest-" in module.name and module.parts[-3] != "pytest_mockkms"]
