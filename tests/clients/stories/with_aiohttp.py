"""The story with aiohttp."""

import asyncio
import base64
import json
import os
import ssl

import aiohttp


async def main() -> None:
    trusted = ssl.create_default_context(cafile=os.environ.get("VAULT_CACERT") or None)
    headers = {"X-Vault-Token": os.environ["VAULT_TOKEN"]}
    found: dict[str, object] = {}
    async with aiohttp.ClientSession(
        os.environ["VAULT_ADDR"], connector=aiohttp.TCPConnector(ssl=trusted), headers=headers
    ) as session:
        async with session.post("/v1/secret/data/app/db", json={"data": {"password": "s3cr3t"}}) as response:
            response.raise_for_status()
        async with session.get("/v1/secret/data/app/db") as response:
            found["password"] = (await response.json())["data"]["data"]["password"]
        async with session.get("/v1/secret/data/app/none") as response:
            found["absent"] = response.status
        text = {"plaintext": base64.b64encode(b"four score").decode()}
        async with session.post("/v1/transit/encrypt/orders", json=text) as response:
            sealed = (await response.json())["data"]["ciphertext"]
        async with session.post("/v1/transit/decrypt/orders", json={"ciphertext": sealed}) as response:
            found["plaintext"] = base64.b64decode((await response.json())["data"]["plaintext"]).decode()
        async with session.get("/v1/secret/data/app/db", headers={"X-Vault-Token": "other"}) as response:
            found["refused"] = response.status
    print(json.dumps(found))


asyncio.run(main())
