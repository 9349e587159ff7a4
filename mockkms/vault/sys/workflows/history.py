"""The history of a workflow's run: its requests and responses with the members that the real server keeps of them."""

from __future__ import annotations

import json

from mockkms.vault.framework.message import Auth, Request, Response
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.mounts.table import Mount


def shown_request(request: Request, operation: str, *, with_data: bool) -> dict[str, object]:
    """Return a request in the form recorded in the history: the members that the real server sets later are empty.

    ``operation`` is that of the workflow, which may be none.
    """
    return {
        "ClientTokenSource": 0, "InboundSSCToken": "", "auth": None, "client_id": "", "client_token": request.token,
        "client_token_accessor": "", "client_token_remaining_uses": 0, "connection": None, "display_name": "",
        "entity_id": "", "headers": {name: [value] for name, value in request.headers.items()}, "id": request.id,
        "map": request.data if with_data else None, "mfa_creds": {}, "mount_accessor": "", "mount_point": "",
        "mount_type": "", "operation": operation, "path": request.path, "policy_override": False,
        "replication_cluster": "", "secret": None, "unauthenticated": False, "wrap_info": None,
    }  # fmt: skip


def shown_response(response: Response, mount: Mount | None) -> dict[str, object] | None:
    """Return a response in the form recorded in the history; None for one that says nothing."""
    said = (response.data, response.document, response.auth, response.lease, response.redirect, response.warnings)
    if not any(part is not None and part != "" and part != [] for part in said):
        return None
    data: object = response.plain_data()
    if response.document is not None:
        data = {
            "http_content_type": "application/json",
            "http_raw_body": json.dumps(response.document, separators=(",", ":")),
            "http_status_code": response.status or 200,
        }
    lease = response.lease
    secret = {
        "LeaseID": lease.lease_id, "internal_data": None, "lease": lease.ttl * SECOND,
        "max_ttl": lease.max_ttl * SECOND, "renewable": lease.renewable,
    } if lease else None  # fmt: skip
    return {
        "auth": _shown_auth(response.auth, mount) if response.auth else None, "data": data, "headers": None,
        "redirect": response.redirect, "secret": secret, "warnings": response.warnings or None, "wrap_info": None,
    }  # fmt: skip


def _shown_auth(auth: Auth, mount: Mount | None) -> dict[str, object]:
    """Return the new token of a response in the form recorded in the history."""
    place = {"mount_accessor": mount.accessor, "mount_type": mount.type} if mount is not None else {}
    alias = {**place, "name": auth.alias["name"]} if auth.alias else None
    return {
        "accessor": auth.accessor, "alias": alias, "bound_cidrs": auth.bound_cidrs or None,
        "client_token": auth.client_token, "creation_path": "", "display_name": auth.display_name,
        "entity_created": False, "entity_id": auth.entity_id,
        "explicit_max_ttl": auth.explicit_max_ttl * SECOND, "external_namespace_policies": {},
        "group_aliases": None, "identity_policies": auth.identity_policies, "internal_data": None,
        "lease": auth.lease_duration * SECOND, "list_scan_response_keys_filter_path": "",
        "max_ttl": auth.max_ttl * SECOND, "metadata": auth.metadata, "mfa_requirement": auth.mfa_requirement,
        "no_default_policy": auth.no_default_policy, "num_uses": auth.num_uses, "orphan": auth.orphan,
        "period": auth.period * SECOND, "policies": auth.policies, "policy_results": None,
        "renewable": auth.renewable, "token_policies": auth.token_policies,
        "token_type": 2 if auth.token_type == "batch" else 1,
    }  # fmt: skip
