"""``sys/key-status``, ``sys/rotate`` and ``sys/rotate/config``: the key that encrypts storage."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.seals.barrier import MAX_OPERATIONS, Barrier
from mockkms.vault.sys.engine import engine
from mockkms.world.clock import rfc3339

_MIN_OPERATIONS = 1_000_000
_MIN_INTERVAL = 24 * 3600
_CONFIG = {
    "enabled": Field(Kind.BOOL, help="Whether the key is rotated automatically."),
    "max_operations": Field(Kind.INT64, help="Number of encryptions after which it is rotated."),
    "interval": Field(Kind.SECONDS, help="Time after which it is rotated; at least 24 hours, 0 for never."),
}

key_status = engine.path("key-status", help="The current encryption key.")
config = engine.path("rotate/config", fields=_CONFIG, help="When the encryption key is rotated.")
keyring_config = engine.path(
    "rotate/keyring/config",
    fields=_CONFIG,
    help="When the encryption key is rotated.",
    needs=Feature.AUTHENTICATED_ROTATION,
)
rotate = engine.path("rotate", help="Make a new encryption key.", sudo=True)
keyring = engine.path(
    "rotate/keyring", help="Make a new encryption key.", sudo=True, needs=Feature.AUTHENTICATED_ROTATION
)


def barrier_of(call: Call) -> Barrier:
    """Return the barrier of the request's namespace. Raises ErrorResponse if it does not have one."""
    namespace = call.core.namespaces.get(call.request.namespace)
    barrier = call.core.seal.barrier if namespace is None else namespace.barrier
    if barrier is None:
        raise ErrorResponse("namespace is not sealable")
    return barrier


@key_status.on(Operation.READ)
def read_key_status(_state: object, call: Call) -> Response:
    """Return version, age and use of the encryption key."""
    barrier = barrier_of(call)
    data = {"encryptions": barrier.encryptions, "install_time": rfc3339(barrier.installed), "term": barrier.term}
    return Response(data=data, flat=True)


@rotate.on(Operation.UPDATE)
@keyring.on(Operation.UPDATE)
def rotate_key(_state: object, call: Call) -> None:
    """Add a new encryption key; data written before stays readable."""
    barrier = barrier_of(call)
    barrier.term += 1
    barrier.installed, barrier.encryptions = call.now(), 0


@config.on(Operation.READ)
@keyring_config.on(Operation.READ)
def read_config(_state: object, call: Call) -> dict[str, object]:
    """Return the settings of automatic rotation."""
    barrier = barrier_of(call)
    return {
        "enabled": barrier.rotate_enabled,
        "interval": go_duration(barrier.rotate_interval) if barrier.rotate_interval else 0,
        "max_operations": barrier.rotate_max_operations,
    }


@config.on(Operation.UPDATE)
@keyring_config.on(Operation.UPDATE)
def write_config(_state: object, call: Call) -> None:
    """Change the settings of automatic rotation."""
    barrier = barrier_of(call)
    operations = call.get("max_operations", barrier.rotate_max_operations)
    interval = call.get("interval", barrier.rotate_interval)
    enabled = call.get("enabled", barrier.rotate_enabled)
    if interval != 0 and interval < _MIN_INTERVAL:
        raise ErrorResponse("interval must be greater or equal to 24h0m0s")
    if not _MIN_OPERATIONS <= operations <= MAX_OPERATIONS:
        raise ErrorResponse(f"max_operations must be in the range [{_MIN_OPERATIONS},{MAX_OPERATIONS}]")
    if (operations, interval) == (barrier.rotate_max_operations, barrier.rotate_interval):
        # Recorded: a change of ``enabled`` alone has no effect.
        return
    barrier.rotate_max_operations, barrier.rotate_interval = operations, interval
    barrier.rotate_enabled = enabled
