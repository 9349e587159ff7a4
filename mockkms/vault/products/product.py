"""What describes one product."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mockkms.vault.policy.dialect import PolicyDialect
from mockkms.vault.products.builtins import Builtins
from mockkms.vault.products.features import Feature


@dataclass(frozen=True)
class Words:
    """Texts in which products differ."""

    product: str
    """As it stands in texts: ``Vault is sealed``."""
    cli: str
    """The name of the command line client."""
    json_error_prefix: str
    """Stands before the parser's message when an endpoint before the core gets a body that is not JSON."""
    json_error: str
    """The same for every other endpoint."""
    transit_first_version: str
    """The warning for a minimum key version of 0."""
    cubbyhole_tokens: str
    """The types of tokens that have a cubbyhole."""
    seal_wrapper: str
    """Stands before the cause where a wrong unseal key cannot decrypt the root key."""
    malformed_version: str
    """What is said of a plugin's version that is none."""
    build_key: str
    """Name of the key that holds the build date in seal status and version history."""


@dataclass(frozen=True)
class Product:
    """One version of one product."""

    name: str
    """What ``flavor`` takes."""
    version: str
    build_date: str
    """RFC 3339."""
    service_prefix: str
    batch_prefix: str
    recovery_prefix: str
    cluster_prefix: str
    """Generated cluster names begin with it."""
    builtin_suffix: str
    """Build metadata in the version of plugins that are part of the server."""
    plugin_versions: dict[str, str]
    """Versions of plugins that are not the server's own, by mount type."""
    json_string_limit: int
    """Most strings in one JSON body; 0 is no limit."""
    most_random_bytes: int
    """The most that one call for random bytes gives out."""
    settings: dict[str, Any]
    """What ``sys/config/state/sanitized`` shows of a dev server beyond what it shows of every product."""
    experiments: tuple[str, ...]
    """What ``sys/experiments`` lists."""
    missing_credentials: int
    """HTTP status of a login without its credentials."""
    words: Words
    policies: PolicyDialect
    builtins: Builtins
    features: frozenset[Feature]
    has: Callable[[Feature], bool] = field(init=False, repr=False, compare=False)
    """Return whether this product has a feature. Every request asks some ten times, so it is the set's own method."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "has", self.features.__contains__)

    def derive(
        self,
        name: str,
        *,
        has: Iterable[Feature] = (),
        lacks: Iterable[Feature] = (),
        words: dict[str, str] | None = None,
        **differences: Any,
    ) -> Product:
        """Return another product, described by its differences from this one.

        Raises ValueError for a feature that is said to be new and is not, or to be gone and was not there.
        """
        added, gone = frozenset(has), frozenset(lacks)
        wrong = (added & self.features) | (gone - self.features)
        if wrong:
            raise ValueError(f"{name}: no difference from {self.name}: {', '.join(sorted(wrong))}")
        return replace(
            self,
            name=name,
            words=replace(self.words, **words or {}),
            features=(self.features | added) - gone,
            **differences,
        )
