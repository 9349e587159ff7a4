"""The admin API as one object: chooses the contract of a request, checks permissions, and holds the state."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.rustfs.access import iam
from mockkms.rustfs.access.sigv4 import authenticate
from mockkms.rustfs.context import Vault
from mockkms.rustfs.errors import AdminError, s3_error
from mockkms.rustfs.message import (
    KMS_PREFIX,
    MAX_BODY,
    RUSTFS_PREFIX,
    AdminReply,
    AdminRequest,
    canonical,
    not_implemented,
)
from mockkms.rustfs.state import APIS, AUTHS, VAULTS, KeyCache, KmsSettings, RustfsState
from mockkms.vault.policy.globs import matches_wildcards


class RustfsAdmin:
    """The RustFS admin KMS API without HTTP.

    Args:
        core: The emulated Vault of the same world.
        api: ``guide`` responds as the published usage guide says, ``handler`` as the code of its day did, ``current``
            as the released server does; ``auto`` chooses by the fields and parameters of each request.
        vault: ``any`` or ``embedded``; see ``state.VAULTS``.
        auth: ``none`` or ``sigv4``: whether requests must be signed.
    """

    def __init__(self, core: Vault, *, api: str = "guide", vault: str = "any", auth: str = "none") -> None:
        for name, value, allowed in (("api", api, APIS), ("vault", vault, VAULTS), ("auth", auth, AUTHS)):
            if value not in allowed:
                raise ValueError(f"{name}={value!r}: expected one of {', '.join(allowed)}")
        self.core = core
        self.state = RustfsState(api=api, vault=vault, auth=auth)
        """The whole state, for snapshots."""

    # -- requests ----------------------------------------------------------------------------------------------

    def handle(self, request: AdminRequest) -> AdminReply:
        """Return the response to a request; never raises. The response to HEAD has no body."""
        if request.method == "OPTIONS":
            return AdminReply(200)
        try:
            reply = self._answer(request)
        except AdminError as error:
            reply = error.reply
        if request.method == "HEAD":
            reply.body = b""
        return reply

    def _answer(self, request: AdminRequest) -> AdminReply:
        access_key = self._authenticated(request)
        path = canonical(request.path)
        below = path.removeprefix(KMS_PREFIX)
        if below == path:
            return self._user_api(request, access_key) or not_implemented()
        # The contracts are loaded for the first request of the KMS part: most servers never get one.
        from mockkms.rustfs.contracts import contract, v1, v2
        from mockkms.rustfs.keystore import KeyStore

        # Nothing runs in the background: keys whose deletion is due are deleted before the next request.
        if self.state.settings is not None and self.state.running:
            KeyStore(self, self.state.settings).delete_due()
        older = contract.choose(self.state, request, below) == "v1"
        found = None if older else v2.find(request.method, below)
        if found is None and not older:
            return not_implemented()
        if len(request.body) > MAX_BODY:
            raise s3_error(400, "EntityTooLarge", "Custom route request body exceeds the configured maximum size.")
        return v1.handle(self, request, below) if found is None else v2.handle(self, request, found, access_key)

    def _authenticated(self, request: AdminRequest) -> str:
        """Return the access key that signed a request; empty if signatures are not checked. Raises AdminError."""
        if self.state.auth != "sigv4":
            return ""
        users = {name: user.secret for name, user in self.state.iam.users.items() if user.enabled}
        try:
            return authenticate(request, {**users, **self.state.users}, self.core.clock.now())
        except AdminError:
            if self.state.api != "guide":
                raise
        from mockkms.rustfs.contracts.v1.errors import access_denied

        raise access_denied()

    def _user_api(self, request: AdminRequest, access_key: str) -> AdminReply | None:
        if access_key in self.state.iam.users:
            raise s3_error(403, "AccessDenied", "Access Denied")
        return iam.handle(self.state.iam, request, request.path.removeprefix(RUSTFS_PREFIX), self.state.users)

    def may(self, access_key: str, action: str, key_id: str) -> bool:
        """Return whether a signer may do ``action``: owners may do all, users what their policies allow.

        Without signatures (an empty access key), everything is allowed.
        """
        user = self.state.iam.users.get(access_key)
        if not access_key or access_key in self.state.users or user is None:
            return True
        return iam.allowed(self.state.iam, user, action, key_id)

    @property
    def guide_texts(self) -> bool:
        """Whether the older routes send the texts of the published guide instead of those of its code."""
        return self.state.api != "handler"

    # -- the service -------------------------------------------------------------------------------------------

    def embedded(self, settings: KmsSettings) -> bool:
        """Return whether a service with these settings uses the emulated Vault of the same world."""
        return self.state.vault == "embedded" and settings.kms_type == "vault"

    def reachable(self, settings: KmsSettings) -> bool:
        """Return whether a server listens at the address of the Vault."""
        address = settings.address.rstrip("/")
        return not any(matches_wildcards(pattern, address) for pattern in self.state.unreachable)

    def install(self, settings: KmsSettings, client_token: str) -> None:
        """Start the service with these settings, in place of the present ones."""
        self.state.settings, self.state.client_token, self.state.running = settings, client_token, True
        self.state.cache = KeyCache()

    # -- worlds ------------------------------------------------------------------------------------------------

    def seed(self, data: Mapping[str, object], *, root_token: str = "") -> None:
        """Replace the state by the one that ``data``, the ``rustfs:`` section of a world file, describes.

        ``root_token`` is the token for an embedded Vault if the section has no credential. Raises SpecFault with the
        path of the invalid value; the state stays as it was. The keys of the section: ``seeds.load``.
        """
        from mockkms.rustfs import seeds

        seeds.load(self, data, root_token)

    def replace_state(self, state: RustfsState) -> None:
        """Use another state from now on: a restored snapshot, or one that a world file describes."""
        self.state = state

    def dump(self) -> dict[str, object]:
        """Return the section that makes the present state."""
        from mockkms.rustfs import seeds

        return seeds.dump(self.state)
