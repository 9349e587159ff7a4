"""The record of a role: contents and lifetimes of certificates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("pki.PkiRole")
@dataclass
class PkiRole(Record):
    """A role, or the rules of a certificate that needs no role. Durations in seconds, sizes in bits."""

    ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of certificates in seconds.")] = 0
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime in seconds.")] = 0
    allow_localhost: Annotated[bool, param(Kind.BOOL, help="Allow localhost and localdomain.")] = True
    allowed_domains: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Domains that certificates may name.")] = (
        field(default_factory=list)
    )
    allowed_domains_template: Annotated[bool, param(Kind.BOOL, help="The domains may contain identity templates.")] = (
        False
    )
    allow_globs_in_identity_templates: Annotated[
        bool, param(Kind.BOOL, help="Values of templates may contain asterisks.", needs=Feature.PKI_ADDITIONS)
    ] = False
    allow_bare_domains: Annotated[bool, param(Kind.BOOL, help="Allow the domains themselves.")] = False
    allow_subdomains: Annotated[bool, param(Kind.BOOL, help="Allow names below the domains.")] = False
    allow_glob_domains: Annotated[bool, param(Kind.BOOL, help="Asterisks in domains match any text.")] = False
    allow_wildcard_certificates: Annotated[bool, param(Kind.BOOL, help="Allow wildcard names.")] = True
    allow_any_name: Annotated[bool, param(Kind.BOOL, help="Allow any name.")] = False
    enforce_hostnames: Annotated[bool, param(Kind.BOOL, help="Names must be valid host names.")] = True
    allow_ip_sans: Annotated[bool, param(Kind.BOOL, help="Allow IP addresses.")] = True
    allowed_ip_sans_cidr: Annotated[
        list[str],
        param(Kind.COMMA_STRINGS, help="Networks that IP addresses must belong to.", needs=Feature.PKI_ADDITIONS),
    ] = field(default_factory=list)
    allowed_uri_sans: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Patterns of URIs.")] = field(
        default_factory=list
    )
    allowed_uri_sans_template: Annotated[
        bool, param(Kind.BOOL, help="The URI patterns may contain identity templates.")
    ] = False
    allowed_other_sans: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Other names: OID;UTF8:pattern, or * for all.")
    ] = field(default_factory=list)
    allowed_serial_numbers: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Patterns of serial numbers in the subject.")
    ] = field(default_factory=list)
    allowed_user_ids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Patterns of user ids in the subject.")] = (
        field(default_factory=list)
    )
    server_flag: Annotated[bool, param(Kind.BOOL, help="Certificates are for servers.")] = True
    client_flag: Annotated[bool, param(Kind.BOOL, help="Certificates are for clients.")] = True
    code_signing_flag: Annotated[bool, param(Kind.BOOL, help="Certificates are for signing code.")] = False
    email_protection_flag: Annotated[bool, param(Kind.BOOL, help="Certificates are for mail.")] = False
    key_type: Annotated[str, param(Kind.STRING, help="rsa, ec, ed25519, or any.")] = "rsa"
    key_bits: Annotated[int, param(Kind.INT, help="Size of keys in bits; 0 is the default of the type.")] = 0
    signature_bits: Annotated[int, param(Kind.INT, help="Size of the signature's hash in bits; 0 is the default.")] = 0
    use_pss: Annotated[bool, param(Kind.BOOL, help="RSA keys sign with PSS.")] = False
    key_usage: Annotated[
        list[str],
        param(
            Kind.COMMA_STRINGS,
            default=["DigitalSignature", "KeyAgreement", "KeyEncipherment"],
            help="Key usages by Go's names without KeyUsage.",
        ),
    ] = field(default_factory=lambda: ["DigitalSignature", "KeyAgreement", "KeyEncipherment"])
    ext_key_usage: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Extended key usages by Go's names without ExtKeyUsage.")
    ] = field(default_factory=list)
    ext_key_usage_oids: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Extended key usages by OID.")] = field(
        default_factory=list
    )
    use_csr_common_name: Annotated[bool, param(Kind.BOOL, help="The common name is taken from requests.")] = True
    use_csr_sans: Annotated[bool, param(Kind.BOOL, help="The alternative names are taken from requests.")] = True
    serial_number_source: Annotated[
        str, param(Kind.STRING, help="json-csr, or json to ignore that of requests.", needs=Feature.PKI_SERIAL_SOURCE)
    ] = "json-csr"
    ou: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Organizational units of the subject.")] = field(
        default_factory=list
    )
    organization: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Organizations of the subject.")] = field(
        default_factory=list
    )
    country: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Countries of the subject.")] = field(
        default_factory=list
    )
    locality: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Localities of the subject.")] = field(
        default_factory=list
    )
    province: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Provinces or states of the subject.")] = field(
        default_factory=list
    )
    street_address: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Street addresses of the subject.")] = field(
        default_factory=list
    )
    postal_code: Annotated[list[str], param(Kind.COMMA_STRINGS, help="Postal codes of the subject.")] = field(
        default_factory=list
    )
    generate_lease: Annotated[bool, param(Kind.BOOL, help="Certificates come with a lease.")] = False
    no_store: Annotated[bool, param(Kind.BOOL, help="Certificates are not stored.")] = False
    require_cn: Annotated[bool, param(Kind.BOOL, help="A common name is required.")] = True
    cn_validations: Annotated[
        list[str], param(Kind.COMMA_STRINGS, default=["email", "hostname"], help="email, hostname, or disabled.")
    ] = field(default_factory=lambda: ["email", "hostname"])
    policy_identifiers: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Policy OIDs, or a JSON list of objects with oid, notice and cps.")
    ] = field(default_factory=list)
    basic_constraints_valid_for_non_ca: Annotated[
        bool, param(Kind.BOOL, help="Leaf certificates state that they do not belong to a CA.")
    ] = False
    not_before_duration: Annotated[
        int, param(Kind.SECONDS, help="Seconds by which the start of validity is backdated.")
    ] = 30
    not_before: Annotated[
        str, param(Kind.STRING, help="A fixed start of validity (RFC 3339).", needs=Feature.PKI_ADDITIONS)
    ] = ""
    not_before_bound: Annotated[
        str, param(Kind.STRING, help="permit, duration or forbid.", needs=Feature.PKI_ADDITIONS)
    ] = "permit"
    not_after: Annotated[str, param(Kind.STRING, help="A fixed end of validity (RFC 3339).")] = ""
    not_after_bound: Annotated[
        str, param(Kind.STRING, help="permit, ttl-limited, forbid, or a moment.", needs=Feature.PKI_ADDITIONS)
    ] = "permit"
    issuer_ref: Annotated[str, param(Kind.STRING, help="Id or name of an issuer, or default.")] = "default"
    leaf_not_after: str = ""
    """What happens to certificates that outlive their issuer; empty for the issuer's setting. Not a parameter."""
    max_path_length: int | None = None
    """The requested path length; -1 for no limit. Not a parameter."""
