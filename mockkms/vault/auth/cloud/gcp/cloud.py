"""The world's Google Cloud: keys of tokens, service accounts, machines and their groups, projects.

A custom endpoint (``config``) on this machine is asked for keys, service accounts, machines and projects instead.
"""

from __future__ import annotations

from cryptography import x509

from mockkms import outside
from mockkms.crypto import jws
from mockkms.json_reading import read_json
from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.cloud.gcp.model import GcpAccount, GcpAuth, GcpMachine
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import quote
from mockkms.world.clock import parse_rfc3339

_VALID = ("PROVISIONING", "RUNNING", "STAGING")


def _asked(state: GcpAuth, service: str, path: str, method: str = "GET") -> dict[str, object] | None:
    """Return the answer of a custom endpoint on this machine; None without one. Raises ValueError."""
    endpoint = state.config.custom_endpoint.get(service, "") if state.config is not None else ""
    url = endpoint if "://" in endpoint else f"https://{endpoint}"
    if not endpoint or not outside.is_here(url):
        return None
    try:
        headers = {"Content-Type": "application/json"}
        status, body = outside.ask(method, url.rstrip("/") + path, headers, b"{}" if method == "POST" else b"")
    except OSError as error:
        raise ValueError(outside.no_answer(method, url.rstrip("/") + path, error)) from None
    try:
        found: object = read_json(body)
    except ValueError:
        found = None
    if status != 200 or not isinstance(found, dict):
        raise ValueError(f"googleapi: got HTTP response code {status} with body: {body.decode('utf-8', 'replace')}")
    return found


def keys_of(state: GcpAuth, call: Call, key_id: str, subject: str, *, own: bool) -> list[jws.PublicKey]:
    """Return the keys that may have signed a token: Google's, and with ``own`` those of its subject.

    Raises ValueError with the server's text if there are none.
    """
    google = _asked(state, "api", "/oauth2/v1/certs")
    found = [issuers.load_key(pem) for pem in state.issuer_keys] if google is None else _of(google, key_id)
    if own:
        listed = _asked(state, "api", f"/service_accounts/v1/metadata/x509/{subject}")
        if listed is not None:
            found += _of(listed, key_id)
        else:
            known = [one for one in state.accounts if subject in (one.email, one.unique_id)]
            found += [issuers.load_key(pem) for one in known for pem in one.keys]
    if found:
        return found
    call.request.trace.hint = "the world's Google Cloud has no key for this token (`issuer_keys`, `service_accounts`)"
    failed = f"unable to get public key {quote(key_id)} for JWT subject {quote(subject)}: "
    why = f'service account key "{key_id}" not found' if own else "no Google OAuth2 provider key found for GCE role"
    raise ValueError(failed + why)


def _of(certificates: dict[str, object], key_id: str) -> list[jws.PublicKey]:
    """Return the key of one id in a map of certificates. Raises ValueError."""
    pem = certificates.get(key_id)
    if not isinstance(pem, str):
        return []
    try:
        return [issuers.load_key(pem)]
    except (ValueError, x509.InvalidVersion) as fault:
        raise ValueError(f"unable to parse the certificate of key {key_id}: {fault}") from None


def account(state: GcpAuth, call: Call, name: str, project: str = "-") -> GcpAccount:
    """Return a service account by its email address or id. Raises ValueError."""
    at = f"projects/{project}/serviceAccounts/{name}"
    try:
        answer = _asked(state, "iam", f"/v1/{at}")
        if answer is not None:
            email, unique_id, owner = (str(answer.get(key) or "") for key in ("email", "uniqueId", "projectId"))
            return GcpAccount(email, unique_id, owner)
        for one in state.accounts:
            if name in (one.email, one.unique_id) and project in ("-", one.project_id):
                return one
        call.request.trace.hint = f"the world's Google Cloud has no service account {name} (`service_accounts`)"
        raise ValueError("googleapi: Error 404: Unknown service account, notFound")
    except ValueError as fault:
        raise ValueError(f"could not find service account '{at}': {fault}") from None


def machine(state: GcpAuth, call: Call, project: str, zone: str, name: str, created: float) -> GcpMachine:
    """Return a running machine with the creation time of its token. Raises ValueError."""
    try:
        answer = _asked(state, "compute", f"/compute/v1/projects/{project}/zones/{zone}/instances/{name}")
        found = _described(answer, project) if answer is not None else _known(state, call, project, zone, name)
    except ValueError as fault:
        raise ValueError(f"unable to find instance associated with token: {fault}") from None
    if found.status not in _VALID:
        raise ValueError(f"authenticating instance {found.name} found but has invalid status '{found.status}'")
    if created - found.created < -1:
        raise ValueError(
            f"metadata instance_creation_timestamp {int(found.created)} is before instance's creation time "
            f"{int(created)}"
        )
    return found


def _known(state: GcpAuth, call: Call, project: str, zone: str, name: str) -> GcpMachine:
    for one in state.machines:
        if (one.project_id, one.zone, one.name) == (project, zone, name):
            return one
    call.request.trace.hint = f"the world's Google Cloud has no machine {name} in {zone} of {project} (`instances`)"
    resource = f"projects/{project}/zones/{zone}/instances/{name}"
    raise ValueError(f"googleapi: Error 404: The resource '{resource}' was not found, notFound")


def _described(answer: dict[str, object], project: str) -> GcpMachine:
    labels = answer.get("labels")
    return GcpMachine(
        str(answer.get("name") or ""),
        project,
        str(answer.get("zone") or "").rpartition("/")[2],
        str(answer.get("id") or ""),
        str(answer.get("status") or ""),
        parse_rfc3339(str(answer.get("creationTimestamp") or "")),
        {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {},
    )


def ancestry(state: GcpAuth, project: str) -> list[str]:
    """Return the names of the group aliases of a project: its own, and those above it. Raises ValueError."""
    answer = _asked(state, "crm", f"/v1/projects/{project}:getAncestry", "POST")
    if answer is None:
        above = (one.ancestors for one in state.projects if one.id == project)
        return [f"project-{project}", *next(above, [])]
    listed = answer.get("ancestor")
    found = [one.get("resourceId") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [f"{one.get('type')}-{one.get('id')}" for one in found if isinstance(one, dict)]
