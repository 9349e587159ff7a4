"""The cache of descriptions of keys.

A description is remembered when a key is created, described, or its deletion cancelled, and forgotten when the key
changes. Changes in the Vault behind the service are therefore noticed only after ``cache_ttl_seconds``.
"""

from __future__ import annotations

from mockkms.rustfs.state import KeyCache, KmsSettings

MAX_TTL = 86400
"""Seconds: the server limits ``cache_ttl_seconds`` to one day."""


def lifetime(settings: KmsSettings) -> int:
    """Return the seconds for which a description is remembered."""
    return min(settings.cache_ttl_seconds, MAX_TTL)


class Descriptions:
    """The cache of a service at one moment; without ``enable_cache`` it remembers nothing."""

    def __init__(self, cache: KeyCache, settings: KmsSettings, now: float) -> None:
        self.cache, self.settings, self.now = cache, settings, now

    def get(self, key_id: str) -> dict[str, object] | None:
        """Return the remembered description of a key, and count a hit or a miss."""
        if not self.settings.enable_cache:
            return None
        self._expire()
        entry = self.cache.entries.pop(key_id, None)
        if entry is None:
            self.cache.misses += 1
            return None
        self.cache.hits += 1
        self.cache.entries[key_id] = entry
        return entry[0]

    def put(self, key_id: str, description: dict[str, object]) -> None:
        """Remember a description. If there are too many, the one that was not used for longest is forgotten."""
        if not self.settings.enable_cache:
            return
        self.forget(key_id)
        self.cache.entries[key_id] = description, self.now + lifetime(self.settings)
        while len(self.cache.entries) > self.settings.max_cached_keys:
            self.forget(next(iter(self.cache.entries)))

    def forget(self, key_id: str) -> None:
        """Forget a description."""
        self._expire()
        if self.cache.entries.pop(key_id, None) is not None:
            self.cache.evictions += 1

    def clear(self) -> None:
        """Forget all descriptions; the counters go on."""
        self.cache.evictions += len(self.cache.entries)
        self.cache.entries.clear()

    def counters(self) -> dict[str, int] | None:
        """Return the counters as ``/status`` shows them, None without a cache."""
        if not self.settings.enable_cache:
            return None
        self._expire()
        return {
            "hit_count": self.cache.hits,
            "miss_count": self.cache.misses,
            "entry_count": len(self.cache.entries),
            "eviction_count": self.cache.evictions,
        }

    def _expire(self) -> None:
        due = [name for name, (_, expiry) in self.cache.entries.items() if expiry <= self.now]
        for name in due:
            del self.cache.entries[name]
        self.cache.evictions += len(due)
