"""The floor: the least an aiohttp server can do for an encryption. ``python -m bench.floor`` prints its port.

It decodes the JSON body, encrypts with AES-GCM, encodes a JSON answer: no token, no policy, no journal, no Vault.
"""

from __future__ import annotations

import asyncio
import binascii
import json
import os
import sys

from aiohttp import web
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def application() -> web.Application:
    """Return the application with its only route."""
    cipher = AESGCM(AESGCM.generate_key(256))

    async def encrypt(request: web.Request) -> web.Response:
        plaintext = binascii.a2b_base64((await request.json())["plaintext"])
        nonce = os.urandom(12)
        sealed = binascii.b2a_base64(nonce + cipher.encrypt(nonce, plaintext, None), newline=False).decode()
        text = json.dumps({"data": {"ciphertext": f"vault:v1:{sealed}", "key_version": 1}})
        return web.Response(text=text, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/transit/encrypt/{name}", encrypt)
    return app


async def serve() -> None:
    """Serve until standard input ends, which it does when the bench that started this process ends."""
    runner = web.AppRunner(application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
