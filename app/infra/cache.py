"""A small in-process cache that would rather be a little old than unavailable."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextvars import ContextVar
from itertools import chain, islice
from typing import Generic, NamedTuple, TypeVar

from app.core.errors import UnavailableError
from app.infra.background import Background

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

STALE_SECONDS = 3600
FETCH_AGAIN = 10  # lifetimes after which a value is fetched anew, whatever its source says of it
IN_USE = 3  # lifetimes without a use, after which a value is no longer kept fresh
EARLY = 0.5  # of its lifetime: then a value in use is fetched again
BATCH = 200

Fetch = Callable[[list[K]], Awaitable[dict[K, V]]]
# Of these values, which were right so many seconds ago, the keys of those that still are.
Confirm = Callable[[dict[K, V], float], Awaitable[Iterable[K]]]

_fresh_until: ContextVar[float] = ContextVar("fresh_until", default=float("inf"))


def fresh_until() -> float:
    """Return when the first of the values this task was given is to be fetched again, by time.monotonic."""
    return _fresh_until.get()


class _Entry(NamedTuple, Generic[V]):
    """A value, when it was last known to be right, and when it was fetched."""

    right_at: float
    value: V
    fetched_at: float


class Cache(Generic[K, V]):
    """Values fetched by key, fresh for ``seconds``; while the source is away, old ones for an hour.

    A value that is asked for again and again is fetched anew before it is old, together with all others
    that are and with nobody waiting: at most ``refreshed`` of them, the last used first. The source is asked
    one question at a time; what is wanted meanwhile by whomever goes into the next one, together.
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
        self._confirm: Confirm[K, V] | None = None
        self._seconds = seconds
        self._size = size
        self._refreshed = refreshed
        self._clock = time.monotonic
        self._values: dict[K, _Entry[V]] = {}
        self._used: dict[K, float] = {}  # found here, the longest ago first
        self._wanted: dict[K, asyncio.Future[V | None]] = {}  # somebody waits for these
        self._aging: dict[K, None] = {}  # and nobody for these
        self._asked: dict[K, asyncio.Future[V | None] | None] = {}  # what the source is being asked for
        self._asked_at = 0.0
        self._fetching: asyncio.Task[None] | None = None

    def confirmed_by(self, confirm: Confirm[K, V]) -> "Cache[K, V]":
        """Ask first whether what is in use has changed: most of the time, nothing has."""
        self._confirm = confirm
        return self

    async def get(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the values of the keys that exist. Raises UnavailableError when old ones are missing too."""
        now = self._clock()
        asked = dict.fromkeys(keys)
        known, horizon = self._values, now - self._seconds
        fresh = {key: entry for key in asked if key in known and (entry := known[key]).right_at >= horizon}
        if len(fresh) == len(asked):
            oldest = min((entry.right_at for entry in fresh.values()), default=now)
            self._note_use(fresh, oldest, now)
            self._note_age(oldest, now)
            return {key: entry.value for key, entry in fresh.items()}
        coming = {key: self._want(key) for key in asked if key not in fresh}
        fetched = {key: await self._wait(key, coming[key], now) for key in coming}
        self._note_age(min((known[key].right_at for key in asked if key in known), default=now), now)
        everything = {key: entry.value for key, entry in fresh.items()} | fetched
        return {key: value for key in asked if (value := everything[key]) is not None}

    async def _wait(self, key: K, coming: "asyncio.Future[V | None]", now: float) -> V | None:
        try:
            return await asyncio.shield(coming)  # others may wait for it too
        except UnavailableError:
            if self._age(key, now) > STALE_SECONDS:
                raise
            return self._values[key].value

    def _note_use(self, keys: Iterable[K], oldest: float, now: float) -> None:
        """Note that these were here, and see to it that they still are the next time."""
        used = self._used
        for key in keys:
            used.pop(key, None)
            used[key] = now
        while len(used) > self._refreshed:
            used.pop(next(iter(used)))
        is_aging = oldest < now - self._seconds * EARLY
        if is_aging and (self._fetching is None or self._fetching.done()):
            self._used = {key: at for key, at in used.items() if now - at < self._seconds * IN_USE}
            self._aging = dict.fromkeys(self._used)  # the young ones too: so all are of one age from now on
            self._begin()

    def _note_age(self, oldest: float, now: float) -> None:
        """Note until when what is given away now is young; of what does not exist too."""
        _fresh_until.set(min(_fresh_until.get(), min(oldest, now) + self._seconds * EARLY))

    def _want(self, key: K) -> "asyncio.Future[V | None]":
        """Return what will have the value, None for what does not exist."""
        being_asked = key in self._asked and self._clock() - self._asked_at <= self._seconds
        waiting = self._asked if being_asked else self._wanted
        if (coming := waiting.get(key)) is None:
            waiting[key] = coming = asyncio.get_running_loop().create_future()
        self._begin()
        return coming

    def _begin(self) -> None:
        if self._fetching is None or self._fetching.done():
            self._fetching = self._background.spawn(self._fetch_all(), "cache")

    async def _fetch_all(self) -> None:
        """Ask for what is wanted, and then for what is about to be."""
        try:
            if self._confirm is not None and not self._wanted:
                await self._keep_unchanged(self._confirm)
            while keys := list(islice(dict.fromkeys(chain(self._wanted, self._aging)), BATCH)):
                self._asked = {key: self._wanted.pop(key, None) for key in keys}
                self._asked_at = self._clock()
                for key in keys:
                    self._aging.pop(key, None)
                self._keep(await self._fetch(keys))
        except UnavailableError as error:
            self._give_up(error)
        except BaseException as error:
            self._give_up(UnavailableError(f"cache: {type(error).__name__}"))
            raise

    async def _keep_unchanged(self, confirm: Confirm[K, V]) -> None:
        """Let those values stay that are as they were."""
        now, known = self._clock(), self._values.get
        oldest_fetched = now - self._seconds * FETCH_AGAIN
        aging = {
            key: entry for key in self._aging if (entry := known(key)) and entry.fetched_at > oldest_fetched
        }
        if not aging:
            return
        values = {key: entry.value for key, entry in aging.items()}
        for key in await confirm(values, now - min(entry.right_at for entry in aging.values())):
            self._values[key] = aging[key]._replace(right_at=now)
            self._aging.pop(key, None)

    def _keep(self, fetched: dict[K, V]) -> None:
        asked, self._asked = self._asked, {}
        for key, coming in asked.items():
            self._values.pop(key, None)
            if coming is not None:
                coming.set_result(fetched.get(key))
        at = self._asked_at
        self._values.update({key: _Entry(at, value, at) for key, value in fetched.items()})
        while len(self._values) > self._size:
            self._values.pop(next(iter(self._values)))

    def _give_up(self, error: Exception) -> None:
        """Tell everybody who waits."""
        waiting = [*self._asked.values(), *self._wanted.values()]
        self._asked, self._wanted, self._aging = {}, {}, {}
        for coming in waiting:
            if coming is not None:
                coming.set_exception(error)
                coming.exception()  # whoever waited may have gone

    def _age(self, key: K, now: float) -> float:
        entry = self._values.get(key)
        return float("inf") if entry is None else now - entry.right_at
