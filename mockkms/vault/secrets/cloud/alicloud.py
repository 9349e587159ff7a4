"""The AliCloud secrets engine: access keys and STS credentials for roles, and its section of world files.

AliCloud is never contacted: the keys are random and AliCloud refuses them.

Source: ``vault-plugin-secrets-alicloud`` and its API documentation; no recording exists.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang import json as gojson
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.golang.json_types import ANYTHING, Map, Slice
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, WithLifetimes, display_name, issued, renewed
from mockkms.vault.secrets.peer import MADE_UP
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

_STS_SECONDS = 3600
"""Lifetime of STS credentials, which AliCloud determines."""
_LONGEST_NAME = 64
_POLICIES = Slice(Map(ANYTHING))


@stored("alicloud.AliCloudConfig")
@dataclass
class AliCloudConfig(Record):
    """The access key that creates the others."""

    access_key: Annotated[str, param(Kind.STRING, help="Id of the access key.")] = ""
    secret_key: Annotated[str, param(Kind.STRING, help="Secret of the access key.", show=Show.NEVER)] = ""


@stored("alicloud.AliCloudRole")
@dataclass
class AliCloudRole(WithLifetimes):
    """A role: the permissions of its credentials. Durations are seconds."""

    role_arn: Annotated[str, param(Kind.STRING, help="ARN of a role to assume.")] = ""
    inline_policies: Annotated[
        str, param(Kind.STRING, help="Policies of new users, a list in JSON.", show=Show.NEVER)
    ] = ""
    remote_policies: Annotated[
        list[str] | None,
        param(Kind.STRING_SLICE, help="Existing policies, as `name:AliyunOSSReadOnlyAccess,type:System`.",
              show=Show.NEVER),
    ] = None  # fmt: skip


@stored("alicloud.AliCloud")
@dataclass
class AliCloudSecrets:
    """State of a mount."""

    config: AliCloudConfig | None = None
    roles: dict[str, AliCloudRole] = field(default_factory=dict)


def _inline(role: AliCloudRole) -> list[dict[str, object]] | None:
    """Return the policies of new users, each with its hash; None if none were ever sent. Raises ValueError."""
    if not role.inline_policies:
        return None
    # The plugin's hashes are random; these depend on the policy, so that a world keeps them.
    return [
        {"hash": hashlib.md5(f"{at}{json.dumps(policy)}".encode()).hexdigest(), "policy_document": policy}
        for at, policy in enumerate(_POLICIES.read(gojson.decode(role.inline_policies.encode(), whole=True)))
    ]


def _remote(text: str) -> dict[str, str]:
    """Return the name and type of an existing policy. Raises ValueError."""
    found = {}
    for pair in text.split(","):
        parts = pair.split(":")
        if len(parts) != 2:
            raise ValueError(f"unable to recognize pair in {pair}")
        if parts[0] not in ("name", "type"):
            raise ValueError(f"invalid key: {parts[0]}")
        found[parts[0]] = parts[1]
    for key in ("name", "type"):
        if not found.get(key):
            raise ValueError(f"policy {key} is required in {text}")
    return found


def _shown(role: AliCloudRole, product: Product) -> dict[str, object]:
    remote = None if role.remote_policies is None else [_remote(text) for text in role.remote_policies]
    return {**role.shown(product), "inline_policies": _inline(role), "remote_policies": remote}


engine = Engine(
    "secret/alicloud", kind="secret", new_state=AliCloudSecrets, help="Random access keys of AliCloud for roles."
)
config: Setting[AliCloudSecrets, AliCloudConfig] = Setting(
    engine, "config", AliCloudConfig, "config", help="The access key that creates the others.", go_errors=True
)
roles: Collection[AliCloudSecrets, AliCloudRole] = Collection(
    engine, "role/{name}", AliCloudRole, lambda state: state.roles, shown=_shown, lower=True, paged=False,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    go_errors=True,
)  # fmt: skip
creds = engine.path(
    "creds/{name}", {"name": Field(Kind.LOWER_STRING, help="Name of the role.")}, help="Create credentials.",
    go_errors=True,
)  # fmt: skip


@config.write
def write_config(_state: AliCloudSecrets, call: Call, config: AliCloudConfig) -> None:
    """Replace the access key. Raises BackendError."""
    for name in ("access_key", "secret_key"):
        if name not in call:
            raise BackendError(f"{name} is required")
    config.replace_from(call)


@roles.write
def write_role(_state: AliCloudSecrets, call: Call, _name: str, role: AliCloudRole) -> Response | None:
    """Create or update a role. Raises BackendError."""
    role.update_from(call)
    with refusing(error=BackendError):
        if "inline_policies" in call:
            gojson.decode(role.inline_policies.encode(), whole=True)
        inline = _inline(role)
        for text in role.remote_policies or ():
            _remote(text)
    role.check_lifetimes(BackendError)
    if role.role_arn:
        for name, policies in (("remote_policies", role.remote_policies), ("inline_policies", inline)):
            if policies:
                raise BackendError(f"{name} must be blank when an arn is present")
    elif not role.remote_policies and not inline:
        raise BackendError("must include an arn, or at least one of inline_policies or remote_policies")
    warnings = []
    if role.role_arn and (role.ttl or role.max_ttl):
        warnings.append("role_arn is set so ttl and max_ttl will be ignored because they're not editable on STS tokens")
    most = call.core.limits(call.mount).max
    if role.ttl > most:
        # The plugin prints Go durations as plain numbers, which are nanoseconds.
        ttl, most = role.ttl * SECOND, most * SECOND
        warnings.append(f"ttl of {ttl} exceeds the system max ttl of {most}, the latter will be used during login")
    return Response(warnings=warnings) if warnings else None


@creds.on(Operation.READ)
def create_credentials(state: AliCloudSecrets, call: Call, *, name: str) -> Response | None:
    """Create an access key or, for a role to assume, STS credentials. Raises BackendError."""
    role = state.roles.get(name)
    if role is None:
        return None
    if state.config is None:
        raise BackendError("unable to create secret because no credentials are configured")
    call.request.trace.hint = MADE_UP.format("AliCloud")
    entropy = call.core.entropy
    if role.role_arn:
        data = {
            "access_key": f"STS.{entropy.base62(25)}",
            "expiration": rfc3339(int(call.now()) + _STS_SECONDS),
            "secret_key": entropy.base62(44),
            "security_token": base64.b64encode(entropy.bytes(300)).decode(),
        }
        return issued(data, {"role_type": "sts"}, _STS_SECONDS, _STS_SECONDS, renewable=False)
    key = f"LTAI{entropy.base62(20)}"
    start = f"{display_name(call)}-{name}-"[: _LONGEST_NAME - 15]
    internal = {
        "role_type": "ram", "role_name": name, "access_key_id": key,
        "username": f"{start}{int(call.now())}-{entropy.below(10000)}",
    }  # fmt: skip
    return issued({"access_key": key, "secret_key": entropy.base62(30)}, internal, role.ttl, role.max_ttl)


@engine.renews
def renew(state: AliCloudSecrets, call: Call) -> Response:
    """Renew the lease of an access key with its role's lifetimes. Raises BackendError."""
    name = call.kept("role_name")
    role = state.roles.get(name)
    if role is None:
        raise BackendError(f"role {name} has been deleted so no further renewals are allowed")
    lease = call.lease
    return renewed(call, role.ttl or lease.ttl, role.max_ttl or lease.max_ttl)


@engine.revokes
def revoke(state: AliCloudSecrets, call: Call) -> None:
    """Delete an access key; STS credentials end by themselves. Raises BackendError."""
    if call.kept("role_type") == "ram" and state.config is None:
        raise BackendError("unable to delete access key because no credentials are configured")


section = record_section(
    config.part("config", "the access key that creates the others"), named("roles", "roles by name", roles)
)
