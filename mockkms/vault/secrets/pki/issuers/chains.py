"""The chains of the mount's issuers: from each up to its root, with all the issuers that signed it."""

from __future__ import annotations

from mockkms.crypto.x509 import read
from mockkms.vault.secrets.pki.model import PKI

Parents = dict[str, list[str]]


def rebuild(state: PKI) -> None:
    """Compute the chain of every issuer; a manual chain takes precedence."""
    certificates = {issuer_id: read.load(issuer.certificate) for issuer_id, issuer in state.issuers.items()}
    with_subject: dict[bytes, list[str]] = {}
    for issuer_id in sorted(certificates, reverse=True):
        with_subject.setdefault(certificates[issuer_id].subject, []).append(issuer_id)
    parents = {
        issuer_id: _parents(certificates, issuer_id, with_subject.get(certificate.issuer, []))
        for issuer_id, certificate in certificates.items()
    }
    fixed = {issuer_id for issuer_id, issuer in state.issuers.items() if issuer.manual_chain}
    reached = {issuer_id: _reached(parents, fixed, issuer_id) for issuer_id in parents}
    done: dict[str, list[str]] = {}
    for issuer_id in fixed:
        done[issuer_id] = [link for link in state.issuers[issuer_id].manual_chain if link in state.issuers]

    def chain(issuer_id: str) -> list[str]:
        if issuer_id not in done:
            # Issuers that signed each other in a circle, or share key and name, are adjacent.
            circle = [
                issuer_id,
                *(other for other in reached[issuer_id] if other not in fixed and issuer_id in reached[other]),
            ]
            above = [parent for one in circle for parent in parents[one] if parent not in circle]
            above.sort(key=lambda parent: certificates[parent].subject != certificates[parent].issuer)
            found = list(circle)
            for parent in above:
                found += chain(parent)
            done[issuer_id] = list(dict.fromkeys(found))
        return done[issuer_id]

    for issuer_id, issuer in state.issuers.items():
        issuer.chain = list(chain(issuer_id))


def _parents(certificates: dict[str, read.Certificate], issuer_id: str, named: list[str]) -> list[str]:
    """Return the other issuers that signed a certificate, of those that it names, in their order."""
    certificate = certificates[issuer_id]
    return [other for other in named if other != issuer_id and certificate.signed_by(certificates[other])]


def _reached(parents: Parents, fixed: set[str], issuer_id: str) -> list[str]:
    """Return all issuers above an issuer, the nearest first; the search ends at manual chains."""
    found: dict[str, None] = {}
    waiting = list(parents[issuer_id])
    while waiting:
        link = waiting.pop(0)
        if link != issuer_id and link not in found:
            found[link] = None
            if link not in fixed:
                waiting += parents[link]
    return list(found)
