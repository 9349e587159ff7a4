"""The incidents that come with the package: plans with a name, in ``fixtures/incidents/`` of the checkout.

An incident is a YAML file whose name is that of the incident. Its keys are those of a plan with phases.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mockkms.arguments import check_arguments
from mockkms.faults.parsing import unknown


@cache
def incident_files() -> dict[str, Path]:
    """Return the files of the incidents, by name."""
    found = find_spec("mockkms.worlds")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    # In a checkout that is not installed, the package is the folder `fixtures`.
    folder = Path(places[0]) if places else Path(__file__).resolve().parents[3] / "fixtures"
    return {path.stem: path for path in sorted(folder.glob("incidents/*.yaml"))}


def incident_names() -> list[str]:
    """Return the names of all incidents, in alphabetical order."""
    return [*incident_files()]


def incident_words(name: str) -> Mapping[str, object]:
    """Return the plan of an incident. Raises FaultError with the nearest name for an unknown one."""
    check_arguments({"incident": name})
    path = incident_files().get(name)
    if path is None:
        raise unknown(name, incident_files(), "incident")
    return _read(path)


@cache
def _read(path: Path) -> Mapping[str, object]:
    import yaml  # Not needed by most servers.

    words = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(words, dict)
    return words
