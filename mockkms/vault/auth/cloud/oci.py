"""Oracle Cloud (OCI) auth: logins with requests signed by API keys; configuration, roles, and the section of worlds.

Signatures (draft-cavage-http-signatures, version 1) are verified with the public keys that the world names. Oracle's
identity service, which the real plugin asks, is never contacted.

Source: https://github.com/hashicorp/vault-plugin-auth-oci, and the page "Request Signatures" of Oracle's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Annotated

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mockkms.crypto.encoding import b64
from mockkms.vault.auth.cloud import issuers
from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, param
from mockkms.vault.framework.shapes.scalars import Choice
from mockkms.vault.kernel.plain_records import NAMES, listed, text
from mockkms.vault.kernel.record_section import named, one, record_section
from mockkms.world.stored import stored

_MOST = 100
"""Groups of a role."""
_SKEW = 5 * 60
"""Seconds by which the ``date`` of a request may differ from the server's time."""
_TARGET = "(request-target)"
_MEMBER = re.compile(r'(?<!\w)(\w++)="([^"]*+)"\s*+(?:,|$)')
_FAILED = "OCI authentication failed"


@stored("auth.oci.OciConfig")
@dataclass
class OciConfig(Record):
    """The tenancy whose principals may log in."""

    home_tenancy_id: Annotated[str, param(Kind.STRING, help="OCID of the tenancy.")] = ""


@stored("auth.oci.OciRole")
@dataclass
class OciRole(TokenParams):
    """One role, for the members of some groups."""

    ocid_list: Annotated[list[str], param(Kind.COMMA_STRINGS, help="OCIDs of groups and dynamic groups.")] = field(
        default_factory=list
    )


@stored("auth.oci.OciPrincipal")
@dataclass
class OciPrincipal:
    """A user or an instance of the world's Oracle Cloud, with its API key."""

    key_id: str
    """``<tenancy OCID>/<user OCID>/<fingerprint>``; for an instance ``ST$<token>``."""
    public_key: str
    """PEM."""
    tenancy_id: str
    groups: list[str] = field(default_factory=list)
    """OCIDs of the groups and dynamic groups that it is a member of."""
    type: str = "user"

    def __post_init__(self) -> None:
        """Check the key. Raises ValueError."""
        if not isinstance(issuers.load_key(self.public_key), rsa.RSAPublicKey):
            raise ValueError("public_key must be an RSA key")


@stored("auth.oci.OciAuth")
@dataclass
class OciAuth:
    """State of a mount."""

    config: OciConfig | None = None
    roles: dict[str, OciRole] = field(default_factory=dict)
    principals: list[OciPrincipal] = field(default_factory=list)


engine = Engine("auth/oci", kind="auth", new_state=OciAuth, help="Logins with requests signed for Oracle Cloud.")
_LOGIN = {
    "role": Field(Kind.STRING, help="Role to log in with, in any case."),
    "request_headers": Field(Kind.HEADER, help="Headers of a signed GET of this path: JSON, or JSON in base64."),
}
login = engine.path("login/{role}", _LOGIN, login=True, help="Log in with a signed request.")
engine.path("login", _LOGIN, login=True, help="Find the role of a login, for the server itself.")
config = engine.path("config", OciConfig.fields, help="Whose principals may log in.")
roles = Collection[OciAuth, OciRole](
    engine,
    "role/{role}",
    OciRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@config.existence
def exists(state: OciAuth, _call: Call) -> bool:
    """Return whether there is a configuration: a write without one is a create."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: OciAuth, call: Call) -> Reply:
    """Return the settings."""
    return None if state.config is None else state.config.shown(call.core.product)


@config.on(Operation.CREATE, Operation.UPDATE)
def write(state: OciAuth, _call: Call, *, home_tenancy_id: str) -> None:
    """Replace the settings. Raises ErrorResponse without a tenancy."""
    if not home_tenancy_id.strip():
        raise ErrorResponse("Missing homeTenancyId")
    state.config = OciConfig(home_tenancy_id)


@config.on(Operation.DELETE)
def delete(state: OciAuth, _call: Call) -> None:
    """Delete the settings."""
    state.config = None


@roles.write
def write_role(_state: OciAuth, call: Call, _name: str, role: OciRole) -> None:
    """Create or change a role. Raises ErrorResponse."""
    role.update_own(call)
    if len(role.ocid_list) > _MOST:
        raise ErrorResponse("Number of OCIDs for this role exceeds the limit")
    role.update_token_params(call)


@login.on(Operation.UPDATE)
def log_in(state: OciAuth, call: Call, *, role: str, request_headers: dict[str, object]) -> Response:
    """Log in. Raises ErrorResponse."""
    name = role.lower()
    found = state.roles.get(name)
    if found is None:
        raise ErrorResponse("Role is not found")
    headers = {key.lower(): _first(value) for key, value in request_headers.items()}
    _check_target(headers.get(_TARGET), name)
    principal = _authenticate(state, call, headers)
    tenancy = state.config.home_tenancy_id if state.config is not None else ""
    if not tenancy:
        raise ErrorResponse("Home Tenancy is invalid")
    if principal.tenancy_id != tenancy:
        raise ErrorResponse("Invalid Tenancy")
    if not set(principal.groups) & set(found.ocid_list):
        raise ErrorResponse("Entity not a part of any of the Role OCIDs")
    about = {"role_name": name}
    auth = Auth(metadata=about, internal=dict(about), display_name=name, alias={"name": name})
    found.apply(auth, call.request)
    auth.renewable = False
    return Response(auth=auth)


def _first(value: object) -> str:
    return str(value[0]) if isinstance(value, list) and value else "" if isinstance(value, list) else str(value)


def _check_target(target: str | None, role: str) -> None:
    """Check that a GET of the login's own path was signed. Raises ErrorResponse."""
    if not target:
        raise ErrorResponse("no (request-target) specified in header")
    parts = target.split()
    steps = parts[-1].removeprefix("/").split("/")
    right = len(parts) == 2 and parts[0].lower() == "get" and len(steps) >= 5 and steps[:2] == ["v1", "auth"]
    if not right or steps[-2:] != ["login", role]:
        raise ErrorResponse("incorrect (request-target) specified in header")


def _authenticate(state: OciAuth, call: Call, headers: dict[str, str]) -> OciPrincipal:
    """Return the principal that signed a request. Raises ErrorResponse."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    members = dict(_MEMBER.findall(rest)) if scheme.lower() == "signature" else {}
    key_id = members.get("keyId", "")
    principal = next((known for known in state.principals if known.key_id == key_id), None)
    if principal is None:
        call.request.trace.hint = f"the world's Oracle Cloud has no key {key_id or '(none was sent)'} (`principals`)"
        raise ErrorResponse(_FAILED)
    signed = members.get("headers", "date").split()
    with refusing(of=(ValueError, TypeError, InvalidSignature), text=_FAILED):
        if members.get("algorithm") != "rsa-sha256" or not {"date", _TARGET, "host"} <= set(signed):
            raise ValueError
        if abs(parsedate_to_datetime(headers["date"]).timestamp() - call.now()) > _SKEW:
            raise ValueError
        lines = "\n".join(f"{name}: {headers.get(name, '')}" for name in signed)
        key = issuers.load_key(principal.public_key)
        assert isinstance(key, rsa.RSAPublicKey)
        given = b64.decode(members.get("signature", ""))
        key.verify(given, lines.encode(), padding.PKCS1v15(), hashes.SHA256())
    return principal


section = record_section(
    one("config", "whose principals may log in", config, lambda state: state.config),
    named("roles", "roles by name", roles),
    listed(
        "principals",
        "users and instances of the world's Oracle Cloud: requests that they sign log in",
        OciPrincipal,
        {
            "key_id": text("`keyId` of signatures: `<tenancy>/<user>/<fingerprint>`"),
            "public_key": text("public key, PEM"),
            "tenancy_id": text("OCID of the tenancy"),
            "groups": text("OCIDs of its groups and dynamic groups", shape=NAMES),
            "type": text("default: `user`", shape=Choice(("user", "instance"))),
        },
        lambda state: state.principals,
    ),
)
