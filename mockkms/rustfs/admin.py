"""The admin API as one object: which contract answers a request, and the state behind both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.rustfs import v1
from mockkms.rustfs.message import KMS_PREFIX, AdminReply, AdminRequest, not_implemented
from mockkms.rustfs.state import (
    APIS,
    AUTHS,
    VAULTS,
    RustfsState,
    SeedError,
    Settings,
    choice,
    dump,
    read_key,
    read_settings,
)
from mockkms.rustfs.store import OwnStore, Store, StoreError, TransitStore, VaultClient, new_key_id
from mockkms.vault.core import Core


class RustfsAdmin:
    """The RustFS admin KMS API without HTTP.

    ``api``: ``guide`` answers as the published usage guide says, ``handler`` as the code of its day did.
    ``vault``: ``any`` or ``embedded``, see ``state.VAULTS``. ``state`` is all there is to snapshot and restore.
    """

    def __init__(self, core: Core, *, api: str = "guide", vault: str = "any", auth: str = "none") -> None:
        for name, value, allowed in (("api", api, APIS), ("vault", vault, VAULTS), ("auth", auth, AUTHS)):
            if value not in allowed:
                raise ValueError(f"{name}={value!r} is none of {', '.join(allowed)}")
        self.core = core
        self.state = RustfsState(api=api, vault=vault, auth=auth)

    # -- requests ----------------------------------------------------------------------------------------------

    def handle(self, request: AdminRequest) -> AdminReply:
        """Answer one request; never raises."""
        path = request.path.removeprefix(KMS_PREFIX)
        if request.method == "OPTIONS":
            return AdminReply(200)
        if path == request.path or (request.method, path) not in v1.ROUTES:
            return not_implemented()
        return v1.handle(self, request, path)

    @property
    def contract_words(self) -> bool:
        """Whether the older routes answer in the guide's words rather than the handler's."""
        return self.state.api != "handler"

    # -- the service -------------------------------------------------------------------------------------------

    def embedded(self, settings: Settings | None) -> bool:
        """Whether keys of a service with these settings live in the emulated Vault."""
        return self.state.vault == "embedded" and settings is not None and settings.kms_type == "vault"

    def install(self, settings: Settings, client_token: str) -> None:
        """Put settings in force; they replace what was there at once."""
        self.state.settings, self.state.client_token, self.state.running = settings, client_token, True

    def store(self) -> Store:
        """The keys of the service in force."""
        settings = self.state.settings
        if settings is not None and self.embedded(settings):
            return TransitStore(self.state, settings, self.core)
        return OwnStore(self.state, self.core.clock, self.core.entropy)

    # -- worlds ------------------------------------------------------------------------------------------------

    def seed(self, data: Mapping[str, Any], *, root_token: str = "") -> None:
        """Make the world that ``data`` describes, the ``rustfs:`` section of a world file; replaces the state.

        ``{configured, kms_type, vault_address, vault_token, …, api, vault, auth, users, keys}``, the names of
        ``POST /configure`` included. ``root_token`` is what an embedded Vault is asked with where the seed names no
        credential. Raises SeedError with the place of the fault.
        """
        state = RustfsState(
            api=choice(data, "api", APIS, self.state.api),
            vault=choice(data, "vault", VAULTS, self.state.vault),
            auth=choice(data, "auth", AUTHS, self.state.auth),
        )
        if data.get("users"):
            state.users = {str(name): str(secret) for name, secret in data["users"].items()}
        self.state = state
        if data.get("configured"):
            settings = read_settings(data)
            if settings.auth_method == "token" and not settings.token:
                settings.token = root_token
            self.install(settings, self._seeded_token(settings))
        now = self.core.clock.now()
        for name, values in (data.get("keys") or {}).items():
            if values is not None and not isinstance(values, Mapping):
                raise SeedError(f"keys.{name}", "a key is a mapping of status, created, key_id, algorithm")
            key = read_key(str(name), values, now=now, key_id=new_key_id(self.core.entropy))
            self._seed_in_vault(key.name)
            state.keys[key.name] = key

    def _seeded_token(self, settings: Settings) -> str:
        if not self.embedded(settings) or settings.auth_method == "token":
            return settings.token
        try:
            return VaultClient(self.core, settings.namespace, "").login(
                settings.auth_mount, settings.role_id, settings.secret_id
            )
        except StoreError as error:
            raise SeedError("vault_app_role_id", error.text) from None

    def _seed_in_vault(self, name: str) -> None:
        """Make a seeded key in the transit mount too, where that is the store and it is not there yet."""
        store = self.store()
        if not isinstance(store, TransitStore):
            return
        try:
            if store.get(name) is None:
                store.create(name)
        except StoreError as error:
            raise SeedError(f"keys.{name}", error.text) from None

    def dump(self) -> dict[str, Any]:
        """The seed that makes the present state."""
        return dump(self.state)
