"""Is an order saved, or the failure noticed?"""

import pytest
from lost_write import flawed, mended
from vault import Vault


@pytest.mark.parametrize("service", [flawed, mended], ids=["flawed", "mended"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_an_order_is_saved(mockkms, service):
    service.save(Vault(mockkms.url, mockkms.token), "17", {"item": "tea"})
