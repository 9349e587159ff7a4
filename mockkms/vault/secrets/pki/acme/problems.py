"""Problem documents: the errors of ACME (RFC 8555, section 6.7), with the texts and statuses of the real server.

An error that has none of the types of ACME is an internal error of the server, with status 500.
"""

from __future__ import annotations

from typing import NamedTuple

from mockkms.vault.framework.message import Response
from mockkms.vault.golang import json_text
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_PREFIX = "urn:ietf:params:acme:error:"
_MEDIA_TYPE = "application/problem+json"


class ProblemKind(NamedTuple):
    """A type of error."""

    name: str
    status: int
    text: str
    """As OpenBao writes it; ``text_in`` returns that of a product."""

    def text_in(self, product: Product) -> str:
        """Return the text of a product: that of Vault begins with a capital letter (acme_errors.go)."""
        return self.text[0].upper() + self.text[1:] if product.has(Feature.PKI_LATER) else self.text


ACCOUNT_DOES_NOT_EXIST = ProblemKind("accountDoesNotExist", 400, "the request specified an account that does not exist")
ALREADY_REVOKED = ProblemKind(
    "alreadyRevoked", 400, "the request specified a certificate to be revoked that has already been revoked"
)
BAD_CSR = ProblemKind("badCSR", 400, "the CSR is unacceptable")
BAD_NONCE = ProblemKind("badNonce", 400, "the client sent an unacceptable anti-replay nonce")
BAD_REVOCATION_REASON = ProblemKind(
    "badRevocationReason", 400, "the revocation reason provided is not allowed by the server"
)
CONNECTION = ProblemKind("connection", 500, "the server could not connect to validation target")
DNS_FAULT = ProblemKind("dns", 500, "there was a problem with a DNS query during identifier validation")
EXTERNAL_ACCOUNT_REQUIRED = ProblemKind(
    "externalAccountRequired", 401, "the request must include a value for the 'externalAccountBinding' field"
)
INCORRECT_RESPONSE = ProblemKind(
    "incorrectResponse", 400, "response received didn't match the challenge's requirements"
)
MALFORMED = ProblemKind("malformed", 400, "the request message was malformed")
ORDER_NOT_READY = ProblemKind(
    "orderNotReady", 403, "the request attempted to finalize an order that is not ready to be finalized"
)
REJECTED_IDENTIFIER = ProblemKind(
    "rejectedIdentifier", 400, "the server will not issue certificates for the identifier"
)
SERVER_INTERNAL = ProblemKind("serverInternal", 500, "the server experienced an internal error")
TLS_FAULT = ProblemKind("tls", 500, "the server received a TLS error during validation")
UNAUTHORIZED = ProblemKind("unauthorized", 401, "the client lacks sufficient authorization")
UNSUPPORTED_IDENTIFIER = ProblemKind("unsupportedIdentifier", 400, "an identifier is of an unsupported type")


class AcmeProblem(Exception):
    """A refused request. ``kind`` decides its type and status, and ``parts``, by default the kind, make its text."""

    def __init__(self, kind: ProblemKind, *parts: ProblemKind | str) -> None:
        self.kind, self.parts = kind, parts or (kind,)
        super().__init__(": ".join(part if isinstance(part, str) else part.text for part in self.parts))

    def detail(self, product: Product) -> str:
        """Return the whole text, as a product writes it."""
        return ": ".join(part if isinstance(part, str) else part.text_in(product) for part in self.parts)


def before(kind: ProblemKind, text: str) -> AcmeProblem:
    """Return a problem whose text follows that of its type."""
    return AcmeProblem(kind, kind, text)


def after(kind: ProblemKind, text: str) -> AcmeProblem:
    """Return a problem whose text precedes that of its type."""
    return AcmeProblem(kind, text, kind)


def within(front: str, problem: AcmeProblem) -> AcmeProblem:
    """Return the same problem with more text in front of it."""
    return AcmeProblem(problem.kind, front, *problem.parts)


def answered(problem: AcmeProblem, product: Product) -> Response:
    """Return the response. It has no nonce and no link, as that of the real server."""
    document: dict[str, object] = {"type": _PREFIX + problem.kind.name, "detail": problem.detail(product)}
    if product.has(Feature.ACME_SUBPROBLEMS):
        document["subproblems"] = None
    body = json_text.encode(document, ordered=True).encode("utf-8", "replace")
    return Response(raw=body, status=problem.kind.status, content_type=_MEDIA_TYPE)


def kept(problem: AcmeProblem, product: Product) -> dict[str, object]:
    """Return the document that a failed challenge shows."""
    return {
        "status": problem.kind.status,
        "type": _PREFIX + problem.kind.name,
        "detail": problem.detail(product),
        "subproblems": [],
    }
