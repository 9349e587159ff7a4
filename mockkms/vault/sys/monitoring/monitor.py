"""``sys/monitor``, ``sys/loggers`` and ``sys/config/state``: the log of the server, its levels, its settings."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, unsupported_path
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel.node import RAFT
from mockkms.vault.sys.engine import engine
from mockkms.vault.telemetry.server_log import LEVELS, MOST_FOLLOWERS

_LEVELS = {
    "trace": "trace", "debug": "debug", "info": "info", "notice": "info", "warn": "warn", "warning": "warn",
    "error": "error", "err": "error", "": "info",
}  # fmt: skip
_LOGGERS = ("audit", "core", "expiration", "identity", "policy", "rollback", "secrets.system", "token")

monitor = engine.path(
    "monitor",
    fields={
        "log_level": Field(Kind.STRING, query=True, help="Lowest level to show."),
        "log_format": Field(Kind.STRING, default="standard", query=True, help="`standard` or `json`."),
    },
    help="The server's log.",
)
_LEVEL = Field(Kind.STRING, help="New level: trace, debug, info, warn or error.")
loggers = engine.path("loggers", fields={"level": _LEVEL}, help="Levels of all loggers.")
logger = engine.path(
    "loggers/{name:all}",
    fields={"name": Field(Kind.STRING, help="Name of the logger."), "level": _LEVEL},
    help="Level of one logger.",
)
state = engine.path("config/state/sanitized", help="The server's configuration without secrets.")
reload = engine.path(
    "config/reload/{subsystem:some}",
    fields={"subsystem": Field(Kind.STRING, help="Part to reload.")},
    help="Reload part of the configuration.",
)


@monitor.on(Operation.READ)
def read_monitor(_state: object, call: Call, *, log_level: str, log_format: str) -> Response:
    """Follow the log until the client leaves or the server is sealed."""
    if log_level and log_level.strip().lower() not in LEVELS:
        raise ErrorResponse("unknown log level")
    if log_format.lower() not in ("standard", "json"):
        raise ErrorResponse("unknown log format")
    level = log_level.strip().lower() or "info"
    stream = call.core.log.follow(level, as_json=log_format.lower() == "json")
    if stream is None:
        raise ErrorResponse(f"mockkms: the limit of {MOST_FOLLOWERS} followers of the log is reached", status=503)
    return Response(stream=stream, content_type="text/plain; charset=utf-8")


@loggers.on(Operation.READ)
def read_loggers(_state: object, call: Call) -> Response:
    """Return the levels of all loggers."""
    return Response(data=_levels(call), lists_warnings=True)


@logger.on(Operation.READ)
def read_logger(_state: object, call: Call) -> Response:
    """Return the level of one logger; empty data for an unknown one."""
    name, levels = _named(call), _levels(call)
    return Response(data={name: levels[name]} if name in levels else {}, lists_warnings=True)


def _named(call: Call) -> str:
    name: str = call["name"]
    if not name:
        raise ErrorResponse("name is empty")
    return name


def _levels(call: Call) -> dict[str, str]:
    """Return the level of each logger."""
    changed: dict[str, str] = call.core.state.system.get("loggers", {})
    return dict.fromkeys(_LOGGERS, "info") | changed


def _set_levels(call: Call, levels: dict[str, str]) -> None:
    call.core.state.system["loggers"] = levels


def _wanted(call: Call) -> str:
    if "level" not in call:
        raise ErrorResponse("level is required")
    if not call["level"]:
        raise ErrorResponse("level is empty")
    level = _LEVELS.get(call["level"].strip().lower())
    if level is None:
        raise ErrorResponse(f"invalid level provided: unknown log level: {call['level'].strip().lower()}")
    return level


@loggers.on(Operation.UPDATE)
def write_loggers(_state: object, call: Call) -> None:
    """Set all levels."""
    _set_levels(call, dict.fromkeys(_levels(call), _wanted(call)))


@loggers.on(Operation.DELETE)
def reset_loggers(_state: object, call: Call) -> None:
    """Reset all levels."""
    call.core.state.system.pop("loggers", None)


@logger.on(Operation.UPDATE)
def write_logger(_state: object, call: Call, *, name: str) -> None:
    """Set one level."""
    _named(call)
    level = _wanted(call)
    _known(call)
    _set_levels(call, _levels(call) | {name: level})


@logger.on(Operation.DELETE)
def reset_logger(_state: object, call: Call, *, name: str) -> None:
    """Reset one level."""
    _known(call)
    _set_levels(call, _levels(call) | {name: "info"})


_HOUR = 3600 * SECOND
"""In nanoseconds."""
_TELEMETRY_TEXTS = (
    "circonus_api_app", "circonus_api_token", "circonus_api_url", "circonus_broker_id", "circonus_broker_select_tag",
    "circonus_check_display_name", "circonus_check_force_metric_activation", "circonus_check_id",
    "circonus_check_instance_id", "circonus_check_search_tag", "circonus_check_tags", "circonus_submission_interval",
    "circonus_submission_url", "dogstatsd_addr", "metrics_prefix", "stackdriver_location", "stackdriver_namespace",
    "stackdriver_project_id", "statsd_address", "statsite_address",
)  # fmt: skip
_TELEMETRY = {
    "add_lease_metrics_namespace_labels": False, "disable_hostname": True, "dogstatsd_tags": None,
    "maximum_gauge_cardinality": 500, "num_lease_metrics_buckets": 168, "stackdriver_debug_logs": False,
}  # fmt: skip


def _known(call: Call) -> None:
    if _named(call) and call["name"] not in _levels(call):
        raise ErrorResponse(f"logger {quote(call['name'])} not found")


@state.on(Operation.READ)
def read_state(_state: object, call: Call) -> dict[str, object]:
    """Return the settings of a dev server."""
    address = call.request.headers.get("host") or "127.0.0.1:8200"
    listener = {
        "config": {
            "address": address,
            "proxy_protocol_authorized_addrs": address,
            "proxy_protocol_behavior": "allow_authorized",
            "tls_disable": True,
        }
    }
    numbers = (
        "cache_size", "default_lease_ttl", "default_max_request_duration", "max_lease_ttl", "plugin_file_permissions",
        "plugin_file_uid",
    )  # fmt: skip
    switches = (
        "allow_audit_log_prefixing", "disable_cache", "disable_clustering", "disable_indexing",
        "disable_performance_standby", "disable_printable_check", "disable_sealwrap", "disable_sentinel_trace",
        "enable_response_header_hostname", "enable_response_header_raft_node_id", "imprecise_lease_role_tracking",
    )  # fmt: skip
    texts = (
        "api_addr", "cluster_addr", "cluster_cipher_suites", "cluster_name", "detect_deadlocks", "log_format",
        "log_level", "log_requests_level", "pid_file",
    )  # fmt: skip
    return {
        **call.core.product.settings,
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(switches, False),
        **dict.fromkeys(texts, ""),
        "enable_ui": True,
        "plugin_directory": call.core.server.plugin_directory,
        "introspection_endpoint": False,
        "listeners": [{**listener, "type": "tcp"}],
        "raw_storage_endpoint": False,
        "seals": [{"disabled": False, "type": "shamir"}],
        "storage": {
            "cluster_addr": "", "disable_clustering": False, "redirect_addr": "", "type": call.core.server.storage,
            **({"raft": {"max_entry_size": ""}} if call.core.server.storage == RAFT else {}),
        },
        "telemetry": {
            **dict.fromkeys(_TELEMETRY_TEXTS, ""), **_TELEMETRY, "prometheus_retention_time": 24 * _HOUR,
            "lease_metrics_epsilon": _HOUR, "usage_gauge_period": _HOUR // 6,
        },
    }  # fmt: skip


@reload.on(Operation.UPDATE)
def reload_config(_state: object, _call: Call) -> None:
    """Do nothing, as on the real server, which declares the path without a function."""
    raise unsupported_path()
