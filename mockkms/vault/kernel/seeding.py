"""Writing and reading a predefined world through the endpoints, without a request or a token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework import registry
from mockkms.vault.framework.message import Auth, Operation, Request, Response
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.mounts import matching
from mockkms.vault.mounts.table import Mount
from mockkms.vault.policy import names
from mockkms.vault.tokens import ttl
from mockkms.vault.tokens.token import Token

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def write(
    core: Context, mount: Mount, below: str, data: Mapping[str, object], operation: Operation = Operation.UPDATE
) -> Response | None:
    """Write ``data`` to a path below a mount, as root would, or do another ``operation`` there.

    Raises VaultError with the server's text.
    """
    engine = registry.engine(mount.engine)
    request = Request(operation, mount.path + below, data=dict(data), namespace=mount.namespace)
    found = matching.match(core, mount.namespace, request.path)
    if operation is Operation.UPDATE and matching.exists(core, request, found) is False:
        request.operation = Operation.CREATE
    return engine.dispatch(core, request, found)


def add_token(core: Context, spec: Mapping[str, object], namespace: str = "") -> Token:
    """Create a token from a description: ``id`` (any text), ``policies``, ``ttl``, ``period``, ``explicit_max_ttl``,
    ``num_uses``, ``renewable``, ``meta``, ``display_name``, ``type`` (service or batch), ``parent`` (a token's id;
    without one it is an orphan), ``entity_id``, ``bound_cidrs``, ``no_default_policy``.

    Durations are seconds or texts such as ``1h``. Without ``ttl``, ``root`` never expires and others get the mount's
    default. Raises ValueError for a malformed duration, an id in use, and a batch token with an id or a use count.
    """
    policies = names.sanitize(_texts(spec, "policies"), add_default=not spec.get("no_default_policy", False))
    batch = spec.get("type") == "batch"
    token_id = str(spec.get("id") or "")
    if batch and (token_id or spec.get("num_uses")):
        raise ValueError("a batch token cannot have `id` or `num_uses`")
    if token_id in core.state.tokens.by_id:
        raise ValueError(f"token {token_id!r} exists already")
    period, explicit = _seconds(spec, "period"), _seconds(spec, "explicit_max_ttl")
    lifetime = _seconds(spec, "ttl")
    mount = core.state.mounts.get(namespace, "auth/token/")
    if mount is not None and (period or lifetime or "root" not in policies):
        lifetime, _ = ttl.calculate(
            core.limits(mount), core.clock.now(), ttl=lifetime, period=period, explicit_max_ttl=explicit
        )
    token = Token(
        id=token_id,
        accessor="",
        policies=policies,
        display_name=str(spec.get("display_name") or "token"),
        meta=_meta(spec.get("meta")),
        num_uses=int(str(spec.get("num_uses") or 0)),
        parent=str(spec.get("parent") or ""),
        ttl=lifetime,
        explicit_max_ttl=explicit,
        period=period,
        type="batch" if batch else "service",
        entity_id=str(spec.get("entity_id") or ""),
        namespace=namespace,
        bound_cidrs=_texts(spec, "bound_cidrs"),
    )
    renewable = bool(spec.get("renewable", True)) and lifetime > 0
    auth = Auth(
        policies=list(policies), token_policies=list(policies), renewable=renewable, period=period,
        explicit_max_ttl=explicit, display_name=token.display_name,
    )  # fmt: skip
    return core.tokens.create(token, auth) if batch else core.tokens.put(token, auth)


def _meta(given: object) -> dict[str, str] | None:
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, Mapping) else None


def _texts(spec: Mapping[str, object], name: str) -> list[str]:
    value = spec.get(name)
    return [str(item) for item in value] if isinstance(value, Iterable) else []


def _seconds(spec: Mapping[str, object], name: str) -> int:
    value = spec.get(name)
    return 0 if value is None else int(parse_seconds(value))


def dump_tokens(core: Context) -> list[dict[str, object]]:
    """Return every service token as ``add_token`` reads it, with ``namespace`` unless it is the root; ``ttl`` is the
    time left. Wrapping tokens are left out, and so are batch tokens, which the server does not store.
    """
    found = []
    by_id = core.state.tokens.by_id
    for token in by_id.values():
        if token.wrapping or token.num_uses < 0:
            continue
        entry = core.leases.of_token(token)
        renewable = entry is not None and (entry.renewable or not entry.expires)
        spec: dict[str, object] = {
            "id": token.id,
            "policies": [name for name in token.policies if name != "default"],
            "ttl": core.leases.ttl_left(entry) if entry is not None else 0,
            "period": token.period,
            "explicit_max_ttl": token.explicit_max_ttl,
            "num_uses": token.num_uses,
            "meta": token.meta,
            "parent": token.parent if token.parent in by_id else "",
            "entity_id": token.entity_id,
            "bound_cidrs": token.bound_cidrs,
            "namespace": token.namespace,
            "no_default_policy": not {"default", "root"} & set(token.policies),
        }
        shown = {name: value for name, value in spec.items() if value}
        if token.display_name != "token":
            shown["display_name"] = token.display_name
        if not renewable:
            shown["renewable"] = False
        found.append(shown)
    return found
