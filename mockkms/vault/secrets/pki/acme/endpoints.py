"""Paths that need no token and are answered with 404: below ACME's, of issuers without a name, of unified CRLs.

The real server lists the patterns of ACME's paths as unauthenticated, with any text, or none, where an endpoint has an
id or a name, and with ``key-change``, which it does not have: a path with another text is not found, also without a
token.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Emulation, Endpoint
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.protocol.directory import BASES, SEGMENT
from mockkms.vault.secrets.pki.model import PKI, engine

_ACME = (
    "directory|new-nonce|new-account|new-order|orders|revoke-cert|key-change|account/[^/]*|authorization/[^/]*|"
    "challenge/[^/]*/[^/]*|order/[^/]*(?:/(?:finalize|cert))?"
)
_CRL = "crl(?:/(?:pem|der|delta(?:/(?:pem|der))?))?"
_ALL = [operation for operation in Operation if operation is not Operation.HELP]

engine.open_paths(
    *(f"{base.replace('}', ':' + SEGMENT + '}')}/{{what:re({_ACME})}}" for base in BASES),
    f"issuer/{{issuer_ref:{SEGMENT}}}/{{what:re(json|pem|der|{_CRL})}}",
)


def nowhere(_state: PKI, _call: Call) -> None:
    """Raise BackendError for an unsupported path, without a token."""
    raise unsupported_path()


def _enterprise(template: str) -> Endpoint:
    endpoint = engine.path(
        template,
        login=True,
        needs=Feature.UNIFIED_CRL,
        documented=False,
        help="For the enterprise edition only.",
        emulation=Emulation.REFUSED,
    )
    endpoint.on(*_ALL)(nowhere)
    return endpoint


unified_crl = _enterprise("unified-crl{form:one(|/pem|/delta|/delta/pem)}")
unified_issuer_crl = _enterprise(
    f"issuer/{{ref:{SEGMENT}}}/unified-crl{{form:one(|/pem|/der|/delta|/delta/pem|/delta/der)}}"
)
unified_ocsp = _enterprise("unified-ocsp[/{req:all}]")
