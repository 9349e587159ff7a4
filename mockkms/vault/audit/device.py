"""Audit devices: enabling, disabling, salted hashes, and the request headers that they log."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import field
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.audit import sink
from mockkms.vault.audit.socket_sink import SocketSink
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.world.clock import rfc3339
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_DISCARD = ("stdout", "discard", "/dev/null")
_TYPES = ("file", "socket", "syslog")
_ENTERPRISE = ("exclude", "fallback", "filter")
_FORMATS = ("json", "jsonx")
_SWITCHES = ("hmac_accessor", "log_raw", "elide_list_responses")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")
_EXTERNAL = ": invalid configuration"
"""Suffix of every error caused by the caller."""
_USUAL_HEADERS = ("correlation-id", "user-agent", "x-correlation-id")
"""Headers that are logged by default, if the product logs any."""


@stored("audit.device.Device")
@dataclass
class Device:
    """One audit device."""

    path: str
    """Name with trailing slash."""
    type: str
    salt: str
    options: dict[str, str] = field(default_factory=dict)
    description: str = ""
    local: bool = False

    @property
    def file(self) -> str:
        """The path of its log file; empty if it has none."""
        path = self.options.get("file_path", self.options.get("path", "")).strip() if self.type == "file" else ""
        return "" if path.lower() in _DISCARD else path

    @property
    def logs(self) -> bool:
        """Whether lines are written anywhere."""
        return self.type == "socket" or bool(self.file)

    def target(self, core: Environment) -> sink.AuditTarget:
        """Return what the lines of a device that logs are written to. Raises ErrorResponse."""
        made: sink.AuditTarget
        if self.type == "socket":
            kind, seconds = self.options.get("socket_type", "tcp").strip(), self.options.get("write_timeout", "2s")
            made = SocketSink(kind or "tcp", self.options["address"].strip(), parse_seconds(seconds.strip() or "2s"))
        else:
            made = sink.Sink(self.file, sink.file_mode(self.file, self.options.get("mode", "")))
        return sink.kept(core, self.path, made)

    def line(self, entry: dict[str, object]) -> bytes:
        """Return an entry of the log in the device's format."""
        if self.options.get("format") == "jsonx":
            from mockkms.vault.audit import jsonx  # Rare, and brings the modules of xml.sax.

            return jsonx.encoded(entry)
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"

    def switch(self, name: str, *, default: bool) -> bool:
        """Return a boolean option."""
        text = self.options.get(name, "")
        return default if not text else text in _TRUE


def devices(core: Environment) -> dict[str, Device]:
    """Return all devices by path."""
    found: dict[str, Device] = core.state.system.setdefault("audit", {})
    return found


def enable(
    core: Environment,
    path: str,
    device_type: str,
    *,
    options: dict[str, str],
    description: str = "",
    local: bool = False,
) -> Device:
    """Enable a device; ``path`` ends in a slash. Raises ErrorResponse, also where its file cannot be written."""
    if any(name in options for name in _ENTERPRISE):
        raise ErrorResponse("enterprise-only options supplied" + _EXTERNAL)
    if "prefix" in options:
        # A prefix lets the caller write arbitrary text into a file, so only the server's configuration may allow it.
        raise ErrorResponse("audit log prefixing is not allowed" + _EXTERNAL)
    if path == "/":
        raise ErrorResponse("backend path must be specified" + _EXTERNAL)
    present = devices(core)
    if any(other.startswith(path) or path.startswith(other) for other in present):
        raise ErrorResponse("path already in use" + _EXTERNAL)
    if device_type not in _TYPES:
        raise ErrorResponse(f"unknown backend type: {quote(device_type)}{_EXTERNAL}")
    device = Device(path, device_type, core.entropy.uuid(), options, description, local)
    if device.file and any(other.file == device.file for other in present.values()):
        # Since Vault 1.18; the status is known, not the text.
        raise ErrorResponse("path already in use" + _EXTERNAL)
    fault = _fault(device)
    if fault:
        raise ErrorResponse(f"unable to create new audit backend: {fault}{_EXTERNAL}")
    if device_type == "syslog":
        # As on a machine without a syslog daemon: that of this machine is not written to.
        fault = "error creating syslog sink node: error creating syslogger: Unix syslog delivery error"
        raise ErrorResponse(f"unable to create new audit backend: {fault}")
    if device.logs:
        _open(core, device)
    present[path] = device
    core.log.info("core", "enabled audit backend", path=path, type=device_type)
    return device


def _fault(device: Device) -> str:
    """Return the fault in a device's options; empty if there is none."""
    options = device.options
    if device.type == "file" and "file_path" not in options and "path" not in options:
        return '"file_path" is required'
    if options.get("format", "json") not in _FORMATS:
        return 'unsupported "format"'
    for name in _SWITCHES:
        if name in options and options[name] not in (*_TRUE, *_FALSE):
            return f'unable to parse "{name}"'
    if device.type == "file":
        return "" if options.get("file_path", options.get("path", "")).strip() else "file path is required"
    if device.type == "socket":
        if "address" not in options:
            return '"address" is required'
        return "" if options["address"].strip() else '"address" cannot be empty'
    return ""


def _open(core: Environment, device: Device) -> None:
    """Open the device's file or connection and send the real server's test line to it. Raises ErrorResponse."""
    if device.type == "socket":
        with refusing("unable to create new audit backend: unable to parse max duration: invalid internal parameter: "):
            opened = device.target(core)
    else:
        failed = f"unable to create new audit backend: file sink creation failed for path {quote(device.file)}: "
        with refusing(failed, of=ErrorResponse):
            sink.file_mode(device.file, device.options.get("mode", ""))
            with refusing(f"sanity check failed; unable to open {quote(device.file)} for writing: ", of=ErrorResponse):
                opened = device.target(core)
    if device.options.get("skip_test") == "true":
        return
    try:
        opened.write(device.line(_probe(core)))
    except ErrorResponse as error:
        sink.close(core, device.path)
        raise ErrorResponse(f"audit backend failed test message: {error}") from None


def _probe(core: Environment) -> dict[str, object]:
    return {
        "auth": {"policy_results": {"allowed": True}, "token_type": "default"},
        "request": {
            "id": core.entropy.uuid(), "namespace": {"id": "root"}, "operation": "update", "path": "sys/audit/test",
        },
        "time": rfc3339(core.clock.now()),
        "type": "request",
    }  # fmt: skip


def disable(core: Environment, path: str) -> None:
    """Disable a device, if it exists, and close its file."""
    if devices(core).pop(path, None) is not None:
        sink.close(core, path)
        core.log.info("core", "disabled audit backend", path=path)


def hashed(device: Device, text: str) -> str:
    """Return the HMAC of a text with the device's salt, as the log shows it."""
    digest = hmac.new(device.salt.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"hmac-sha256:{digest.hexdigest()}"


def audited_headers(core: Environment) -> dict[str, bool]:
    """Return the logged headers in lower case, and whether their values are hashed. The dict may be changed."""
    found: dict[str, bool] | None = core.state.system.get("audited_headers")
    if found is None:
        kept = _USUAL_HEADERS if core.product.has(Feature.AUDITS_CORRELATION) else ()
        found = core.state.system["audited_headers"] = dict.fromkeys(kept, False)
    return found
