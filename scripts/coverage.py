"""Writes docs/coverage.md: what of each product's API is emulated, computed from the endpoint declarations.

python scripts/coverage.py            write it
python scripts/coverage.py --check    exit 1 if it is out of date

``tests/parity/data/surface-<product>.json`` has what a product's own OpenAPI document says: by group and path the
methods, each with its flags (``?`` answers without a token, ``!`` is root-protected, ``/`` can list) and parameters.
``plugin-paths.json`` has, by product and type, the path tables of the types that those documents lack: of each path the
operations, and the source that they were taken from.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mockkms.vault.framework import registry  # noqa: E402 - run as a script, the package stands beside this directory
from mockkms.vault.framework.documents.openapi import spellings  # noqa: E402
from mockkms.vault.framework.endpoint import Emulation, Endpoint  # noqa: E402
from mockkms.vault.framework.engine import Engine  # noqa: E402
from mockkms.vault.framework.message import Operation  # noqa: E402
from mockkms.vault.products import OPENBAO, PRODUCTS, VAULT, Product  # noqa: E402

DATA = ROOT / "tests" / "parity" / "data"
PAGE = ROOT / "docs" / "coverage.md"
SURVEYED: tuple[Product, ...] = (OPENBAO, VAULT)
"""The products with a stored OpenAPI document."""
ENGINES = {
    "auth-aws": "auth/aws", "auth-ldap": "auth/ldap", "auth-oidc": "jwt", "aws": "secret/aws", "kv-v1": "kv",
    "kv-v2": "kv2", "sys": "system",
}  # fmt: skip
"""The engines of groups that are not named like theirs."""
SAMPLES = (
    "x",
    "sha2-256",
    "encryption-key",
    "default",
    "secret",
    "auth",
    "container",
    "1" * 8 + "-1111" * 3 + "-" + "1" * 12,
)
"""Sample values of parameters in paths: each parameter accepts at least one of them."""
OPERATIONS = {
    "GET": (Operation.READ, Operation.LIST, Operation.SCAN),
    "POST": (Operation.UPDATE, Operation.CREATE),
    "PATCH": (Operation.PATCH,),
    "DELETE": (Operation.DELETE,),
}
LISTINGS = (Operation.LIST, Operation.SCAN)
INTRODUCTION = """\
What mockkms emulates of each product's API, by path, method and parameter. Written by `scripts/coverage.py` from the
endpoint declarations; a test keeps it current. Every operation that the product's own OpenAPI document names is one
of three: **emulated**; **refused**, as the community edition refuses what only the paid one does; or **not emulated**.
What is not emulated answers as the real server answers an unsupported path or operation (404, 405), or as one where the
feature is switched off; the journal marks what nothing answered as `unhandled`. Vault 1.21 is emulated by its
differences from Vault 2.1 and has no table of its own.
"""
FURTHER = """\
Types outside the surfaces above. Their operations are those of the path tables of the public plugins and servers, which
the last column names. A test mounts every type of every product and asks for each operation of its table or surface:
none answers `unsupported path` or `unsupported operation`.
"""


@dataclass(frozen=True)
class SurfaceOperation:
    """An operation in the OpenAPI document of a product."""

    group: str
    path: str
    method: str
    open: bool
    """It answers without a token."""
    protected: bool
    """It is root-protected."""
    lists: bool
    parameters: frozenset[str]

    @property
    def name(self) -> str:
        """``GET /sys/mounts``."""
        return f"{self.method} {self.path}"

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that the method can mean; a path that ends in a slash can only be listed."""
        return LISTINGS if self.lists and self.path.endswith("/") else OPERATIONS[self.method]

    @property
    def below(self) -> str:
        """The path below its mount."""
        return self.path.split("/", 3 if self.path.startswith("/auth/") else 2)[-1]


@dataclass(frozen=True)
class TableOperation:
    """An operation in the path table of a plugin."""

    type: str
    """``secret/azure``."""
    path: str
    """The path below the mount, with parameters in braces; one that ends in a slash is listed."""
    operation: Operation
    source: str

    @property
    def name(self) -> str:
        """``update roles/{name}``."""
        return f"{self.operation.value} {self.path}"

    @property
    def samples(self) -> tuple[str, ...]:
        """The path with each of the ``SAMPLES`` in place of its parameters."""
        return tuple(dict.fromkeys(re.sub(r"\{\w+\}", sample, self.path) for sample in SAMPLES))


@dataclass
class Group:
    """The coverage of one engine or auth method."""

    name: str
    operations: int = 0
    parameters: int = 0
    emulated: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lacking_operations: list[str] = field(default_factory=list)
    lacking_parameters: list[str] = field(default_factory=list)


def surface(product: Product) -> tuple[SurfaceOperation, ...]:
    """Return every operation that the product's OpenAPI document names."""
    return _surface(product.name)


@cache
def _surface(name: str) -> tuple[SurfaceOperation, ...]:
    text = (DATA / f"surface-{name}.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, dict[str, str]]] = json.loads(text)
    return tuple(
        SurfaceOperation(group, path, method, "?" in flags, "!" in flags, "/" in flags, frozenset(names))
        for group, paths in found.items()
        for path, methods in paths.items()
        for method, (flags, *names) in ((method, told.split(" ")) for method, told in methods.items())
    )


def tabled(product: Product) -> tuple[TableOperation, ...]:
    """Return every operation of the path tables of the types that the product's OpenAPI document lacks."""
    return _tabled(OPENBAO.name if product is OPENBAO else VAULT.name)


@cache
def _tabled(name: str) -> tuple[TableOperation, ...]:
    text = (DATA / "plugin-paths.json").read_text(encoding="utf-8")
    tables: dict[str, dict[str, dict[str, str | dict[str, str]]]] = json.loads(text)
    found = []
    for mount_type, table in tables[name].items():
        source, paths = table["source"], table["paths"]
        assert isinstance(source, str)
        assert isinstance(paths, dict)
        for path, operations in paths.items():
            found += [TableOperation(mount_type, path, Operation(word), source) for word in operations.split()]
    return tuple(found)


def answering(operation: TableOperation, product: Product) -> list[str]:
    """Return the paths below the mount at which an operation of a path table is declared."""
    kind, plugin_type = operation.type.split("/")
    engine = registry.engine(registry.implementation(plugin_type, None, kind).type)
    routed = ((at, engine.route(at, product)) for at in operation.samples)
    return [at for at, found in routed if found is not None and operation.operation in found[0].operations]


def engine_of(group: str) -> Engine:
    """Return the engine that answers a group of the surface."""
    return registry.engine(ENGINES.get(group, group.removeprefix("auth-")))


def routed(operation: SurfaceOperation, product: Product) -> Iterator[tuple[str, Endpoint]]:
    """Yield paths below the mount that an operation can mean, with the endpoint that each is routed to."""
    engine = engine_of(operation.group)
    for sample in SAMPLES:
        plain = re.sub(r"\{\w+\}", sample, operation.below)
        for at in dict.fromkeys((plain, plain.rstrip("/") + "/" if operation.lists else plain)):
            found = engine.route(at, product)
            if found is not None:
                yield at, found[0]


def serving(operation: SurfaceOperation, product: Product) -> list[Endpoint]:
    """Return the endpoints that answer an operation: those declared with the same path, and those it is routed to."""
    shape = _shape(operation.below)
    known = engine_of(operation.group).endpoints_of(product)
    alike = [e for e in known if any(_shape(path) == shape for path in spellings(e.template))]
    found = {id(endpoint): endpoint for endpoint in (*alike, *(endpoint for _, endpoint in routed(operation, product)))}
    return [e for e in found.values() if any(one in e.operations for one in operation.operations)]


def emulation(operation: SurfaceOperation, product: Product) -> Emulation:
    """Return how far an operation is emulated."""
    found = {endpoint.emulation for endpoint in serving(operation, product)}
    return next((one for one in Emulation if one in found), Emulation.NONE)


def _shape(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path).rstrip("/")


def groups(product: Product) -> list[Group]:
    """Return the coverage of a product, by engine and auth method."""
    return _groups(product.name)


@cache
def _groups(name: str) -> list[Group]:
    product = PRODUCTS[name]
    found: dict[str, Group] = {}
    for operation in surface(product):
        group = found.setdefault(operation.group, Group(operation.group))
        group.operations += 1
        how = emulation(operation, product)
        column = {
            Emulation.FULL: group.emulated,
            Emulation.REFUSED: group.refused,
            Emulation.NONE: group.lacking_operations,
        }
        column[how].append(operation.name)
        if how is Emulation.FULL:
            group.parameters += len(operation.parameters)
            endpoints = serving(operation, product)
            known = {name for e in endpoints for name, declared in e.fields.items() if declared.known_to(product)}
            if not any(endpoint.arbitrary for endpoint in endpoints):
                group.lacking_parameters += [f"{operation.name}: {one}" for one in sorted(operation.parameters - known)]
    for group in found.values():
        group.refused.sort()
        group.lacking_operations.sort()
        group.lacking_parameters.sort()
    return list(found.values())


def page() -> str:
    """Return the text of docs/coverage.md."""
    lines = ["# Coverage", "", *INTRODUCTION.splitlines()]
    for product in SURVEYED:
        lines += _surveyed(product)
    return "\n".join(lines + _further()) + "\n"


def _surveyed(product: Product) -> list[str]:
    found = groups(product)
    lines = [
        "",
        f"## {product.texts.product} {product.version}",
        "",
        "| group | operations | emulated | refused | not emulated | parameters | known |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for group in found:
        counts = (len(group.emulated), len(group.refused), len(group.lacking_operations), group.parameters)
        known = group.parameters - len(group.lacking_parameters)
        lines.append(f"| {group.name} | {group.operations} | {' | '.join(map(str, counts))} | {known} |")
    lines += _listing("Refused as by the community edition", {g.name: g.refused for g in found})
    lines += _listing("Not emulated", {g.name: g.lacking_operations for g in found})
    return lines + _listing("Parameters not known", {g.name: g.lacking_parameters for g in found})


def _further() -> list[str]:
    """Return the lines on the types without an OpenAPI document, by their path tables."""
    lines = ["", "## Further types", "", *FURTHER.splitlines(), ""]
    lines += ["| type | of | operations | emulated | source |", "| --- | --- | ---: | ---: | --- |"]
    lacking: dict[str, list[str]] = {}
    rows = []
    for product in SURVEYED:
        by_type: dict[str, list[TableOperation]] = {}
        for operation in tabled(product):
            by_type.setdefault(operation.type, []).append(operation)
        for mount_type, all_of_it in by_type.items():
            missing = [operation.name for operation in all_of_it if not answering(operation, product)]
            lacking[f"{mount_type} ({product.texts.product})"] = missing
            counts = f"{len(all_of_it)} | {len(all_of_it) - len(missing)}"
            rows.append(f"| {mount_type} | {product.texts.product} | {counts} | {all_of_it[0].source} |")
    return [*lines, *sorted(rows), *_listing("Not emulated", lacking)]


def _listing(title: str, entries: dict[str, list[str]]) -> list[str]:
    lines = ["", f"### {title}", ""]
    for name, listed in entries.items():
        if listed:
            lines += [f"#### {name}", "", *(f"- `{entry}`" for entry in listed), ""]
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
