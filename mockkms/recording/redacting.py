"""Turning a request and its answer into an exchange of a recording, with a placeholder for each secret."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from mockkms.faults import addresses
from mockkms.faults.addresses import SHORTEST_TOKEN
from mockkms.recording import private_keys
from mockkms.recording.exchange import Body, Exchange, RecordedAnswer, RecordedRequest, normalized
from mockkms.recording.secrets import Secrets
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.json_text import encode
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.hiding import PARSED, Hide

_KEPT_ANSWER = frozenset((
    "accept-ranges", "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-max-age", "allow", "cache-control", "content-disposition", "content-language", "content-type",
    "location", "pragma", "www-authenticate", "x-vault-namespace",
    "retry-after", "strict-transport-security", "vary", "warning", "x-content-type-options", "x-ratelimit-limit",
    "x-ratelimit-remaining", "x-ratelimit-reset", "x-vault-hydration-time", "x-vault-index", "x-vault-quota-path",
    "x-vault-raft-applied-index",
))  # fmt: skip
"""Headers of answers that are recorded; others are named as left out."""
_NOT_NAMED = frozenset(("content-length", "date"))
"""Headers that every server makes of its own."""
_KEPT_REQUEST = ("access-control-request-method", "origin", "x-vault-wrap-ttl", "x-vault-wrap-format")
_PATCH = "application/merge-patch+json"
_FORM = "application/x-www-form-urlencoded"
_FIELDS = frozenset((
    "assertion", "audience", "client_assertion", "client_assertion_type", "client_id", "client_secret", "code",
    "code_verifier", "device_code", "grant_type", "id_token", "jwt", "nonce", "password", "redirect_uri",
    "refresh_token", "response_mode", "response_type", "role", "scope", "state", "token", "token_type_hint", "username",
))  # fmt: skip
"""The fields of forms, which OAuth has. A text with other names is not a form, and the names may be secrets."""
_PUBLIC = frozenset((
    "application/ocsp-response", "application/pkcs7-mime", "application/pkix-attr-cert", "application/pkix-cert",
    "application/pkix-crl", "application/x-pem-file",
))  # fmt: skip
"""Media types of binary answers that anyone may read: certificates and revocation lists."""
_TEXTUAL = ("text/", "application/pem", "application/x-pem", "application/openmetrics-text", "application/hcl")

Mark = Callable[[object], object]


def request_of(entry: Entry) -> RecordedRequest:
    """Return the normalized request of an entry, with its secrets, for comparison with recorded requests."""
    return _request_of(entry, entry.target, entry.token, *_request_body(entry)[:2])


def _request_of(entry: Entry, target: str, token: str, body: Body, media_type: str) -> RecordedRequest:
    raw_path, _, query = target.partition("?")
    method, path, pairs = normalized(entry.method, raw_path, parse_qsl(query, keep_blank_values=True))
    found = {name.lower(): text for name, text in entry.headers.items()}
    headers = {name: found[name] for name in _KEPT_REQUEST if found.get(name)}
    if media_type == _PATCH:
        headers["content-type"] = media_type
    return RecordedRequest(method, path, pairs, found.get("x-vault-namespace", "").strip("/"), token, headers, body)


def _request_body(entry: Entry) -> tuple[Body, str, str]:
    """Return the body of a request, its media type, and the reason if the body is left out."""
    found = next((text for name, text in entry.headers.items() if name.lower() == "content-type"), "")
    media_type = found.partition(";")[0].strip().lower()
    raw = entry.body
    if not raw:
        return Body(), media_type, ""
    if len(raw) > PARSED:
        return Body("left out"), media_type, f"the body of the request, {len(raw)} bytes: longer than 1 MiB"
    # As in Vault, a body that is JSON is JSON: curl sends it with the media type of a form.
    value, failed = _parsed(raw)
    if not failed:
        return Body("json", value), media_type, ""
    if media_type == _FORM:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
        if pairs and _FIELDS.issuperset(name for name, _ in pairs):
            return Body("form", dict(pairs)), media_type, ""
    return Body("left out"), media_type, "the body of the request: not JSON"


def _parsed(raw: bytes) -> tuple[object, bool]:
    try:
        return go_json.decode(raw, any_number=True, whole=True), False
    except (ValueError, RecursionError):
        return None, True


class Redactor:
    """Makes exchanges; the same secret has the same placeholder in all of them."""

    def __init__(self) -> None:
        self.secrets = Secrets()

    def exchange(self, entry: Entry, headers: Sequence[tuple[str, str]], at: float, *, streamed: bool) -> Exchange:
        """Return what a recording holds of an entry, whose answer has these headers, at ``at`` seconds.

        ``streamed``: the body of the answer is not complete.
        """
        try:
            return self._exchange(entry, headers, at, streamed=streamed)
        except RecursionError:
            reason = "the bodies: nested too deeply"
            entry.body, entry.answer = b"", b""
            made = self._exchange(entry, headers, at, streamed=False)
            left = Body("left out")
            return replace(
                made, request=replace(made.request, body=left), answer=replace(made.answer, body=left),
                left_out=(*made.left_out, reason),
            )  # fmt: skip

    def _exchange(self, entry: Entry, headers: Sequence[tuple[str, str]], at: float, *, streamed: bool) -> Exchange:
        secrets = self.secrets
        hide = Hide(entry, secrets.known, secrets.show, shortest=SHORTEST_TOKEN)
        for name, text in entry.headers.items():
            hide.header(name.lower(), text)  # It remembers the secrets, which other parts may repeat.
        token = secrets.show(entry.token, "client_token") if entry.token else ""
        left_out: list[str] = []
        sent, media_type, reason = _request_body(entry)
        left_out += [reason] if reason else []
        answer = self._answer_body(entry, headers, hide, left_out, streamed=streamed)
        sent = _hidden(sent, hide.request, hide)
        target = addresses.hide(
            entry.target, secrets.known, strict=True, show=lambda secret, _mark: secrets.show(secret, "")
        )
        kept = [(name, hide.text(text)) for name, text in headers if name.lower() in _KEPT_ANSWER]
        others = {name.lower() for name, _ in headers} - _KEPT_ANSWER - _NOT_NAMED
        if others:
            left_out.append(f"headers of the answer: {', '.join(sorted(others))}")
        return Exchange(
            _request_of(entry, hide.sweep(target), token, sent, media_type),
            RecordedAnswer(entry.status, tuple(kept), _hidden(answer, hide.answer, hide)),
            entry.mount,
            entry.trace.endpoint,
            at,
            entry.seconds,
            tuple(left_out),
        )

    def _answer_body(
        self, entry: Entry, headers: Sequence[tuple[str, str]], hide: Hide, left_out: list[str], *, streamed: bool
    ) -> Body:
        raw = entry.answer
        if streamed:
            left_out.append("the body of the answer: it is streamed")
            return Body("left out")
        if not raw:
            return Body()
        if len(raw) > PARSED:
            left_out.append(f"the body of the answer, {len(raw)} bytes: longer than 1 MiB")
            return Body("left out")
        value, failed = _parsed(raw)
        if not failed and isinstance(value, dict | list):
            end = "\n" if raw.endswith(b"\n") else ""
            hide.answer(value)  # Secrets of the answer may be repeated in the request.
            return Body("json", value, end)
        media_type = next((text for name, text in headers if name.lower() == "content-type"), "").partition(";")[0]
        if media_type in _PUBLIC:
            return Body("base64", base64.b64encode(raw).decode())
        text = raw.decode("utf-8", "replace")
        outside = not entry.target.startswith("/v1/")
        public = outside or entry.status >= 300 or not hide.anything or private_keys.are_public(text)
        if text.encode() == raw and (public and (media_type.startswith(_TEXTUAL) or entry.status >= 400)):
            return Body("text", text)
        left_out.append(f"the body of the answer: {media_type or 'of no type'}, which may hold secrets")
        return Body("left out")


def _hidden(body: Body, mark: Mark, hide: Hide) -> Body:
    if body.kind in ("json", "form"):
        return Body(body.kind, hide.texts(mark(body.value)), body.end)
    if body.kind == "text" and isinstance(body.value, str):
        return Body("text", hide.text(body.value))
    return body


def json_bytes(value: object, end: str = "") -> bytes:
    """Return a JSON document as bytes, as Vault writes it."""
    return (encode(value, ordered=True) + end).encode("utf-8", "replace")
