"""The messages and constants of programs that decide on certificates. Source: OpenBao's ``cert_template.proto``."""

from __future__ import annotations

from typing import Final

from mockkms.vault.cel.messages import BOOL, BYTES, INT, LONG, MOMENT, NUMBER, STRING, STRINGS, UINT, Dialect

_NAMES: Final = {
    "Country": STRINGS, "Organization": STRINGS, "OrganizationUnit": STRINGS, "Locality": STRINGS,
    "Province": STRINGS, "StreetAddress": STRINGS, "PostalCode": STRINGS, "SerialNumber": STRING,
    "CommonName": STRING,
}  # fmt: skip
_URL: Final = {
    "Scheme": STRING, "Opaque": STRING, "User": "Userinfo", "Host": STRING, "Path": STRING, "RawPath": STRING,
    "OmitHost": BOOL, "ForceQuery": BOOL, "RawQuery": STRING, "Fragment": STRING, "RawFragment": STRING,
}  # fmt: skip
_TEMPLATE: Final = {
    "Version": INT, "Subject": "PKIX.Name", "NotBefore": MOMENT, "NotAfter": MOMENT, "KeyUsage": NUMBER,
    "ExtraExtensions": "[PKIX.Extension]", "ExtKeyUsage": f"[{NUMBER}]", "UnknownExtKeyUsage": "[ObjectIdentifier]",
    "BasicConstraintsValid": BOOL, "IsCA": BOOL, "MaxPathLen": INT, "MaxPathLenZero": BOOL, "SubjectKeyId": BYTES,
    "DNSNames": STRINGS, "EmailAddresses": STRINGS, "IPAddresses": "[net.IP]", "URIs": "[url.URL]",
    "PermittedDNSDomainsCritical": BOOL, "PermittedDNSDomains": STRINGS, "ExcludedDNSDomains": STRINGS,
    "PermittedIPRanges": "[net.IPNet]", "ExcludedIPRanges": "[net.IPNet]", "PermittedEmailAddresses": STRINGS,
    "ExcludedEmailAddresses": STRINGS, "PermittedURIDomains": STRINGS, "ExcludedURIDomains": STRINGS,
    "PolicyIdentifiers": "[ObjectIdentifier]", "Policies": "[OID]", "InhibitAnyPolicy": INT,
    "InhibitAnyPolicyZero": BOOL, "InhibitPolicyMapping": INT, "InhibitPolicyMappingZero": BOOL,
    "RequireExplicitPolicy": INT, "RequireExplicitPolicyZero": BOOL, "PolicyMappings": "[PolicyMapping]",
}  # fmt: skip
_OUTPUT: Final = {
    "template": "CertTemplate", "issuer_ref": STRING, "use_pss": BOOL, "signature_bits": UINT, "generate_lease": BOOL,
    "no_store": BOOL, "warnings": STRINGS, "subject_key_id": BYTES, "key_type": STRING, "key_bits": LONG,
}  # fmt: skip
KEY_USAGES: Final = (
    "Unspecified", "DigitalSignature", "ContentCommitment", "KeyEncipherment", "DataEncipherment", "KeyAgreement",
    "CertSign", "CRLSign", "EncipherOnly", "DecipherOnly",
)  # fmt: skip
EXTENDED: Final = {
    "Any": "2.5.29.37.0", "ServerAuth": "1.3.6.1.5.5.7.3.1", "ClientAuth": "1.3.6.1.5.5.7.3.2",
    "CodeSigning": "1.3.6.1.5.5.7.3.3", "EmailProtection": "1.3.6.1.5.5.7.3.4",
    "IPSECEndSystem": "1.3.6.1.5.5.7.3.5", "IPSECTunnel": "1.3.6.1.5.5.7.3.6", "IPSECUser": "1.3.6.1.5.5.7.3.7",
    "TimeStamping": "1.3.6.1.5.5.7.3.8", "OCSPSigning": "1.3.6.1.5.5.7.3.9",
    "MicrosoftServerGatedCrypto": "1.3.6.1.4.1.311.10.3.3", "NetscapeServerGatedCrypto": "2.16.840.1.113730.4.1",
    "MicrosoftCommercialCodeSigning": "1.3.6.1.4.1.311.2.1.22", "MicrosoftKernelCodeSigning": "1.3.6.1.4.1.311.61.1.1",
}  # fmt: skip
"""Extended key usages with their OIDs, in the order of their numbers."""
CERTIFICATES: Final = Dialect(
    {
        "ValidationOutput": _OUTPUT,
        "CertTemplate": _TEMPLATE,
        "PKIX.Name": _NAMES,
        "PKIX.Extension": {"Id": f"[{INT}]", "Critical": BOOL, "Value": BYTES},
        "ObjectIdentifier": {"arc": f"[{UINT}]"},
        "OID": {"arc": f"[{LONG}]"},
        "PolicyMapping": {"IssuerDomainPolicy": "OID", "SubjectDomainPolicy": "OID"},
        "net.IP": {"IP": BYTES},
        "net.IPNet": {"IP": "net.IP", "Mask": "net.IPMask"},
        "net.IPMask": {"IPMask": BYTES},
        "url.URL": _URL,
        "Userinfo": {"username": STRING, "password": STRING, "password_set": BOOL},
    },
    "openbao.pki",
    {
        "KeyUsage": {f"KeyUsage{name}": number for number, name in enumerate(KEY_USAGES)},
        "ExtKeyUsage": {f"ExtKeyUsage{name}": number for number, name in enumerate(EXTENDED)},
    },
)
DECLARED: Final = frozenset(
    ("request", "now", "use_csr", "parsed_csr", "client_token", "entity_id", "entity_groups", "entity_info")
)
"""The variables that a program may name when it is written; those of the client have no value when it is run."""
