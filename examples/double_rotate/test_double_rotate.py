"""Is the key rotated once, whatever happens?"""

import pytest
from double_rotate import fixed, flawed
from vault import Vault


@pytest.mark.parametrize("service", [flawed, fixed], ids=["flawed", "fixed"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_the_key_is_rotated(mockkms, service):
    service.rotate(Vault(mockkms.url, mockkms.token))
