"""``static-account/`` and ``impersonated-account/``: existing service accounts, their keys and access tokens."""

from __future__ import annotations

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.secrets.cloud.gcp.bindings import parse_bindings
from mockkms.vault.secrets.cloud.gcp.model import (
    JSON_FILE,
    KEY,
    RSA_2048,
    TOKEN,
    GcpImpersonatedAccount,
    GcpSecrets,
    GcpSecretsConfig,
    GcpStaticAccount,
    engine,
    issue_key,
    issue_token,
    project_of,
)
from mockkms.vault.secrets.cloud.gcp.resource_names import check_resource

_HOUR = 3600
_NAME = {"name": Field(Kind.STRING, help="Name of the account.")}


def _static_shown(found: GcpStaticAccount, _product: Product) -> dict[str, object]:
    return {
        "secret_type": found.secret_type,
        "service_account_email": found.service_account_email,
        "service_account_project": project_of(found.service_account_email),
        **({"bindings": parse_bindings(found.bindings)} if found.bindings else {}),
        **({"token_scopes": found.token_scopes} if found.secret_type == TOKEN else {}),
    }


def _impersonated_shown(found: GcpImpersonatedAccount, product: Product) -> dict[str, object]:
    return {**found.shown(product), "service_account_project": project_of(found.service_account_email)}


static: Collection[GcpSecrets, GcpStaticAccount] = Collection(
    engine, "static-account/{name}", GcpStaticAccount, lambda state: state.static_accounts, shown=_static_shown,
    paged=False, name=_NAME["name"], help="A static account.", list_help="Names of the static accounts.",
    lists=("static-accounts[/]", "static-account[/]"),
)  # fmt: skip
rotate_key = engine.path("static-account/{name}/rotate-key", _NAME, help="Replace the key for access tokens.")
static_token = engine.path("static-account/{name}/token", _NAME, help="Create an access token.")
static_key = engine.path(
    "static-account/{name}/key",
    {
        **_NAME,
        "key_algorithm": Field(Kind.STRING, RSA_2048, "Algorithm of the key.", query=True),
        "key_type": Field(Kind.STRING, JSON_FILE, "Form of the key.", query=True),
        "ttl": Field(Kind.SECONDS, help="Lifetime of the key in seconds.", query=True),
    },
    help="Create a key.",
)
impersonated: Collection[GcpSecrets, GcpImpersonatedAccount] = Collection(
    engine, "impersonated-account/{name}", GcpImpersonatedAccount, lambda state: state.impersonated,
    shown=_impersonated_shown, paged=False, name=_NAME["name"], help="An impersonated account.",
    list_help="Names of the impersonated accounts.", lists=("impersonated-accounts[/]", "impersonated-account[/]"),
)  # fmt: skip
impersonated_token = engine.path("impersonated-account/{name}/token", _NAME, help="Create an access token.")


@static.write
def write_static(
    state: GcpSecrets, call: Call, name: str, found: GcpStaticAccount, *, service_account_email: str,
    secret_type: str, token_scopes: list[str] | None = None, bindings: str | None = None,
) -> Response | None:  # fmt: skip
    """Create or update a static account. Raises ErrorResponse."""
    new = name not in state.static_accounts
    # The plugin reads the default of secret_type also on updates, which then must be the type of the account.
    if not new and secret_type != found.secret_type:
        raise ErrorResponse("cannot update secret_type")
    if secret_type not in (TOKEN, KEY):
        raise ErrorResponse(f"invalid secret_type {quote(secret_type)}")
    found.secret_type = secret_type
    _set_email(found, service_account_email)
    if token_scopes is not None:
        found.token_scopes = token_scopes
    if found.secret_type == TOKEN and not found.token_scopes:
        raise ErrorResponse("non-empty token_scopes must be provided for generating access_token secrets")
    if bindings is not None:
        with refusing("unable to parse bindings: "):
            resources = parse_bindings(bindings)
        known = parse_bindings(found.bindings) if found.bindings else {}
        with refusing("retry failed: " if new else "unable to update: "):
            for resource, roles in resources.items():
                if set(roles) - set(known.get(resource, ())):
                    check_resource(resource)
        found.bindings = bindings
    if found.secret_type != TOKEN and token_scopes:
        return Response(warnings=["ignoring non-empty token_scopes, secret type not access_token"])
    return None


def _set_email(found: GcpStaticAccount | GcpImpersonatedAccount, email: str) -> None:
    if not email and not found.service_account_email:
        raise ErrorResponse("email is required")
    if found.service_account_email and email and email != found.service_account_email:
        raise ErrorResponse("cannot update email")
    found.service_account_email = email or found.service_account_email


@rotate_key.existence
def account_exists(state: GcpSecrets, _call: Call, *, name: str) -> bool:
    """Return whether the account exists. If not, a write is a create, which the path does not support (405)."""
    return name in state.static_accounts


@rotate_key.on(Operation.UPDATE)
def rotate_static_key(state: GcpSecrets, _call: Call, *, name: str) -> None:
    """Replace the key for access tokens. Raises ErrorResponse."""
    if state.static_accounts[name].secret_type != TOKEN:
        raise ErrorResponse("cannot rotate key for non-access-token static account")


@static_token.on(Operation.READ, Operation.UPDATE)
def create_static_token(state: GcpSecrets, call: Call, *, name: str) -> Response:
    """Create an access token. Raises ErrorResponse."""
    _static(state, name, TOKEN, "access tokens")
    return issue_token(call)


@static_key.on(Operation.READ, Operation.UPDATE)
def create_static_key(state: GcpSecrets, call: Call, *, name: str) -> Response:
    """Create a key. Raises ErrorResponse."""
    found = _static(state, name, KEY, "service account keys")
    owner: dict[str, object] = {"static_account": name, "static_account_bindings": found.fingerprint}
    return issue_key(state, call, found.service_account_email, owner)


def _static(state: GcpSecrets, name: str, kind: str, what: str) -> GcpStaticAccount:
    found = state.static_accounts.get(name)
    if found is None:
        raise ErrorResponse(f"static account {quote(name)} does not exists")
    if found.secret_type != kind:
        raise ErrorResponse(
            f"static account {quote(name)} cannot generate {what} (has secret type {found.secret_type})"
        )
    return found


@impersonated.write
def write_impersonated(
    _state: GcpSecrets, call: Call, _name: str, found: GcpImpersonatedAccount, *, service_account_email: str
) -> None:
    """Create or update an impersonated account. Raises ErrorResponse."""
    _set_email(found, service_account_email)
    found.update_from(call, "token_scopes", "ttl")
    if not found.token_scopes:
        raise ErrorResponse("non-empty token_scopes must be provided for generating access_token secrets")


@impersonated_token.on(Operation.READ, Operation.UPDATE)
def create_impersonated_token(state: GcpSecrets, call: Call, *, name: str) -> Response:
    """Create an access token. Raises ErrorResponse."""
    found = state.impersonated.get(name)
    if found is None:
        raise ErrorResponse(f"impersonated account {quote(name)} does not exists")
    limits = state.config or GcpSecretsConfig()
    lifetime, warnings = found.ttl, []
    if lifetime > limits.max_ttl:
        most, own = quote(go_duration(limits.max_ttl)), quote(go_duration(lifetime))
        warnings.append(f"using backend max ttl {most} which is less than impersonated account ttl {own} for token")
        lifetime = limits.max_ttl
    elif not lifetime:
        usual = quote(go_duration(limits.ttl))
        warnings.append(f"using backend default ttl {usual} since impersonated account ttl not configured for token")
        lifetime = limits.ttl
    return issue_token(call, (lifetime or _HOUR) - 1, warnings)
