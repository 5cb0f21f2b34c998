"""A small in-process cache that would rather be a little old than unavailable."""

import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from app.core.errors import UnavailableError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

STALE_SECONDS = 3600


class Cache(Generic[K, V]):
    """Values fetched by key, fresh for ``seconds``; while the source is away, old ones for an hour."""

    def __init__(self, fetch: Callable[[list[K]], Awaitable[dict[K, V]]], seconds: float, size: int) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._size = size
        self._values: dict[K, tuple[float, V]] = {}

    async def get(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the values of the keys that exist. Raises UnavailableError when old ones are missing too."""
        now = time.monotonic()
        wanted = list(dict.fromkeys(keys))
        missing = [key for key in wanted if self._age(key, now) > self._seconds]
        if missing:
            try:
                fetched = await self._fetch(missing)
            except UnavailableError:
                if any(self._age(key, now) > STALE_SECONDS for key in missing):
                    raise
            else:
                for key in missing:
                    self._values.pop(key, None)
                self._values.update({key: (now, value) for key, value in fetched.items()})
        found = {key: self._values[key][1] for key in wanted if key in self._values}
        while len(self._values) > self._size:
            self._values.pop(next(iter(self._values)))
        return found

    def forget(self, keys: Iterable[K]) -> None:
        """Drop values that are known to have changed."""
        for key in keys:
            self._values.pop(key, None)

    def _age(self, key: K, now: float) -> float:
        entry = self._values.get(key)
        return float("inf") if entry is None else now - entry[0]
