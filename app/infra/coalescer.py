"""Sends things in batches, the newest joined per key, without making anyone wait."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from app.infra.background import Background
from app.infra.log import name_error

T = TypeVar("T")
# What is left within this time goes together: a hundred carts in one message cost hardly more than one.
GATHER_SECONDS = 0.02
log = logging.getLogger(__name__)


class Coalescer(Generic[T]):
    """Collects items by key and sends them together, one batch at a time.

    A batch that cannot be sent is dropped with a warning: whoever uses this has another way to
    deliver the item (for carts the dirty set), or awaits ``send_now``.
    """

    def __init__(
        self,
        background: Background,
        send: Callable[[list[T]], Awaitable[None]],
        join: Callable[[T, T], T],
        batch: int = 100,
    ) -> None:
        self._background = background
        self._send = send
        self._join = join
        self._batch = batch
        self._waiting: dict[str, T] = {}
        self._sending: asyncio.Task[None] | None = None
        self._failing = False

    def put(self, key: str, item: T) -> None:
        """Leave an item to be sent in a moment."""
        old = self._waiting.get(key)
        self._waiting[key] = item if old is None else self._join(old, item)
        if self._sending is None or self._sending.done():
            self._sending = self._background.spawn(self._send_all(), "coalescer")

    async def send_now(self, item: T) -> None:
        """Send one item by itself and wait for it; raises what sending raises."""
        await self._send([item])

    async def flush(self) -> None:
        """Wait until everything left so far was sent or given up."""
        while self._sending is not None and not self._sending.done():
            await asyncio.shield(self._sending)

    async def _send_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHER_SECONDS)
            keys = list(self._waiting)[: self._batch]
            items = [self._waiting.pop(key) for key in keys]
            try:
                await self._send(items)
            except Exception as error:  # noqa: BLE001 - whatever it was, the items have another way
                if not self._failing:  # once per outage, not once per shopper's click
                    log.warning("batches are not sent: %s", name_error(error))
                self._failing = True
            else:
                self._failing = False
