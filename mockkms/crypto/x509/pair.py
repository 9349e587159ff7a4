"""Certificates and keys in PEM for TLS, checked as Go's ``crypto/tls`` and ``CertPool.AppendCertsFromPEM`` do."""

from __future__ import annotations

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys, read
from mockkms.error_context import error_context


def check_pool(text: str, fault: str) -> None:
    """Check that a text has a certificate for a pool of CAs. Raises ValueError with ``fault``."""
    for block in pem.blocks(text):
        if block.label == "CERTIFICATE":
            try:
                read.load(block.der)
            except ValueError:
                continue
            return
    raise ValueError(fault)


def check(certificate: str, key: str) -> None:
    """Check a certificate and its key. Raises ValueError with Go's text."""
    found, private = _certificate(certificate), _private(key)
    public = read.load(found.der).public
    with error_context(text="tls: failed to parse private key"):
        own = keys.public_of(keys.parse(private.der))
    if keys.describe(own)[0] != keys.describe(public)[0]:
        raise ValueError("tls: private key type does not match public key type")
    if own != public:
        raise ValueError("tls: private key does not match public key")


def _certificate(text: str) -> pem.Block:
    skipped = []
    for block in pem.blocks(text):
        if block.label == "CERTIFICATE":
            return block
        skipped.append(block.label)
    if not skipped:
        raise ValueError("tls: failed to find any PEM data in certificate input")
    if len(skipped) == 1 and skipped[0].endswith("PRIVATE KEY"):
        raise ValueError(
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may "
            "have been switched"
        )
    types = " ".join(skipped)
    raise ValueError(
        'tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following '
        f"types: [{types}]"
    )


def _private(text: str) -> pem.Block:
    skipped = []
    for block in pem.blocks(text):
        if block.label == "PRIVATE KEY" or block.label.endswith(" PRIVATE KEY"):
            return block
        skipped.append(block.label)
    if not skipped:
        raise ValueError("tls: failed to find any PEM data in key input")
    if skipped == ["CERTIFICATE"]:
        raise ValueError("tls: found a certificate rather than a key in the PEM for the private key")
    types = " ".join(skipped)
    raise ValueError(
        'tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the '
        f"following types: [{types}]"
    )
