"""The admin API as one object: which contract answers a request, who may ask, and the state behind both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockkms.rustfs import iam
from mockkms.rustfs.context import Store, Vault
from mockkms.rustfs.message import (
    KMS_PREFIX,
    RUSTFS_PREFIX,
    AdminReply,
    AdminRequest,
    canonical,
    json_reply,
    not_implemented,
    xml_error,
)
from mockkms.rustfs.sigv4 import Refusal, authenticate
from mockkms.rustfs.state import APIS, AUTHS, VAULTS, KmsSettings, RustfsState
from mockkms.rustfs.store import OwnStore, TransitStore
from mockkms.vault.policy.globs import matches_wildcards


class RustfsAdmin:
    """The RustFS admin KMS API without HTTP.

    ``api``: ``guide`` answers as the published usage guide says, ``handler`` as the code of its day did, ``current`` as
    the released server does, ``auto`` as each request shows which of them it means. ``vault``: ``any`` or ``embedded``;
    ``auth``: ``none`` or ``sigv4``; see ``state``. ``state`` is all there is to snapshot and restore.
    """

    def __init__(self, core: Vault, *, api: str = "guide", vault: str = "any", auth: str = "none") -> None:
        for name, value, allowed in (("api", api, APIS), ("vault", vault, VAULTS), ("auth", auth, AUTHS)):
            if value not in allowed:
                raise ValueError(f"{name}={value!r} is none of {', '.join(allowed)}")
        self.core = core
        self.state = RustfsState(api=api, vault=vault, auth=auth)

    # -- requests ----------------------------------------------------------------------------------------------

    def handle(self, request: AdminRequest) -> AdminReply:
        """Answer one request; never raises. A HEAD gets the headers of its refusal and no body."""
        if request.method == "OPTIONS":
            return AdminReply(200)
        reply = self._answer(request)
        if request.method == "HEAD":
            reply.body = b""
        return reply

    def _answer(self, request: AdminRequest) -> AdminReply:
        access_key = ""
        if self.state.auth == "sigv4":
            try:
                access_key = authenticate(request, self._secrets(), self.core.clock.now())
            except Refusal as refusal:
                return self._refuse(refusal)
        path = canonical(request.path)
        below = path.removeprefix(KMS_PREFIX)
        if below == path:
            return self._user_api(request, access_key) or not_implemented()
        # The contracts load with the first request for one: most servers never get any.
        from mockkms.rustfs.contracts import contract, v1, v2

        chosen = contract.choose(self.state, request, below)
        if chosen == "v1" and (request.method, below) in v1.ROUTES:
            return v1.handle(self, request, below)
        found = v2.find(request.method, below) if chosen != "v1" else None
        if found is None:
            return not_implemented()
        return v2.handle(self, request, found, access_key)

    def _user_api(self, request: AdminRequest, access_key: str) -> AdminReply | None:
        if access_key in self.state.iam.users:
            return xml_error(403, "AccessDenied", "Access Denied")
        return iam.handle(self.state.iam, request, request.path.removeprefix(RUSTFS_PREFIX))

    def _refuse(self, refusal: Refusal) -> AdminReply:
        if self.state.api == "guide":
            from mockkms.rustfs.contracts.v1.errors import access_denied

            error = access_denied()
            return json_reply(error.status, error.body())
        return xml_error(refusal.status, refusal.code, refusal.message)

    def _secrets(self) -> dict[str, str]:
        users = {name: user.secret for name, user in self.state.iam.users.items() if user.enabled}
        return {**users, **self.state.users}

    def may(self, access_key: str, action: str, key_id: str) -> bool:
        """Whether who signed may do ``action``: an owner all, a user what its policies say, anybody where unsigned."""
        user = self.state.iam.users.get(access_key)
        if not access_key or access_key in self.state.users or user is None:
            return True
        return iam.allowed(self.state.iam, user, action, key_id)

    @property
    def contract_words(self) -> bool:
        """Whether the older routes answer in the guide's words rather than the handler's."""
        return self.state.api != "handler"

    # -- the service -------------------------------------------------------------------------------------------

    def embedded(self, settings: KmsSettings | None) -> bool:
        """Whether keys of a service with these settings live in the emulated Vault."""
        return self.state.vault == "embedded" and settings is not None and settings.kms_type == "vault"

    def reachable(self, settings: KmsSettings) -> bool:
        """Whether somebody answers at the address of the Vault."""
        address = settings.address.rstrip("/")
        return not any(matches_wildcards(pattern, address) for pattern in self.state.unreachable)

    def install(self, settings: KmsSettings, client_token: str) -> None:
        """Put settings in force; they replace what was there at once."""
        self.state.settings, self.state.client_token, self.state.running = settings, client_token, True

    def store(self) -> Store:
        """The keys of the service in force, for the documented contract."""
        settings = self.state.settings
        if settings is not None and self.embedded(settings):
            return TransitStore(self.state, settings, self.core)
        return OwnStore(self.state, self.core.clock, self.core.entropy)

    # -- worlds ------------------------------------------------------------------------------------------------

    def seed(self, data: Mapping[str, Any], *, root_token: str = "") -> None:
        """Make the world that ``data`` describes, the ``rustfs:`` section of a world file; replaces the state.

        ``root_token`` is what an embedded Vault is asked with where the seed names no credential. Raises SeedError
        with the place of the fault. What a seed may say: ``seeds.read``.
        """
        from mockkms.rustfs import seeds

        seeds.plant(self, data, root_token)

    def adopt(self, state: RustfsState) -> None:
        """Go on with another state: a restored snapshot, or what a world file describes."""
        self.state = state

    def dump(self) -> dict[str, Any]:
        """The seed that makes the present state."""
        from mockkms.rustfs import seeds

        return seeds.dump(self.state)
