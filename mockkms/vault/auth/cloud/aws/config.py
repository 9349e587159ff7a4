"""``config/client``, ``config/identity`` and ``config/rotate-root``: access to AWS, and data of logins."""

from __future__ import annotations

import re
from typing import Any

from mockkms.vault.auth.cloud.aws.engine import AwsAuth, engine
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing

_ALIASES = {
    "iam_alias": ("role_id", "unique_id", "canonical_arn", "full_arn"),
    "ec2_alias": ("role_id", "instance_id", "image_id"),
}
_METADATA = {
    "iam_metadata": (
        "account_id", "auth_type", "canonical_arn", "client_arn", "client_user_id", "inferred_aws_region",
        "inferred_entity_id", "inferred_entity_type",
    ),
    "ec2_metadata": ("account_id", "ami_id", "instance_id", "region", "auth_type"),
}  # fmt: skip
_USUAL = {"iam_metadata": ["account_id", "auth_type"], "ec2_metadata": ["account_id", "auth_type"]}
_CLIENT = {
    "access_key": Field(Kind.STRING, help="Key that asks AWS."),
    "endpoint": Field(Kind.STRING, help="Where EC2 is instead."),
    "iam_endpoint": Field(Kind.STRING, help="Where IAM is instead."),
    "sts_endpoint": Field(Kind.STRING, help="Where STS is instead."),
    "sts_region": Field(Kind.STRING, help="Region of STS."),
    "use_sts_region_from_client": Field(Kind.BOOL, help="The region is that of the signed request."),
    "iam_server_id_header_value": Field(Kind.STRING, help="Value that signed requests must carry."),
    "allowed_sts_header_values": Field(Kind.COMMA_STRINGS, help="Further headers that they may carry."),
    "max_retries": Field(Kind.INT, default=-1, help="How often AWS is asked again."),
    "role_arn": Field(Kind.STRING, help="Role of workload identity federation."),
    "identity_token_audience": Field(Kind.STRING, help="Audience of its tokens."),
    "identity_token_ttl": Field(Kind.SECONDS, help="Life of its tokens."),
}
client = engine.path(
    "config/client",
    {**_CLIENT, **automated_rotation.fields(), "secret_key": Field(Kind.STRING, help="Its secret.")},
    help="How AWS is asked.",
)
_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", re.ASCII)
identity = engine.path(
    "config/identity",
    {
        **{name: Field(Kind.STRING, help="What names the alias of such a login.") for name in _ALIASES},
        **{
            name: Field(Kind.COMMA_STRINGS, help="Fields of its metadata; `default` selects the default ones.")
            for name in _METADATA
        },
    },
    help="Data of logins for the identity store.",
)
rotate = engine.path("config/rotate-root", help="Replace the key that asks AWS.")


@client.existence
def exists(state: AwsAuth, _call: Call) -> bool:
    return state.config is not None


@client.on(Operation.READ)
def read_client(state: AwsAuth, call: Call) -> Reply:
    """Return the settings without the secret."""
    if state.config is None:
        return None
    return {name: state.config[name] for name in _CLIENT} | _rotation(state.config).shown_rotation(call.core.product)


@client.on(Operation.CREATE, Operation.UPDATE)
def write_client(state: AwsAuth, call: Call, *, allowed_sts_header_values: list[str] | None = None) -> None:
    """Keep settings; what is not sent stays. Raises ErrorResponse."""
    old = state.config or {}
    made = {name: call.get(name, old.get(name, call[name])) for name in (*_CLIENT, "secret_key")}
    headers = allowed_sts_header_values
    made["allowed_sts_header_values"] = (
        old.get("allowed_sts_header_values") if headers is None else [_canonical(header) for header in headers]
    )
    rotation = _rotation(old)
    with refusing():
        rotation.parse_rotation(call)
        _check_identity(made)
        rotation.register_rotation()
    state.config = made | {name: getattr(rotation, name) for name in automated_rotation.NAMES}


def _rotation(config: dict[str, Any]) -> AutomatedRotation:
    return AutomatedRotation(**{name: config[name] for name in automated_rotation.NAMES if name in config})


def _check_identity(config: dict[str, Any]) -> None:
    """Refuse workload identity, which another edition has. Raises ValueError with the server's text."""
    if not config["identity_token_audience"]:
        return
    if config["access_key"]:
        raise ValueError("only one of 'access_key' or 'identity_token_audience' can be set")
    if not config["role_arn"]:
        raise ValueError("role_arn must be set when identity_token_audience is set")
    raise ValueError("plugin workload identity not supported in Vault community edition")


def _canonical(header: str) -> str:
    """Return a header's name as Go writes it; an invalid name is returned unchanged."""
    return "-".join(word.capitalize() for word in header.split("-")) if _HEADER.fullmatch(header) else header


@client.on(Operation.DELETE)
def delete_client(state: AwsAuth, _call: Call) -> None:
    """Forget the settings."""
    state.config = None


def _identity(state: AwsAuth) -> dict[str, Any]:
    return {"iam_alias": "role_id", "ec2_alias": "role_id", **_USUAL, **state.identity}


@identity.on(Operation.READ)
def read_identity(state: AwsAuth, _call: Call) -> Reply:
    """Return the settings, defaults included."""
    return _identity(state)


@identity.on(Operation.UPDATE)
def write_identity(state: AwsAuth, call: Call) -> None:
    """Keep settings; what is not sent stays. Raises ErrorResponse."""
    made = _identity(state)
    for name, known in _ALIASES.items():
        made[name] = call.get(name, made[name])
        if made[name] not in known:
            raise ErrorResponse(f'invalid {name} of "{made[name]}"; must be one of: {", ".join(known)}')
    for name, known in _METADATA.items():
        asked = call.get(name, made[name])
        if asked in ([], ["default"]):
            asked = _USUAL[name]
        if not set(asked) <= set(known):
            raise ErrorResponse(f"{name} contains an unavailable field, please select from {', '.join(known)}")
        made[name] = list(asked)
    state.identity = made


@rotate.on(Operation.UPDATE)
def rotate_root(state: AwsAuth, call: Call) -> Reply:
    """Return the access key that replaces the present one. Raises ErrorResponse where there is none to replace."""
    if state.config is None:
        raise ErrorResponse("no configuration found")
    if not state.config["access_key"]:
        raise ErrorResponse("Cannot call config/rotate-root when access_key is empty")
    if not state.config["secret_key"]:
        raise ErrorResponse("Cannot call config/rotate-root when secret_key is empty")
    entropy = call.core.entropy
    state.config |= {"access_key": "AKIA" + entropy.hex(8).upper(), "secret_key": entropy.hex(20)}
    return {"access_key": state.config["access_key"]}
