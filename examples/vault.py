"""What the examples share: a client with a time limit, and a loop that repeats what is worth repeating."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

TIMEOUT = 0.5
"""Seconds to wait for an answer. Without a limit, a server that does not answer stops the service as well."""
_T = TypeVar("_T")


class Vault:
    """Sends requests to Vault. Raises ``requests.RequestException`` if there is no usable answer."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url, self.token = url, token
        self._session = requests.Session()
        self._session.trust_env = False

    def send(self, method: str, path: str, data: object = None) -> dict[str, Any]:
        """Return the JSON object of the answer; empty for an answer without a body."""
        headers = {"X-Vault-Token": self.token} if self.token else {}
        with self._session.request(
            method, f"{self._url}/v1/{path}", json=data, headers=headers, timeout=TIMEOUT
        ) as answer:
            answer.raise_for_status()
            return answer.json() if answer.content else {}


def status(error: requests.RequestException) -> int:
    """Return the status of a refusal; 0 if there was no whole answer."""
    return error.response.status_code if error.response is not None else 0


def temporary(error: requests.RequestException) -> bool:
    """Return whether the request may succeed later: no whole answer, a node that lags behind, overload, an error."""
    return status(error) in (0, 412, 429, 500, 502, 503, 504)


def pause(error: requests.RequestException, attempt: int) -> float:
    """Return the seconds to wait before the next attempt: those of Retry-After, or longer each time."""
    asked = error.response.headers.get("Retry-After", "") if error.response is not None else ""
    return float(asked) if asked.isdecimal() else 0.05 * 2**attempt


def repeated(call: Callable[[], _T], attempts: int = 4) -> _T:
    """Return the result of ``call``, which is repeated after a temporary failure.

    Only for what does no harm if it is done twice: the answer may be lost after the request took effect.
    """
    for attempt in range(attempts):
        try:
            return call()
        except requests.RequestException as error:
            if not temporary(error) or attempt == attempts - 1:
                raise
            time.sleep(pause(error, attempt))
    raise ValueError("attempts must be at least 1")
