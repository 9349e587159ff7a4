"""What dynaconf reads: the settings of an application, kept in KV version 2."""

import json
import os

from dynaconf import Dynaconf

settings = Dynaconf(
    loaders=["dynaconf.loaders.vault_loader"],
    vault={
        "url": os.environ["VAULT_ADDR"],
        "token": os.environ["VAULT_TOKEN"],
        "verify": os.environ.get("VAULT_CACERT") or True,
    },
    vault_enabled=True,
    vault_path="settings",
)
print(json.dumps({"password": settings.PASSWORD, "absent": settings.get("OTHER", "absent")}))
