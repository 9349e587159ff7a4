"""Writes docs/coverage.md: what of OpenBao's API is emulated, told from the endpoint declarations.

python scripts/coverage.py            write it
python scripts/coverage.py --check    exit 1 where it is out of date
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mockkms.vault import builtins, registry  # noqa: E402 - run as a script, the package stands beside this directory
from mockkms.vault.endpoint import Endpoint  # noqa: E402
from mockkms.vault.message import Operation  # noqa: E402
from mockkms.vault.openapi import shown_path  # noqa: E402
from mockkms.vault.products import PRODUCTS  # noqa: E402

SURFACE = ROOT / "tests" / "parity" / "data" / "surface.json"
PAGE = ROOT / "docs" / "coverage.md"
MOUNTS = {
    "auth/approle/": "approle", "auth/cert/": "cert", "auth/jwt/": "jwt", "auth/kubernetes/": "kubernetes",
    "auth/token/": "token", "auth/userpass/": "userpass", "cubbyhole/": "cubbyhole", "identity/": "identity",
    "kv1/": "kv", "secret/": "kv2", "sys/": "system", "transit/": "transit",
}  # fmt: skip
OPERATIONS = {
    "GET": (Operation.READ, Operation.LIST, Operation.SCAN),
    "POST": (Operation.UPDATE, Operation.CREATE),
    "PATCH": (Operation.PATCH,),
    "DELETE": (Operation.DELETE,),
}
INTRODUCTION = """\
What mockkms emulates of OpenBao 2.6.2's API, by path, method and parameter. Written by `scripts/coverage.py` from the
endpoint declarations; a test keeps it current. What is not emulated answers as the real server answers an unsupported
path or operation (404, 405), and the journal marks it `unhandled`.
"""
FURTHER = """\
Types outside the surface above, made by the products' sources and documentation; of PKI there are recordings.
"""
BY_NAME = """\
These are mounted, tuned, listed and disabled as on the real server. What is below their path is unsupported.
"""
FLAGS = ("list", "scan")
"""Query parameters that make a list of a read."""


@dataclass
class Group:
    """What is emulated of one engine or method."""

    name: str
    operations: int = 0
    parameters: int = 0
    lacking_operations: list[str] = field(default_factory=list)
    lacking_parameters: list[str] = field(default_factory=list)


def groups() -> list[Group]:
    """The surface of the real server, held against the declarations."""
    surface: dict[str, list[dict[str, Any]]] = json.loads(SURFACE.read_text(encoding="utf-8"))
    return [_group(name, paths) for name, paths in surface.items()]


def _group(name: str, paths: list[dict[str, Any]]) -> Group:
    group = Group(name)
    for path in paths:
        found = candidates(path["path"])
        for method in path.keys() & OPERATIONS.keys():
            group.operations += 1
            serving = [e for e in found if any(operation in e.operations for operation in OPERATIONS[method])]
            if not serving:
                group.lacking_operations.append(f"{method} {path['path']}")
                continue
            wanted = {*path[method]["body"], *path[method]["query"]}.difference(FLAGS)
            group.parameters += len(wanted)
            missing = wanted.difference(*(endpoint.fields for endpoint in serving))
            if missing and not any(endpoint.arbitrary for endpoint in serving):
                group.lacking_parameters += [f"{method} {path['path']}: {one}" for one in sorted(missing)]
    group.lacking_operations.sort()
    group.lacking_parameters.sort()
    return group


def candidates(path: str) -> list[Endpoint]:
    """The endpoints that a path of the surface means: those declared alike, and the one it is routed to."""
    mount = next(mount for mount in MOUNTS if path.startswith(f"/{mount}"))
    below = path[1 + len(mount) :]
    engine = registry.engine(MOUNTS[mount])
    flavor = PRODUCTS["openbao"]
    found = [e for e in engine if _shape(shown_path(e.template)) == _shape(below)]
    for name in ("x", "sha2-256", "encryption-key", "default"):
        sample = re.sub(r"\{\w+\}", name, below)
        for at in (sample, sample + "/"):
            routed = engine.route(at, PRODUCTS["openbao"])
            if routed is not None:
                found.append(routed[0])
    return [endpoint for endpoint in found if endpoint.known_to(flavor)]


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path).rstrip("/")


def page() -> str:
    """The text of docs/coverage.md."""
    found = groups()
    lines = [
        "# Coverage",
        "",
        *INTRODUCTION.splitlines(),
        "",
        "| group | operations | emulated | parameters | known |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for group in found:
        emulated = group.operations - len(group.lacking_operations)
        known = group.parameters - len(group.lacking_parameters)
        lines.append(f"| {group.name} | {group.operations} | {emulated} | {group.parameters} | {known} |")
    lines += _listing("Answered as unsupported", {g.name: g.lacking_operations for g in found})
    lines += _listing("Parameters not known", {g.name: g.lacking_parameters for g in found})
    lines += _further()
    return "\n".join(lines) + "\n"


def _further() -> list[str]:
    """The types that come with the products besides: those that are emulated, and those known by name only."""
    types = {
        name: " and ".join(
            dict.fromkeys(one.words.product for one in PRODUCTS.values() if one.builtins.has(*name.split("/")))
        )
        for name in sorted(builtins.ALL)
    }
    lines = ["", "## Further types", "", *FURTHER.splitlines(), ""]
    lines += ["| type | of | operations |", "| --- | --- | ---: |"]
    for name, products in types.items():
        kind, type = name.split("/")
        engine = registry.implementation(type, None, kind)
        if registry.emulated(kind, type) and engine.type not in {*MOUNTS.values(), "kv2"}:
            lines.append(f"| {name} | {products} | {sum(len(endpoint.operations) for endpoint in engine)} |")
    lines += ["", "## Known by name only", "", *BY_NAME.splitlines(), ""]
    return lines + [
        f"- `{name}` ({products})" for name, products in types.items() if not registry.emulated(*name.split("/"))
    ]


def _listing(title: str, entries: dict[str, list[str]]) -> list[str]:
    lines = ["", f"## {title}", ""]
    for name, listed in entries.items():
        if listed:
            lines += [f"### {name}", "", *(f"- `{entry}`" for entry in listed), ""]
    return lines[:-1] if len(lines) > 3 else [*lines, "None."]


def main() -> int:
    """Write or check the page; returns the exit status."""
    text = page()
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
