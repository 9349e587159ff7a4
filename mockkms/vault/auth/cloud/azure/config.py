"""``config`` and ``rotate-root``: the tenant, and the secret with which Azure is contacted."""

from __future__ import annotations

import base64

from mockkms.vault.auth.cloud.azure.model import AzureAuth, AzureConfig, engine
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.fmt import quote

_CLOUDS = ("AZURECHINACLOUD", "AZUREPUBLICCLOUD", "AZUREUSGOVERNMENTCLOUD")
_RESET = ("root_password_ttl", "max_retries", "retry_delay", "max_retry_delay")

config = engine.path(
    "config",
    lambda: {**AzureConfig.fields(), **automated_rotation.fields()},
    help="How Azure is contacted.",
    go_errors=True,
)
rotate = engine.path("rotate-root", help="Replace the secret for requests to Azure.", go_errors=True)


@config.existence
def exists(state: AzureAuth, _call: Call) -> bool:
    """Return whether there is a configuration: a write without one is a create."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: AzureAuth, call: Call) -> Reply:
    """Return the settings without the secret."""
    return None if state.config is None else state.config.shown(call.core.product)


@config.on(Operation.CREATE, Operation.UPDATE)
def write(state: AzureAuth, call: Call) -> None:
    """Change the settings that were sent; retries and the lifetime of secrets are reset by a write without them.

    Raises ErrorResponse, and BackendError for missing settings.
    """
    made = state.config.copy() if state.config else AzureConfig()
    made.update_from(call)
    for name in _RESET:
        setattr(made, name, call[name])
    with refusing():
        made.parse_rotation(call)
    if made.identity_token_audience:
        if made.client_secret:
            raise ErrorResponse("only one of 'client_secret' or 'identity_token_audience' can be set")
        raise ErrorResponse("plugin workload identity not supported in Vault community edition")
    for name in ("tenant_id", "resource"):
        if not getattr(made, name):
            raise BackendError(f"{name} is required")
    if made.environment and made.environment.upper() not in _CLOUDS:
        raise BackendError(f"err: no cloud configuration matching the name {quote(made.environment.upper())}")
    with refusing():
        made.register_rotation()
    state.config = made


@config.on(Operation.DELETE)
def delete(state: AzureAuth, _call: Call) -> None:
    """Delete the settings."""
    state.config = None


@rotate.on(Operation.UPDATE)
def rotate_root(state: AzureAuth, call: Call) -> None:
    """Replace the secret by a random one, which Azure would have made. Raises BackendError without settings."""
    if state.config is None:
        raise BackendError("config is nil")
    if not state.config.client_id:
        raise BackendError("no application found")
    state.config.client_secret = base64.urlsafe_b64encode(call.core.entropy.bytes(30)).decode()
    state.config.secret_expires = call.now() + state.config.root_password_ttl
