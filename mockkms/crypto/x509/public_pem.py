"""Public keys in PEM, by themselves or in certificates, with the error texts of Go's parsers."""

from __future__ import annotations

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import pem
from mockkms.crypto.encoding.containers import CERTIFIED_ALGORITHMS, Parsed, parse_key_info


def parse_public_pem(text: str, *, whole: bool = True) -> Parsed:
    """Return the public key in the first PEM block of a text, that of a certificate too; a label does not matter.

    Unless ``whole`` is false, nothing else may follow. Raises ValueError with Go's text.
    """
    block = pem.decode(text)
    if block is None:
        raise ValueError("data does not contain any valid public keys")
    if whole and block.rest.strip():
        raise ValueError("unexpected trailing data after parsed PEM block")
    try:
        return parse_key_info(block.der)
    except CryptoError:
        return _certified(block.der)


def _certified(der: bytes) -> Parsed:
    """Return the public key of a certificate (DER). Raises CryptoError with Go's text."""
    from mockkms.crypto.x509.certificate_parser import key_info  # It costs much, and few keys come in certificates.

    algorithm, info = key_info(der)
    # Go's parser leaves out keys of other algorithms.
    return parse_key_info(info) if algorithm in CERTIFIED_ALGORITHMS else Parsed("unknown", "<nil>")
