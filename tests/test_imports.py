"""No circles of imports: every module can be read, and understood, before those that use it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"mockkms": "mockkms", "conftest_plugin": "pytest_mockkms"}
"""Folders and the names that they are imported by."""

ALLOWED: tuple[frozenset[str], ...] = ()
"""Circles that are still there. This list only ever gets shorter."""


def modules() -> dict[str, Path]:
    """Return the file of every module by its dotted name."""
    found = {}
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """Yield what a module imports of ours: at its top, within functions and for annotations only."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                member = f"{source}.{alias.name}"
                yield from (one for one in [member if member in known else source] if one in known)


def components(graph: dict[str, set[str]]) -> list[frozenset[str]]:
    """Return the strongly connected components of a graph (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []
    for root in graph:
        work = [(root, iter(sorted(graph[root])))] if root not in index else []
        while work:
            node, targets = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    found.append(frozenset(stack[at:]))
                    del stack[at:]
            elif target not in index:
                work.append((target, iter(sorted(graph[target]))))
            elif target in stack:
                low[node] = min(low[node], index[target])
    return found


def test_components_are_found() -> None:
    """The search finds a circle, and a circle through a circle, and nothing else."""
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert {one for one in components(graph) if len(one) > 1} == {frozenset("abc"), frozenset("de")}


def test_no_module_imports_itself_in_the_end() -> None:
    """Each strongly connected component of the imports is one module, whatever kind the imports are of."""
    known = modules()
    graph = {name: set(imports(name, path, known)) - {name} for name, path in known.items()}
    circles = [one for one in components(graph) if len(one) > 1]
    fresh = [one for one in circles if not any(one <= allowed for allowed in ALLOWED)]
    assert not fresh, "modules that import each other:\n" + "\n\n".join(
        "\n".join(f"{name} -> {', '.join(sorted(graph[name] & one))}" for name in sorted(one)) for one in fresh
    )


def test_a_name_of_a_class_stands_in_one_module() -> None:
    """A reader who searches for a class finds the one that is meant."""
    places: dict[str, list[str]] = {}
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
