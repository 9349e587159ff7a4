"""Is an order saved, or the failure noticed?"""

import pytest
from lost_write import fixed, flawed
from vault import Vault


@pytest.mark.parametrize("service", [flawed, fixed], ids=["flawed", "fixed"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_an_order_is_saved(mockkms, service):
    service.save(Vault(mockkms.url, mockkms.token), "17", {"item": "tea"})
