"""Collections whose names may contain slashes, and which are listed folder by folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Fields, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.framework.records import Record
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

S = TypeVar("S")
R = TypeVar("R", bound=Record)
NAME = r"{name:re(\w(?:[\w\-./]*\w)?)}"
"""The template of a name in paths."""


def checked_name(call: Call, name: str) -> str:
    """Return a name in lower case. Raises BackendError for one with slashes in a product without folders."""
    if "/" in name and not call.core.product.has(Feature.LDAP_FOLDERS):
        call.request.trace.unhandled = True
        raise unsupported_path()
    return name.lower()


class FolderCollection(Collection[S, R]):
    """Records by name; in products with ``Feature.LDAP_FOLDERS`` the names may contain slashes."""

    def __init__(
        self,
        engine: Engine,
        folder: str,
        record: type[R],
        records: Callable[[S], dict[str, R]],
        *,
        help: str,
        list_help: str,
        extra: Fields | None = None,
        go_errors: bool = False,
        shown: Callable[[R, Product], Mapping[str, object]] | None = None,
        deletes: bool = True,
    ) -> None:
        """Declare the endpoints; ``deletes``: whether a delete is supplied. Other arguments are as for Collection."""
        more: dict[str, Any] = {"shown": shown, "extra": extra, "go_errors": go_errors}
        supplied = (Operation.READ, Operation.DELETE) if deletes else (Operation.READ,)
        super().__init__(
            engine, f"{folder}/{NAME}", record, records, help=help, list_help=list_help, paged=False, supplies=supplied,
            name=Field(Kind.LOWER_STRING, help="Name."), lists=(f"{folder}[/]",), **more,
        )  # fmt: skip
        self.listing.on(Operation.LIST)(self._list_folder)
        below = engine.path(f"{folder}/{{path:all}}", help=list_help, needs=Feature.LDAP_FOLDERS)
        below.on(Operation.LIST)(self._list_folder)

    def name_in(self, call: Call) -> str:
        """Return the name in the path of ``call``. Raises BackendError if the product has no such names."""
        return checked_name(call, call["name"])

    def _list_folder(self, state: S, call: Call) -> Reply:
        below = call["path"].strip("/").lower() if "path" in call else ""
        below += "/" if below else ""
        names = [name.removeprefix(below) for name in self.records(state) if name.startswith(below)]
        keys = sorted({head + slash for head, slash, _ in (name.partition("/") for name in names)})
        return {"keys": keys} if keys else {}
