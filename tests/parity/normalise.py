"""An answer in the recorded form: what is random by nature is told by kind, everything else stands as it came."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.parity import labels
from tests.parity.scrub import MEMORABLE, PEM, SERIAL, UUID, about, scrub
from tests.parity.ssh import describe_ssh
from tests.parity.wire import Answer
from tests.parity.x509 import describe_der, describe_pem

Where = tuple[str, ...]

_HEADERS = frozenset((
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-max-age", "allow", "cache-control", "content-type", "location", "retry-after",
    "strict-transport-security", "vary", "warning", "www-authenticate",
))  # fmt: skip
_DER_TYPES = ("application/pkix-cert", "application/pkix-crl")
_MESSAGES = ("err", "error", "errors", "warnings")
"""Keys of texts for people, in which the product may be named."""
_MOMENTS = frozenset((
    "creation_time", "expiration", "issue_time", "last_echo", "last_renewal_time", "not_before", "revocation_time",
    "server_time_utc",
))  # fmt: skip
_EPOCHS = range(1_600_000_000, 4_200_000_001)
_READINGS = ("volatile", "about", "typeonly", "sorted", "x509", "ssh")

_STATUS = r"sys/(health|seal-status|unseal)"
_STATUS_TOO = r"sys/(health|seal-status|unseal|leader|host-info)"
_DEFAULT_POLICY = r"sys/(policy|policies/acl)/default(\?|$)"
_BY_PATH = [
    (re.compile(path), tuple(where.split(".")), reading)
    for path, reading, wheres in [
        (r"/datakey/plaintext/", "volatile", ["data.plaintext"]),
        (r"(/random(/|$)|sys/tools/random)", "volatile", ["data.random_bytes"]),
        (r"/(byok-)?export/", "volatile", ["data.keys.*"]),
        (r"/backup/", "opaque", ["data.backup"]),
        (r"/hmac/", "volatile", ["data.batch_results.*.hmac"]),
        (r"/lookup", "about", ["data.ttl"]),
        (_STATUS_TOO, "opaque", ["version", "data.version"]),
        (_STATUS, "opaque", ["build_date", "data.build_date", "commit_sha"]),
        (_DEFAULT_POLICY, "typeonly", ["data.policy", "data.rules", "rules"]),
        (r"sys/policies/detailed/acl", "typeonly", ["data.key_info.default.policy"]),
        (r"sys/namespaces", "opaque", ["data.id", "data.key_info.*.id"]),
        (r"sys/ha-status", "opaque", [
            "nodes.*.hostname", "data.nodes.*.hostname", "nodes.*.version", "data.nodes.*.version",
        ]),
    ]
    for where in wheres
]  # fmt: skip
"""What an endpoint makes up afresh each time: (path of the request, place in its answer, how it is read)."""


def normalise(step: Mapping[str, Any], path: str, answer: Answer, captured: Mapping[str, str]) -> dict[str, Any]:
    """Status, the headers that matter, and the body as ``empty``, ``json``, ``text`` or ``binary``."""
    reader = Reader(path, step, captured)
    out: dict[str, Any] = {"status": answer.status, "headers": reader.headers(answer)}
    in_x509 = step.get("x509", ())
    if not answer.body:
        return out | {"body": "empty"}
    if out["headers"].get("content-type") in _DER_TYPES and not answer.body.startswith(b"-----BEGIN"):
        return out | {"body": "binary", "binary": describe_der(answer.body) if "binary" in in_x509 else "<der>"}
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        text = answer.body.decode("utf-8", "replace")
        if "text" in step.get("typeonly", ()):
            return out | {"body": "text", "text": "<text>"}
        if PEM.search(text):
            return out | {"body": "text", "text": describe_pem(text) if "text" in in_x509 else labels.material(text)}
        return out | {"body": "text", "text": scrub(text, captured)}
    return out | {"body": "json", "json": reader.value(parsed, ())}


class Reader:
    """Reads one answer, given what the scenario has captured so far."""

    def __init__(self, path: str, step: Mapping[str, Any], captured: Mapping[str, str]) -> None:
        self.captured = captured
        self.names = {value: f"${{{name}}}" for name, value in reversed([*captured.items()]) if len(value) >= MEMORABLE}
        self.readings = [(where, reading) for pattern, where, reading in _BY_PATH if pattern.search(path)]
        for reading in _READINGS:
            self.readings += [(tuple(where.split(".")), reading) for where in step.get(reading, ())]

    def headers(self, answer: Answer) -> dict[str, str]:
        """The headers that are compared, by lower-case name."""
        kept = {}
        for name, value in answer.headers:
            name = name.lower()
            if name not in _HEADERS and not name.startswith("x-vault-"):
                continue
            if name == "location":
                parts = urlsplit(value)
                value = parts.path + (f"?{parts.query}" if parts.query else "")
            kept[name] = scrub(value, self.captured)
        return kept

    def value(self, value: Any, where: Where) -> Any:
        """A JSON value at ``where`` in the body."""
        reading = self._reading(where)
        if reading is not None:
            told = self._told(reading, value, where)
            if told is not None:
                return told
        if isinstance(value, dict):
            return {self._key(key): self.value(below, (*where, key)) for key, below in value.items()}
        if isinstance(value, list):
            items = [self.value(item, (*where, str(at))) for at, item in enumerate(value)]
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if reading == "sorted" else items
        if isinstance(value, str):
            return self._text(value, where)
        return "<unixtime>" if _is_moment(value, where) else value

    def _reading(self, where: Where) -> str | None:
        """The last of the readings that names this place."""
        for pattern, reading in reversed(self.readings):
            if len(pattern) == len(where) and all(part in ("*", at) for part, at in zip(pattern, where, strict=True)):
                return reading
        return None

    def _told(self, reading: str, value: Any, where: Where) -> Any:
        """What a reading makes of a value; None where it says nothing about it."""
        if reading == "typeonly":
            return f"<{type_name(value)}>"
        if reading == "about":
            return about(value)
        if reading == "x509" and isinstance(value, str) and PEM.search(value):
            return describe_pem(value)
        if reading == "ssh" and isinstance(value, str) and "-cert-" in value:
            return describe_ssh(value)
        if reading == "opaque" and isinstance(value, str):
            return "<opaque>" if value else ""
        if reading == "volatile" and isinstance(value, str) and value:
            if value in self.names:
                return self.names[value]
            return self._text(value, where) if labels.WRAPPED.match(value) else labels.material(value)
        if reading == "volatile" and type(value) in (int, float):
            return "<number>"
        return None

    def _text(self, value: str, where: Where) -> str:
        if value.isdigit() and len(value) < MEMORABLE:
            return value
        if value in self.names:
            return self.names[value]
        key = where[-1] if where else ""
        if key.isdigit() and len(where) > 1:
            key = where[-2]
        if key in _MESSAGES:
            return scrub(value, self.captured)
        whole = labels.label(key, value)
        return scrub(value, self.captured, product=False) if whole is None else whole

    def _key(self, key: str) -> str:
        """Accessors, ids and serial numbers serve as keys too."""
        if key in self.names:
            return self.names[key]
        if labels.ACCESSOR.match(key) and not key.isalpha():
            return "<accessor>"
        return SERIAL.sub("<serial>", UUID.sub("<uuid>", key))


def _is_moment(value: Any, where: Where) -> bool:
    if type(value) is not int or value not in _EPOCHS or not where:
        return False
    return where[-1] in _MOMENTS or where[:-1] == ("data", "keys")


def type_name(value: Any) -> str:
    """JSON's name of a value's type, whole numbers apart from others."""
    if value is None:
        return "null"
    names = {bool: "bool", int: "int", float: "float", str: "string", list: "array", dict: "object"}
    return names[type(value)]
