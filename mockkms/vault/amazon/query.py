"""The query APIs of AWS (IAM, STS, EC2) at an endpoint on this machine, such as that of moto.

Requests are signed as AWS requires it. Other machines are never contacted: callers make their answers up, and say so.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree

from mockkms import outside
from mockkms.crypto import sigv4
from mockkms.error_context import error_context
from mockkms.urls import urlsplit
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang import xml as gox
from mockkms.world.entropy import Entropy

_VERSIONS = {"iam": "2010-05-08", "ec2": "2016-11-15", "sts": "2011-06-15"}
_UNREAD = "failed to unmarshal error message"
_UNAVAILABLE = "ServiceUnavailableException"
_SHOWN = 4096
"""Bytes of an unreadable answer that an error shows; the real client shows all that it has read."""
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class AwsFault(ValueError):
    """A refusal of AWS, in the words of its SDK for Go.

    Args:
        message: The text.
        unreachable: The endpoint, if it did not answer.
    """

    def __init__(self, message: str, *, unreachable: str = "") -> None:
        super().__init__(message)
        self.unreachable = unreachable


@dataclass(frozen=True)
class AwsAccess:
    """An endpoint, and the access key that signs requests to it."""

    service: str
    """``iam``, ``sts`` or ``ec2``."""
    endpoint: str
    """Its address; empty: that of AWS."""
    access_key: str
    secret_key: str
    region: str

    @property
    def here(self) -> bool:
        """Whether the endpoint is on this machine."""
        return bool(self.endpoint) and outside.is_here(self.endpoint)

    def ask(self, call: Call, action: str, **parameters: str) -> ElementTree.Element:
        """Return the response to a request. Raises AwsFault."""
        return self.ask_with(call, {"Action": action, **parameters})

    def ask_with(self, call: Call, parameters: Mapping[str, str]) -> ElementTree.Element:
        """Return the response to a request with these parameters, ``Action`` among them. Raises AwsFault."""
        body = urlencode({**parameters, "Version": _VERSIONS[self.service]}).encode()
        parts = urlsplit(self.endpoint)
        headers = sigv4.signed_form(
            self.access_key, self.secret_key, self.region, self.service, parts.netloc, body, call.now()
        )
        url = self.endpoint.rstrip("/") + "/"
        try:
            status, answer = outside.ask("POST", url, headers, body)
        except OSError as error:
            fault = outside.no_answer("POST", url, error)
            text = f"RequestError: send request failed\ncaused by: {fault}"
            raise AwsFault(text, unreachable=self.endpoint) from None
        if status == 200:
            failed = "failed decoding EC2 Query response" if self.service == "ec2" else "failed decoding Query response"
            with error_context(raised=lambda text: _unreadable(failed, status, text)):
                element = gox.check(answer)
            return parsed(answer) if element is not None else ElementTree.Element("empty")
        with error_context(raised=lambda text: _unreadable(_UNREAD, status, _dumped(answer, text))):
            element = gox.check(answer)
            if element is not None and self.service == "ec2" and element.name != "Response":
                raise ValueError(f"expected element type <Response> but have <{element.name}>")
            if element is not None and self.service != "ec2" and element.name not in ("ErrorResponse", _UNAVAILABLE):
                raise ValueError(f"unknown error response tag, {element.shown}")
        if element is None:
            raise AwsFault(f": \n\tstatus code: {status}, request id: ")
        if element.name == _UNAVAILABLE:
            raise refusal(call.core.entropy, status, _UNAVAILABLE, "service is unavailable")
        root = parsed(answer)
        raise refusal(call.core.entropy, status, text_in(root, "Code"), text_in(root, "Message"))


def parsed(answer: bytes) -> ElementTree.Element:
    """Return the root of an XML document. Raises AwsFault for what only Python's parser refuses."""
    with error_context(raised=AwsFault, of=SyntaxError, text="SerializationError: failed decoding Query response"):
        return ElementTree.fromstring(answer)


def _unreadable(what: str, status: int, cause: str) -> AwsFault:
    """Return the error of the SDK for Go for an answer that it cannot read; only AWS sends request ids."""
    return AwsFault(f"SerializationError: {what}\n\tstatus code: {status}, request id: \ncaused by: {cause}")


def _dumped(answer: bytes, cause: str) -> str:
    """Return the error of an answer with its beginning in hex, in the layout of Go's ``hex.Dump``."""
    lines = []
    for at in range(0, min(len(answer), _SHOWN), 16):
        row = answer[at : at + 16]
        pairs = [f"{byte:02x}" for byte in row] + ["  "] * (16 - len(row))
        text = "".join(chr(byte) if 32 <= byte <= 126 else "." for byte in row)
        lines.append(f"{at:08x}  {' '.join(pairs[:8])}  {' '.join(pairs[8:])}  |{text}|\n")
    return f"UnmarshalError: {_UNREAD}\n\t{''.join(lines)}\ncaused by: {cause}"


def text_in(root: ElementTree.Element | None, name: str) -> str:
    """Return the text of the first element of a name, in any namespace; empty if there is none."""
    found = root.find(f".//{{*}}{name}") if root is not None else None
    return (found.text or "").strip() if found is not None else ""


def texts_in(root: ElementTree.Element, name: str) -> list[str]:
    """Return the texts of all elements of a name, in any namespace."""
    return [(found.text or "").strip() for found in root.iterfind(f".//{{*}}{name}")]


def refusal(entropy: Entropy, status: int, code: str, message: str) -> AwsFault:
    """Return an error response as the SDK for Go writes it."""
    return AwsFault(f"{code}: {message}\n\tstatus code: {status}, request id: {entropy.uuid()}")


def key_id(entropy: Entropy, prefix: str) -> str:
    """Return a made-up id of an access key: ``AKIA`` is the prefix of users, ``ASIA`` that of sessions."""
    return prefix + "".join(_BASE32[byte % 32] for byte in entropy.bytes(16))


def secret_key(entropy: Entropy) -> str:
    """Return a made-up secret access key."""
    return base64.b64encode(entropy.bytes(30)).decode()
