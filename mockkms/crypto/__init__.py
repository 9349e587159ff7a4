"""Cryptography as Vault does it, with the error texts of Go's libraries."""


class CryptoError(ValueError):
    """Input that Go's libraries refuse, with their error text: keys, certificates, signatures, ciphertexts, DER."""
