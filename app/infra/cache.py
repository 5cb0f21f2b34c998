"""A small in-process cache that would rather be a little old than unavailable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from app.core.errors import UnavailableError
from app.infra.background import Background

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

STALE_SECONDS = 3600
IN_USE = 3  # lifetimes without a use, after which a value is no longer kept fresh
EARLY = 0.5  # of its lifetime: then a value in use is fetched again
BATCH = 200

Fetch = Callable[[list[K]], Awaitable[dict[K, V]]]


class Cache(Generic[K, V]):
    """Values fetched by key, fresh for ``seconds``; while the source is away, old ones for an hour.

    A value that is asked for again and again is fetched anew before it is old, together with all others
    that are and with nobody waiting: at most ``refreshed`` of them, the last used first.
    """

    def __init__(
        self,
        background: Background,
        fetch: Fetch[K, V],
        seconds: float,
        size: int,
        *,
        refreshed: int = 1000,
    ) -> None:
        self._background = background
        self._fetch = fetch
        self._seconds = seconds
        self._size = size
        self._refreshed = refreshed
        self._clock = time.monotonic
        self._values: dict[K, tuple[float, V]] = {}
        self._used: dict[K, float] = {}  # found here, the longest ago first
        self._refreshing: asyncio.Task[None] | None = None
        self._forgotten = 0

    async def get(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the values of the keys that exist. Raises UnavailableError when old ones are missing too."""
        now = self._clock()
        wanted = list(dict.fromkeys(keys))
        known, horizon = self._values.get, now - self._seconds
        missing = [key for key in wanted if (entry := known(key)) is None or entry[0] < horizon]
        if missing:
            try:
                fetched = await self._fetch(missing)
            except UnavailableError:
                if any(self._age(key, now) > STALE_SECONDS for key in missing):
                    raise
            else:
                self._keep(missing, fetched, now)
        found = {key: entry[1] for key in wanted if (entry := known(key)) is not None}
        if not missing:
            self._note_use(wanted, now)
        while len(self._values) > self._size:
            self._values.pop(next(iter(self._values)))
        return found

    def forget(self, keys: Iterable[K]) -> None:
        """Drop values that are known to have changed."""
        self._forgotten += 1
        for key in keys:
            self._values.pop(key, None)

    def _note_use(self, keys: Sequence[K], now: float) -> None:
        """Note that these were here, and see to it that they still are the next time."""
        used, aging = self._used, now - self._seconds * EARLY
        ages = False
        for key in keys:
            used.pop(key, None)
            used[key] = now
            ages = ages or self._values[key][0] < aging
        while len(used) > self._refreshed:
            used.pop(next(iter(used)))
        if ages and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = self._background.spawn(self._refresh(now), "refresh cache")

    async def _refresh(self, now: float) -> None:
        self._used = {key: at for key, at in self._used.items() if now - at < self._seconds * IN_USE}
        old = [key for key in self._used if self._age(key, now) > self._seconds * EARLY]
        for start in range(0, len(old), BATCH):
            batch, asked, forgotten = old[start : start + BATCH], self._clock(), self._forgotten
            try:
                fetched = await self._fetch(batch)
            except UnavailableError:  # whoever asks when they are too old hears of it
                return
            if forgotten == self._forgotten:  # else what was read may be what was to be forgotten
                self._keep(batch, fetched, asked)

    def _keep(self, keys: Iterable[K], fetched: dict[K, V], asked: float) -> None:
        for key in keys:
            self._values.pop(key, None)
        self._values.update({key: (asked, value) for key, value in fetched.items()})

    def _age(self, key: K, now: float) -> float:
        entry = self._values.get(key)
        return float("inf") if entry is None else now - entry[0]
