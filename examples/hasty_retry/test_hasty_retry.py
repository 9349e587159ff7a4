"""Does the service wait as long as Vault asks it to?"""

import pytest
from hasty_retry import fixed, flawed
from vault import Vault


@pytest.fixture
def ciphertext(mockkms):
    order = Vault(mockkms.url, mockkms.token).send("POST", "transit/encrypt/orders", {"plaintext": "aGVsbG8="})
    return order["data"]["ciphertext"]


@pytest.mark.parametrize("service", [flawed, fixed], ids=["flawed", "fixed"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_an_order_is_decrypted(mockkms, ciphertext, service):
    assert service.decrypt(Vault(mockkms.url, mockkms.token), ciphertext) == "aGVsbG8="
