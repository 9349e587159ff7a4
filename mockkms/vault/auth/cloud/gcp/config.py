"""``config`` and ``config/rotate-root``: the key with which Google is contacted, and data of logins."""

from __future__ import annotations

from mockkms.error_context import error_context
from mockkms.vault.auth.cloud import metadata
from mockkms.vault.auth.cloud.gcp.model import METADATA, GcpAuth, GcpConfig, engine
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang import json
from mockkms.vault.policy.names import quoted

_SERVICES = ("api", "iam", "crm", "compute")

config = engine.path(
    "config",
    lambda: {
        **GcpConfig.fields(),
        **automated_rotation.fields(),
        "credentials": Field(Kind.STRING, help="A service account's key, JSON."),
    },
    help="How Google is contacted.",
    go_errors=True,
)
rotate = engine.path("config/rotate-root", help="Replace the service account's key.", go_errors=True)


@config.on(Operation.READ)
def read(state: GcpAuth, call: Call) -> Reply:
    """Return the settings, those of a mount without any included."""
    return (state.config or GcpConfig()).shown(call.core.product)


@config.on(Operation.UPDATE)
def write(state: GcpAuth, call: Call, *, credentials: str | None = None) -> None:
    """Change the settings that were sent. Raises ErrorResponse, and BackendError with status 400 or 422."""
    refuse_unknown(call)
    made = state.config.copy() if state.config else GcpConfig()
    before = made.custom_endpoint
    made.update_from(call)
    with refusing(error=BackendError, status=400):
        if credentials is not None:
            made.key = _key(credentials) if credentials else {}
        for name, known in METADATA.items():
            if name in call:
                with error_context(f"failed to parse {name[:3]} metadata: "):
                    setattr(made, name, metadata.chosen(call[name], known, known))
        for service in made.custom_endpoint:
            if service not in _SERVICES:
                raise ValueError(
                    f"invalid custom endpoint type \"{service}\". Available types are: 'api', 'iam', 'crm', 'compute'"
                )
        made.custom_endpoint = {name: url for name, url in {**before, **made.custom_endpoint}.items() if url}
        made.parse_rotation(call)
        if made.identity_token_audience and made.key:
            raise ValueError("only one of 'credentials' or 'identity_token_audience' can be set")
        if made.identity_token_audience and not made.service_account_email:
            raise ValueError("missing required 'service_account_email' when 'identity_token_audience' is set")
    if made.identity_token_audience:
        raise ErrorResponse("plugin workload identity not supported in Vault community edition")
    with refusing():
        made.register_rotation()
    state.config = made


def refuse_unknown(call: Call) -> None:
    """Refuse parameters that the endpoint does not have, which this plugin does not ignore. Raises BackendError."""
    unknown = sorted(set(call.raw) - set(call.endpoint.fields))
    if unknown:
        raise BackendError(f"unknown fields: {quoted(unknown)}", status=422)


def _key(text: str) -> dict[str, str]:
    """Return the members of a service account's key. Raises ValueError with the server's text."""
    with error_context("failed to read credentials: "):
        key = json.decode_object(text.encode()) or {}
    if not key.get("private_key_id"):
        raise ValueError("missing private key in credentials")
    return {str(name): str(value) for name, value in key.items()}


@rotate.on(Operation.UPDATE)
def rotate_root(state: GcpAuth, call: Call) -> Reply:
    """Return the id of the key that replaces the present one. Raises BackendError without a configured key."""
    if state.config is None or not state.config.key:
        raise BackendError(
            "configuration does not have credentials - this endpoint only works with user-provided JSON credentials "
            "explicitly provided via the config/ endpoint"
        )
    state.config.key["private_key_id"] = call.core.entropy.hex(20)
    return {"private_key_id": state.config.key["private_key_id"]}
