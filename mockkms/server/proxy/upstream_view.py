"""The view of a request to a real server for rules and journal, derived from method, path and headers.

The mount is a known one, else the first segment of the path, for auth methods ``auth/`` and the second one. For mounts
of known type, and those that every server has, the endpoint is that of the emulated engine; for others it is derived
from the segment after the mount. Namespaces in the path, and whether a write creates, cannot be recognized.
"""

from __future__ import annotations

from mockkms.faults import View
from mockkms.faults.request_view import Facts, named_in
from mockkms.server.gateway.exchange import HttpRequest
from mockkms.server.gateway.request_views import service_of, wire_target
from mockkms.server.gateway.target import parse_query
from mockkms.server.proxy.learned import Learned
from mockkms.vault.framework import registry
from mockkms.vault.framework.message import Operation, operation_of_method
from mockkms.vault.kernel.node import node_status
from mockkms.world.journal.entry import admin_key, short_path
from mockkms.world.world import World

_EVERYWHERE = ("sys/", "identity/", "cubbyhole/", "auth/token/")
_WHOLE_PATH = frozenset(("data", "metadata", "detailed-metadata", "delete", "undelete", "destroy", "subkeys"))
"""KV version 2: the path of a secret follows."""
_FORMS = frozenset(("datakey", "export", "byok-export"))
"""Transit: a type precedes the key."""
_NAMED = frozenset((
    "keys", "encrypt", "decrypt", "rewrap", "sign", "verify", "hmac", "backup", "restore", "cache-config", "hash",
    "random", "wrapping_key", "role", "roles", "creds", "static-role", "static-roles", "static-creds", "config",
    "issue", "sign-verbatim", "cert", "certs", "user", "users", "groups", "login", "rotate-root", "rotate-role",
))  # fmt: skip
_TRUE = ("1", "t", "T", "TRUE", "true", "True")


def view_from_outside(world: World, http: HttpRequest, learned: Learned) -> View:
    """Return the view of a request for the rules of a proxy."""
    service, target = service_of(http), wire_target(http)
    path = short_path(service, target)

    def facts() -> Facts:
        if service == "rustfs":
            return Facts(key=admin_key(target, http.body), token=http.header_facts.token)
        return _facts(world, http, path, learned)

    return View(
        service, http.method, path, target, http.headers, http.body,
        operation=lambda: str(operation_of(http)), facts=facts, server=lambda: node_status(world.core),
    )  # fmt: skip


def operation_of(http: HttpRequest) -> Operation:
    """Return the operation as named in policies; every write is an ``update``."""
    values = parse_query(http.query) if http.query else {}
    if values.get("help", [""])[0]:
        return Operation.HELP
    if http.method == "GET":
        for word, operation in (("list", Operation.LIST), ("scan", Operation.SCAN)):
            if values.get(word, [""])[0] in _TRUE:
                return operation
    return operation_of_method(http.method)


def namespace_of(http: HttpRequest) -> str:
    """Return the namespace in the header, ``""`` or ``a/b/``."""
    name = http.headers.get("X-Vault-Namespace", "").strip("/")
    return name + "/" if name else ""


def _facts(world: World, http: HttpRequest, path: str, learned: Learned) -> Facts:
    namespace, token = namespace_of(http), http.header_facts.token
    mount = learned.mount(namespace, path) or _first(path)
    endpoint = _endpoint(world, mount, path[len(mount) :], learned.implementation(namespace, mount))
    accessor, policies = learned.token(token)
    return Facts(
        mount=mount,
        key=named_in(endpoint, path[len(mount) :]),
        namespace=namespace,
        token=token,
        accessor=accessor,
        policies=policies,
        endpoint=endpoint,
    )


def _first(path: str) -> str:
    first, _, rest = path.partition("/")
    return f"auth/{rest.partition('/')[0]}/" if first == "auth" and rest else first + "/"


def _endpoint(world: World, mount: str, below: str, implementation: str) -> str:
    """Return the template that a path below a mount most likely matches."""
    if implementation:
        found = registry.engine(implementation).route(below, world.core.product)
        return found[0].template if found is not None else ""
    if mount in _EVERYWHERE:
        return _known(world, mount, below)
    verb = below.partition("/")[0]
    if verb in _WHOLE_PATH:
        return verb + "/{path:all}"
    if verb in _FORMS:
        return verb + "/{type}/{name}"
    if verb in _NAMED or mount.startswith("auth/"):
        return verb + "/{name}"
    return "{path:all}"


def _known(world: World, mount: str, below: str) -> str:
    found = world.core.state.mounts.get("", mount)
    endpoint = registry.engine(found.engine).route(below, world.core.product) if found is not None else None
    return endpoint[0].template if endpoint is not None else ""


def asks_for_a_token(world: World, mount: str, path: str) -> bool:
    """Return whether a path most likely requires a token."""
    below = path[len(mount) :]
    if mount in _EVERYWHERE:
        found = world.core.state.mounts.get("", mount)
        endpoint = registry.engine(found.engine).route(below, world.core.product) if found is not None else None
        return endpoint is None or not (endpoint[0].is_login(world.core.product) or endpoint[0].outside)
    return not (mount.startswith("auth/") and below.partition("/")[0] in ("login", "oidc"))
