"""Paths that need no token and are answered with 404: below ACME's, of issuers without a name, of unified CRLs.

The real server lists the patterns of ACME's paths as unauthenticated, with any text, or none, where an endpoint has an
id, and with ``key-change``, which it does not have: a path with another text is not found, also without a token.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Emulation, Endpoint
from mockkms.vault.framework.engine import no_such_path
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.protocol.directory import BASES, SEGMENT
from mockkms.vault.secrets.pki.model import PKI, engine

_NOWHERE = (
    "key-change",
    f"account/{{other:{SEGMENT}}}",
    f"order/{{other:{SEGMENT}}}[/{{what:re(finalize|cert)}}]",
    # The place of an id may be empty, as in listings, whose paths end in a slash.
    "account/",
    "order/",
    "authorization/",
)
_ALL = [operation for operation in Operation if operation is not Operation.HELP]


def nowhere(_state: PKI, _call: Call) -> None:
    """Raise BackendError for an unsupported path, without a token."""
    raise unsupported_path()


for _base in BASES:
    for _path in _NOWHERE:
        engine.path(f"{_base}/{_path}", login=True, help="An unsupported path.", requires=no_such_path).on(*_ALL)(
            nowhere
        )


engine.path(
    f"issuer/{{other:{SEGMENT}}}/{{what:re(json|pem|der|crl(?:/(?:pem|der|delta(?:/(?:pem|der))?))?)}}",
    login=True,
    help="An unsupported path.",
    requires=no_such_path,
).on(*_ALL)(nowhere)


def _enterprise(template: str) -> Endpoint:
    endpoint = engine.path(
        template,
        login=True,
        needs=Feature.UNIFIED_CRL,
        help="For the enterprise edition only.",
        emulation=Emulation.REFUSED,
    )
    endpoint.on(*_ALL)(nowhere)
    return endpoint


unified_crl = _enterprise("unified-crl{form:re((/pem|/delta|/delta/pem)?)}")
unified_issuer_crl = _enterprise(
    f"issuer/{{ref:{SEGMENT}}}/unified-crl{{form:re((/pem|/der|/delta|/delta/pem|/delta/der)?)}}"
)
unified_ocsp = _enterprise("unified-ocsp[/{req:all}]")
