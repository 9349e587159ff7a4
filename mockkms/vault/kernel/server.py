"""The parts of an emulated server: product, state, stores, mounts and lease limits."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mockkms.vault.framework import registry
from mockkms.vault.framework.context import Backup
from mockkms.vault.framework.endpoint import Call, Endpoint
from mockkms.vault.framework.message import Request, Response
from mockkms.vault.identity.mfa.store import MfaStore
from mockkms.vault.identity.store import IdentityStore
from mockkms.vault.kernel import mounting
from mockkms.vault.kernel.lockout import Lockout
from mockkms.vault.kernel.namespaces import NamespaceStore
from mockkms.vault.kernel.node import ServerSettings, Standing
from mockkms.vault.kernel.quotas import QuotaStore
from mockkms.vault.kernel.state import VaultState
from mockkms.vault.mounts.table import Mount, MountConfig
from mockkms.vault.policy.policies import PolicyStore
from mockkms.vault.products import Product, product_named
from mockkms.vault.seals.seal import SealStore
from mockkms.vault.telemetry.events import EventMetrics
from mockkms.vault.telemetry.requests import RequestMetrics
from mockkms.vault.telemetry.server_log import ServerLog
from mockkms.vault.tokens.leases import LeaseStore
from mockkms.vault.tokens.tokens import TokenStore
from mockkms.vault.tokens.ttl import Limits
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy


class VaultServer(ABC):
    """One emulated Vault without HTTP, except for the answering of requests, which ``core.Core`` adds."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        flavor: str = "vault",
        server: ServerSettings | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.entropy = entropy or Entropy()
        self.product: Product = product_named(flavor)
        self.server = server or ServerSettings()
        self.state = VaultState()
        self.answering_as: Standing | None = None
        """The role of the node of a cluster that answers the present request."""
        self.namespaces = NamespaceStore(self)
        self.policies = PolicyStore(self)
        self.tokens = TokenStore(self)
        self.leases = LeaseStore(self, self._call)
        self.lockout = Lockout(self)
        self.identity = IdentityStore(self)
        self.mfa = MfaStore(self)
        self.quotas = QuotaStore(self)
        self.seal = SealStore(self)
        self.requests = RequestMetrics()
        self.events = EventMetrics(self.clock)
        self.log = ServerLog(self.clock)
        self.backup: Backup | None = None

    @abstractmethod
    def handle(self, request: Request) -> Response:
        """Answer one request. Never raises a VaultError: an error is a Response with ``errors``."""

    @abstractmethod
    def pass_on(self, request: Request) -> Response:
        """Answer a request from within another one. Raises VaultError."""

    def _call(self, mount: Mount, endpoint: Endpoint, request: Request, parameters: dict[str, object]) -> Call:
        return Call(self, mount, endpoint, request, parameters, dict(parameters))

    # -- the answering node ------------------------------------------------------------------------------------------

    @property
    def standing(self) -> Standing | None:
        """The role of the answering node in its cluster; None without high availability."""
        return self.answering_as or self.server.standing

    # -- worlds ------------------------------------------------------------------------------------------------

    def bootstrap(self, root_token: str = "root") -> None:
        """Make the world of a fresh dev server: unsealed, the five default mounts, ``secret/`` as KV 2."""
        self.seal.initialize_dev()
        mounting.mount_defaults(self, "")
        self.mount("", "secret/", "kv", options={"version": "2"}, description="key/value secret storage")
        self.tokens.create_root(root_token)

    def initialize(self, shares: int, threshold: int) -> tuple[list[bytes], str]:
        """Make the world of a server initialised by hand: sealed, no ``secret/``. Returns shares and root token."""
        parts = self.seal.initialize(shares, threshold)
        mounting.mount_defaults(self, "")
        token = self.tokens.create_root(self.product.service_prefix + self.entropy.base62(24)).id
        self.state.seal.root_token = token
        return parts, token

    def mount(
        self,
        namespace: str,
        path: str,
        mount_type: str,
        *,
        description: str = "",
        options: dict[str, str] | None = None,
        config: MountConfig | None = None,
        local: bool = False,
        seal_wrap: bool = False,
        external_entropy_access: bool = False,
        answers: str = "",
    ) -> Mount:
        """Mount an engine of ``mount_type`` (the name users give: ``kv``, ``transit``, ``approle``).

        ``answers`` is the built-in type that answers for ``mount_type``, an external plugin.
        """
        auth = path.startswith("auth/")
        engine = registry.implementation(answers or mount_type, options, "auth" if auth else "secret")
        prefix = "auth_" if auth else ""
        mount = Mount(
            path=path,
            type=mount_type,
            engine=engine.type,
            namespace=namespace,
            accessor=f"{prefix}{mount_type.removeprefix('ns_').replace('_', '-')}_{self.entropy.hex(4)}",
            uuid=self.entropy.uuid(),
            state=engine.new_state(),
            description=description,
            options=options,
            config=config or MountConfig(),
            local=local,
            seal_wrap=seal_wrap,
            external_entropy_access=external_entropy_access,
        )
        if engine.setup:
            engine.setup(mount.state, self, mount)
        self.state.mounts.add(mount)
        return mount

    def replace_state(self, state: VaultState, flavor: str | None = None) -> None:
        """Replace the state with ``state`` (a restored snapshot), and the product with ``flavor`` if given."""
        if flavor is not None:
            self.product = product_named(flavor)
        self.state = state
        self.policies.forget_caches()
        self.requests.forget()
        self.events.forget()
        self.log.end()

    def clear(self, flavor: str) -> None:
        """Replace the state with an empty one (no mounts, no tokens, uninitialised) and emulate ``flavor``."""
        self.replace_state(VaultState(), flavor)

    # -- for endpoints ---------------------------------------------------------------------------------------------

    def needs_sudo(self, namespace: str, path: str) -> bool:
        """Return whether a path of a namespace is root-protected."""
        mount = self.state.mounts.match(namespace, path)
        if mount is None:
            return False
        engine, below = registry.engine(mount.engine), path[len(mount.path) :]
        endpoint, _ = engine.route(below, self.product) or (None, {})
        return engine.needs_sudo(below, endpoint, self.product)

    def default_ttl(self, mount: Mount) -> int:
        """Return the default lease of a mount in seconds: it may be longer than its largest lease."""
        return mount.config.default_lease_ttl or self.server.default_lease_ttl

    def max_ttl(self, mount: Mount) -> int:
        """Return the largest lease of a mount in seconds."""
        return mount.config.max_lease_ttl or self.server.max_lease_ttl

    def limits(self, mount: Mount) -> Limits:
        """Return both lease limits of a mount."""
        return Limits(self.default_ttl(mount), self.max_ttl(mount))

    @property
    def default_lease_ttl(self) -> int:
        """The server's default lease in seconds."""
        return self.server.default_lease_ttl

    @property
    def max_lease_ttl(self) -> int:
        """The server's largest lease in seconds."""
        return self.server.max_lease_ttl
