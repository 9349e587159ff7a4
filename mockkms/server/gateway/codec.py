"""Decodes HTTP requests to Vault requests and encodes responses, as the real server's HTTP layer does."""

from __future__ import annotations

from collections.abc import Mapping

from multidict import MultiMapping

from mockkms.error_context import error_context
from mockkms.server.gateway import bodies
from mockkms.server.gateway.exchange import (
    STRICT_TRANSPORT_SECURITY,
    HttpReply,
    HttpRequest,
    RequestRefused,
    bad_request,
    error_reply,
    redirect_reply,
)
from mockkms.server.gateway.following import Following
from mockkms.server.gateway.target import (
    READ_FIRST,
    SNAPSHOT,
    RequestTarget,
    limited_path,
    parse_query,
    read_target,
    undecodable,
)
from mockkms.vault.framework.cache_bounds import LONGEST_CACHED, MOST_CACHED
from mockkms.vault.framework.message import OPERATION_OF_METHOD, WRITES, ErrorResponse, Operation, Request, Response
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import RepeatedParameter
from mockkms.vault.kernel.core import Core
from mockkms.vault.products.features import Feature
from mockkms.vault.wrapping.envelope import envelope


def echo_namespace(http: HttpRequest, reply: HttpReply) -> None:
    """Repeat the request's namespace in a reply, unless the reply is Go's own and has no headers of the product."""
    namespace = http.header_facts.namespace
    if namespace and "Cache-Control" in reply.headers:
        reply.headers["X-Vault-Namespace"] = namespace


def request_of(core: Core, http: HttpRequest) -> Request:
    """Return the Vault request of an HTTP request below ``/v1/``, decoded once.

    Raises RequestRefused if the HTTP layer answers itself.
    """
    if http.decoded is None:
        try:
            http.decoded = _to_request(core, http)
        except RequestRefused as refused:
            echo_namespace(http, refused.reply)
            http.decoded = refused
    if isinstance(http.decoded, RequestRefused):
        raise http.decoded
    return http.decoded


def admitted(core: Core, http: HttpRequest) -> Request:
    """Return the request as ``request_of`` does; if it is refused, it counts against the rate limits as on the real
    server, whose limits come before the decoding of requests.

    Raises RequestRefused, with status 429 beyond a limit.
    """
    try:
        return request_of(core, http)
    except RequestRefused as refused:
        if refused.unlimited or not core.state.quotas.rate_limits:
            raise
        raise _limited(core, http, refused) from None


def _limited(core: Core, http: HttpRequest, refused: RequestRefused) -> RequestRefused:
    """Return ``refused`` with the headers of rate limits, or the refusal of a request beyond one."""
    request = Request(
        operation=OPERATION_OF_METHOD.get(http.method, Operation.READ),
        path=limited_path(http),
        namespace=http.header_facts.namespace,
        headers=http.headers,
        remote_address=http.remote_address,
        method=http.method,
    )
    try:
        core.quotas.check(request)
    except ErrorResponse as error:
        response = error.response()
        response.headers.update(request.trace.headers or {})
        return RequestRefused(to_reply(core, request, response))
    refused.reply.headers.update(request.trace.headers or {})
    return refused


def _to_request(core: Core, http: HttpRequest) -> Request:
    if http.body_fault and not core.product.has(Feature.JSON_LIMITS) and not http.target.startswith(f"/v1/{SNAPSHOT}"):
        # The body is read before anything else of the request is looked at.
        raise RequestRefused(error_reply(500, http.body_fault), unlimited=True)
    mounts = core.state.mounts
    key = (http.method, http.target, core.product.name)
    target: RequestTarget | None = None if http.query else mounts.targets.get(key)
    values: dict[str, list[str]] = {}
    if target is None:
        values = parse_query(http.query) if http.query else values
        target = read_target(core, http, values)
        if not http.query and len(http.target) <= LONGEST_CACHED:
            if len(mounts.targets) >= MOST_CACHED:
                mounts.targets.clear()
            mounts.targets[key] = target
    path, operation, outside, leaves_body, escaped = target
    headers, facts = http.headers, http.header_facts
    request = Request(
        operation=operation,
        path=path,
        escaped=escaped,
        token=facts.token,
        namespace=facts.namespace,
        headers=headers,
        remote_address=http.remote_address,
        remote_port=http.remote_port,
        client_certificates=http.client_certificates,
        method=http.method,
        query={name: given[0] for name, given in values.items()} if values else {},
        body=http.body,
    )
    if "\ufffd" in path:
        request.sent_path = undecodable(http.target[4:], path)
    if path.startswith("sys/") and not escaped and core.namespaces.only_without(request.namespace, path[4:]):
        request.data = {}  # The request is refused whatever its body is.
    elif leaves_body and operation in WRITES:
        request.data = {}
        if outside and http.body:
            bodies.refuse_beyond_limits(core, http.body)
    elif operation is Operation.UPDATE or operation is Operation.PATCH:
        request.data = bodies.decode(core, http, outside=outside and path not in READ_FIRST)
    else:
        if http.body:
            bodies.refuse_beyond_limits(core, http.body)
        if values and operation is not Operation.INTERNAL and operation is not Operation.HELP:
            request.data = _query_data(values)
    if facts.asks_more and not outside and operation is not Operation.HELP:
        request.wrap_ttl = _wrap_ttl(headers)
        request.wrap_format = "jwt" if headers.get("X-Vault-Wrap-Format") == "jwt" else ""
        request.mfa = _second_proofs(headers)
    return request


def _query_data(values: dict[str, list[str]]) -> dict[str, object]:
    return {k: v[0] if len(v) == 1 else RepeatedParameter(v) for k, v in values.items() if k != "help"}


def _wrap_ttl(headers: Mapping[str, str]) -> float | None:
    text = headers.get("X-Vault-Wrap-TTL", "")
    if not text:
        return None
    with error_context("error parsing X-Vault-Wrap-TTL header: ", bad_request):
        ttl = parse_seconds(text)
    if ttl < 0:
        raise RequestRefused(
            error_reply(400, "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative")
        )
    return ttl


def _second_proofs(headers: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the values of ``X-Vault-MFA`` by method; a line is ``name`` or ``name:value``."""
    if "X-Vault-MFA" not in headers:
        return {}
    lines = headers.getall("X-Vault-MFA") if isinstance(headers, MultiMapping) else [headers["X-Vault-MFA"]]
    proofs: dict[str, list[str]] = {}
    for line in filter(None, lines):
        method, colon, value = line.partition(":")
        if colon and not (method and value):
            lacking = "value" if method else "name or ID"
            text = f'invalid data in header "X-Vault-MFA"; missing method {lacking}'
            raise RequestRefused(error_reply(400, f"failed to parse X-Vault-MFA header: {text}"))
        proofs.setdefault(method, []).extend([value] if colon else [])
    return proofs


def to_reply(core: Core, request: Request, response: Response) -> HttpReply:
    """Return the HTTP response for a response of the core."""
    headers = {
        "Cache-Control": "no-store",
        "Content-Type": response.content_type,
        "Strict-Transport-Security": STRICT_TRANSPORT_SECURITY,
    }
    namespace = request.headers.get("X-Vault-Namespace", "")
    if namespace:
        headers["X-Vault-Namespace"] = namespace
    if response.headers:
        headers = dict(sorted({**headers, **response.headers}.items()))  # In the order in which Go writes them.
    if response.redirect:
        reply = redirect_reply(request.method, response.redirect)
        reply.request = request
        return reply
    if response.stream is not None:
        return HttpReply(200, b"", headers, request, rest=Following(response.stream))
    if response.raw is not None:
        if not response.content_type:
            del headers["Content-Type"]
        return HttpReply(response.status or 200, response.raw, headers, request, response.repeated)
    if response.document is not None:
        document = go_json.encode(response.document, ordered=True)
        return HttpReply(response.status or 200, _line(document), headers, request)
    if response.errors is not None and response.data is None:
        listed = ",".join(go_json.encode(text) for text in response.errors)
        return HttpReply(response.status, _line('{"errors":[' + listed + "]}"), headers, request)
    if response.status == 204:
        return HttpReply(204, b"", headers, request)
    return HttpReply(response.status or 200, _line(envelope(core.product, response)), headers, request)


def _line(text: str) -> bytes:
    return (text + "\n").encode("utf-8", "replace")
