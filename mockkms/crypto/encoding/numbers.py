"""RSA and ECDSA keys as numbers, as Go encodes them in JSON."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mockkms.crypto.asymmetric import CURVES, ec_private, ec_public, private_der, public_der, rsa_private, rsa_public


class RSANumbers(NamedTuple):
    """Modulus, exponents, the two primes and the values derived from them."""

    n: int
    e: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int


class Point(NamedTuple):
    """A point of a curve: an ECDSA public key."""

    x: int
    y: int


def rsa_numbers(private: bytes) -> RSANumbers:
    """Return the numbers of an RSA key (PKCS #8 DER)."""
    numbers = rsa_private(private).private_numbers()
    public = numbers.public_numbers
    return RSANumbers(public.n, public.e, numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)


def rsa_from_primes(e: int, d: int, p: int, q: int) -> bytes:
    """Return the RSA key of two primes, PKCS #8 DER. Raises ValueError for numbers that cannot be one."""
    if min(e, d, p, q) < 2:
        raise ValueError("not the numbers of an RSA key")
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(e, p * q),
    )
    return private_der(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def rsa_public_numbers(public: bytes) -> tuple[int, int]:
    """Return modulus and exponent of an RSA public key (DER)."""
    numbers = rsa_public(public).public_numbers()
    return numbers.n, numbers.e


def rsa_public_from_numbers(n: int, e: int) -> bytes:
    """Return the RSA public key of a modulus and an exponent, DER. Raises ValueError."""
    return public_der(rsa.RSAPublicNumbers(e, n).public_key())


def ec_secret(private: bytes) -> int:
    """Return the secret number of an ECDSA key (PKCS #8 DER)."""
    return ec_private(private).private_numbers().private_value


def ec_point(public: bytes) -> Point:
    """Return the point of an ECDSA public key (DER)."""
    numbers = ec_public(public).public_numbers()
    return Point(numbers.x, numbers.y)


def ec_from_secret(curve: str, secret: int) -> bytes:
    """Return the ECDSA key of a secret number, PKCS #8 DER. Raises ValueError."""
    return private_der(ec.derive_private_key(secret, CURVES[curve]))


def ec_public_from_point(curve: str, x: int, y: int) -> bytes:
    """Return the ECDSA public key of a point, DER. Raises ValueError for a point off the curve."""
    return public_der(ec.EllipticCurvePublicNumbers(x, y, CURVES[curve]).public_key())
