"""A line: first come, first served, a few at a time, and never one kind in front of all the others."""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from app.infra.background import Background
from app.infra.log import name_error

T = TypeVar("T")
log = logging.getLogger(__name__)


class Line(Generic[T]):
    """Things in line by kind; ``serve`` is given the first ones of a kind, at most ``batch`` together.

    At most ``width`` kinds are served at once, in turn; of one kind only one batch, so that within it nobody
    overtakes. What is served does not end with the request that put it here. ``serve`` sees to its failures.
    """

    def __init__(
        self, background: Background, serve: Callable[[list[T]], Awaitable[None]], *, width: int, batch: int
    ) -> None:
        self._background = background
        self._serve = serve
        self._width = width
        self._batch = batch
        self._waiting: dict[Hashable, deque[T]] = {}  # whose turn it is first stands first
        self._serving: set[Hashable] = set()
        self._workers = 0

    def join(self, kind: Hashable, thing: T) -> None:
        """Stand in line, at its end."""
        self._waiting.setdefault(kind, deque()).append(thing)
        if self._workers < self._width and kind not in self._serving:
            self._workers += 1
            self._background.spawn(self._work(), "line")

    def count_before(self, kind: Hashable, thing: T) -> int:
        """Return how many stand in front of it; 0 for what does not stand there."""
        waiting = self._waiting.get(kind, ())
        return next((number for number, one in enumerate(waiting) if one is thing), 0)

    async def _work(self) -> None:
        try:
            while (kind := self._next()) is not None:
                await self._serve_first(kind[0])
        finally:
            self._workers -= 1

    def _next(self) -> tuple[Hashable] | None:
        return next(((kind,) for kind in self._waiting if kind not in self._serving), None)

    async def _serve_first(self, kind: Hashable) -> None:
        waiting = self._waiting.pop(kind)
        batch = [waiting.popleft() for _ in range(min(self._batch, len(waiting)))]
        if waiting:
            self._waiting[kind] = waiting  # behind the other kinds
        self._serving.add(kind)
        try:
            await self._serve(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, those behind must be served
            log.error("a line was not served: %s", name_error(error))  # noqa: TRY400 - may hold personal data
        finally:
            self._serving.discard(kind)
