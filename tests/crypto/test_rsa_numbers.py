"""RSA keys whose numbers do not belong together, in the forms in which keys are imported."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mockkms.crypto import CryptoError, ssh
from mockkms.crypto.encoding import containers
from mockkms.crypto.x509 import keys


def test_an_exponent_that_does_not_belong_to_the_primes() -> None:
    good = rsa.generate_private_key(65537, 2048)
    numbers = good.private_numbers()
    crt = (numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers)
    changed = rsa.RSAPrivateNumbers(numbers.p, numbers.q, numbers.d + 2, *crt)
    wrong = changed.private_key(unsafe_skip_rsa_key_validation=True)

    def forms(key: rsa.RSAPrivateKey) -> tuple[str, bytes, bytes]:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
        der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return pem, der, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    pem, der, pkcs8 = forms(wrong)
    with pytest.raises(CryptoError, match="ssh: no key found"):
        ssh.load_private(pem)
    with pytest.raises(ValueError, match=r".+"):
        keys.parse(der)
    with pytest.raises(CryptoError, match="crypto/rsa: invalid exponents"):
        containers.parse_private(pkcs8)
    pem, der, pkcs8 = forms(good)
    openssh = good.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    assert ssh.load_private(pem).private_numbers() == ssh.load_private(openssh).private_numbers() == numbers
    assert keys.parse(der) == containers.parse_private(pkcs8).private == pkcs8
