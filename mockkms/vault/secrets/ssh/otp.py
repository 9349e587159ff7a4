"""``creds/``, ``verify`` and ``lookup``: one-time passwords, for hosts that run an agent."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response, refusing
from mockkms.vault.golang.addresses import parse_ip
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.ssh.engine import ROLE_NAME, SSH, SshRole, engine
from mockkms.vault.tokens import cidr

_ECHO = ("verify-echo-request", "verify-echo-response")
"""The password with which an agent tests its connection to the server, and the answer."""

creds = engine.path(
    f"creds/{ROLE_NAME}",
    {
        "role": Field(Kind.STRING, help="Name of the role."),
        "username": Field(Kind.STRING, help="User on the host."),
        "ip": Field(Kind.STRING, help="Address of the host."),
    },
    help="Create a one-time password.",
)
verify = engine.path("verify", {"otp": Field(Kind.STRING, help="The password.")}, login=True, help="Use a password.")
lookup = engine.path("lookup", {"ip": Field(Kind.STRING, help="Address of the host.")}, help="Roles for a host.")


@creds.on(Operation.UPDATE)
def create_password(state: SSH, call: Call, *, role: str, username: str, ip: str) -> Response:
    """Create a password for a user on a host. Raises ErrorResponse and BackendError."""
    if not ip:
        raise ErrorResponse("Missing ip")
    settings = state.roles.get(role)
    if settings is None:
        raise ErrorResponse(f"Role {quote(role)} not found")
    username = _user(settings, username)
    address = _address(ip, quote(ip))
    if role not in (state.zero_address or ()) and not _has_address(settings, address):
        raise ErrorResponse("Error validating IP: IP does not belong to role")
    if settings.key_type != "otp":
        raise BackendError("key type unknown")
    password = call.core.entropy.uuid()
    state.passwords[password] = {"username": username, "ip": address, "role_name": role}
    data = {"ip": address, "key": password, "key_type": "otp", "port": settings.port, "username": username}
    return Response(data=data, lease=Lease(internal={"otp": password}))


def _user(role: SshRole, requested: str) -> str:
    """Return the user of a password. Raises ErrorResponse for a user that the role does not allow."""
    username = requested or role.default_user
    if not username:
        raise ErrorResponse("No default username registered. Use 'username' option")
    if username == role.default_user or role.allowed_users == "*":
        return username
    if not role.allowed_users:
        raise ErrorResponse("Username has to be either in allowed users list or has to be a default username")
    if username not in [name.strip() for name in role.allowed_users.split(",")]:
        raise ErrorResponse("Username is not present is allowed users list")
    return username


def _address(text: str, quoted: str) -> str:
    """Return an IP address in its usual form. Raises ErrorResponse, which shows the address as ``quoted``."""
    with refusing(text=f"Invalid IP {quoted}"):
        return str(parse_ip(text))


def _has_address(role: SshRole, address: str) -> bool:
    return cidr.contains(_blocks(role.cidr_list), address) and not cidr.contains(
        _blocks(role.exclude_cidr_list), address
    )


def _blocks(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


@verify.on(Operation.UPDATE)
def use_password(state: SSH, _call: Call, *, otp: str) -> Reply:
    """Remove a password and return whose it was. Raises ErrorResponse for an unknown password."""
    if otp == _ECHO[0]:
        return {"message": _ECHO[1]}
    found = state.passwords.pop(otp, None)
    if found is None:
        raise ErrorResponse("OTP not found")
    return dict(found)


@lookup.on(Operation.UPDATE)
def find_roles(state: SSH, _call: Call, *, ip: str) -> Reply:
    """Return the roles whose networks contain a host, then those that allow any address. Raises ErrorResponse."""
    if not ip:
        raise ErrorResponse("Missing ip")
    address = _address(ip, '"<nil>"')
    found = [name for name, role in sorted(state.roles.items()) if cidr.contains(_blocks(role.cidr_list), address)]
    found += state.zero_address or []
    return {"roles": found or None}
