"""Limits that the database said are used up. This process rejects the next acts without a statement."""

import time
from collections.abc import Hashable
from itertools import islice
from math import ceil
from typing import Generic, TypeVar

from app.errors import Quota, TooMany

MOST_KEPT = 1_000
LONGEST = 10.0
"""Seconds for which a limit is remembered. Then the database answers again, because an erasure can give acts back."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


def now() -> float:
    """The clock in seconds."""
    return time.monotonic()


class Expiring(Generic[K, V]):
    """Values that are valid for some seconds, at most MOST_KEPT. The oldest are dropped first."""

    def __init__(self) -> None:
        self._kept: dict[K, tuple[float, V]] = {}

    def put(self, key: K, value: V, seconds: float) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (now() + seconds, value)
        if len(self._kept) > MOST_KEPT:
            self._kept = dict(islice(self._kept.items(), MOST_KEPT // 2, None))

    def get(self, key: K) -> V | None:
        kept = self._kept.get(key)
        return kept[1] if kept is not None and now() < kept[0] else None

    def __len__(self) -> int:
        return len(self._kept)


def lifetime(error: TooMany) -> float:
    """The seconds in which a limit surely stays used up. `retry_after` is rounded up, so they end a second earlier."""
    return min(error.retry_after - 1.0, LONGEST)


class UsedUp(Generic[K]):
    """The limits that are known to be used up, by their keys."""

    def __init__(self) -> None:
        self._limits: Expiring[K, tuple[float, Quota]] = Expiring()

    def note(self, key: K, error: TooMany) -> None:
        """Remembers that the database rejected an act."""
        if error.quota is not None:
            self._limits.put(key, (now() + error.retry_after, error.quota), lifetime(error))

    def __len__(self) -> int:
        return len(self._limits)

    def find(self, *keys: K) -> tuple[int, Quota] | None:
        """The longest wait in seconds among the limits of the keys, and its limit. None if none is known."""
        limits = [limit for limit in map(self._limits.get, keys) if limit is not None]
        if not limits:
            return None
        allowed_at, quota = max(limits, key=lambda limit: limit[0])
        return max(ceil(allowed_at - now()), 1), quota
