"""``roles/`` and ``static-roles/``: users that are created on demand, and existing users."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.error_context import error_context
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Response, refusing
from mockkms.vault.golang import cron
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.database import credentials
from mockkms.vault.secrets.database.engine import (
    CERTIFICATE,
    PASSWORD,
    RSA_KEY,
    CredentialRole,
    Database,
    DatabaseRole,
    StaticDatabaseRole,
    engine,
)
from mockkms.world.clock import rfc3339

_SHORTEST_PERIOD = 5
_SHORTEST_WINDOW = 3600
_NAME = Field(Kind.STRING, help="Name of the role.")


def _static_shown(role: StaticDatabaseRole, product: Product) -> dict[str, object]:
    """Return what a read shows of a static role: all settings but the password."""
    kept = ("db_name", "username", "rotation_statements", "credential_type", "credential_config")
    shown = {name: value for name, value in role.shown(product).items() if name in kept}
    shown |= credentials.shown_rotation(role)
    if product.has(Feature.DATABASE_ROTATION):
        shown["skip_import_rotation"] = False
    return {**shown, "last_vault_rotation": rfc3339(role.last_rotation)} if role.last_rotation else shown


roles = Collection[Database, DatabaseRole](
    engine, "roles/{name}", DatabaseRole, lambda state: state.roles, name=_NAME,
    help="A role whose users are created on demand.", list_help="Names of the roles.",
)  # fmt: skip
static_roles = Collection[Database, StaticDatabaseRole](
    engine, "static-roles/{name}", StaticDatabaseRole, lambda state: state.static_roles, name=_NAME,
    help="A role of an existing user.", list_help="Names of the static roles.", shown=_static_shown, go_errors=True,
)  # fmt: skip


@roles.write
def write(state: Database, call: Call, name: str, role: DatabaseRole) -> None:
    """Create or update a dynamic role. Raises ErrorResponse."""
    if name in state.static_roles:
        raise ErrorResponse("Role and Static Role names must be unique")
    role.update_from(call, "db_name")
    if not role.db_name:
        raise ErrorResponse("database name is required")
    _set_type(role, call)
    _set_config(role, call)
    role.update_from(
        call, "creation_statements", "revocation_statements", "rollback_statements", "renew_statements", "default_ttl",
        "max_ttl",
    )  # fmt: skip
    role.revocation_statements = [text for text in role.revocation_statements if text]


@static_roles.write
def write_static(
    state: Database, call: Call, name: str, role: StaticDatabaseRole, *, username: str,
    self_managed_password: str | None = None,
) -> Response | None:  # fmt: skip
    """Create or update a static role; a new one gets a new password at once. Raises ErrorResponse and BackendError."""
    if name in state.roles:
        raise ErrorResponse("Role and Static Role names must be unique")
    new = name not in state.static_roles
    role.update_from(call, "db_name")
    if not role.db_name:
        raise ErrorResponse("database name is a required field")
    if not username and new:
        raise ErrorResponse("username is a required field to create a static account")
    if role.username and role.username != username:
        raise ErrorResponse("cannot update static account username")
    role.username = username
    later = call.core.product.has(Feature.DATABASE_ROTATION)
    if later:
        _set_times(role, call, new=new)
    else:
        _set_period(role, call, new=new)
    role.update_from(call, "rotation_statements")
    _set_type(role, call)
    if later:
        state.connection(call.core.product, role.db_name)
    if self_managed_password is not None:
        if not new:
            when = rfc3339(role.last_rotation)
            refusal = "updating password not allowed after rotation"
            raise ErrorResponse(f"{refusal}: role={name}, lastVaultRotation={when}")
        role.self_managed_password = self_managed_password
    _set_config(role, call)
    if new:
        credentials.rotate(state, call, name, role)
    return Response() if later else None


def _set_period(role: StaticDatabaseRole, call: Call, *, new: bool) -> None:
    """Set the time between rotations. Raises ErrorResponse."""
    if "rotation_period" not in call and new:
        raise ErrorResponse("rotation_period is required to create static accounts")
    role.update_from(call, "rotation_period")
    if "rotation_period" in call and role.rotation_period < _SHORTEST_PERIOD:
        raise ErrorResponse(f"rotation_period must be {_SHORTEST_PERIOD} seconds or more")


def _set_times(role: StaticDatabaseRole, call: Call, *, new: bool) -> None:
    """Set the time between rotations, or their schedule with its window. Raises ErrorResponse."""
    by_schedule, by_period = bool(call["rotation_schedule"]), "rotation_period" in call
    if by_schedule and by_period:
        raise ErrorResponse(
            "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them can "
            "be provided"
        )
    if new and not by_schedule and not by_period:
        raise ErrorResponse("one of rotation_schedule or rotation_period must be provided to create a static account")
    if by_period:
        _set_period(role, call, new=new)
        if "rotation_window" in call:
            raise ErrorResponse("rotation_window is invalid with use of rotation_period")
        role.rotation_schedule, role.rotation_window = "", 0
    if by_schedule:
        with error_context(raised=lambda fault: ErrorResponse(f"could not parse rotation_schedule{_extra(fault)}")):
            cron.parse(call["rotation_schedule"])
        role.rotation_schedule, role.rotation_period = call["rotation_schedule"], 0
        if "rotation_window" in call:
            if call["rotation_window"] < _SHORTEST_WINDOW:
                fault = f"rotation_window must be {_SHORTEST_WINDOW} seconds or more"
                raise ErrorResponse(f"rotation_window is invalid{_extra(fault)}")
            role.rotation_window = call["rotation_window"]


def _extra(fault: str) -> str:
    """Return a value as Go appends it to a format that has too few verbs, as some of the real server's have."""
    return f"%!(EXTRA string=error, *errors.errorString={fault})"


def _set_type(role: CredentialRole, call: Call) -> None:
    """Set the credential type. Raises ErrorResponse."""
    role.update_from(call, "credential_type")
    if role.credential_type not in _SETTINGS:
        raise ErrorResponse(f"invalid credential_type {quote(role.credential_type)}")


def _set_config(role: CredentialRole, call: Call) -> None:
    """Set the settings of the credential type. Raises ErrorResponse."""
    with refusing("credential_config validation failed: "):
        settings = _SETTINGS[role.credential_type](call["credential_config"])
    role.credential_config = settings or role.credential_config


def _password_settings(given: Mapping[str, str]) -> dict[str, object]:
    return {"password_policy": given["password_policy"]} if given.get("password_policy") else {}


def _rsa_settings(given: Mapping[str, str]) -> dict[str, object]:
    form = given.get("format", "")
    if form.lower() not in ("", "pkcs8"):
        raise ValueError(f"invalid format: {form}")
    return {"format": form or "pkcs8", "key_bits": _bits(given, (2048, 3072, 4096), "invalid key_bits: {0}") or 2048}


def _certificate_settings(given: Mapping[str, str]) -> dict[str, object]:
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


def _bits(given: Mapping[str, str], sizes: tuple[int, ...], refusal: str) -> int:
    text = given.get("key_bits", "")
    with error_context("1 error(s) decoding:\n\n* cannot parse 'key_bits' as int: "):
        bits = parse_int(text or "0")
    if bits and bits not in sizes:
        raise ValueError(refusal.format(bits))
    return bits


_SETTINGS: dict[str, Callable[[Mapping[str, str]], dict[str, object]]] = {
    PASSWORD: _password_settings,
    RSA_KEY: _rsa_settings,
    CERTIFICATE: _certificate_settings,
}
