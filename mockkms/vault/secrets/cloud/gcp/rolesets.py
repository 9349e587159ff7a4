"""``roleset/``: service accounts that are created with a role set, their keys and access tokens."""

from __future__ import annotations

import re

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.secrets.cloud.gcp.bindings import parse_bindings
from mockkms.vault.secrets.cloud.gcp.model import (
    JSON_FILE,
    KEY,
    RSA_2048,
    TOKEN,
    GcpRoleSet,
    GcpSecrets,
    engine,
    issue_key,
    issue_token,
)
from mockkms.vault.secrets.cloud.gcp.resource_names import check_resource

_UNBOUND = "error getting service account and creating IAM bindings after creation: retry failed: "
"""What precedes the error of a resource that cannot be bound; the plugin repeats the attempt for minutes before."""
_LONGEST = 30
"""Characters of the name of a service account."""
_KEY_FIELDS = {
    "key_algorithm": Field(Kind.STRING, RSA_2048, "Algorithm of the key.", query=True),
    "key_type": Field(Kind.STRING, JSON_FILE, "Form of the key.", query=True),
    "ttl": Field(Kind.SECONDS, help="Lifetime of the key in seconds.", query=True),
}
_NAME = {"name": Field(Kind.STRING, help="Name of the role set.")}
_ROLESET = {"roleset": Field(Kind.STRING, help="Name of the role set.")}


def _shown(found: GcpRoleSet, _product: Product) -> dict[str, object]:
    shown: dict[str, object] = {
        "bindings": parse_bindings(found.bindings), "project": found.project, "secret_type": found.secret_type,
        "service_account_email": found.email,
    }  # fmt: skip
    return {**shown, "token_scopes": found.token_scopes} if found.secret_type == TOKEN else shown


role_sets: Collection[GcpSecrets, GcpRoleSet] = Collection(
    engine, "roleset/{name}", GcpRoleSet, lambda state: state.role_sets, shown=_shown, paged=False,
    name=Field(Kind.STRING, help="Name of the role set."), help="A role set.", list_help="Names of the role sets.",
    lists=("rolesets[/]", "roleset[/]"),
)  # fmt: skip
rotate = engine.path("roleset/{name}/rotate", _NAME, help="Replace the service account.")
rotate_key = engine.path("roleset/{name}/rotate-key", _NAME, help="Replace the key for access tokens.")
token, old_token = (
    engine.path(template, _ROLESET, help="Create an access token.")
    for template in ("roleset/{roleset}/token", "token/{roleset}")
)
key, old_key = (
    engine.path(template, {**_ROLESET, **_KEY_FIELDS}, help="Create a key.")
    for template in ("roleset/{roleset}/key", "key/{roleset}")
)


@role_sets.write
def write(
    state: GcpSecrets, call: Call, name: str, found: GcpRoleSet, *, secret_type: str, project: str | None = None,
    token_scopes: list[str] | None = None, bindings: str | None = None,
) -> Response | None:  # fmt: skip
    """Create or update a role set; new bindings get a new service account. Raises ErrorResponse."""
    new = name not in state.role_sets
    if new:
        if secret_type not in (TOKEN, KEY):
            raise ErrorResponse(f'invalid "secret_type" value: "{secret_type}"')
        found.secret_type = secret_type
    elif "secret_type" in call and secret_type != found.secret_type:
        raise ErrorResponse("cannot change secret_type after roleset creation")
    _set_project(found, project, new=new)
    warnings = _set_scopes(found, token_scopes, new=new)
    if bindings == "":
        raise ErrorResponse("bindings are empty")
    if new and bindings is None:
        raise ErrorResponse("bindings are required for new role set")
    if bindings is None or bindings == found.bindings:
        return None
    with refusing("unable to parse bindings: "):
        resources = parse_bindings(bindings)
    if not resources:
        raise ErrorResponse("unable to parse any bindings from given bindings HCL")
    with refusing(_UNBOUND):
        for resource in resources:
            check_resource(resource)
    found.bindings = bindings
    found.email = _new_account(call, name, found.project)
    return Response(warnings=warnings) if warnings else None


def _set_project(found: GcpRoleSet, project: str | None, *, new: bool) -> None:
    if project is None:
        if new:
            raise ErrorResponse("project argument is required for new role set")
        return
    if not new and project != found.project:
        raise ErrorResponse(f"cannot change project for existing role set (old: {found.project}, new: {project})")
    if not project:
        raise ErrorResponse("given empty project")
    found.project = project


def _set_scopes(found: GcpRoleSet, scopes: list[str] | None, *, new: bool) -> list[str]:
    """Set the scopes of the tokens; return the warnings. Raises ErrorResponse."""
    if scopes is None:
        if new and found.secret_type == TOKEN:
            raise ErrorResponse("token_scopes must be provided for creating access token role set")
        return []
    if not scopes:
        raise ErrorResponse("cannot provide empty token_scopes")
    found.token_scopes = scopes
    if found.secret_type == TOKEN:
        return []
    return [f"ignoring token_scopes, only valid for '{TOKEN}' secret type role set"]


def _new_account(call: Call, name: str, project: str) -> str:
    """Return the e-mail address of a new service account."""
    name, suffix = re.sub("[^a-zA-Z0-9-]+", "-", name), f"-{int(call.now())}"
    return f"vault{name[: _LONGEST - len('vault') - len(suffix)]}{suffix}@{project}.iam.gserviceaccount.com"


# The plugin checks on these paths too whether the role set exists. A write is a create if it does not, which none of
# them supports (405).
@rotate.existence
@rotate_key.existence
def named_exists(state: GcpSecrets, _call: Call, *, name: str) -> bool:
    """Return whether the role set exists."""
    return name in state.role_sets


@token.existence
@old_token.existence
@key.existence
@old_key.existence
def role_set_exists(state: GcpSecrets, _call: Call, *, roleset: str) -> bool:
    """Return whether the role set exists."""
    return roleset in state.role_sets


@rotate.on(Operation.UPDATE)
def rotate_account(state: GcpSecrets, call: Call, *, name: str) -> None:
    """Replace the service account of a role set."""
    found = state.role_sets[name]
    found.email = _new_account(call, name, found.project)


@rotate_key.on(Operation.UPDATE)
def rotate_account_key(state: GcpSecrets, _call: Call, *, name: str) -> None:
    """Replace the key for access tokens. Raises ErrorResponse."""
    if state.role_sets[name].secret_type != TOKEN:
        raise ErrorResponse("cannot rotate key for non-access-token role set")


@token.on(Operation.READ, Operation.UPDATE)
@old_token.on(Operation.READ, Operation.UPDATE)
def create_token(state: GcpSecrets, call: Call, *, roleset: str) -> Response:
    """Create an access token. Raises ErrorResponse."""
    found = state.role_sets.get(roleset)
    if found is None:
        raise ErrorResponse(f"role set '{roleset}' does not exists")
    if found.secret_type != TOKEN:
        raise ErrorResponse(f"role set '{roleset}' cannot generate access tokens (has secret type {found.secret_type})")
    return issue_token(call)


@key.on(Operation.READ, Operation.UPDATE)
@old_key.on(Operation.READ, Operation.UPDATE)
def create_key(state: GcpSecrets, call: Call, *, roleset: str) -> Response:
    """Create a key. Raises ErrorResponse."""
    found = state.role_sets.get(roleset)
    if found is None:
        raise ErrorResponse(f"role set {quote(roleset)} does not exists")
    if found.secret_type != KEY:
        refusal = f"cannot generate service account keys (has secret type {found.secret_type})"
        raise ErrorResponse(f"role set {quote(roleset)} {refusal}")
    return issue_key(state, call, found.email, {"role_set": roleset, "role_set_bindings": found.fingerprint})
