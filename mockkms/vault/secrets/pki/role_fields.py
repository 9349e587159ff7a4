"""Parameters shared by the endpoints of this engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind, zero
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

KEY_USAGE = ["DigitalSignature", "KeyAgreement", "KeyEncipherment"]
_OWN, _KEYSTORE = Feature.PKI_ADDITIONS, Feature.PKI_KEYSTORES
_CONSTRAINED = Feature.PKI_VERIFIED
_LIST, _TEXT, _FLAG, _NUMBER, _TIME = Kind.COMMA_STRINGS, Kind.STRING, Kind.BOOL, Kind.INT, Kind.SECONDS

SUBJECT = {
    "ou": Field(_LIST, help="Organizational units of the subject."),
    "organization": Field(_LIST, help="Organizations of the subject."),
    "country": Field(_LIST, help="Countries of the subject."),
    "locality": Field(_LIST, help="Localities of the subject."),
    "province": Field(_LIST, help="Provinces or states of the subject."),
    "street_address": Field(_LIST, help="Street addresses of the subject."),
    "postal_code": Field(_LIST, help="Postal codes of the subject."),
}

USAGES = {
    "key_usage": Field(_LIST, default=KEY_USAGE, help="Key usages by Go's names without KeyUsage."),
    "ext_key_usage": Field(_LIST, help="Extended key usages by Go's names without ExtKeyUsage."),
    "ext_key_usage_oids": Field(_LIST, help="Extended key usages by OID."),
}

SIGNATURE = {
    "signature_bits": Field(_NUMBER, help="Size of the signature's hash in bits; 0 is the default."),
    "use_pss": Field(_FLAG, help="RSA keys sign with PSS."),
}

KIND = {
    "key_type": Field(_TEXT, default="rsa", help="rsa, ec or ed25519."),
    "key_bits": Field(_NUMBER, help="Size of the key in bits; 0 is the default of the type."),
}

BACKDATING = {
    "not_before_duration": Field(_TIME, default=30, help="Seconds by which the start of validity is backdated."),
}

_BASIC_HELP = "Leaf certificates state that they do not belong to a CA."

ISSUER_REF = {"issuer_ref": Field(_TEXT, default="default", help="Id or name of an issuer, or default.")}

ROLE = {
    "ttl": Field(_TIME, help="Default lifetime of certificates in seconds."),
    "max_ttl": Field(_TIME, help="Maximum lifetime in seconds."),
    "allow_localhost": Field(_FLAG, default=True, help="Allow localhost and localdomain."),
    "allowed_domains": Field(_LIST, help="Domains that certificates may name."),
    "allowed_domains_template": Field(_FLAG, help="The domains may contain identity templates."),
    "allow_globs_in_identity_templates": Field(_FLAG, help="Values of templates may contain asterisks.", needs=_OWN),
    "allow_bare_domains": Field(_FLAG, help="Allow the domains themselves."),
    "allow_subdomains": Field(_FLAG, help="Allow names below the domains."),
    "allow_glob_domains": Field(_FLAG, help="Asterisks in domains match any text."),
    "allow_wildcard_certificates": Field(_FLAG, default=True, help="Allow wildcard names."),
    "allow_any_name": Field(_FLAG, help="Allow any name."),
    "enforce_hostnames": Field(_FLAG, default=True, help="Names must be valid host names."),
    "allow_ip_sans": Field(_FLAG, default=True, help="Allow IP addresses."),
    "allowed_ip_sans_cidr": Field(_LIST, help="Networks that IP addresses must belong to.", needs=_OWN),
    "allowed_uri_sans": Field(_LIST, help="Patterns of URIs."),
    "allowed_uri_sans_template": Field(_FLAG, help="The URI patterns may contain identity templates."),
    "allowed_other_sans": Field(_LIST, help="Other names: OID;UTF8:pattern, or * for all."),
    "allowed_serial_numbers": Field(_LIST, help="Patterns of serial numbers in the subject."),
    "allowed_user_ids": Field(_LIST, help="Patterns of user ids in the subject."),
    "server_flag": Field(_FLAG, default=True, help="Certificates are for servers."),
    "client_flag": Field(_FLAG, default=True, help="Certificates are for clients."),
    "code_signing_flag": Field(_FLAG, help="Certificates are for signing code."),
    "email_protection_flag": Field(_FLAG, help="Certificates are for mail."),
    "key_type": Field(_TEXT, default="rsa", help="rsa, ec, ed25519, or any."),
    "key_bits": Field(_NUMBER, help="Size of keys in bits; 0 is the default of the type."),
    **SIGNATURE,
    **USAGES,
    "use_csr_common_name": Field(_FLAG, default=True, help="The common name is taken from requests."),
    "use_csr_sans": Field(_FLAG, default=True, help="The alternative names are taken from requests."),
    "serial_number_source": Field(
        _TEXT, default="json-csr", help="json-csr, or json to ignore that of requests.", needs=Feature.PKI_SERIAL_SOURCE
    ),
    **SUBJECT,
    "generate_lease": Field(_FLAG, help="Certificates come with a lease."),
    "no_store": Field(_FLAG, help="Certificates are not stored."),
    "require_cn": Field(_FLAG, default=True, help="A common name is required."),
    "cn_validations": Field(_LIST, default=["email", "hostname"], help="email, hostname, or disabled."),
    "policy_identifiers": Field(_LIST, help="Policy OIDs, or a JSON list of objects with oid, notice and cps."),
    "basic_constraints_valid_for_non_ca": Field(_FLAG, help=_BASIC_HELP),
    **BACKDATING,
    "not_before": Field(_TEXT, help="A fixed start of validity (RFC 3339).", needs=_OWN),
    "not_before_bound": Field(_TEXT, default="permit", help="permit, duration or forbid.", needs=_OWN),
    "not_after": Field(_TEXT, help="A fixed end of validity (RFC 3339)."),
    "not_after_bound": Field(_TEXT, default="permit", help="permit, ttl-limited, forbid, or a moment.", needs=_OWN),
    **ISSUER_REF,
}  # fmt: skip
"""What a role can be told; the same names are shown."""


def check_format(call: Any, refusal: str = 'the "format" path parameter must be "pem", "der", or "pem_bundle"') -> str:
    """Return the format that was asked for. Raises ErrorResponse for one that there is not."""
    form: str = call["format"]
    if form not in ("pem", "der", "pem_bundle"):
        if call.core.product.has(_KEYSTORE) and "pkcs12_password" in call.endpoint.fields:
            if form in ("pkcs12_bundle", "jks_bundle"):
                raise ErrorResponse(f"format {form} is not supported; use pem, der or pem_bundle")
            refusal = 'the "format" parameter must be "pem", "der", "pem_bundle", "pkcs12_bundle" or "jks_bundle"'
        raise ErrorResponse(refusal)
    return form


_NAMES = {
    "exclude_cn_from_sans": Field(_FLAG, help="Do not add the common name to the alternative names."),
    "format": Field(_TEXT, default="pem", help="pem, pem_bundle or der."),
    "private_key_format": Field(_TEXT, default="der", help="pkcs8, or der for the format of the key type."),
    "ip_sans": Field(_LIST, help="IP addresses among the alternative names."),
    "uri_sans": Field(_LIST, help="URIs among the alternative names."),
    "other_sans": Field(_LIST, help="Other names: OID;UTF8:text."),
    "common_name": Field(_TEXT, help="Common name of the subject."),
    "alt_names": Field(_TEXT, help="Host names and mail addresses, separated by commas."),
    "serial_number": Field(_TEXT, help="Serial number in the subject."),
    "ttl": Field(_TIME, help="Lifetime."),
    "not_before": Field(_TEXT, help="Start of validity (RFC 3339).", needs=_OWN),
    "not_after": Field(_TEXT, help="End of validity (RFC 3339)."),
}

STORE = {
    "pkcs12_password": Field(_TEXT, default="changeit", help="Protects a PKCS #12 store.", needs=_KEYSTORE),
    "pkcs12_encoder": Field(
        _TEXT, default="modern2026", help="Encryption of a PKCS #12 store: modern2026 or modern2023.",
        needs=_KEYSTORE,
    ),
    "jks_password": Field(_TEXT, default="changeit", help="Protects a Java keystore.", needs=_KEYSTORE),
}  # fmt: skip
"""Parameters of key stores."""

ALIAS = {
    "jks_private_key_alias": Field(_TEXT, default="1", help="Name of the key in a Java keystore.", needs=_KEYSTORE),
}

LEAF = {
    **_NAMES,
    **STORE,
    "cert_metadata": Field(_TEXT, help="For the enterprise edition only.", needs=Feature.PKI_LATER),
    **ISSUER_REF,
    "role": Field(_TEXT, help="Name of the role."),
    "remove_roots_from_chain": Field(_FLAG, help="Omit self-signed certificates from ca_chain."),
    "user_ids": Field(_LIST, help="User ids in the subject."),
}

ISSUE = {
    **LEAF,
    **ALIAS,
    "key_type": Field(_TEXT, help="Type of key, for roles that allow any.", needs=_OWN),
    "key_bits": Field(_NUMBER, help="Size of key, for roles that allow any.", needs=_OWN),
}

SIGN = {**LEAF, "csr": Field(_TEXT, help="Certificate request in PEM.")}

VERBATIM = {
    **SIGN,
    **USAGES,
    **SIGNATURE,
    "basic_constraints_valid_for_non_ca": Field(_FLAG, help=_BASIC_HELP, needs=_OWN),
}

AUTHORITY = {
    **_NAMES,
    **SUBJECT,
    **BACKDATING,
}

MANAGED = {
    name: Field(_TEXT, help="For the enterprise edition only.", needs=Feature.MANAGED_KEYS)
    for name in ("managed_key_name", "managed_key_id")
}

NEW_KEY = {
    **MANAGED,
    "exported": Field(_TEXT, help="internal, exported, existing or kms."),
    **KIND,
    **SIGNATURE,
    "key_name": Field(_TEXT, help="Name of the key."),
    "key_ref": Field(_TEXT, default="default", help="Id or name of a key, or default."),
}

CA = {
    "max_path_length": Field(_NUMBER, default=-1, help="Maximum number of CAs below; -1 for no limit."),
    "permitted_dns_domains": Field(_LIST, help="Domains that certificates below may name."),
    **{
        f"{verb}_{kind}": Field(_LIST, help="Names that certificates below may or may not have.", needs=_CONSTRAINED)
        for verb, kind in product(
            ("permitted", "excluded"), ("dns_domains", "ip_ranges", "email_addresses", "uri_domains")
        )
        if (verb, kind) != ("permitted", "dns_domains")
    },
}

CA_USAGES = {
    "key_usage": USAGES["key_usage"],
    **{name: replace(USAGES[name], needs=_OWN) for name in ("ext_key_usage", "ext_key_usage_oids")},
}

PAGE = {
    "after": Field(_TEXT, query=True, help="List entries after this one.", needs=Feature.PAGINATION),
    "limit": Field(_NUMBER, query=True, help="Maximum number of entries.", needs=Feature.PAGINATION),
}


def page(call: Call, entries: list[str]) -> list[str]:
    """Return the sorted entries, restricted by ``after`` and ``limit``."""
    found = [entry for entry in sorted(entries) if entry > call["after"]] if call["after"] else sorted(entries)
    return found[: call["limit"]] if call["limit"] > 0 else found


def for_product(of: Product, fields: Mapping[str, Field], shown: Mapping[str, object]) -> dict[str, object]:
    """Return ``shown`` without the parameters that a product does not have."""
    return {name: value for name, value in shown.items() if name not in fields or fields[name].known_to(of)}


def internal_role(**settings: Any) -> dict[str, Any]:
    """Return a role without restrictions, for certificates of CAs."""
    role: dict[str, Any] = {name: default_of(field) for name, field in ROLE.items()}
    role |= {
        "allow_any_name": True, "enforce_hostnames": False, "allowed_uri_sans": ["*"], "allowed_other_sans": ["*"],
        "allowed_serial_numbers": ["*"], "allowed_user_ids": ["*"], "cn_validations": ["disabled"], "key_usage": [],
        "server_flag": False, "client_flag": False, "require_cn": False, "use_csr_common_name": False,
        "use_csr_sans": False, "not_before_duration": 0, "not_before_bound": "",
    }  # fmt: skip
    return role | settings


def default_of(field: Field) -> Any:
    """Return the value of a parameter that was not sent."""
    return field.default if field.default is not None else zero(field.kind)
