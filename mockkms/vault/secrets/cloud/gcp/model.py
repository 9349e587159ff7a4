"""State of a Google Cloud mount, its configuration, and the credentials that are made up."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Annotated

from mockkms.crypto.x509 import keys
from mockkms.json_reading import read_json
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, issued, renewed
from mockkms.vault.secrets.peer import MADE_UP
from mockkms.world.entropy import Entropy
from mockkms.world.stored import stored

TOKEN, KEY = "access_token", "service_account_key"
RSA_2048, JSON_FILE = "KEY_ALG_RSA_2048", "TYPE_GOOGLE_CREDENTIALS_FILE"
_TOKEN_SECONDS = 3599
"""Lifetime of an access token when Google issues it."""
_AUTH = "https://accounts.google.com/o/oauth2/auth"
_TOKEN_URL = "https://oauth2.googleapis.com/token"
_CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"


@stored("gcp.GcpSecretsConfig")
@dataclass
class GcpSecretsConfig(AutomatedRotation, Record):
    """The credentials that create the others. Durations are seconds."""

    credentials: Annotated[
        str, param(Kind.STRING, help="Credentials of a service account, in JSON.", show=Show.NEVER)
    ] = ""
    ttl: Annotated[int, param(Kind.SECONDS, help="Default lease of keys in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lease of keys in seconds.")] = 0
    service_account_email: Annotated[
        str, param(Kind.STRING, help="Service account of workload identity federation.")
    ] = ""
    identity_token_audience: Annotated[str, param(Kind.STRING, help="Audience of identity tokens.")] = ""
    identity_token_ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of identity tokens in seconds.")] = 0

    def changed(self) -> dict[str, object]:
        """Return the parameters that are not as a new configuration has them."""
        return super().changed() | self.changed_rotation()


@dataclass
class Bound(Record):
    """What role sets and static accounts have in common."""

    secret_type: Annotated[str, param(Kind.STRING, help="access_token or service_account_key.")] = TOKEN
    bindings: Annotated[str, param(Kind.STRING, help="IAM roles by resource, in HCL or JSON.", show=Show.NEVER)] = ""
    token_scopes: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="OAuth scopes of access tokens.", show=Show.NEVER)
    ] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """A hash of the bindings: keys are renewed while it stays the same."""
        return hashlib.sha256(self.bindings.encode()).hexdigest()


@stored("gcp.GcpRoleSet")
@dataclass
class GcpRoleSet(Bound):
    """IAM roles of a new service account."""

    project: Annotated[str, param(Kind.STRING, help="Project of the service account.")] = ""
    email: str = ""
    """Of the service account."""


@stored("gcp.GcpStaticAccount")
@dataclass
class GcpStaticAccount(Bound):
    """An existing service account."""

    service_account_email: Annotated[str, param(Kind.STRING, help="E-mail address of the service account.")] = ""


@stored("gcp.GcpImpersonatedAccount")
@dataclass
class GcpImpersonatedAccount(Record):
    """An existing service account whose access tokens are issued without a key of its own."""

    service_account_email: Annotated[str, param(Kind.STRING, help="E-mail address of the service account.")] = ""
    token_scopes: Annotated[list[str], param(Kind.COMMA_STRINGS, help="OAuth scopes of access tokens.")] = field(
        default_factory=list
    )
    ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of access tokens in seconds.")] = 0


@stored("gcp.GcpSecrets")
@dataclass
class GcpSecrets:
    """State of a mount."""

    config: GcpSecretsConfig | None = None
    role_sets: dict[str, GcpRoleSet] = field(default_factory=dict)
    static_accounts: dict[str, GcpStaticAccount] = field(default_factory=dict)
    impersonated: dict[str, GcpImpersonatedAccount] = field(default_factory=dict)


def _shown(config: GcpSecretsConfig, product: Product) -> dict[str, object]:
    return {**config.shown(product), **config.shown_rotation(product)}


engine = Engine(
    "secret/gcp",
    kind="secret",
    new_state=GcpSecrets,
    help="Random keys and access tokens of Google service accounts.",
    slow={"config/": 0, "key/": 0, "roleset/": 0, "static-account/": 0},
)
config: Setting[GcpSecrets, GcpSecretsConfig] = Setting(
    engine, "config", GcpSecretsConfig, "config", help="The credentials that create the others.",
    extra=automated_rotation.fields(), supplies=(Operation.READ,), shown=_shown,
)  # fmt: skip
rotate_root = engine.path("config/rotate-root", help="Replace the key of the configuration.", go_errors=True)


@config.write
def write_config(_state: GcpSecrets, call: Call, found: GcpSecretsConfig) -> None:
    """Change the settings. Raises ErrorResponse."""
    found.update_from(call)
    if "credentials" in call:
        with refusing("invalid credentials JSON file: "):
            _credentials(found.credentials)
    if found.identity_token_audience:
        if found.credentials:
            raise ErrorResponse("only one of 'credentials' or 'identity_token_audience' can be set")
        if not found.service_account_email:
            raise ErrorResponse("missing required 'service_account_email' when 'identity_token_audience' is set")
        raise ErrorResponse("plugin workload identity not supported in Vault community edition")
    with refusing():
        found.parse_rotation(call)
        found.register_rotation()


def _credentials(text: str) -> dict[str, object]:
    """Return the members of a credentials file. Raises ValueError."""
    try:
        found = read_json(text)
    except ValueError:
        raise ValueError("failed to unmarshal credentials: it is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("failed to unmarshal credentials: it is not an object")
    return found


@rotate_root.on(Operation.UPDATE)
def rotate(state: GcpSecrets, call: Call) -> Reply:
    """Replace the key of the configuration and return its id. Raises BackendError."""
    found = state.config
    if found is None:
        raise BackendError("no configuration")
    if not found.credentials:
        raise BackendError(
            "configuration does not have credentials - this endpoint only works with user-provided JSON credentials "
            "explicitly provided via the config/ endpoint"
        )
    with refusing("credentials are invalid: ", BackendError):
        old = _credentials(found.credentials)
    email, project = str(old.get("client_email") or ""), str(old.get("project_id") or "")
    made = credentials_file(call.core.entropy, email, project)
    state.config = replace(found, credentials=json.dumps(made))
    return {"private_key_id": made["private_key_id"]}


def credentials_file(entropy: Entropy, email: str, project: str) -> dict[str, str]:
    """Return the content of a credentials file, with a new RSA key."""
    private = keys.private_pem(keys.generate("rsa", 2048, entropy), pkcs8=True)
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": entropy.hex(20),
        "private_key": private + "\n",
        "client_email": email,
        "client_id": str(10**20 + int.from_bytes(hashlib.sha256(email.encode()).digest()[:8], "big")),
        "auth_uri": _AUTH,
        "token_uri": _TOKEN_URL,
        "auth_provider_x509_cert_url": _CERTIFICATES,
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{email.replace('@', '%40')}",
        "universe_domain": "googleapis.com",
    }


def project_of(email: str) -> str:
    """Return the project in the e-mail address of a service account."""
    return email.partition("@")[2].removesuffix(".iam.gserviceaccount.com")


def issue_token(call: Call, seconds: int = _TOKEN_SECONDS, warnings: list[str] | None = None) -> Response:
    """Return an access token, which has no lease: Google cannot revoke it."""
    call.request.trace.hint = MADE_UP.format("Google Cloud")
    raw = base64.urlsafe_b64encode(call.core.entropy.bytes(150)).decode()
    data = {"expires_at_seconds": int(call.now()) + seconds, "token": f"ya29.c.{raw}", "token_ttl": seconds}
    return Response(data=data, warnings=warnings or [])


def issue_key(state: GcpSecrets, call: Call, email: str, owner: dict[str, object]) -> Response:
    """Return a key of a service account, with a lease; ``owner`` is the internal data that names its role."""
    call.request.trace.hint = MADE_UP.format("Google Cloud")
    project = project_of(email)
    made = credentials_file(call.core.entropy, email, project)
    data = {
        "key_algorithm": call["key_algorithm"],
        "key_type": call["key_type"],
        "private_key_data": base64.b64encode(json.dumps(made, indent=2).encode()).decode(),
    }
    name = f"projects/{project}/serviceAccounts/{email}/keys/{made['private_key_id']}"
    limits = state.config or GcpSecretsConfig()
    return issued(data, {"key_name": name, **owner}, call["ttl"] if call["ttl"] > 0 else limits.ttl, limits.max_ttl)


@engine.renews
def renew(state: GcpSecrets, call: Call) -> Response:
    """Renew the lease of a key, unless the bindings of its role set or account changed. Raises BackendError."""
    kinds: tuple[tuple[str, str, dict[str, GcpRoleSet] | dict[str, GcpStaticAccount]], ...] = (
        ("role_set", "role set", state.role_sets),
        ("static_account", "static account", state.static_accounts),
    )
    for member, what, known in kinds:
        name = call.kept(member)
        if not name:
            continue
        found = known.get(name)
        if found is None:
            raise BackendError(f"could not find {what} {quote(name)} to verify secret")
        if found.fingerprint != call.kept(f"{member}_bindings"):
            raise BackendError(f"{what} '{name}' bindings were updated since secret was generated, cannot renew")
    limits = state.config or GcpSecretsConfig()
    return renewed(call, limits.ttl, limits.max_ttl)


load_endpoints(__name__, "rolesets", "accounts")
