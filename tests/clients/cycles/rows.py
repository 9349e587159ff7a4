"""The table of resources that the tests take through their lives, and the requests of one life.

A file of ``table/`` is a list of groups; a group has rows with the same mount. The keys of a group:

- ``mount``: ``secret/TYPE`` or ``auth/TYPE``, mounted for each row below ``at``; paths that start with ``/`` are
  absolute, all others are below that mount. Without ``mount`` every path is absolute, and ``group`` names the group
- ``options``, ``at``: of the mount; ``at`` is the last part of the type unless it is given
- ``before``: requests that every row needs, ``[write, PATH, DATA, {NAME: RESULT}]``. ``RESULT`` is a dotted path in
  the data of the answer; ``${NAME}`` is its value from there on
- ``after``: requests that remove what ``before`` made outside the mount
- ``rows``, and the defaults of all keys of rows

The keys of a row:

- ``name``: says what it is; ``path``: where it is read, written and deleted
- ``send``: the parameters of the create; ``change``: those of the update, one or two that differ; ``resend``: what has
  to be sent with the update too (secrets); ``partial: false`` sends ``send`` again with the update
- ``shows``: parameters that the read shows in another form than they were sent, or that it adds; ``then``: the same
  after the update; ``hides``: those that it never shows; a dotted name is a member of an object
- ``create``: the path of the create, and ``save`` what of its answer to keep, for resources that get an identifier
- ``update``: the path of the update; ``read``, ``within``: the path of the read and the member of its data;
  ``reader``: ``list`` where only a list shows it
- ``list``: the path of the list; ``listed``: the name there, else the last part of ``path``; false: none
- ``absent``: the status of a read before the create; ``gone``: after the delete; 404 for both. ``delete: false``: it
  cannot be deleted; ``again``: the status of a second delete
- ``moves``: members of the read that change by themselves, such as a version
- ``only``: the products that have it
- ``apply``: false: everything cannot be sent once more
- ``spelled``: false: parameters cannot be sent in other spellings (``drift.py``)

A product's own ``send``, ``shows``, ``hides`` and so on are in a mapping of its name, added to the row's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mockkms.vault.products import product_named
from tests.clients.cycles.values import VALUES

PRODUCTS = ("vault", "vault-1.21", "openbao")
TABLE = Path(__file__).parent / "table"
Data = dict[str, Any]
ID = "01234567-89ab-cdef-0123-456789abcdef"
"""An identifier, where a path has one that only an answer has."""


@dataclass(frozen=True)
class Step:
    """One request: ``read``, ``write``, ``list`` or ``delete``, and which part of the life it is."""

    label: str
    verb: str
    path: str
    data: Data | None = None
    save: Mapping[str, str] = field(default_factory=dict)
    """Names of values that later steps use, with their dotted paths in the data of this answer."""


@dataclass(frozen=True)
class Row:
    """One resource of the table, for one product; the keys are described above."""

    name: str
    path: str
    group: str
    product: str
    mount: str = ""
    at: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    before: tuple[list[Any], ...] = ()
    after: tuple[list[Any], ...] = ()
    send: Data = field(default_factory=dict)
    change: Data = field(default_factory=dict)
    resend: Data = field(default_factory=dict)
    partial: bool = True
    shows: Data = field(default_factory=dict)
    then: Data = field(default_factory=dict)
    hides: tuple[str, ...] = ()
    create: str = ""
    save: Mapping[str, str] = field(default_factory=dict)
    update: str = ""
    read: str = ""
    reader: str = "read"
    within: str = ""
    list: str | bool = True
    listed: str = ""
    absent: int = 404
    gone: int = 404
    delete: bool = True
    again: int = 204
    moves: tuple[str, ...] = ()
    only: tuple[str, ...] = PRODUCTS
    spelled: bool = True
    apply: bool = True

    @property
    def label(self) -> str:
        """The name in reports: ``vault: transit key``."""
        return f"{self.product}: {self.group} {self.name}"

    @property
    def base(self) -> str:
        """The path of the mount."""
        return "" if not self.mount else f"auth/{self.at}" if self.mount.startswith("auth/") else self.at

    def full(self, path: str) -> str:
        """A path of the row as clients send it."""
        if path.startswith("/") or not self.base:
            return path.removeprefix("/")
        return f"{self.base}/{path}" if path else self.base

    @property
    def kept_name(self) -> str:
        """The name that the list shows."""
        return self.listed or self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        """The path of the list; empty if there is none."""
        if self.list is False:
            return ""
        return self.path.rpartition("/")[0] if self.list is True else str(self.list)

    @property
    def listable(self) -> bool:
        """Whether the row has a list."""
        return bool(self.folder)

    def setup(self) -> list[Step]:
        """The mount, and what the row needs."""
        steps = []
        if self.mount:
            kind, _, mount_type = self.mount.partition("/")
            tree = "sys/auth" if kind == "auth" else "sys/mounts"
            options = {"options": dict(self.options)} if self.options else {}
            steps.append(Step("mount", "write", f"{tree}/{self.at}", {"type": mount_type, **options}))
            steps.append(Step("accessor", "read", f"{tree}/{self.at}", save={"accessor": "accessor"}))
        return steps + [self.stated("before", *stated) for stated in self.before]

    def stated(self, label: str, verb: str, path: str, data: Data | None = None, save: Any = None) -> Step:
        """A request of ``before`` or ``after``."""
        return Step(label, verb, self.full(path), data, save or {})

    def teardown(self) -> list[Step]:
        """Remove the mount, and what was made outside it."""
        tree = "sys/auth" if self.mount.startswith("auth/") else "sys/mounts"
        removed = [self.stated("after", *stated) for stated in self.after]
        return [*removed, *([Step("unmount", "delete", f"{tree}/{self.at}")] if self.mount else [])]

    def written(self, label: str, data: Data, *, create: bool = False) -> Step:
        """A write."""
        path = self.create if create and self.create else self.update if self.update and not create else self.path
        return Step(label, "write", self.full(path), data, self.save if create else {})

    def looked_at(self, label: str) -> Step:
        """A read."""
        return Step(label, self.reader, self.full(self.read or self.path))

    def names(self, label: str) -> list[Step]:
        """A list, if the row has one."""
        return [Step(label, "list", self.full(self.folder))] if self.listable else []

    def life(self) -> list[Step]:
        """Every request from the mount to its removal."""
        change = {**({} if self.partial else self.send), **self.resend, **self.change}
        steps = self.setup()
        if not self.save:
            steps.append(self.looked_at("absent"))
        steps += [self.written("create", self.send, create=True), self.looked_at("created"), *self.names("listed")]
        if self.change:
            steps += [self.written("change", change), self.looked_at("changed"), self.looked_at("imported")]
        if self.apply:
            steps += [self.written("apply", {**self.send, **change}), self.looked_at("applied")]
        if self.delete:
            steps += [Step("delete", "delete", self.full(self.path)), self.looked_at("gone"), *self.names("left")]
            steps.append(Step("again", "delete", self.full(self.path)))
        return steps + self.teardown()


def with_values(value: Any, saved: Mapping[str, str]) -> Any:
    """A path, data or expectation with the values of earlier answers."""
    text = json.dumps(value)
    for name, known in saved.items():
        text = text.replace("${" + name + "}", json.dumps(known)[1:-1])
    return json.loads(text)


def _fields(product: str, group: Data, row: Data) -> Data:
    """The keys of one row in one product: those of its group, its own, and those for the product."""
    found: Data = {key: value for key, value in group.items() if key != "rows"}
    for key, value in row.items():
        found[key] = [*found[key], *value] if key in ("before", "after") and key in found else value
    for name in PRODUCTS:
        own = found.pop(name, {})
        if name == product:
            for key, value in own.items():
                found[key] = {**found.get(key, {}), **value} if isinstance(value, dict) else value
    for key in ("before", "after", "hides", "moves", "only"):
        if key in found:
            found[key] = tuple(found[key])
    kind, _, mount_type = found.get("mount", "").partition("/")
    found.setdefault("at", mount_type)
    found.setdefault("group", f"{kind}/{found['at']}")
    return found


def _mounts(product: str, mount: str) -> bool:
    kind, _, mount_type = mount.partition("/")
    return not mount or product_named(product).builtins.has(kind, mount_type)


def rows() -> Iterator[Row]:
    """Every row of the table for every product that has it."""
    for file in sorted(TABLE.glob("*.yaml")):
        groups = with_values(yaml.safe_load(file.read_text()), VALUES)
        for product in PRODUCTS:
            for group in groups:
                for row in group["rows"]:
                    made = Row(product=product, **_fields(product, group, row))
                    if product in made.only and _mounts(product, made.mount):
                        yield made
