"""Tokens and mounts of a real server, as its responses show them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from mockkms.faults import View
from mockkms.faults.request_view import json_object
from mockkms.vault.framework import registry

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_LIMIT = 10_000
"""Maximum number of tokens, and of mounts; the oldest are forgotten first."""
_TABLES = {"sys/mounts": "", "sys/auth": "auth/"}
_READS = ("GET", "HEAD")


class Learned:
    """The known tokens and mounts, shared by all worlds in front of one server. No requests are sent to learn more."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, tuple[str, tuple[str, ...]]] = OrderedDict()
        self._mounts: OrderedDict[tuple[str, str], str] = OrderedDict()
        """Implementation of the type, by namespace and path; empty if it is not emulated. A list of mounts removes
        none, because its token may not see all."""

    def learn(self, view: View, namespace: str, token: str, status: int, body: bytes) -> None:
        """Learn from the response for ``token``: created or looked up tokens; created, removed or listed mounts."""
        if status >= 300:
            return
        if b'"accessor"' in body:
            self._from_tokens(view.path, token, json_object(body))
        if view.path.startswith("sys/"):
            self._from_mounts(view, namespace, body)

    # -- tokens ------------------------------------------------------------------------------------------------------

    def token(self, token: str) -> tuple[str, tuple[str, ...]]:
        """Return accessor and policies of a token; empty for an unknown token."""
        return self._tokens.get(token, ("", ()))

    def _from_tokens(self, path: str, token: str, document: dict[str, object]) -> None:
        auth, data = document.get("auth"), document.get("data")
        if isinstance(auth, dict):
            self._keep(auth.get("client_token"), auth)
        elif isinstance(data, dict) and path.endswith("auth/token/lookup-self"):
            self._keep(token, data)
        elif isinstance(data, dict) and path.endswith("auth/token/lookup"):
            self._keep(data.get("id"), data)

    def _keep(self, token: object, properties: dict[str, object]) -> None:
        accessor, policies = properties.get("accessor"), properties.get("policies")
        if isinstance(token, str) and token and isinstance(accessor, str):
            listed = policies if isinstance(policies, list) else []
            self._tokens[token] = (accessor, tuple(name for name in listed if isinstance(name, str)))
            _bound(self._tokens, token)

    # -- mounts ------------------------------------------------------------------------------------------------------

    def mount(self, namespace: str, path: str) -> str:
        """Return the longest known mount that contains a path; empty without one."""
        parts = (path + "/").split("/")
        for count in range(len(parts) - 1, 0, -1):
            candidate = "/".join(parts[:count]) + "/"
            if (namespace, candidate) in self._mounts:
                return candidate
        return ""

    def implementation(self, namespace: str, mount: str) -> str:
        """Return the name of the engine of a known mount; empty if mount or type are unknown."""
        return self._mounts.get((namespace, mount), "")

    def _from_mounts(self, view: View, namespace: str, body: bytes) -> None:
        path = view.path
        if path.startswith("sys/internal/ui/mounts"):
            self._from_overview(namespace, json_object(body).get("data"))
        for table, front in _TABLES.items():
            below = path[len(table) + 1 :]
            if path == table and view.method in _READS:
                self._add(namespace, front, json_object(body).get("data"))
            elif path.startswith(table + "/") and not below.endswith("/tune"):
                if view.method in ("POST", "PUT"):
                    self._add(namespace, front, {below + "/": json_object(view.body)})
                elif view.method == "DELETE":
                    self._mounts.pop((namespace, front + below + "/"), None)

    def _from_overview(self, namespace: str, data: object) -> None:
        if not isinstance(data, dict):
            return
        if isinstance(data.get("path"), str):
            self._add(namespace, "", {data["path"]: data})
        self._add(namespace, "", data.get("secret"))
        self._add(namespace, "auth/", data.get("auth"))

    def _add(self, namespace: str, front: str, listed: object) -> None:
        for path, mount in listed.items() if isinstance(listed, dict) else ():
            if path.endswith("/") and path != "/" and isinstance(mount, dict):
                self._mounts[namespace, front + path] = _implementation(front, mount)
                _bound(self._mounts, (namespace, front + path))


def _implementation(front: str, mount: dict[str, object]) -> str:
    """Return the name of the engine of a mount as lists and requests describe it; empty if it is not emulated."""
    kind, options = "auth" if front else "secret", mount.get("options")
    given = {name: str(text) for name, text in options.items()} if isinstance(options, dict) else {}
    name = mount.get("type")
    if not isinstance(name, str) or not registry.emulated(kind, name):
        return ""
    return registry.implementation(name, given, kind).type


def _bound(known: OrderedDict[_Key, _Value], newest: _Key) -> None:
    known.move_to_end(newest)
    if len(known) > _LIMIT:
        known.popitem(last=False)
