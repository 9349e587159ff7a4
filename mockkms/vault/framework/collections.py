"""Collections: records by name below one path. A declaration supplies list, read, delete and the existence check.

    roles = Collection(engine, "role/{name}", Role, lambda state: state.roles, help="A role.", list_help="All roles.")

    @roles.write
    def write(state: State, call: Call, name: str, role: Role) -> Reply: ...

A collection with an operation of its own declares it on ``roles.one`` or ``roles.listing``, as on any endpoint, and
leaves it out of ``supplies``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Mapping
from typing import Generic, TypeVar

from mockkms.vault.framework.endpoint import Call, Field, Fields, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.handlers import Arguments, keyword_names
from mockkms.vault.framework.message import Operation
from mockkms.vault.framework.records import Record
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

S = TypeVar("S")
R = TypeVar("R", bound=Record)
W = TypeVar("W", bound=Callable[..., Reply])
_ALL = (Operation.LIST, Operation.READ, Operation.DELETE)
PAGE = {
    "after": Field(Kind.STRING, query=True, help="Name after which to start.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, query=True, help="Largest number of names to return; 0: all.", needs=Feature.PAGINATION),
}
"""The parameters of a list that can be read in pages."""


def page(names: list[str], after: str, limit: int) -> list[str]:
    """Return the part of sorted ``names`` after ``after`` (which need not exist), at most ``limit`` if that is > 0."""
    if after:
        names = [name for name in names if name > after]
    return names[:limit] if limit > 0 else names


class Collection(Generic[S, R]):
    """Records of one class, by name, in the state of a mount."""

    def __init__(
        self,
        engine: Engine,
        template: str,
        record: type[R],
        records: Callable[[S], dict[str, R]],
        *,
        help: str,
        list_help: str,
        name: Field | None = None,
        lower: bool = False,
        extra: Fields | None = None,
        paged: bool = True,
        empty_list: bool = False,
        existence: bool = True,
        needs: Feature | None = None,
        go_errors: bool = False,
        lists: tuple[str, ...] = (),
        supplies: Container[Operation] = _ALL,
        shown: Callable[[R, Product], Mapping[str, object]] | None = None,
        listed: Callable[[R], Mapping[str, object]] | None = None,
    ) -> None:
        """Declare ``template``, whose first capture is the name of a record, and the list of its folder.

        Args:
            engine: The engine of the endpoints.
            template: The path template of one record, such as ``role/{name}``.
            record: The class of the records.
            records: Returns the records of a state, by name.
            help: The help text of one record's endpoint.
            list_help: The help text of the list.
            name: The field of the name.
            lower: Whether names are kept in lower case.
            extra: Parameters of a write that are not members of the record.
            paged: Whether the list has ``after`` and ``limit``.
            empty_list: Whether an empty list has status 200; 404 without.
            existence: Whether policies distinguish creates from updates; if not, every write is an update.
            needs: Only products with this feature have the paths.
            go_errors: Whether the real server answers some requests for one record with status 500.
            lists: The path templates of the list, where it is not that of the folder, ``role[/]``.
            supplies: The operations supplied, of list, read and delete.
            shown: Returns what a read shows, in place of ``Record.shown``.
            listed: Returns what the list shows of a record under ``key_info``.
        """
        self.record = record
        self.records = records
        self.lower = lower
        folder, _, rest = template.partition("/{")
        self.folder = folder
        self._shown = shown
        self._listed = listed
        self._empty_list = empty_list
        self._paged = paged
        self._existence = existence
        self._capture = capture = rest.partition("}")[0].partition(":")[0]
        named = name or Field(Kind.STRING, help="Name.")
        self.one = engine.path(
            template,
            lambda: {capture: named, **record.fields(), **(extra or {})},
            help=help,
            needs=needs,
            go_errors=go_errors,
        )
        self.listing, *also = [
            engine.path(listed_at, PAGE if paged else {}, help=list_help, needs=needs)
            for listed_at in lists or (f"{folder}[/]",)
        ]
        if Operation.LIST in supplies:
            for listing in (self.listing, *also):
                listing.on(Operation.LIST)(self._list)
        if Operation.READ in supplies:
            self.one.on(Operation.READ)(self._read)
        if Operation.DELETE in supplies:
            self.one.on(Operation.DELETE)(self._delete)
        if existence:
            self.one.existence(self._exists)

    def name_in(self, call: Call) -> str:
        """Return the name in the path of ``call`` as records are kept under it."""
        name: str = call[self._capture]
        return name.lower() if self.lower else name

    def records_of(self, state: S, call: Call) -> dict[str, R]:
        """Return the records that ``call`` sees, by name; a subclass may keep them outside the state of the mount."""
        return self.records(state)

    def find(self, state: S, call: Call) -> R | None:
        """Return the record that the path of ``call`` names, or None."""
        return self.records_of(state, call).get(self.name_in(call))

    def write(self, handler: W) -> W:
        """Register the decorated function of state, call, name and record as the handler of writes.

        The record is a copy of the present one, or a new one. The function changes it (``Record.update_from``); when
        the function returns, the record is kept. Further parameters are typed keyword-only arguments.
        """
        arguments = Arguments(handler, self.one) if keyword_names(handler) else None

        @functools.wraps(handler)
        def write(state: S, call: Call) -> Reply:
            name = self.name_in(call)
            found = self.records_of(state, call).get(name)
            record = self.record() if found is None else found.copy()
            reply = handler(state, call, name, record, **(arguments.of(call) if arguments else {}))
            self.records_of(state, call)[name] = record
            return reply

        operations = (Operation.CREATE, Operation.UPDATE) if self._existence else (Operation.UPDATE,)
        self.one.on(*operations)(write)
        return handler

    def _list(self, state: S, call: Call) -> Reply:
        records = self.records_of(state, call)
        names = sorted(records)
        if self._paged:
            names = page(names, call["after"], call["limit"])
        if not names:
            return {"keys": names} if self._empty_list else {}
        if self._listed is None:
            return {"keys": names}
        return {"keys": names, "key_info": {name: self._listed(records[name]) for name in names}}

    def _exists(self, state: S, call: Call) -> bool:
        return self.find(state, call) is not None

    def _read(self, state: S, call: Call) -> Reply:
        found = self.find(state, call)
        if found is None:
            return None
        product = call.core.product
        return found.shown(product) if self._shown is None else self._shown(found, product)

    def _delete(self, state: S, call: Call) -> None:
        self.records_of(state, call).pop(self.name_in(call), None)
