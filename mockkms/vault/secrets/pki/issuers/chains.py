"""The chains of the mount's issuers: from each up to its root, over all the issuers that have signed it."""

from __future__ import annotations

from mockkms.crypto.x509 import read
from mockkms.vault.secrets.pki.model import PKI

Parents = dict[str, list[str]]


def rebuild(state: PKI) -> None:
    """Find for every issuer the issuers above it; one that was given a chain keeps that."""
    certificates = {id: read.load(issuer.certificate) for id, issuer in state.issuers.items()}
    parents = {id: _parents(certificates, id) for id in certificates}
    fixed = {id for id, issuer in state.issuers.items() if issuer.manual_chain}
    reached = {id: _reached(parents, fixed, id) for id in parents}
    done: dict[str, list[str]] = {}
    for id in fixed:
        done[id] = [link for link in state.issuers[id].manual_chain if link in state.issuers]

    def chain(id: str) -> list[str]:
        if id not in done:
            # Issuers that have signed one another in a circle, or share key and name, stand together.
            circle = [id, *(other for other in reached[id] if other not in fixed and id in reached[other])]
            above = [parent for one in circle for parent in parents[one] if parent not in circle]
            above.sort(key=lambda parent: certificates[parent].subject != certificates[parent].issuer)
            found = list(circle)
            for parent in above:
                found += chain(parent)
            done[id] = list(dict.fromkeys(found))
        return done[id]

    for id, issuer in state.issuers.items():
        issuer.chain = list(chain(id))


def _parents(certificates: dict[str, read.Certificate], id: str) -> list[str]:
    """The other issuers that have signed this one's certificate, those with the last ids first."""
    certificate = certificates[id]
    return [
        other
        for other in sorted(certificates, reverse=True)
        if other != id
        and certificates[other].subject == certificate.issuer
        and certificate.signed_by(certificates[other])
    ]


def _reached(parents: Parents, fixed: set[str], id: str) -> list[str]:
    """All issuers above this one, the nearest first; what has a chain of its own ends the way."""
    found: dict[str, None] = {}
    waiting = list(parents[id])
    while waiting:
        link = waiting.pop(0)
        if link != id and link not in found:
            found[link] = None
            if link not in fixed:
                waiting += parents[link]
    return list(found)
