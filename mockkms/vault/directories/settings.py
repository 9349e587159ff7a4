"""The settings of an LDAP directory, which the auth method and the secrets engine have in common, and their checks.

Source: ``sdk/helper/ldaputil`` of Vault and OpenBao.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mockkms.crypto.encoding.pem import decode
from mockkms.crypto.x509 import pair
from mockkms.error_context import error_context
from mockkms.vault.framework.automated_rotation import AutomatedRotation
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.template.builtins import BUILTINS
from mockkms.vault.golang.template.parsing import parse
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

QUERY_TEMPLATE = "queryTemplate"
"""The name of filters in errors of templates."""
_TLS = ("tls10", "tls11", "tls12", "tls13")


@dataclass
class DirectorySettings(AutomatedRotation, Record):
    """The directory, and the searches for users and groups. Times are seconds."""

    url: Annotated[
        str, param(Kind.STRING, help="Address of the directory, or several with commas, tried in order.")
    ] = "ldap://127.0.0.1"
    userdn: Annotated[str, param(Kind.STRING, help="Base DN of the search for users.")] = ""
    anonymous_group_search: Annotated[bool, param(Kind.BOOL, help="Search for groups anonymously.")] = False
    groupdn: Annotated[
        str,
        param(Kind.STRING, help="Base DN of the search for groups; without it the directory's groups are not used."),
    ] = ""
    groupfilter: Annotated[str, param(Kind.STRING, help="Go template of the query for a user's groups.")] = (
        "(|(memberUid={{.Username}})(member={{.UserDN}})(uniqueMember={{.UserDN}}))"
    )
    groupattr: Annotated[str, param(Kind.STRING, help="Attribute that names a group.")] = "cn"
    upndomain: Annotated[str, param(Kind.STRING, help="Log in as user@upndomain.")] = ""
    username_as_alias: Annotated[bool, param(Kind.BOOL, help="The alias is the user name.")] = False
    userfilter: Annotated[str, param(Kind.STRING, help="Go template of the query for a user.")] = (
        "({{.UserAttr}}={{.Username}})"
    )
    userattr: Annotated[str, param(Kind.STRING, help="Attribute that names a user.")] = "cn"
    certificate: Annotated[str, param(Kind.STRING, help="CA certificate of the directory, PEM.")] = ""
    client_tls_cert: Annotated[str, param(Kind.STRING, help="Client certificate, PEM.", show=Show.NEVER)] = ""
    client_tls_key: Annotated[str, param(Kind.STRING, help="Its key, PEM.", show=Show.NEVER)] = ""
    insecure_tls: Annotated[bool, param(Kind.BOOL, help="Do not verify the directory's certificate.")] = False
    starttls: Annotated[bool, param(Kind.BOOL, help="Start TLS within the connection.")] = False
    binddn: Annotated[str, param(Kind.STRING, help="DN for searches.")] = ""
    bindpass: Annotated[str, param(Kind.STRING, help="Password of binddn.", show=Show.NEVER)] = ""
    deny_null_bind: Annotated[bool, param(Kind.BOOL, help="Refuse empty passwords.")] = True
    discoverdn: Annotated[bool, param(Kind.BOOL, help="Find a user's DN by an anonymous search.")] = False
    tls_min_version: Annotated[str, param(Kind.STRING, help="tls10, tls11, tls12 or tls13.")] = "tls12"
    tls_max_version: Annotated[str, param(Kind.STRING, help="tls10, tls11, tls12 or tls13.")] = "tls12"
    use_token_groups: Annotated[bool, param(Kind.BOOL, help="Groups by Active Directory's tokenGroups.")] = False
    use_pre111_group_cn_behavior: Annotated[
        bool | None, param(Kind.BOOL, help="Use only an upper-case CN of a group's DN.")
    ] = None
    """None, which acts as true, unless it was set or the method has a default of its own."""
    request_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a response.")] = 90
    connection_timeout: Annotated[int, param(Kind.SECONDS, help="Seconds to wait for a connection.")] = 30
    dereference_aliases: Annotated[str, param(Kind.STRING, help="never, finding, searching or always.")] = "never"
    max_page_size: Annotated[int, param(Kind.INT, help="Largest page of a search; 0 disables paging.")] = 0
    case_sensitive_names: Annotated[bool, param(Kind.BOOL, help="Names of users and groups differ by case.")] = False
    enable_samaccountname_login: Annotated[
        bool, param(Kind.BOOL, help="Log in by sAMAccountName too.", needs=Feature.LDAP_ROTATION)
    ] = False
    password_policy: Annotated[
        str, param(Kind.STRING, help="Password policy for a new bindpass.", needs=Feature.LDAP_ROTATION)
    ] = ""
    rotation_url: Annotated[
        str, param(Kind.STRING, help="Address for changes of bindpass; default: url.", needs=Feature.LDAP_ROTATION)
    ] = ""
    schema: Annotated[
        str, param(Kind.STRING, help="How bindpass is changed: openldap or ad.", needs=Feature.LDAP_SCHEMA)
    ] = "openldap"

    def update_from(self, call: Call, *names: str) -> None:
        """Set the members whose parameters were sent; null sets a timeout to its default."""
        super().update_from(call, *names)
        for name in ("connection_timeout", "request_timeout"):
            if name in call.raw and name not in call:
                setattr(self, name, call[name])

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        data = super().shown(product)
        if self.use_pre111_group_cn_behavior is None:
            data.pop("use_pre111_group_cn_behavior", None)
        return data

    def changed(self) -> dict[str, object]:
        """Return the parameters that are not as a new configuration has them."""
        return super().changed() | self.changed_rotation()


def check(config: DirectorySettings) -> None:
    """Check settings. Raises ValueError with the server's text."""
    for name in ("userfilter", "groupfilter"):
        with error_context(f"invalid {name}: "):
            parse(getattr(config, name), BUILTINS, QUERY_TEMPLATE)
    if config.certificate:
        _check_certificate(config.certificate)
    if config.client_tls_cert and config.client_tls_key:
        with error_context("failed to parse client X509 key pair: "):
            pair.check(config.client_tls_cert, config.client_tls_key)
    elif config.client_tls_cert or config.client_tls_key:
        raise ValueError("both client_tls_cert and client_tls_key must be set")
    for name in ("tls_min_version", "tls_max_version"):
        if getattr(config, name) not in _TLS:
            raise ValueError(f"invalid '{name}'")
    if config.tls_max_version < config.tls_min_version:
        raise ValueError("'tls_max_version' must be greater than or equal to 'tls_min_version'")


def check_complete(config: DirectorySettings) -> None:
    """Check that the directory can be asked, as secrets engines do. Raises ValueError with the server's text."""
    if not config.url:
        raise ValueError("at least one url must be provided")
    if not config.discoverdn and not (config.binddn and config.bindpass) and not (config.upndomain or config.userdn):
        raise ValueError("cannot derive UserBindDN")


def _check_certificate(pem: str) -> None:
    from mockkms.crypto.x509.certificate_parser import parse_certificate

    block = decode(pem)
    if block is None or block.label != "CERTIFICATE":
        raise ValueError("failed to parse server tls cert: failed to decode PEM block in the certificate")
    with error_context("failed to parse server tls cert: failed to parse certificate "):
        parse_certificate(block.der)
