"""State of an SSH mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.framework.records import Record, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

DEFAULT = "default"
ROLE_NAME = r"{role:at}"


@stored("ssh.SshIssuer")
@dataclass
class SshIssuer:
    """A key pair that signs certificates: a line as in ``authorized_keys``, and PEM."""

    id: str
    public_key: str
    private_key: str
    name: str = ""


@stored("ssh.SshRole")
@dataclass
class SshRole(Record):
    """Who gets which certificates or one-time passwords. Durations in seconds."""

    key_type: Annotated[str, param(Kind.STRING, help="`ca` or `otp`.")] = ""
    default_user: Annotated[str, param(Kind.STRING, help="Default user.")] = ""
    allowed_users: Annotated[str, param(Kind.STRING, help="Users, separated by commas; `*` allows any.")] = ""
    cidr_list: Annotated[str, param(Kind.STRING, help="Networks of hosts, separated by commas.")] = ""
    exclude_cidr_list: Annotated[str, param(Kind.STRING, help="Networks excluded from them.")] = ""
    port: Annotated[int, param(Kind.INT, default=0, help="Port that clients are given; 22 by default.")] = 22
    allowed_users_template: Annotated[bool, param(Kind.BOOL, help="The users may contain identity templates.")] = False
    allowed_domains: Annotated[str, param(Kind.STRING, help="Domains of hosts, separated by commas.")] = ""
    allowed_domains_template: Annotated[bool, param(Kind.BOOL, help="The domains may contain identity templates.")] = (
        False
    )
    default_user_template: Annotated[bool, param(Kind.BOOL, help="The user may contain an identity template.")] = False
    ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of certificates in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of certificates in seconds.")] = 0
    allowed_critical_options: Annotated[
        str, param(Kind.STRING, help="Critical options that may be requested; empty allows any.")
    ] = ""
    allowed_extensions: Annotated[str, param(Kind.STRING, help="Extensions that may be requested; `*` allows any.")] = (
        ""
    )
    default_critical_options: Annotated[dict[str, object], param(Kind.MAP, help="Default critical options.")] = field(
        default_factory=dict
    )
    default_extensions: Annotated[dict[str, object], param(Kind.MAP, help="Extensions of a request without any.")] = (
        field(default_factory=dict)
    )
    default_extensions_template: Annotated[
        bool, param(Kind.BOOL, help="The extensions may contain identity templates.")
    ] = False
    allow_user_certificates: Annotated[bool, param(Kind.BOOL, help="Allow certificates of users.")] = False
    allow_host_certificates: Annotated[bool, param(Kind.BOOL, help="Allow certificates of hosts.")] = False
    allow_bare_domains: Annotated[bool, param(Kind.BOOL, help="Allow the domains themselves.")] = False
    allow_subdomains: Annotated[bool, param(Kind.BOOL, help="Allow names below the domains.")] = False
    allow_user_key_ids: Annotated[bool, param(Kind.BOOL, help="Allow requests to set the key id.")] = False
    allow_commas_in_identity_templates: Annotated[
        bool, param(Kind.BOOL, help="Values of templates may contain commas.", needs=Feature.SSH_ISSUERS)
    ] = False
    allow_empty_principals: Annotated[bool, param(Kind.BOOL, help="Allow certificates without principals.")] = False
    key_id_format: Annotated[
        str,
        param(Kind.STRING, help="The key id, with {{token_display_name}}, {{role_name}}, {{public_key_hash}}."),
    ] = ""
    allowed_user_key_lengths: Annotated[
        dict[str, object], param(Kind.MAP, help="A size in bits, or a list of them, by type of key.")
    ] = field(default_factory=dict)
    algorithm_signer: Annotated[str, param(Kind.STRING, help="Signature algorithm of RSA keys.")] = DEFAULT
    not_before_duration: Annotated[
        int, param(Kind.SECONDS, help="Seconds by which the start of validity is backdated.")
    ] = 30
    issuer_ref: Annotated[
        str, param(Kind.STRING, help="Id or name of an issuer, or default.", needs=Feature.SSH_ISSUERS)
    ] = DEFAULT


@stored("ssh.SSH")
@dataclass
class SSH:
    """State of a mount."""

    issuers: dict[str, SshIssuer] = field(default_factory=dict)
    default: str = ""
    """Id of the default issuer."""
    roles: dict[str, SshRole] = field(default_factory=dict)
    zero_address: list[str] | None = None
    """Roles that allow any address."""
    passwords: dict[str, dict[str, str]] = field(default_factory=dict)
    """``username``, ``ip`` and ``role_name`` by one-time password."""

    def issuer(self, reference: str) -> SshIssuer:
        """Return the issuer of a reference: ``default``, an id or a name. Raises ErrorResponse."""
        if reference == DEFAULT and not self.default:
            raise ErrorResponse("no default issuer currently configured")
        found = self.find_issuer(reference)
        if found is None:
            raise ErrorResponse(f"unable to find issuer for reference: {reference}")
        return found

    def find_issuer(self, reference: str) -> SshIssuer | None:
        """Return the issuer of a reference: ``default``, an id or a name; None if it does not exist."""
        found = self.issuers.get(self.default if reference == DEFAULT else reference)
        if found is None and reference != DEFAULT:
            found = next((one for one in self.issuers.values() if one.name == reference), None)
        return found


def _revoke(state: SSH, call: Call) -> None:
    state.passwords.pop(call.kept("otp"), None)


engine = Engine(
    "ssh",
    kind="secret",
    new_state=SSH,
    revoke=_revoke,
    help="SSH certificates and one-time passwords.",
    slow={"config/ca": 0, "issuers/": 0, "issue/": 0},
)
