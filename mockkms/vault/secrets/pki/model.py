"""State of a PKI mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mockkms.vault.cel.roles import ProgramRole
from mockkms.vault.framework.engine import Engine
from mockkms.vault.secrets.pki.acme.state import AcmeRecords
from mockkms.vault.secrets.pki.role import PkiRole
from mockkms.vault.secrets.pki.settings import AcmeConfig, AutoTidyConfig, CrlConfig, PkiCluster, PkiUrls, TidySettings
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment
    from mockkms.vault.mounts.table import Mount

ALWAYS_REFUSED = "always_enforce_err"
"""The rule of an issuer that nothing may outlive, CAs and certificates of ACME included."""
USAGES = ("crl-signing", "issuing-certificates", "ocsp-signing", "read-only")
"""The usages of issuers, in the order in which they are shown."""
READ_ONLY = "read-only"
"""The usage that every issuer has, whether it was chosen or not."""


@stored("pki.PkiKey")
@dataclass
class PkiKey:
    """A private key; ``private`` is PKCS #8 DER."""

    id: str
    name: str
    type: str
    """``rsa``, ``ec`` or ``ed25519``."""
    private: bytes


@stored("pki.PkiIssuer")
@dataclass
class PkiIssuer:
    """A CA certificate (DER), with its key if the mount has it. Times are seconds since the epoch."""

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
    """Algorithm of CRLs; empty for the default of the key."""
    revoked: bool = False
    revoked_at: float = 0
    urls: PkiUrls | None = None
    modified: float = 0

    @property
    def shown_usage(self) -> list[str]:
        """The usages as responses and errors name them."""
        return sorted({*self.usage, READ_ONLY})


@stored("pki.Revocation")
@dataclass
class Revocation:
    """A revoked certificate."""

    certificate: bytes
    at: float
    issuer: str = ""
    """Id of the issuer that signed it, if known."""


@stored("pki.IssuerCrls")
@dataclass
class IssuerCrls:
    """The CRLs of the issuers that share a key and a subject."""

    complete: bytes = b""
    delta: bytes = b""
    next_number: int = 1
    complete_number: int = 0
    expires: float = 0


@stored("pki.EabKey")
@dataclass
class EabKey:
    """A key that binds an ACME account (external account binding)."""

    directory: str
    """Path of the ACME directory below the mount."""
    created: float
    """Seconds since the epoch."""
    key: str
    """URL-safe base64 without padding."""


@stored("pki.CelPkiRole")
@dataclass
class CelPkiRole(ProgramRole):
    """A role that is a program: it describes the certificate for a request, or gives the reason for a refusal."""


@stored("pki.TidyRun")
@dataclass
class TidyRun:
    """A tidy at work: it does the entries of one part after another, with a pause before each."""

    settings: TidySettings
    started: float
    due: float
    """When the next entry is done; seconds since the epoch."""
    counts: dict[str, int]
    part: int = -1
    """Index of the present part; -1 before the first."""
    entries: list[str] = field(default_factory=list)
    """What is left of that part, the next one last."""
    total: int = 0
    """Entries of that part."""
    message: str | None = None
    """What is being done, for the status."""
    cancelled: bool = False
    """Whether it stops after the next entry."""

    @property
    def place(self) -> int:
        """The place of the next entry, counted from 0."""
        return self.total - len(self.entries)


@stored("pki.PKI")
@dataclass
class PKI:
    """State of a mount. Certificates and revocations are stored by serial number, in hex with hyphens."""

    keys: dict[str, PkiKey] = field(default_factory=dict)
    issuers: dict[str, PkiIssuer] = field(default_factory=dict)
    default_key: str = ""
    default_issuer: str = ""
    follow_latest: bool = False
    roles: dict[str, PkiRole] = field(default_factory=dict)
    certificates: dict[str, bytes] = field(default_factory=dict)
    revoked: dict[str, Revocation] = field(default_factory=dict)
    urls: PkiUrls = field(default_factory=PkiUrls)
    cluster: PkiCluster = field(default_factory=PkiCluster)
    crl: CrlConfig = field(default_factory=CrlConfig)
    lists: dict[str, IssuerCrls] = field(default_factory=dict)
    """By id."""
    list_of: dict[str, str] = field(default_factory=dict)
    """Id of the list by issuer."""
    lists_modified: float = 0
    deltas_modified: float = 0
    """When delta lists, or the default issuer, last changed."""
    delta_checked: float = 0
    """When delta CRLs were last built or checked."""
    pending: dict[str, None] = field(default_factory=dict)
    """Serial numbers on delta CRLs."""
    last_revoked: str = ""
    """The last serial number that was added to them, pending or not."""
    delta_built: str = ""
    """The value of ``last_revoked`` when delta CRLs were last built."""
    tidy: AutoTidyConfig = field(default_factory=AutoTidyConfig)
    tidy_status: dict[str, object] = field(default_factory=dict)
    """Status of the last run; empty before the first."""
    tidy_run: TidyRun | None = None
    """A tidy that has not ended: it pauses between entries."""
    last_tidy: float = 0
    acme: AcmeConfig = field(default_factory=AcmeConfig)
    eab: dict[str, EabKey] = field(default_factory=dict)
    """Unused keys that bind ACME accounts, by id."""
    acme_records: AcmeRecords = field(default_factory=AcmeRecords)
    cel_roles: dict[str, CelPkiRole] = field(default_factory=dict)


def hyphens(serial: str) -> str:
    """Return a serial number as the certificate store uses it: lower case, with hyphens."""
    return serial.lower().replace(":", "-")


def colons(serial: str) -> str:
    """Return a serial number as responses show it: lower case, with colons."""
    return serial.lower().replace("-", ":")


def _setup(state: PKI, core: Environment, mount: Mount) -> None:
    state.last_tidy = state.delta_checked = core.clock.now()


engine = Engine(
    "pki",
    kind="secret",
    waits=True,
    new_state=PKI,
    setup=_setup,
    help="A certificate authority: issues and signs X.509 certificates, revokes them, and keeps revocation lists.",
)
