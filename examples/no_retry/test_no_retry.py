"""Does an order survive a failure of Vault?"""

import hvac
import pytest
from no_retry import fixed, flawed
from vault import TIMEOUT


@pytest.mark.parametrize("service", [flawed, fixed], ids=["flawed", "fixed"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_an_order_is_encrypted(mockkms, service):
    client = hvac.Client(url=mockkms.url, token=mockkms.token, timeout=TIMEOUT)
    assert service.encrypt(client, "aGVsbG8=").startswith("vault:v1:")
