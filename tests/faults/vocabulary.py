"""The vocabulary of faults, word by word: a rule, what is asked then, and what the client must see."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.asking import Seen

APP, OTHER = "secret/data/app", "secret/data/other"
ENCRYPT = "transit/encrypt/orders"
HIT = 418
"""What a matching request is answered."""
WORLD = """
mockkms: 1
rng: 5
flavor: openbao
clock: 2026-01-01T00:00:00Z
vault:
  root_token: root
  policies: {app: 'path "*" { capabilities = ["read"] }'}
  tokens: [{id: app-token, policies: [app], ttl: 1h}]
  namespaces: {team: {mounts: {secret/: {type: kv, version: 2, secrets: {app: {n: 7}}}}}}
  mounts:
    secret/: {type: kv, version: 2, secrets: {app: {n: 1}, other: {n: 2}}}
    transit/: {type: transit, keys: {orders: {type: aes256-gcm96}, more: {type: aes256-gcm96}}}
"""


@dataclass
class Ask:
    """One request; ``path`` below ``/v1/``, or from its slash on."""

    method: str = "GET"
    path: str = APP
    data: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = "root"
    timeout: float = 5

    @property
    def target(self) -> str:
        return self.path if self.path.startswith("/") else f"/v1/{self.path}"


# -- match: the words, what fits, what does not ----------------------------------------------------------------------

WRITE = Ask("POST", APP, {"data": {"n": 1}, "options": {"cas": 1}})
MATCH: dict[str, tuple[dict[str, Any], Ask, Ask]] = {
    "service vault": ({"service": "vault"}, Ask(), Ask(path="/rustfs/admin/v3/kms/status")),
    "service rustfs": ({"service": "rustfs"}, Ask(path="/rustfs/admin/v3/kms/status"), Ask()),
    "method": ({"method": "PUT"}, Ask("PUT", ENCRYPT, {}), Ask("POST", ENCRYPT, {})),
    "operation": ({"operation": "list"}, Ask("LIST", "secret/metadata"), Ask()),
    "path": ({"path": APP}, Ask(), Ask(path=OTHER)),
    "path glob": ({"path": "secret/+/a*"}, Ask(), Ask(path=OTHER)),
    "path regex": ({"path": {"regex": "data/a[p]+$"}}, Ask(), Ask(path=OTHER)),
    "path on the wire": ({"path": "/v1/secret/data/a*"}, Ask(), Ask(path=OTHER)),
    "mount": ({"mount": "transit/"}, Ask("POST", ENCRYPT, {}), Ask()),
    "key": ({"key": "orders"}, Ask("POST", ENCRYPT, {}), Ask("POST", "transit/encrypt/more", {})),
    "namespace": ({"namespace": "team"}, Ask(headers={"X-Vault-Namespace": "team"}), Ask()),
    "token": ({"token": "app-token"}, Ask(token="app-token"), Ask()),
    "accessor": ({"accessor": True}, Ask(), Ask(token="nobody")),
    "policy": ({"policy": "app"}, Ask(token="app-token"), Ask()),
    "header": ({"header": {"X-Trace": "a*"}}, Ask(headers={"x-trace": "abc"}), Ask(headers={"x-trace": "b"})),
    "query": ({"query": {"version": "1"}}, Ask(path=APP + "?version=1"), Ask()),
    "body": ({"body": {"options.cas": 1}}, WRITE, Ask("POST", APP, {"data": {"n": 1}})),
    "all": ({"all": [{"method": "GET"}, {"key": "app"}]}, Ask(), Ask(path=OTHER)),
    "any": ({"any": [{"method": "LIST"}, {"key": "app"}]}, Ask(), Ask(path=OTHER)),
    "not": ({"not": {"key": "app"}}, Ask(path=OTHER), Ask()),
    "match": ({"match": {"key": "app", "not": {"method": "LIST"}}}, Ask(), Ask(path=OTHER)),
}

# -- when: rules, what is done (r: ask, o: ask the other path, +: ten seconds go by), and which of the r are hit ------

WHEN: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "skip": ([{"skip": 2}], "rrr", "..x"),
    "times": ([{"times": 2}], "rrr", "xx."),
    "every": ([{"every": 2}], "rrrr", ".x.x"),
    "chance": ([{"chance": 0.5, "seed": 3}], "rrrrrrrr", "xx.x.xx."),
    "seed": ([{"chance": 0.5, "seed": "four"}], "rrrrrrrr", ".xxxx.x."),
    "between": ([{"between": {"from": "10s", "until": "20s"}}], "r+r+r", ".x."),
    "lasts": ([{"lasts": "10s"}], "rr+r", "xx."),
    "after": ([{"id": "first", "path": OTHER, "delay": 0}, {"after": "first"}], "ror", ".x"),
    "after so many": (
        [{"id": "first", "path": OTHER, "delay": 0}, {"after": {"rule": "first", "times": 2}}],
        "oror",
        ".x",
    ),
    "in_state": ([{"path": OTHER, "set_state": "down"}, {"in_state": "down"}], "ror", ".x"),
    "choose": ([{"choose": [{"weight": 3, "answer": HIT}, "pass"], "seed": 3}], "rrrrrrrr", "xxx.xxx."),
    "sequence": ([{"sequence": [HIT, "pass", {"answer": HIT}]}], "rrrr", "x.x."),
}

# -- presets: where, and what comes -----------------------------------------------------------------------------------

PRESET: dict[str, tuple[str, int, str]] = {
    "sealed": (APP, 503, "OpenBao is sealed"),
    "uninitialized": ("sys/health", 501, '"initialized":false'),
    "standby": ("sys/health", 429, '"standby":true'),
    "dr-secondary": ("sys/health", 472, '"replication_dr_mode":"secondary"'),
    "performance-standby": ("sys/health", 473, '"standby":true'),
    "rate-limited": (APP, 429, "rate limit quota exceeded"),
    "lease-limited": (APP, 429, "lease count quota exceeded"),
    "permission-denied": (APP, 403, "permission denied"),
    "bad-token": (APP, 403, "permission denied"),
    "login-refused": ("auth/approle/login", 400, "invalid role or secret ID"),
    "not-found": (APP, 404, '{"errors":[]}'),
    "missing-mount": (APP, 404, "no handler for route"),
    "cas-conflict": (APP, 400, "check-and-set parameter did not match"),
    "lagging": (APP, 412, "required index state not present"),
    "overloaded": (APP, 503, "overloaded"),
    "internal-error": (APP, 500, "internal error"),
    "namespace-locked": (APP, 503, "locked by an administrator"),
    "bad-gateway": (APP, 502, "<html>"),
    "unavailable": (APP, 503, "<html>"),
    "gateway-timeout": (APP, 504, "<html>"),
    "maintenance": (APP, 503, "<html>"),
    "KMSNotConfigured": ("/rustfs/admin/v3/kms/status", 503, "KMSNotConfigured"),
    "MissingParameter": ("/rustfs/admin/v3/kms/status", 400, "MissingParameter"),
    "KeyNotFound": ("/rustfs/admin/v3/kms/status", 404, "KeyNotFound"),
    "InvalidConfiguration": ("/rustfs/admin/v3/kms/status", 400, "InvalidConfiguration"),
    "vault-unreachable": ("/rustfs/admin/v3/kms/status", 200, '"healthy":false'),
    "access-denied": ("/rustfs/admin/v3/kms/status", 403, "AccessDenied"),
}

# -- what: a rule, a check of the answer to a write, and whether the write took effect --------------------------------

Check = Callable[[Seen], object]


def data(seen: Seen) -> Any:
    """What the answer says."""
    return json.loads(seen.body)["data"]


def failed(*names: str) -> Check:
    """No answer: one of these is in the error."""
    return lambda seen: any(name in seen.error for name in names)


def fine(seen: Seen) -> bool:
    """As without a rule."""
    return seen.status == 200


CLOSED, RESET = failed("RemoteDisconnected"), failed("ECONNRESET")
HALF = failed("IncompleteRead", "ECONNRESET")
SILENT = failed("ReadTimeout")
WHAT: dict[str, tuple[dict[str, Any], Check, bool]] = {
    "answer": ({"answer": {"status": 507, "body": "full", "headers": {"X-A": "b"}}},
               lambda seen: (seen.status, seen.body, seen.headers["x-a"]) == (507, b"full", "b"), False),
    "answer applied": ({"answer": 502, "applied": True}, lambda seen: seen.status == 502, True),
    "delay": ({"delay": 0.001}, fine, True),
    "delay uniform": ({"delay": {"uniform": [0, 0.002]}}, fine, True),
    "delay normal": ({"delay": {"normal": [0.001, 0.001]}}, fine, True),
    "delay lognormal": ({"delay": {"lognormal": [0.001, 0.5]}}, fine, True),
    "delay applied": ({"delay": "1ms", "applied": True}, fine, True),
    "hang": ({"hang": True}, SILENT, False),
    "hang applied": ({"hang": 0.01, "applied": True}, CLOSED, True),
    "refuse": ({"refuse": 0.02}, CLOSED, False),
    "reset": ({"reset": True}, RESET, False),
    "reset applied": ({"reset": True, "applied": True}, RESET, True),
    "close": ({"close": True}, CLOSED, False),
    "close headers": ({"close": "headers"}, HALF, True),
    "close applied": ({"close": True, "applied": True}, CLOSED, True),
    "lose_answer": ({"lose_answer": "reset"}, RESET, True),
    "lose_request": ({"lose_request": "close"}, CLOSED, False),
    "truncate": ({"truncate": 5}, HALF, True),
    "drip": ({"drip": {"bytes": 200, "every": "1ms"}}, fine, True),
    "garbage": ({"garbage": 9}, lambda seen: len(seen.body) == 9, True),
    "bad_chunk": ({"bad_chunk": True}, failed("InvalidChunkLength"), True),
    "content_type": ({"content_type": "text/x"}, lambda seen: seen.headers["content-type"] == "text/x", True),
    "content_length": ({"content_length": 9999}, HALF, True),
    "headers": ({"headers": {"X-Odd": "1"}}, lambda seen: seen.headers["x-odd"] == "1", True),
    "status": ({"status": 599}, lambda seen: seen.status == 599, True),
    "empty": ({"empty": True}, lambda seen: (seen.status, seen.body) == (200, b""), True),
    "flip": ({"flip": "data.created_time"}, lambda seen: data(seen)["created_time"] != "2026-01-01T00:00:00Z", True),
    "drop": ({"drop": "data.version"}, lambda seen: "version" not in data(seen), True),
    "replace": ({"replace": {"data.version": "x"}}, lambda seen: data(seen)["version"] == "x", True),
    "stale": ({"stale": True}, fine, True),
    "stale snapshot": ({"stale": "baseline"}, lambda seen: data(seen)["version"] == 2, False),
    "seal": ({"seal": True}, lambda seen: seen.status == 503, False),
    "seal for a while": ({"seal": "30s", "applied": True}, fine, True),
    "unseal": ({"unseal": True}, fine, True),
    "restart keep": ({"restart": "keep"}, CLOSED, False),
    "restart lose": ({"restart": "lose", "applied": True}, CLOSED, False),
    "deaf": ({"deaf": 0.01}, CLOSED, False),
    "revoke": ({"revoke": True}, lambda seen: seen.status == 403, False),
    "expire": ({"expire": "auth/token"}, fine, True),
    "advance": ({"advance": "1h"}, lambda seen: data(seen)["created_time"] == "2026-01-01T01:00:00Z", True),
    "advance back": ({"advance": "-1h"}, lambda seen: data(seen)["created_time"] == "2025-12-31T23:00:00Z", True),
    "set_clock": ({"set_clock": "2030-05-06"}, lambda seen: data(seen)["created_time"] == "2030-05-06T00:00:00Z", True),
    "set_state": ({"set_state": "odd"}, fine, True),
}  # fmt: skip
