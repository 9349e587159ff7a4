"""The description of one product version."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, replace
from typing import Any

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.products.builtins import Builtins
from mockkms.vault.products.features import Feature
from mockkms.vault.products.policy_dialects import PolicyDialect


@dataclass(frozen=True)
class ProductTexts:
    """Texts that differ between products."""

    product: str
    """The product's name in messages, such as ``Vault is sealed``."""
    cli: str
    """The name of the command line client."""
    json_error_prefix: str
    """The prefix of the parser's message when an endpoint outside the core gets a body that is not JSON."""
    json_error: str
    """The same for every other endpoint."""
    transit_first_version: str
    """The warning for a minimum key version of 0."""
    cubbyhole_tokens: str
    """The types of tokens that have a cubbyhole."""
    seal_wrapper: str
    """The prefix of the cause when a wrong unseal key cannot decrypt the root key."""
    malformed_version: str
    """The text for an invalid plugin version."""
    build_key: str
    """Name of the key that holds the build date in seal status and version history."""
    otp_length: str
    """What is wrong with a one-time password of another length, for a root token."""

    @property
    def tidy_started(self) -> str:
        """The warning of every tidy operation, which points to the logs."""
        return (
            "Tidy operation successfully started. Any information from the operation will be printed to "
            f"{self.product}'s server logs."
        )


@dataclass(frozen=True, eq=False)
class Product:
    """One version of one product. There is one object of each."""

    name: str
    """The value of ``flavor`` that selects it."""
    version: str
    build_date: str
    """RFC 3339."""
    service_prefix: str
    batch_prefix: str
    recovery_prefix: str
    cluster_prefix: str
    """The prefix of generated cluster names."""
    builtin_suffix: str
    """Build metadata in the version of plugins that are part of the server."""
    plugin_versions: dict[str, str]
    """Versions of plugins that are not the server's own, by mount type."""
    json_string_limit: int
    """Largest number of strings in one JSON body; 0 means no limit."""
    most_random_bytes: int
    """Largest number of random bytes that one request returns."""
    settings: dict[str, object]
    """What ``sys/config/state/sanitized`` shows in addition to the settings common to all products."""
    experiments: tuple[str, ...]
    """The experiments that ``sys/experiments`` lists."""
    missing_credentials: int
    """HTTP status of a login without its credentials."""
    texts: ProductTexts
    policies: PolicyDialect
    builtins: Builtins
    features: frozenset[Feature]
    has: Callable[[Feature], bool] = field(init=False, repr=False, compare=False)
    """Return whether this product has a feature. The set's own method, for speed: every request calls it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "has", self.features.__contains__)

    def builtin_version(self, mount_type: str = "") -> str:
        """Return the version of built-in plugins; one product's ``kv`` has its own."""
        own = self.plugin_versions.get("kv" if mount_type in ("kv-v1", "kv-v2", "generic") else mount_type)
        return own or f"v{self.version}{self.builtin_suffix}"

    def check_random_size(self, size: int) -> None:
        """Check the number of random bytes that one request asks for. Raises ValueError with the server's text."""
        mark = '"' if Feature.DOUBLE_QUOTES in self.features else "'"
        if size < 1:
            raise ValueError(f"{mark}bytes{mark} cannot be less than 1")
        if size > self.most_random_bytes:
            raise ValueError(f"{mark}bytes{mark} should be less than {self.most_random_bytes}")

    def derive(
        self,
        name: str,
        *,
        has: Iterable[Feature] = (),
        lacks: Iterable[Feature] = (),
        texts: dict[str, str] | None = None,
        **differences: Any,
    ) -> Product:
        """Return another product, defined by its differences from this one.

        Raises ValueError for an added feature that this one already has, or a removed one that it lacks.
        """
        added, gone = frozenset(has), frozenset(lacks)
        wrong = (added & self.features) | (gone - self.features)
        if wrong:
            raise ValueError(f"{name}: no difference from {self.name}: {', '.join(sorted(wrong))}")
        return replace(
            self,
            name=name,
            texts=replace(self.texts, **texts or {}),
            features=(self.features | added) - gone,
            **differences,
        )
