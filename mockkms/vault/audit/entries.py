"""The entries of the audit log: one for a request and one for its answer, as the real server's JSON.

Source: the page "Audit log entry schema" of Vault's documentation and ``audit/entry_formatter.go``; OpenBao's
``internal/audit/format.go``, ``CheckToken`` and ``handleLoginRequest`` for what a request has by the time it is logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockkms.vault.audit.device import Device, audited_headers, hashed
from mockkms.vault.framework.message import Auth, Operation, Request, Response
from mockkms.vault.golang import deep_json
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.policy.names import sanitize
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens.token import REVOCATION_PENDING, Token, client_id
from mockkms.vault.tokens.token_ids import unsigned
from mockkms.world.clock import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, WithIdentities, WithNamespaces, WithSeal, WithTokens

    class AuditServices(Environment, WithIdentities, WithNamespaces, WithSeal, WithTokens, Protocol):
        """What the audit log needs of the server."""


Hash = Callable[[str], str]

_ROUTED_FIRST = (Operation.CREATE, Operation.UPDATE)
"""Writes are routed before they are logged, to find out whether what they write exists."""
_FAILURES = {400: "invalid request", 403: "permission denied", 404: "unsupported path"}
"""The error that comes with an error response, by its status."""


class Entries:
    """The entries of one request for one device."""

    def __init__(self, core: AuditServices, device: Device, request: Request) -> None:
        self._core = core
        self._device = device
        self._request = request
        trace = request.trace
        self._mount = core.state.mounts.get(trace.namespace, trace.mount) if trace.mount and trace.checked else None
        self._raw = device.switch("log_raw", default=False)
        self._plain_accessors = not device.switch("hmac_accessor", default=True)
        self._sender = self._find_sender()
        self._asked_of_mount = request.operation in _ROUTED_FIRST and (trace.login or self._sender is not None)

    def _find_sender(self) -> Token | None:
        """Return the token that the request was sent with, if it is valid. A path that needs none may have one."""
        request = self._request
        if request.client is None and request.trace.login and request.token:
            return self._core.tokens.lookup(request.token)
        return request.client

    def request(self, asked: dict[str, object], errors: list[str] | None) -> dict[str, object]:
        """Return the entry of the request; ``errors`` are those of a request that was refused before it ran."""
        shown: dict[str, object] = {
            "time": rfc3339(self._core.clock.now()),
            "type": "request",
            "auth": self._caller(),
            "request": self._asked(asked, routed=self._asked_of_mount),
        }
        if errors:
            shown["error"] = "; ".join(errors)
        return shown

    def answer(self, asked: dict[str, object], response: Response) -> dict[str, object]:
        """Return the entry of the answer."""
        allowed = self._request.trace.login or (self._sender is not None and not self._request.trace.denied)
        routed = self._mount is not None and (self._asked_of_mount or allowed)
        error, text = _failure(response)
        shown: dict[str, object] = {
            "time": rfc3339(self._core.clock.now()),
            "type": "response",
            "auth": self._issued(response) or self._caller(),
            "request": self._asked(asked, routed=routed),
            "response": self._response(response, text, routed=routed),
        }
        if error:
            shown["error"] = error
        return shown

    # -- members -----------------------------------------------------------------------------------------------

    def _secret(self, text: str) -> str:
        return text if self._raw else hashed(self._device, text)

    def _accessor(self, text: str) -> str:
        return text if self._plain_accessors else self._secret(text)

    def _caller(self) -> dict[str, object]:
        """Return ``auth`` of a request: its token, and which policies allow it."""
        request, sender = self._request, self._sender
        if sender is None:
            if not request.trace.login:
                return {"token_type": "default"}
            # A token that is not valid is shown all the same.
            token = {"client_token": self._secret(request.token)} if request.token else {}
            return {**token, "policy_results": {"allowed": True}, "token_type": "default"}
        derived = self._derived(sender)
        own = derived.pop(sender.namespace, [])
        return _filled(
            {
                "client_token": self._secret(request.token or sender.id),
                "accessor": self._accessor(sender.accessor) if sender.accessor else "",
                "display_name": sender.display_name,
                "policies": sanitize([*sender.policies, *own]),
                "token_policies": list(sender.policies),
                "identity_policies": own,
                "external_namespace_policies": {
                    self._core.namespaces.id_of(path): names for path, names in derived.items()
                },
                "policy_results": self._decision() if self._request.trace.checked else None,
                "metadata": dict(sender.meta or {}),
                "remaining_uses": self._uses(),
                "entity_id": sender.entity_id,
                "token_type": sender.type,
                "token_ttl": sender.ttl,
                "token_issue_time": rfc3339(int(sender.creation_time)),
            }
        )

    def _derived(self, token: Token) -> dict[str, list[str]]:
        """Return the policies that a token has by its entity, by namespace."""
        if not token.entity_id or token.no_identity_policies:
            return {}
        return {path: sanitize(names) for path, names in self._core.identity.policies_of(token.entity_id).items()}

    def _decision(self) -> dict[str, object]:
        trace, namespaces = self._request.trace, self._core.namespaces
        granting = [
            _filled({"name": name, "namespace_id": namespaces.id_of(path), "namespace_path": path, "type": "acl"})
            for name, path in trace.granted_by
        ]
        return {"allowed": not trace.denied, **({"granting_policies": granting} if granting else {})}

    def _uses(self) -> int:
        """Return how many uses the token had left before this request; 0 is no limit."""
        sender = self._sender
        if sender is None or not sender.num_uses:
            return 0
        if self._request.client is None or not self._request.trace.checked:
            return sender.num_uses  # A path that needs no token uses none up.
        return 1 if sender.num_uses == REVOCATION_PENDING else sender.num_uses + 1

    def _issued(self, response: Response) -> dict[str, object]:
        """Return ``auth`` of a login's answer, which is its new token; empty for every other answer."""
        trace, tokens = self._request.trace, self._core.tokens
        if not trace.login or response.errors:
            return {}
        if response.auth is not None:
            shown = {} if response.auth.mfa_requirement else self._token(response.auth)
        else:
            made = tokens.by_accessor(trace.accessor) if response.wrap_info is not None and trace.accessor else None
            shown = {} if made is None else self._token(self._auth_of(made))
        if shown and self._request.token:
            shown["client_token"] = self._secret(self._request.token)
        return shown

    def _auth_of(self, token: Token) -> Auth:
        own = self._derived(token).get(token.namespace, [])
        return Auth(
            client_token=token.id,
            accessor=token.accessor,
            display_name=token.display_name,
            policies=sanitize([*token.policies, *own]),
            token_policies=list(token.policies),
            identity_policies=own,
            metadata=token.meta,
            entity_id=token.entity_id,
            token_type=token.type,
            lease_duration=token.ttl,
        )

    def _token(self, auth: Auth) -> dict[str, object]:
        return _filled(
            {
                "client_token": self._secret(auth.client_token) if auth.client_token else "",
                "accessor": self._accessor(auth.accessor) if auth.accessor else "",
                "display_name": auth.display_name,
                "policies": list(auth.policies),
                "token_policies": list(auth.token_policies),
                "identity_policies": list(auth.identity_policies),
                "no_default_policy": auth.no_default_policy,
                "metadata": dict(auth.metadata or {}),
                "entity_id": auth.entity_id,
                "entity_created": auth.entity_created,
                "token_type": auth.token_type,
                "token_ttl": auth.lease_duration,
            }
        )

    def _asked(self, asked: dict[str, object], *, routed: bool) -> dict[str, object]:
        core, request, sender, mount = self._core, self._request, self._sender, self._mount
        kept = tuple(mount.config.audit_non_hmac_request_keys) if mount else ()
        times = core.product.has(Feature.AUDIT_HASHES_TIMES)
        accessor = sender.accessor if sender is not None else ""
        found = {
            "id": request.id,
            "client_id": client_id(sender, core.namespaces.id_of(sender.namespace)) if sender is not None else "",
            # A signed token is logged as what it signs, unlike in ``auth``.
            "client_token": self._secret(unsigned(core.product, request.token)) if request.token else "",
            "client_token_accessor": self._accessor(accessor) if accessor else "",
            "operation": request.operation.value,
            **self._served("mount_running_version", routed=routed),
            "path": request.path,
            "data": _hidden(asked, self._secret, kept, times=times) if asked else {},
            "remote_address": request.remote_address,
            "remote_port": request.remote_port,
            "wrap_ttl": int(request.wrap_ttl or 0),
            "headers": self._headers(),
        }
        namespace = request.trace.namespace
        return {**_filled(found), "namespace": _filled({"id": core.namespaces.id_of(namespace), "path": namespace})}

    def _served(self, version_key: str, *, routed: bool) -> dict[str, object]:
        """Return what is said of the mount; its accessor is known once a request is ``routed``."""
        mount = self._mount
        if mount is None:
            return {}
        return {
            "mount_point": mount.namespace + mount.path,
            "mount_type": mount.type,
            "mount_accessor": mount.accessor if routed else "",
            version_key: mount.config.plugin_version or self._core.product.builtin_version(mount.type),
            "mount_class": "auth" if mount.is_auth else "secret",
        }

    def _headers(self) -> dict[str, list[str]]:
        """Return the headers that are configured to be logged."""
        kept = audited_headers(self._core)
        hidden = () if self._core.product.has(Feature.HOST_LOGGED) else ("host",)
        sent: dict[str, list[str]] = {}
        for name, text in self._request.headers.items():
            word = name.lower()
            if word in kept and word not in hidden:
                sent.setdefault(word, []).append(self._secret(text) if kept[word] else text)
        return sent

    def _response(self, response: Response, refused: str, *, routed: bool) -> dict[str, object]:
        device, mount = self._device, self._mount
        kept = tuple(mount.config.audit_non_hmac_response_keys) if mount else ()
        data = response.plain_data()
        if data and self._request.operation is Operation.LIST and device.switch("elide_list_responses", default=False):
            data = {
                name: len(v) if name in ("keys", "key_info") and isinstance(v, (list, dict)) else v
                for name, v in data.items()
            }
        found: dict[str, object] = {
            **self._served("mount_running_plugin_version", routed=routed),
            "data": _hidden(data, self._secret, kept) if data else {},
            "warnings": list(response.warnings),
            "redirect": response.redirect,
        }
        if refused:
            found["data"] = {"error": self._secret(refused)}
        if response.lease is not None and response.lease.lease_id:
            found["secret"] = {"lease_id": response.lease.lease_id}
        if response.auth is not None:
            own = {"num_uses": response.auth.num_uses, "entity_created": False}
            found["auth"] = _filled({**self._token(response.auth), **own})
        if response.wrap_info is not None:
            wrapped = response.wrap_info
            found["wrap_info"] = _filled(
                {
                    "ttl": wrapped.ttl,
                    "token": self._secret(wrapped.token),
                    "accessor": self._accessor(wrapped.accessor),
                    "creation_time": rfc3339(wrapped.creation_time),
                    "creation_path": wrapped.creation_path,
                    "wrapped_accessor": self._accessor(wrapped.wrapped_accessor) if wrapped.wrapped_accessor else "",
                }
            )
        return _filled(found)


def _failure(response: Response) -> tuple[str, str]:
    """Return the error of an answer's entry and the text in the data of its response; both may be empty.

    An error response is data, and comes with an error that names its kind. An error of the server's own code is that
    error alone, unless permission is missing, which is both.
    """
    if not response.errors:
        return "", ""
    text = "; ".join(response.errors)
    if " occurred:\n" in text:
        return text, text if response.status == 403 else ""
    return error_list([_FAILURES.get(response.status, text)]), text


def _hidden(value: object, secret: Hash, kept: tuple[str, ...], *, times: bool = False) -> object:
    """Return a copy of ``value`` with its texts hashed, except for values under the ``kept`` keys.

    Texts that are times are hashed too if ``times``: OpenBao spares all of them (``audit/hashstructure.go``); Vault
    those of Go's type of times, which a request has none of, while responses here do not tell the two apart.
    """

    def shown(item: object) -> object:
        if isinstance(item, bytes):
            return secret(item.decode("utf-8", "replace"))
        if isinstance(item, str):
            return item if _is_time(item) and not times else secret(item)
        return item if isinstance(item, (bool, int, float)) or item is None else secret(str(item))

    return deep_json.copy(value, shown, untouched=kept)


def _is_time(text: str) -> bool:
    if len(text) < 20 or text[10:11] != "T":
        return False
    try:
        parse_rfc3339(text)
    except ValueError:
        return False
    return True


def _filled(found: dict[str, object]) -> dict[str, object]:
    """Return the entry without empty values, as Go's ``omitempty`` does."""
    return {name: value for name, value in found.items() if value not in ("", 0, None, [], {})}
