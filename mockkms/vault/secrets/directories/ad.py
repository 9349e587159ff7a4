"""The Active Directory secrets engine, deprecated for the LDAP engine: passwords of accounts, and a library of them.

Source: ``vault-plugin-secrets-ad`` and its API documentation; no recording exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

from mockkms.error_context import error_context
from mockkms.vault.directories.settings import DirectorySettings, check, check_complete
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.directories.accounts import AccountDirectory, Bind, active_directory_password, is_local
from mockkms.vault.secrets.directories.library import Library, LibraryAccount, LibrarySet
from mockkms.vault.secrets.directories.sets import sets_part
from mockkms.vault.secrets.issuing import Setting, generated_password, offline_part
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.shapes.collections import Key
    from mockkms.vault.mounts.table import Mount

_LENGTH = 64
_COMPLEX, _SHORTEST, _PLACE = "?@09AZ", 8, "{{PASSWORD}}"
"""The beginning of passwords without a formatter, the shortest random part, and its place in a formatter."""
_CURRENT, _LAST = "current_password", "last_password"


@stored("ad.AdConfig")
@dataclass
class AdConfig(DirectorySettings):
    """The directory, and the passwords that are generated. Times are seconds."""

    userattr: Annotated[str, param(Kind.STRING, help="Accepted and ignored.", show=Show.NEVER)] = "userPrincipalName"
    use_pre111_group_cn_behavior: Annotated[
        bool | None, param(Kind.BOOL, help="Use only an upper-case CN of a group's DN.")
    ] = False
    ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of passwords in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of passwords in seconds.")] = 0
    last_rotation_tolerance: Annotated[
        int, param(Kind.SECONDS, help="Seconds by which the directory may show a later rotation than this server.")
    ] = 5
    password_policy: Annotated[str, param(Kind.STRING, help="Password policy of generated passwords.")] = ""
    length: Annotated[int, param(Kind.INT, help="Length of generated passwords.", deprecated=True)] = _LENGTH
    formatter: Annotated[
        str, param(Kind.STRING, help="Text with {{PASSWORD}} in place of the password.", deprecated=True)
    ] = ""


@stored("ad.AdRole")
@dataclass
class AdRole(Record):
    """An account whose password is rotated when it is read after its lifetime."""

    service_account_name: Annotated[str, param(Kind.STRING, help="Name of the account, as `app@example.com`.")] = ""
    ttl: Annotated[int, param(Kind.SECONDS, help="Lifetime of the password in seconds.")] = 0
    last_rotation: float = 0.0
    """Seconds since the epoch; 0: never."""
    current_password: str = ""
    last_password: str = ""


@stored("ad.ActiveDirectory")
@dataclass
class ActiveDirectory:
    """State of a mount."""

    config: AdConfig | None = None
    previous_bindpass: str = ""
    bindpass_rotated: float = 0.0
    roles: dict[str, AdRole] = field(default_factory=dict)
    sets: dict[str, LibrarySet] = field(default_factory=dict)
    accounts: dict[str, LibraryAccount] = field(default_factory=dict)


_SHOWN = (
    "url", "starttls", "insecure_tls", "certificate", "binddn", "userdn", "upndomain", "tls_min_version",
    "tls_max_version", "last_rotation_tolerance", "use_pre111_group_cn_behavior", "ttl", "max_ttl", "length",
    "formatter", "password_policy",
)  # fmt: skip


def _config_shown(config: AdConfig, _product: Product) -> dict[str, object]:
    return {name: getattr(config, name) for name in _SHOWN}


def _role_shown(role: AdRole, product: Product) -> dict[str, object]:
    if not role.last_rotation:
        return role.shown(product)
    rotated = rfc3339(role.last_rotation)
    return {**role.shown(product), "last_vault_rotation": rotated, "password_last_set": rotated}


engine = Engine(
    "ad", kind="secret", new_state=ActiveDirectory, waits=True, help="Passwords of accounts of Active Directory."
)


def _configured(state: ActiveDirectory) -> AdConfig:
    if state.config is None:
        raise BackendError("the config is currently unset")
    return state.config


def _new_password(call: Call, config: AdConfig) -> str:
    if config.password_policy:
        return generated_password(call, config.password_policy, 0)
    entropy = call.core.entropy
    if config.formatter:
        return config.formatter.replace(_PLACE, entropy.base62(_random_length(config)), 1)
    return _COMPLEX + entropy.base62(config.length - len(_COMPLEX))


def _random_length(config: AdConfig) -> int:
    return config.length - (len(config.formatter) - len(_PLACE))


def _set_password(state: ActiveDirectory, call: Call, account: str, *, by_dn: bool = False) -> str:
    """Set a new password for an account and return it. Raises BackendError."""
    config = _configured(state)
    password = _new_password(call, config)
    if is_local(call, config):
        directory = AccountDirectory(config, Bind(state.previous_bindpass, state.bindpass_rotated), call.now())
        values = active_directory_password(password)
        with error_context(raised=BackendError):
            (directory.set_dn_password if by_dn else directory.set_user_password)(account, values)
    return password


def _sets(records: Callable[[ActiveDirectory], dict[str, LibrarySet]]) -> Collection[ActiveDirectory, LibrarySet]:
    return Collection(
        engine, "library/{name}", LibrarySet, records, lower=True, paged=False, go_errors=True,
        name=Field(Kind.LOWER_STRING, help="Name of the set."), help="A set of accounts.",
        list_help="Names of the sets.", supplies=(Operation.READ, Operation.LIST),
    )  # fmt: skip


library: Library[ActiveDirectory] = Library(
    engine, _sets, "{name}", configured=lambda _state, _call, _purpose: None, managed=lambda state: state.accounts,
    new_password=_set_password, taken="is already managed by another set",
)  # fmt: skip
config: Setting[ActiveDirectory, AdConfig] = Setting(
    engine, "config", AdConfig, "config", help="The directory, and the passwords that are generated.",
    shown=_config_shown, go_errors=True,
)  # fmt: skip
roles: Collection[ActiveDirectory, AdRole] = Collection(
    engine, "roles/{name}", AdRole, lambda state: state.roles, shown=_role_shown, existence=False, lower=True,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    paged=False, go_errors=True,
)  # fmt: skip
_NAMED = {"name": Field(Kind.STRING, help="Name of the role.")}
creds = engine.path("creds/{name}", _NAMED, help="The password of a role's account.", go_errors=True)
rotate_role = engine.path("rotate-role/{name}", _NAMED, help="Rotate the password of a role.", go_errors=True)
rotate_root = engine.path("rotate-root", help="A new password for binddn.", go_errors=True)


@config.write
def write_config(state: ActiveDirectory, call: Call, found: AdConfig) -> None:
    """Create or change the settings. Raises BackendError."""
    kept = [name for name in found.params() if name in DirectorySettings.params()]
    found.update_from(call, *kept)
    found.url = found.url.lower()
    limits = call.core.limits(call.mount)
    for name in ("last_rotation_tolerance", "password_policy", "formatter", "use_pre111_group_cn_behavior"):
        setattr(found, name, call[name])
    found.ttl, found.max_ttl = call["ttl"] or limits.default, call["max_ttl"] or limits.max
    found.length = 0 if found.password_policy and "length" not in call else call["length"]
    if found.ttl > found.max_ttl:
        raise BackendError("ttl must be smaller than or equal to max_ttl")
    with refusing(error=BackendError):
        check(found)
        check_complete(found)
        _check_passwords(found)


def _check_passwords(config: AdConfig) -> None:
    """Check how passwords are generated. Raises ValueError."""
    if config.password_policy:
        if config.length or config.formatter:
            raise ValueError("cannot set password_policy and either length or formatter")
        return
    if not config.formatter:
        least = len(_COMPLEX) + _SHORTEST
        if config.length < least:
            impossible = f"it's not possible to generate a _secure_ password of length {config.length}"
            raise ValueError(f"{impossible}, please boost length to {least}, though Vault recommends higher")
        return
    if _random_length(config) < _SHORTEST:
        raise ValueError(
            f"since the desired length is {config.length}, it isn't possible to generate a sufficiently complex "
            "password - please increase desired length or remove characters from the formatter"
        )
    places = config.formatter.count(_PLACE)
    if places != 1:
        number = "ONE password" if places else "password"
        raise ValueError(f"{config.formatter} must contain {number} replacement field of {_PLACE}")


@roles.write
def write_role(
    state: ActiveDirectory, _call: Call, _name: str, role: AdRole, *, service_account_name: str, ttl: int
) -> None:
    """Create or replace a role. Raises BackendError."""
    config = _configured(state)
    if not service_account_name:
        raise BackendError('"service_account_name" is required')
    ttl = ttl or config.ttl
    if ttl > config.max_ttl:
        raise BackendError(f"requested ttl of {ttl} seconds is over the max ttl of {config.max_ttl} seconds")
    if ttl < 0:
        raise BackendError("ttl can't be negative")
    role.service_account_name, role.ttl = service_account_name, ttl


@creds.on(Operation.READ)
def read_password(state: ActiveDirectory, call: Call, *, name: str) -> Mapping[str, object] | None:
    """Return the account and its password, which is rotated at the first read and after its lifetime."""
    _configured(state)
    role = state.roles.get(name)
    if role is None:
        return None
    if not role.last_rotation or call.now() > role.last_rotation + role.ttl:
        _rotate(state, call, role)
    last = {_LAST: role.last_password} if role.last_password else {}
    return {_CURRENT: role.current_password, **last, "username": role.service_account_name.partition("@")[0]}


def _rotate(state: ActiveDirectory, call: Call, role: AdRole) -> None:
    password = _set_password(state, call, role.service_account_name)
    role.last_password, role.current_password = role.current_password, password
    role.last_rotation = call.now()


@rotate_role.on(Operation.UPDATE)
def rotate_now(state: ActiveDirectory, call: Call, *, name: str) -> None:
    """Rotate the password of a role's account. Raises BackendError."""
    _configured(state)
    role = state.roles.get(name)
    if role is None:
        raise BackendError(f"role {name} does not exist")
    _rotate(state, call, role)


@rotate_root.on(Operation.READ, Operation.UPDATE)
def rotate_bind_password(state: ActiveDirectory, call: Call) -> None:
    """Change the password of ``binddn`` in the directory and in the settings. Raises BackendError."""
    found = _configured(state)
    password = _set_password(state, call, found.binddn, by_dn=True)
    state.previous_bindpass, state.bindpass_rotated = found.bindpass, call.now()
    state.config = replace(found, bindpass=password)


@engine.renews
def renew(state: ActiveDirectory, call: Call) -> Response:
    """Renew the lease of a check-out. Raises ErrorResponse and BackendError."""
    return library.renew(state, call)


@engine.revokes
def revoke(state: ActiveDirectory, call: Call) -> None:
    """Check an account in at the end of its lease. Raises BackendError."""
    library.revoke(state, call)


def _add_role(core: Context, mount: Mount, name: str, spec: Mapping[str, object]) -> None:
    passwords = (_CURRENT, _LAST)
    seeding.write(core, mount, f"roles/{name}", {key: value for key, value in spec.items() if key not in passwords})
    role: AdRole = mount.state.roles[name.lower()]
    role.current_password, role.last_password = (str(spec.get(key) or "") for key in passwords)
    role.last_rotation = core.clock.now() if role.current_password else 0.0


def _password_keys() -> dict[str, Key]:
    # Imported here, because a server starts without world files.
    from mockkms.vault.framework.shapes.collections import Key, Text

    return {_CURRENT: Key(Text(), "the current password"), _LAST: Key(Text(), "the password before it")}


def _described_role(_core: Context, _mount: Mount, role: AdRole) -> dict[str, object]:
    passwords = {_CURRENT: role.current_password, _LAST: role.last_password}
    return {**role.changed(), **{key: value for key, value in passwords.items() if value}}


section = record_section(
    config.part("config", "the directory, and the passwords that are generated"),
    offline_part(named("roles", "roles by name", roles, more=_password_keys, add=_add_role, describe=_described_role)),
    sets_part(library.sets),
)
