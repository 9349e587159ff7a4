"""Is the key rotated once, whatever happens?"""

import pytest
from double_rotate import flawed, mended
from vault import Vault


@pytest.mark.parametrize("service", [flawed, mended], ids=["flawed", "mended"])
@pytest.mark.mockkms(explore={"permission-denied": "raises"})
def test_the_key_is_rotated(mockkms, service):
    service.rotate(Vault(mockkms.url, mockkms.token))
