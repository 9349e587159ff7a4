"""The story with async-hvac."""

import asyncio
import base64
import json
import os

from async_hvac import AsyncClient
from async_hvac.exceptions import Forbidden


async def main() -> None:
    trusted = os.environ.get("VAULT_CACERT") or True
    address = os.environ["VAULT_ADDR"]
    found: dict[str, object] = {}
    async with AsyncClient(url=address, token=os.environ["VAULT_TOKEN"], verify=trusted) as client:
        await client.write("secret/data/app/db", data={"password": "s3cr3t"})
        found["password"] = (await client.read("secret/data/app/db"))["data"]["data"]["password"]
        if await client.read("secret/data/app/none") is None:
            found["absent"] = 404
        plain = base64.b64encode(b"four score").decode()
        sealed = (await client.write("transit/encrypt/orders", plaintext=plain))["data"]["ciphertext"]
        opened = (await client.write("transit/decrypt/orders", ciphertext=sealed))["data"]["plaintext"]
        found["plaintext"] = base64.b64decode(opened).decode()
    async with AsyncClient(url=address, token="other", verify=trusted) as client:
        try:
            await client.read("secret/data/app/db")
        except Forbidden:
            found["refused"] = 403
    print(json.dumps(found))


asyncio.run(main())
