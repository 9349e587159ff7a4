"""The JSON envelope of an answer, as sent over HTTP and as stored by response wrapping."""

from __future__ import annotations

from functools import lru_cache

from mockkms.vault.framework.message import Response
from mockkms.vault.golang.json_text import encode
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.world.clock import rfc3339

_NO_LEASE = '"lease_id":"","renewable":false,"lease_duration":0'
_quoted = lru_cache(maxsize=64)(encode)
"""Mount types are few."""


def envelope(product: Product, response: Response) -> str:
    """Return the JSON text of a successful answer, keys in the real server's order."""
    data = "null" if response.data is None else encode(response.data)
    lease = response.lease
    head = ""
    if response.flat and response.data:
        head = data[1:-1] + ","
    if response.wrap_info is not None:
        wrap = encode(_wrap_info(response), ordered=True)
        request_id = ""
    else:
        wrap, request_id = "null", response.request_id
    auth = "null" if response.auth is None else encode(_auth(response), ordered=True)
    # The server's HTTP layer sends nothing of a wrapped answer but where it is.
    listed = (response.warnings or response.lists_warnings) and response.wrap_info is None
    warnings = encode(response.warnings) if listed else "null"
    leased = _NO_LEASE
    if lease is not None:
        renewable = "true" if lease.renewable else "false"
        leased = f'"lease_id":{encode(lease.lease_id)},"renewable":{renewable},"lease_duration":{lease.ttl}'
    tail = f',"mount_type":{_quoted(response.mount_type)}' if product.has(Feature.MOUNT_TYPE) else ""
    return (
        f'{{{head}"request_id":"{request_id}",{leased},"data":{data},'
        f'"wrap_info":{wrap},"warnings":{warnings},"auth":{auth}{tail}}}'
    )


def _wrap_info(response: Response) -> dict[str, object]:
    info = response.wrap_info
    assert info is not None
    shown: dict[str, object] = {
        "token": info.token,
        "accessor": info.accessor,
        "ttl": info.ttl,
        "creation_time": rfc3339(info.creation_time),
        "creation_path": info.creation_path,
    }
    if info.wrapped_accessor:
        shown["wrapped_accessor"] = info.wrapped_accessor
    return shown


def _auth(response: Response) -> dict[str, object]:
    auth = response.auth
    assert auth is not None
    shown: dict[str, object] = {
        "client_token": auth.client_token,
        "accessor": auth.accessor,
        "policies": None if auth.mfa_requirement else auth.policies,
        "token_policies": auth.token_policies,
        "identity_policies": auth.identity_policies,
        "metadata": auth.metadata,
        "lease_duration": auth.lease_duration,
        "renewable": auth.renewable,
        "entity_id": auth.entity_id,
        "token_type": auth.token_type,
        "orphan": auth.orphan,
        "mfa_requirement": auth.mfa_requirement,
        "num_uses": auth.num_uses,
    }
    for name in ("token_policies", "identity_policies"):
        if not shown[name]:
            del shown[name]
    return shown
