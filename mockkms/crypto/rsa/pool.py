"""RSA keys without the wait: making a 4096-bit key takes up to a second, taking one from here less than a millisecond.

Three sources, by what is asked:

- a seeded world takes products of fixed primes, so its keys repeat on every machine;
- any other world takes keys made once on this machine and kept in a private cache (``rsa_store``); a key that has to be
  made goes there for the next world, and a thread makes a few more;
- ``Entropy.fresh_keys`` asks for a new key every time.

Two keys of one world are never the same as long as the caller names those in use.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from functools import cache

from mockkms.crypto.asymmetric import draw, private_der, public_of
from mockkms.crypto.rsa.primes import primes
from mockkms.crypto.rsa.store import KeyDirectory, default_directory
from mockkms.world.entropy import Entropy

EXPONENT = 65537
PREPARED = 4
"""Keys of a size that are made ahead once the first of that size was asked for."""
KEPT = 32
"""Most keys of a size in the cache."""


def take(bits: int, entropy: Entropy, label: str = "", taken: Collection[bytes] = ()) -> bytes:
    """Return a private key of 2048, 3072 or 4096 bits, as PKCS #8 DER, whose public half (DER) is not among ``taken``.

    A seeded world gets the same key for the same draws, or for the same ``label`` where one is given.
    """
    if entropy.fresh_keys:
        return generate(bits)
    if entropy.seeded:
        return _repeatable(bits, draw(entropy, 8, label), taken)
    return default_pool().take(bits, entropy, taken)


def generate(bits: int) -> bytes:
    """Return a new private key as PKCS #8 DER: slow."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    return private_der(rsa.generate_private_key(EXPONENT, bits))


def key_from_primes(p: int, q: int) -> bytes:
    """Return the private key of two primes as PKCS #8 DER, unchecked."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(EXPONENT, p * q),
    )
    return private_der(numbers.private_key(unsafe_skip_rsa_key_validation=True))


def _repeatable(bits: int, drawn: bytes, taken: Collection[bytes]) -> bytes:
    """Return the product of two fixed primes that the drawn bytes pick, or the next one not taken.

    Beyond the 496 products of a size the first pick is given again: a world that repeats matters more then.
    """
    pairs = [(p, q) for at, q in enumerate(primes(bits)) for p in primes(bits)[:at]]
    start = int.from_bytes(drawn, "big") % len(pairs)
    for step in range(len(pairs)):
        key = key_from_primes(*pairs[(start + step) % len(pairs)])
        if not taken or public_of(key) not in taken:
            return key
    return key_from_primes(*pairs[start])


class Pool:
    """The keys of this machine: those this process knows, and the cache that all processes share."""

    def __init__(self, store: KeyDirectory, make: Callable[[int], bytes] = generate) -> None:
        self._store = store
        self._make = make
        self._own: dict[int, list[bytes]] = {}
        """Keys made here; all there is where the cache cannot be used."""
        self._lock = threading.Lock()
        self._filling: set[int] = set()

    def keys(self, bits: int) -> list[bytes]:
        """Return every key of a size that is at hand."""
        with self._lock:
            own = list(self._own.get(bits, ()))
        return list(dict.fromkeys(self._store.read(bits) + own))

    def take(self, bits: int, entropy: Entropy, taken: Collection[bytes] = ()) -> bytes:
        """Return a key at hand that is not taken, else a new one; makes more in the background when there are few."""
        keys = self.keys(bits)
        if len(keys) < PREPARED:
            self.prepare(bits)
        free = [key for key in keys if public_of(key) not in taken] if taken else keys
        if free:
            return free[entropy.below(len(free))]
        key = self._make(bits)
        self._keep(bits, key)
        return key

    def prepare(self, *sizes: int) -> threading.Thread | None:
        """Make the keys of these sizes that are missing, in a thread; None where one is at it already.

        The thread is not a daemon (ending the interpreter under OpenSSL's feet can abort it) but stops after the key
        that it is making when the main thread is gone.
        """
        with self._lock:
            wanted = [bits for bits in sizes if bits not in self._filling]
            self._filling.update(wanted)
        if not wanted:
            return None
        thread = threading.Thread(target=self._fill, args=(wanted,), name="mockkms-rsa-keys", daemon=False)
        thread.start()
        return thread

    def _fill(self, sizes: list[int]) -> None:
        for bits in sizes:
            # One process at a time: the others would make keys that nobody needs.
            with self._store.turn(bits) as mine:
                while mine and len(self.keys(bits)) < PREPARED and threading.main_thread().is_alive():
                    self._keep(bits, self._make(bits))
        with self._lock:
            self._filling.difference_update(sizes)

    def _keep(self, bits: int, key: bytes) -> None:
        with self._lock:
            own = self._own.setdefault(bits, [])
            if len(own) < KEPT:
                own.append(key)
        self._store.add(bits, key, KEPT)


@cache
def default_pool() -> Pool:
    """Return the pool of this user on this machine."""
    return Pool(KeyDirectory(default_directory()))
