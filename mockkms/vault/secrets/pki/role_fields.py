"""Parameters shared by the endpoints of this engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki import keystores
from mockkms.vault.secrets.pki.role import PkiRole

_OWN, _KEYSTORE = Feature.PKI_ADDITIONS, Feature.PKI_KEYSTORES
_CONSTRAINED = Feature.PKI_VERIFIED
_LIST, _TEXT, _FLAG, _NUMBER, _TIME = Kind.COMMA_STRINGS, Kind.STRING, Kind.BOOL, Kind.INT, Kind.SECONDS

SUBJECT = PkiRole.fields(
    "ou", "organization", "country", "locality", "province", "street_address", "postal_code"
)  # fmt: skip
USAGES = PkiRole.fields("key_usage", "ext_key_usage", "ext_key_usage_oids")
SIGNATURE = PkiRole.fields("signature_bits", "use_pss")

KIND = {
    "key_type": Field(_TEXT, default="rsa", help="rsa, ec or ed25519."),
    "key_bits": Field(_NUMBER, help="Size of the key in bits; 0 is the default of the type."),
}

BACKDATING = PkiRole.fields("not_before_duration")

ISSUER_REF = PkiRole.fields("issuer_ref")


def check_format(call: Call, refusal: str = 'the "format" path parameter must be "pem", "der", or "pem_bundle"') -> str:
    """Return the requested format. Raises ErrorResponse for an unknown one."""
    form: str = call["format"]
    if form not in ("pem", "der", "pem_bundle"):
        if call.core.product.has(_KEYSTORE) and "pkcs12_password" in call.endpoint.fields:
            if form == keystores.PKCS12:
                keystores.check_encoder(call)
            if form in keystores.FORMS:
                return form
            refusal = 'the "format" parameter must be "pem", "der", "pem_bundle", "pkcs12_bundle" or "jks_bundle"'
        raise ErrorResponse(refusal)
    return form


_NAMES = {
    "exclude_cn_from_sans": Field(_FLAG, help="Do not add the common name to the alternative names."),
    "format": Field(_TEXT, default="pem", help="pem, pem_bundle or der; later also pkcs12_bundle or jks_bundle."),
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
    "basic_constraints_valid_for_non_ca": replace(PkiRole.fields()["basic_constraints_valid_for_non_ca"], needs=_OWN),
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


def for_product(of: Product, fields: Mapping[str, Field], shown: Mapping[str, object]) -> dict[str, object]:
    """Return ``shown`` without the parameters that a product does not have."""
    return {name: value for name, value in shown.items() if name not in fields or fields[name].known_to(of)}


def internal_role(**settings: object) -> PkiRole:
    """Return a role without restrictions, for certificates of CAs."""
    role = PkiRole(
        allow_any_name=True, enforce_hostnames=False, allowed_uri_sans=["*"], allowed_other_sans=["*"],
        allowed_serial_numbers=["*"], allowed_user_ids=["*"], cn_validations=["disabled"], key_usage=[],
        server_flag=False, client_flag=False, require_cn=False, use_csr_common_name=False, use_csr_sans=False,
        not_before_duration=0, not_before_bound="",
    )  # fmt: skip
    for name, value in settings.items():
        setattr(role, name, value)
    return role
