"""Does the service notice that its token has ended?"""

import pytest
from dead_token import fixed, flawed
from vault import Vault


@pytest.mark.parametrize("service", [flawed, fixed], ids=["flawed", "fixed"])
@pytest.mark.mockkms(explore={"permission-denied@auth/approle/login": "raises"})
def test_the_settings_are_read(mockkms, service):
    settings = service.Settings(Vault(mockkms.url), "web-role", "web-secret")
    for name in ("db", "mail", "queue"):
        assert "password" in settings.read(name)
