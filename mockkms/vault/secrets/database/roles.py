"""``roles/`` and ``static-roles/``: users made on demand, and users that are there already."""

from __future__ import annotations

import copy
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.framework.pages import PAGE, page
from mockkms.vault.golang import cron
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import credentials
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    RSA_KEY,
    Database,
    DatabaseRole,
    StaticDatabaseRole,
    engine,
)
from mockkms.world.clock import rfc3339

_SHORTEST_PERIOD = 5
_STATEMENTS = ("creation_statements", "revocation_statements", "rollback_statements", "renew_statements")
_COMMON = {
    "name": Field(Kind.STRING, help="Name of the role."),
    "db_name": Field(Kind.STRING, help="Name of the connection."),
    "credential_type": Field(
        Kind.STRING, default=PASSWORD, help="`password`, `rsa_private_key`, `client_certificate`."
    ),
    "credential_config": Field(Kind.KV_PAIRS, help="Settings of the credential type, such as `password_policy`."),
}
_ROLE = {
    **_COMMON,
    "default_ttl": Field(Kind.SECONDS, help="Lease of the users."),
    "max_ttl": Field(Kind.SECONDS, help="Largest lease of the users."),
    **{name: Field(Kind.STRING_SLICE, help=f"{name.split('_')[0].title()} of users.") for name in _STATEMENTS},
}
_STATIC = {
    **_COMMON,
    "username": Field(Kind.STRING, help="Name of the user."),
    "rotation_period": Field(Kind.SECONDS, help="How long a password lasts, at least 5 seconds."),
    "rotation_statements": Field(Kind.STRING_SLICE, help="Rotation of the password."),
    "rotation_schedule": Field(
        Kind.STRING, help="When passwords change, as cron writes it.", needs=Feature.DATABASE_ROTATION
    ),
    "rotation_window": Field(Kind.SECONDS, help="Seconds in which that may happen.", needs=Feature.DATABASE_ROTATION),
    "self_managed_password": Field(
        Kind.STRING, help="The user's present password; other editions rotate with it.", needs=Feature.DATABASE_ROTATION
    ),
}
_SHORTEST_WINDOW = 3600

listing = engine.path("roles[/]", PAGE, help="Names of the roles.")
static_listing = engine.path("static-roles[/]", PAGE, help="Names of the static roles.")
one = engine.path("roles/{name}", _ROLE, help="A role whose users are made on demand.")
static = engine.path("static-roles/{name}", _STATIC, help="A role with a user that is there already.")


@listing.on(Operation.LIST)
def list_roles(state: Database, call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": page(sorted(state.roles), call["after"], call["limit"])}


@static_listing.on(Operation.LIST)
def list_static_roles(state: Database, call: Call) -> dict[str, Any]:
    """The names, sorted."""
    return {"keys": page(sorted(state.static_roles), call["after"], call["limit"])}


@one.existence
def exists(state: Database, call: Call) -> bool:
    return call["name"] in state.roles


@static.existence
def static_exists(state: Database, call: Call) -> bool:
    return call["name"] in state.static_roles


@one.on(Operation.READ)
def read(state: Database, call: Call) -> dict[str, Any] | None:
    """The role."""
    role = state.roles.get(call["name"])
    return _without_empty_config(vars(role)) if role is not None else None


@static.on(Operation.READ)
def read_static(state: Database, call: Call) -> dict[str, Any] | None:
    """The role without its password."""
    role = state.static_roles.get(call["name"])
    if role is None:
        return None
    kept = ("db_name", "username", "rotation_statements", "credential_type", "credential_config")
    shown = _without_empty_config({name: getattr(role, name) for name in kept}) | credentials.shown_rotation(role)
    if call.core.product.has(Feature.DATABASE_ROTATION):
        shown["skip_import_rotation"] = False
    return {**shown, "last_vault_rotation": rfc3339(role.last_rotation)} if role.last_rotation else shown


def _without_empty_config(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "credential_config" or value}


@one.on(Operation.DELETE)
def delete(state: Database, call: Call) -> None:
    """Delete; users that were made stay until their leases end."""
    state.roles.pop(call["name"], None)


@static.on(Operation.DELETE)
def delete_static(state: Database, call: Call) -> None:
    """Delete; the user stays."""
    state.static_roles.pop(call["name"], None)


@one.on(Operation.CREATE, Operation.UPDATE)
def write(state: Database, call: Call) -> None:
    """Keep a role; what is not sent stays. Raises ErrorResponse."""
    if call["name"] in state.static_roles:
        raise ErrorResponse("Role and Static Role names must be unique")
    role = copy.deepcopy(state.roles.get(call["name"])) or DatabaseRole()
    role.db_name = call.get("db_name", role.db_name)
    if not role.db_name:
        raise ErrorResponse("database name is required")
    _take_type(role, call)
    _take_config(role, call)
    for name in (*_STATEMENTS, "default_ttl", "max_ttl"):
        setattr(role, name, call.get(name, getattr(role, name)))
    role.revocation_statements = [text for text in role.revocation_statements if text]
    state.roles[call["name"]] = role


@static.on(Operation.CREATE, Operation.UPDATE)
def write_static(state: Database, call: Call) -> Response | None:
    """Keep a static role; a new one gets a new password at once. Raises ErrorResponse and BackendError."""
    if call["name"] in state.roles:
        raise ErrorResponse("Role and Static Role names must be unique")
    old = state.static_roles.get(call["name"])
    role = copy.deepcopy(old) or StaticDatabaseRole()
    role.db_name = call.get("db_name", role.db_name)
    if not role.db_name:
        raise ErrorResponse("database name is a required field")
    username = call["username"]
    if not username and old is None:
        raise ErrorResponse("username is a required field to create a static account")
    if role.username and role.username != username:
        raise ErrorResponse("cannot update static account username")
    role.username = username
    newer = call.core.product.has(Feature.DATABASE_ROTATION)
    if newer:
        _take_times(role, call, new=old is None)
    else:
        _take_period(role, call, new=old is None)
    role.rotation_statements = call.get("rotation_statements", role.rotation_statements)
    _take_type(role, call)
    if newer:
        state.connection(role.db_name)
    if "self_managed_password" in call:
        if old is not None:
            when = rfc3339(role.last_rotation)
            refusal = "updating password not allowed after rotation"
            raise ErrorResponse(f"{refusal}: role={call['name']}, lastVaultRotation={when}")
        role.self_managed_password = call["self_managed_password"]
    _take_config(role, call)
    if old is None:
        credentials.rotate(state, call, call["name"], role)
    state.static_roles[call["name"]] = role
    return Response() if newer else None


def _take_period(role: StaticDatabaseRole, call: Call, *, new: bool) -> None:
    """The time between rotations. Raises ErrorResponse."""
    if "rotation_period" not in call and new:
        raise ErrorResponse("rotation_period is required to create static accounts")
    role.rotation_period = call.get("rotation_period", role.rotation_period)
    if "rotation_period" in call and role.rotation_period < _SHORTEST_PERIOD:
        raise ErrorResponse(f"rotation_period must be {_SHORTEST_PERIOD} seconds or more")


def _take_times(role: StaticDatabaseRole, call: Call, *, new: bool) -> None:
    """The time between rotations, or their schedule with its window. Raises ErrorResponse."""
    by_schedule, by_period = "rotation_schedule" in call, "rotation_period" in call
    if by_schedule and by_period:
        raise ErrorResponse(
            "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can "
            "be provided"
        )
    if new and not by_schedule and not by_period:
        raise ErrorResponse("one of rotation_schedule or rotation_period must be provided to create a static account")
    if by_period:
        _take_period(role, call, new=new)
        if "rotation_window" in call:
            raise ErrorResponse("rotation_window is invalid with use of rotation_period")
        role.rotation_schedule, role.rotation_window = "", 0
    if by_schedule:
        try:
            cron.parse(call["rotation_schedule"])
        except ValueError as error:
            raise ErrorResponse(f"could not parse rotation_schedule{_extra(error)}") from None
        role.rotation_schedule, role.rotation_period = call["rotation_schedule"], 0
        if "rotation_window" in call:
            if call["rotation_window"] < _SHORTEST_WINDOW:
                fault = f"rotation_window must be {_SHORTEST_WINDOW} seconds or more"
                raise ErrorResponse(f"rotation_window is invalid{_extra(fault)}")
            role.rotation_window = call["rotation_window"]


def _extra(fault: object) -> str:
    """Values that a text of the real server has no place for, as Go appends them."""
    return f"%!(EXTRA string=error, *errors.errorString={fault})"


def _take_type(role: DatabaseRole | StaticDatabaseRole, call: Call) -> None:
    """The credential type. Raises ErrorResponse."""
    kind = call.get("credential_type", role.credential_type)
    if kind not in (PASSWORD, RSA_KEY, CERTIFICATE):
        raise ErrorResponse(f"invalid credential_type {quote(kind)}")
    role.credential_type = kind


def _take_config(role: DatabaseRole | StaticDatabaseRole, call: Call) -> None:
    """The settings of the credential type. Raises ErrorResponse."""
    try:
        settings = _SETTINGS[role.credential_type](call["credential_config"])
    except ValueError as error:
        raise ErrorResponse(f"credential_config validation failed: {error}") from None
    role.credential_config = settings or role.credential_config


def _password_settings(given: dict[str, str]) -> dict[str, Any]:
    return {"password_policy": given["password_policy"]} if given.get("password_policy") else {}


def _rsa_settings(given: dict[str, str]) -> dict[str, Any]:
    form = given.get("format", "")
    if form.lower() not in ("", "pkcs8"):
        raise ValueError(f"invalid format: {form}")
    return {"format": form or "pkcs8", "key_bits": _bits(given, (2048, 3072, 4096), "invalid key_bits: {0}") or 2048}


def _certificate_settings(given: dict[str, str]) -> dict[str, Any]:
    kind = given.get("key_type", "")
    sizes = {"rsa": (2048, 3072, 4096), "ec": (224, 256, 384, 521), "ed25519": ()}
    if kind not in sizes:
        raise ValueError("invalid key_type")
    bits = _bits(given, sizes[kind], "invalid key_bits") if sizes[kind] else 0
    if given.get("signature_bits", "") not in ("", "0", "256", "384", "512"):
        raise ValueError("invalid signature_bits")
    for name in ("common_name_template", "ca_cert", "ca_private_key"):
        if not given.get(name):
            raise ValueError(f"missing required {name}")
    usual = {"rsa": 2048, "ec": 256}.get(kind, 0)
    signature = int(given.get("signature_bits") or 0) or 256
    return {**given, "key_bits": bits or usual, "signature_bits": signature}


def _bits(given: dict[str, str], sizes: tuple[int, ...], refusal: str) -> int:
    text = given.get("key_bits", "")
    try:
        bits = int(text or 0)
    except ValueError:
        raise ValueError(
            f"1 error(s) decoding:\n\n* cannot parse 'key_bits' as int: strconv.ParseInt: parsing {quote(text)}: "
            "invalid syntax"
        ) from None
    if bits and bits not in sizes:
        raise ValueError(refusal.format(bits))
    return bits


_SETTINGS = {PASSWORD: _password_settings, RSA_KEY: _rsa_settings, CERTIFICATE: _certificate_settings}
