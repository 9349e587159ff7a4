"""Audit log lines: one for the request and one for the answer, as the real server's JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockkms.vault.audit.device import Device, audited_headers, devices, hashed
from mockkms.vault.framework.message import ErrorResponse, Operation, Request, Response
from mockkms.vault.golang import deep_json
from mockkms.vault.kernel import matching
from mockkms.world.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithNamespaces, WithSeal, WithTokens
    from mockkms.vault.kernel.mounts import Mount
    from mockkms.vault.tokens.token import Token

    class AuditServices(Environment, WithNamespaces, WithSeal, WithTokens, Protocol):
        """What the audit log needs of the server."""


Hash = Callable[[str], str]


def record(core: AuditServices, request: Request, response: Response, asked: dict[str, object]) -> bool:
    """Write the line of the answer, and before it that of the request unless ``record_request`` wrote it.

    ``asked`` is the request's data as received. Return whether the answer may be sent: at least one device logged it,
    or none has a file.
    """
    if not devices(core) or not _audited(core, request):
        return True
    lines = 2 if request.trace.unaudited else 1
    return _written(core, lambda device: entries(core, device, request, response, asked)[-lines:])


def record_request(core: AuditServices, request: Request) -> bool:
    """Write the line of a request that is about to run, to every device with a file.

    Return whether it may run: at least one device logged it, or none has a file.
    """
    request.trace.unaudited = False
    if not devices(core) or not _audited(core, request):
        return True
    return _written(core, lambda device: entries(core, device, request, Response(), request.data)[:1])


def _written(core: AuditServices, lines: Callable[[Device], list[dict[str, object]]]) -> bool:
    taken = False
    for device in devices(core).values():
        if not device.logs:
            taken = True
            continue
        try:
            device.target(core).write(b"".join(device.line(entry) for entry in lines(device)))
            taken = True
        except ErrorResponse:
            continue
    return taken


def _audited(core: AuditServices, request: Request) -> bool:
    """Return whether a request reaches the audit devices: what is answered before the core does
    not, but for sealing.
    """
    outside = matching.outside(core, request.path)
    if outside is not None and outside.endpoint is not None:
        return outside.endpoint.template in ("seal", "step-down")
    return not core.seal.sealed


def entries(
    core: AuditServices, device: Device, request: Request, response: Response, asked: dict[str, object]
) -> list[dict[str, object]]:
    """Return the request's and the answer's entry for one device."""
    raw = device.switch("log_raw", default=False)

    def secret(text: str) -> str:
        return text if raw else hashed(device, text)

    def accessor(text: str) -> str:
        return secret(text) if device.switch("hmac_accessor", default=True) else text

    trace = request.trace
    mount = core.state.mounts.get(trace.namespace, trace.mount) if trace.mount else None
    token = core.tokens.by_accessor(trace.accessor) if trace.accessor else None
    shown: dict[str, object] = {
        "time": rfc3339(core.clock.now()),
        "type": "request",
        "auth": _auth(core, request, token, secret, accessor),
        "request": _request(core, request, mount, asked, secret, accessor),
    }
    error = "; ".join(response.errors) if response.errors else ""
    if error:
        shown["error"] = error
    answer = {**shown, "type": "response", "response": _response(device, request, response, mount, secret, accessor)}
    answer.pop("error", None)
    if error:
        answer["error"] = error
    return [shown, answer]


def _auth(core: Environment, request: Request, token: Token | None, secret: Hash, accessor: Hash) -> dict[str, object]:
    trace = request.trace
    if token is None:
        return {"token_type": "default"}
    found = {
        "client_token": secret(token.id),
        "accessor": accessor(token.accessor),
        "display_name": token.display_name,
        "policies": list(trace.policies or token.policies),
        "token_policies": list(token.policies),
        "policy_results": {"allowed": not trace.denied},
        "metadata": dict(token.meta or {}),
        "remaining_uses": token.num_uses,
        "entity_id": token.entity_id,
        "token_type": token.type,
        "token_ttl": token.ttl,
        "token_issue_time": rfc3339(int(token.creation_time)),
    }
    return _filled(found)


def _request(
    core: AuditServices, request: Request, mount: Mount | None, asked: dict[str, object], secret: Hash, accessor: Hash
) -> dict[str, object]:
    trace = request.trace
    kept = tuple(mount.config.audit_non_hmac_request_keys) if mount else ()
    found = {
        "id": request.id,
        "client_token": secret(request.token) if request.token else "",
        "client_token_accessor": accessor(trace.accessor) if trace.accessor else "",
        "operation": request.operation.value,
        **_mount(core, mount, "mount_running_version"),
        "path": request.path,
        "data": _hidden(asked, secret, kept) if asked else {},
        "remote_address": request.remote_address,
        "remote_port": request.remote_port,
        "wrap_ttl": int(request.wrap_ttl or 0),
        "headers": _headers(core, request, secret),
    }
    namespace: dict[str, object] = {"id": core.namespaces.id_of(trace.namespace), "path": trace.namespace}
    return {**_filled(found), "namespace": _filled(namespace)}


def _mount(core: Environment, mount: Mount | None, version_key: str) -> dict[str, object]:
    if mount is None:
        return {}
    return {
        "mount_point": mount.namespace + mount.path,
        "mount_type": mount.type,
        "mount_accessor": mount.accessor,
        version_key: f"v{core.product.version}{core.product.builtin_suffix}",
        "mount_class": "auth" if mount.is_auth else "secret",
    }


def _headers(core: Environment, request: Request, secret: Hash) -> dict[str, list[str]]:
    """Return the headers that are configured to be logged."""
    kept = audited_headers(core)
    sent = {name: request.headers.get(name) for name in kept}
    return {name: [secret(text) if kept[name] else text] for name, text in sent.items() if text}


def _response(
    device: Device, request: Request, response: Response, mount: Mount | None, secret: Hash, accessor: Hash
) -> dict[str, object]:
    kept = tuple(mount.config.audit_non_hmac_response_keys) if mount else ()
    data = response.plain_data()
    if data and request.operation is Operation.LIST and device.switch("elide_list_responses", default=False):
        data = {
            name: len(v) if name in ("keys", "key_info") and isinstance(v, (list, dict)) else v
            for name, v in data.items()
        }
    found: dict[str, object] = {
        "mount_point": mount.namespace + mount.path if mount else "",
        "mount_type": mount.type if mount else "",
        "mount_accessor": mount.accessor if mount else "",
        "data": _hidden(data, secret, kept) if data else {},
        "warnings": list(response.warnings),
    }
    if response.errors:
        found["data"] = {"error": secret(response.errors[0])}
    if response.lease is not None and response.lease.lease_id:
        found["secret"] = {"lease_id": response.lease.lease_id}
    if response.auth is not None:
        found["auth"] = _filled(
            {
                "client_token": secret(response.auth.client_token) if response.auth.client_token else "",
                "accessor": accessor(response.auth.accessor) if response.auth.accessor else "",
                "display_name": response.auth.display_name,
                "policies": list(response.auth.policies),
                "token_policies": list(response.auth.token_policies),
                "metadata": dict(response.auth.metadata or {}),
                "entity_id": response.auth.entity_id,
                "token_type": response.auth.token_type,
                "token_ttl": response.auth.lease_duration,
            }
        )
    if response.wrap_info is not None:
        wrapped = response.wrap_info
        found["wrap_info"] = _filled(
            {
                "ttl": wrapped.ttl,
                "token": secret(wrapped.token),
                "accessor": accessor(wrapped.accessor),
                "creation_time": rfc3339(wrapped.creation_time),
                "creation_path": wrapped.creation_path,
                "wrapped_accessor": accessor(wrapped.wrapped_accessor) if wrapped.wrapped_accessor else "",
            }
        )
    return _filled(found)


def _hidden(value: object, secret: Hash, kept: tuple[str, ...]) -> object:
    """Return a copy of ``value`` with its texts hashed, except for times and values under the ``kept`` keys."""

    def hashed(item: object) -> object:
        if isinstance(item, bytes):
            return secret(item.decode("utf-8", "replace"))
        if isinstance(item, str):
            return item if _is_time(item) else secret(item)
        return item if isinstance(item, (bool, int, float)) or item is None else secret(str(item))

    return deep_json.copy(value, hashed, untouched=kept)


def _is_time(text: str) -> bool:
    if len(text) < 20 or text[10:11] != "T":
        return False
    try:
        parse_rfc3339(text)
    except ValueError:
        return False
    return True


def _filled(found: dict[str, object]) -> dict[str, object]:
    """Return the entry without empty values, as Go's ``omitempty`` does."""
    return {name: value for name, value in found.items() if value not in ("", 0, None, [], {})}
