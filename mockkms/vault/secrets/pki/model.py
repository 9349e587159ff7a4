"""What a PKI mount knows: keys, issuers, roles, certificates, revocations and settings, all plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import BackendError

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.kernel.mounts import Mount

USAGES = ("crl-signing", "issuing-certificates", "ocsp-signing", "read-only")
"""What an issuer may be used for, in the order in which it is shown."""


class CallerError(BackendError):
    """An error that the real server attributes to the caller: an unknown reference, or an issuer without its key."""


@dataclass
class PkiKey:
    """A private key; ``private`` is PKCS #8 DER."""

    id: str
    name: str
    type: str
    """``rsa``, ``ec`` or ``ed25519``."""
    private: bytes


@dataclass
class Urls:
    """Where relying parties find things; with templating, ``{{…}}`` stands for the mount's own addresses."""

    issuing_certificates: list[str] = field(default_factory=list)
    crl_distribution_points: list[str] = field(default_factory=list)
    delta_crl_distribution_points: list[str] = field(default_factory=list)
    ocsp_servers: list[str] = field(default_factory=list)
    templating: bool = False
    unwritten: list[str] = field(default_factory=list)
    """Names of the lists that nobody wrote: where an issuer has others, these are shown as null."""

    @property
    def empty(self) -> bool:
        """Nothing is told (delta CRLs alone do not count)."""
        return not (self.issuing_certificates or self.crl_distribution_points or self.ocsp_servers)


@dataclass
class PkiIssuer:
    """A CA certificate, with its key where the mount has that. Times are seconds since the epoch."""

    id: str
    name: str
    certificate: bytes
    key_id: str = ""
    chain: list[str] = field(default_factory=list)
    """Ids of the issuers from this one up to its root."""
    manual_chain: list[str] = field(default_factory=list)
    leaf_not_after: str = "err"
    usage: list[str] = field(default_factory=lambda: list(USAGES))
    signature: str = ""
    """Algorithm for CRLs; empty is what fits the key."""
    revoked: bool = False
    revoked_at: float = 0
    urls: Urls | None = None
    modified: float = 0


@dataclass
class Revocation:
    """A revoked certificate."""

    certificate: bytes
    at: float
    issuer: str = ""
    """Id of the issuer that signed it, where it is known."""


@dataclass
class IssuerCrls:
    """The CRLs of the issuers that share a key and a subject."""

    complete: bytes = b""
    delta: bytes = b""
    next_number: int = 1
    complete_number: int = 0
    expires: float = 0


@dataclass
class CRLConfig:
    """Settings of revocation; durations as the user wrote them."""

    expiry: str = "72h"
    disable: bool = False
    ocsp_disable: bool = False
    ocsp_expiry: str = "12h"
    auto_rebuild: bool = False
    auto_rebuild_grace_period: str = "12h"
    enable_delta: bool = False
    delta_rebuild_interval: str = "15m"
    allow_expired_cert_revocation: bool = False
    cross_cluster_revocation: bool = False
    unified_crl: bool = False
    unified_crl_on_existing_paths: bool = False
    max_crl_entries: int = 100000


@dataclass
class PKI:
    """The state of one mount. Certificates and revocations go by serial number in hex with hyphens."""

    keys: dict[str, PkiKey] = field(default_factory=dict)
    issuers: dict[str, PkiIssuer] = field(default_factory=dict)
    default_key: str = ""
    default_issuer: str = ""
    follow_latest: bool = False
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, as they are shown."""
    certificates: dict[str, bytes] = field(default_factory=dict)
    revoked: dict[str, Revocation] = field(default_factory=dict)
    urls: Urls = field(default_factory=Urls)
    cluster_path: str = ""
    aia_path: str = ""
    crl: CRLConfig = field(default_factory=CRLConfig)
    lists: dict[str, IssuerCrls] = field(default_factory=dict)
    """By id."""
    list_of: dict[str, str] = field(default_factory=dict)
    """Id of the list by issuer."""
    lists_modified: float = 0
    deltas_modified: float = 0
    """When lists last changed, or which of them are the default ones."""
    delta_checked: float = 0
    """When delta CRLs were built last, or looked at whether they need be."""
    pending: dict[str, None] = field(default_factory=dict)
    """Serial numbers that delta CRLs add to the last complete ones."""
    last_revoked: str = ""
    """Serial number of the last of them, whether or not it is still pending."""
    delta_built: str = ""
    """What ``last_revoked`` was when delta CRLs were built last."""
    tidy: dict[str, Any] = field(default_factory=dict)
    """Settings of the automatic tidy that differ from the defaults, as they are shown."""
    tidy_status: dict[str, Any] = field(default_factory=dict)
    """Of the last run; empty before the first."""
    last_tidy: float = 0
    acme: dict[str, Any] = field(default_factory=dict)
    """Settings of ACME that were written, as they are shown."""
    eab: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Keys that bind ACME accounts and are not used yet, by id: ``directory``, ``created`` and ``key``."""


def hyphens(serial: str) -> str:
    """A serial number as the certificate store keeps it."""
    return serial.lower().replace(":", "-")


def colons(serial: str) -> str:
    """A serial number as answers show it."""
    return serial.lower().replace("-", ":")


def _setup(state: PKI, core: Context, mount: Mount) -> None:
    state.last_tidy = state.delta_checked = core.clock.now()


engine = Engine(
    "pki",
    kind="secret",
    new_state=PKI,
    setup=_setup,
    help="A certificate authority: issues and signs X.509 certificates, revokes them, and keeps revocation lists.",
)
