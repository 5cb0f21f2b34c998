"""A line: first come, first served, a few at a time, and never one kind in front of all the others."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.infra.background import Background
from app.infra.log import name_error

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Row(Generic[T]):
    """Those of one kind who wait, and how many of them went before."""

    waiting: deque[T] = field(default_factory=deque)
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Spot(Generic[T]):
    """Where something stands in line."""

    row: _Row[T]
    number: int

    @property
    def before(self) -> int:
        """How many of its kind stand in front of it; 0 for what does not stand there any more."""
        return max(0, self.number - self.row.gone)


class Line(Generic[T]):
    """Things in line by kind; ``serve`` is given the first ones, at most ``batch`` together.

    While they are fewer, ``gather`` seconds are waited for more: where ``serve`` is a transaction, it costs
    little more for ten than for one. A batch begins with the kind whose turn it is, and what room that leaves
    is for the next ones. At most ``width`` batches are served at once; a kind is in one of them only, so that
    within it nobody overtakes. What is served does not end with the request that put it here. ``serve`` sees
    to its failures.
    """

    def __init__(
        self,
        background: Background,
        serve: Callable[[list[T]], Awaitable[None]],
        *,
        width: int,
        batch: int,
        gather: float,
    ) -> None:
        self._background = background
        self._serve = serve
        self._width = width
        self._batch = batch
        self._gather = gather
        self._rows: dict[Hashable, _Row[T]] = {}  # whose turn it is first stands first
        self._serving: set[Hashable] = set()
        self._workers = 0

    def join(self, kind: Hashable, thing: T) -> Spot[T]:
        """Stand in line, at its end."""
        row = self._rows.setdefault(kind, _Row())
        row.waiting.append(thing)
        if self._workers < self._width and kind not in self._serving:
            self._workers += 1
            self._background.spawn(self._work(), "line")
        return Spot(row, row.gone + len(row.waiting) - 1)

    async def _work(self) -> None:
        try:
            await self._wait_for_more()
            while (taken := self._take())[1]:
                await self._serve_together(*taken)
                await self._wait_for_more()
        finally:
            self._workers -= 1

    async def _wait_for_more(self) -> None:
        if self._gather and not self._is_full():
            await asyncio.sleep(self._gather)

    def _is_full(self) -> bool:
        """Whether there is a batch to take."""
        count = 0
        for kind, row in self._rows.items():
            count += 0 if kind in self._serving else len(row.waiting)
            if count >= self._batch:
                return True
        return False

    def _take(self) -> tuple[list[Hashable], list[T]]:
        """Return the next batch, taken out of the line, and which kinds are in it."""
        kinds: list[Hashable] = []
        batch: list[T] = []
        for kind, row in self._rows.items():
            if len(batch) == self._batch:
                break
            if kind not in self._serving:
                kinds.append(kind)
                taken = min(self._batch - len(batch), len(row.waiting))
                batch += [row.waiting.popleft() for _ in range(taken)]
                row.gone += taken
        for kind in kinds:
            row = self._rows.pop(kind)
            if row.waiting:
                self._rows[kind] = row  # behind the other kinds
        return kinds, batch

    async def _serve_together(self, kinds: list[Hashable], batch: list[T]) -> None:
        self._serving.update(kinds)
        try:
            await self._serve(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, those behind must be served
            log.error("a line was not served: %s", name_error(error))  # noqa: TRY400 - may hold personal data
        finally:
            self._serving.difference_update(kinds)
