"""``creds/``, ``verify`` and ``lookup``: one-time passwords for hosts with an agent."""

from __future__ import annotations

import ipaddress
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.ssh.engine import ROLE_NAME, SSH, engine
from mockkms.vault.tokens import cidr

_ECHO = ("verify-echo-request", "verify-echo-response")
"""What an agent asks to see whether it reaches the server, and the answer."""

creds = engine.path(
    f"creds/{ROLE_NAME}",
    {
        "role": Field(Kind.STRING, help="Name of the role."),
        "username": Field(Kind.STRING, help="User on the host."),
        "ip": Field(Kind.STRING, help="Address of the host."),
    },
    help="A one-time password.",
)
verify = engine.path("verify", {"otp": Field(Kind.STRING, help="The password.")}, login=True, help="Use a password up.")
lookup = engine.path("lookup", {"ip": Field(Kind.STRING, help="Address of the host.")}, help="Roles for a host.")


@creds.on(Operation.UPDATE)
def make_password(state: SSH, call: Call) -> Response:
    """Make a password for a user on a host. Raises ErrorResponse and BackendError."""
    if not call["ip"]:
        raise ErrorResponse("Missing ip")
    role = state.roles.get(call["role"])
    if role is None:
        raise ErrorResponse(f"Role {quote(call['role'])} not found")
    username = _user(role, call["username"])
    address = _address(call["ip"])
    if call["role"] not in (state.zero_address or ()):
        fault = _refused(role, address)
        if fault:
            raise ErrorResponse(f"Error validating IP: {fault}")
    if role["key_type"] != "otp":
        raise BackendError("key type unknown")
    password = call.core.entropy.uuid()
    state.passwords[password] = {"username": username, "ip": address, "role_name": call["role"]}
    data = {"ip": address, "key": password, "key_type": "otp", "port": role["port"], "username": username}
    return Response(data=data, lease=Lease(internal={"otp": password}))


def _user(role: dict[str, Any], asked: str) -> str:
    usual: str = role["default_user"]
    if not asked and not usual:
        raise ErrorResponse("No default username registered. Use 'username' option")
    username, allowed = asked or usual, role["allowed_users"]
    if username == usual or allowed == "*":
        return username
    if not allowed:
        raise ErrorResponse("Username has to be either in allowed users list or has to be a default username")
    if username not in [name.strip() for name in allowed.split(",")]:
        raise ErrorResponse("Username is not present is allowed users list")
    return username


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ErrorResponse(f"Invalid IP {quote(text)}") from None


def _refused(role: dict[str, Any], address: str) -> str:
    within, without = (_blocks(role[name]) for name in ("cidr_list", "exclude_cidr_list"))
    outside = not cidr.contains(within, address) or cidr.contains(without, address)
    return "IP does not belong to role" if outside else ""


def _blocks(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


@verify.on(Operation.UPDATE)
def use_password(state: SSH, call: Call) -> dict[str, Any]:
    """Tell whose password it was; it is gone then. Raises ErrorResponse."""
    if call["otp"] == _ECHO[0]:
        return {"message": _ECHO[1]}
    found = state.passwords.pop(call["otp"], None)
    if found is None:
        raise ErrorResponse("OTP not found")
    return dict(found)


@lookup.on(Operation.UPDATE)
def find_roles(state: SSH, call: Call) -> dict[str, Any]:
    """The roles whose networks a host is in, then those for which any address will do."""
    if not call["ip"]:
        raise ErrorResponse("Missing ip")
    try:
        address = str(ipaddress.ip_address(call["ip"]))
    except ValueError:
        raise ErrorResponse('Invalid IP "<nil>"') from None
    found = [name for name, role in sorted(state.roles.items()) if cidr.contains(_blocks(role["cidr_list"]), address)]
    found += state.zero_address or []
    return {"roles": found or None}
