"""Messages in our hands: settled, held while a machine is away, tried alone, retried later, parked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import UnavailableError
from app.core.message import BadMessageError
from app.infra import metrics
from app.infra.log import name_error
from app.infra.queues import Queue

HOLD_SECONDS = 60.0  # how long a delivery is kept while a machine is away, before it goes back once
HOLD_PAUSE_FIRST, HOLD_PAUSE_LAST = 0.2, 10.0
REASON_LENGTH = 500
ATTEMPT_HEADER, REASON_HEADER = "x-attempt", "x-reason"
FAULTS_OF_MACHINES = (UnavailableError, OSError)

_log = logging.getLogger(__name__)

Mover = Callable[["Delivery", str, dict[str, Any]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class Delivery:
    """One message; `ack`, `retry` and `park` each end our holding of it."""

    queue: Queue
    body: bytes
    message_id: str
    type: str
    redelivered: bool
    headers: dict[str, Any]
    acknowledge: Callable[[], Awaitable[None]] = field(repr=False)
    move: Mover = field(repr=False)  # puts a copy into another queue, confirmed
    settled: bool = False

    async def ack(self) -> None:
        """Be done with it; should the channel have died, it comes again and is handled again."""
        if not self.settled:
            self.settled = True
            await self.acknowledge()

    async def retry(self, reason: str) -> None:
        """Have it come again after a while; after the last delay, park it."""
        attempt = self._attempt()
        if attempt < len(self.queue.retry_seconds):
            await self._leave(self.queue.retry(self.queue.retry_seconds[attempt]), reason, attempt + 1)
        else:
            await self.park(reason)

    async def park(self, reason: str) -> None:
        """Put it where a person looks at it, and call one."""
        await self._leave(self.queue.dead, reason, self._attempt())
        metrics.alarms.labels("parked_message").inc()
        _log.error("%s: parked: %s", self.queue.name, reason[:REASON_LENGTH])

    async def _leave(self, target: str, reason: str, attempt: int) -> None:
        own = {name: value for name, value in self.headers.items() if not name.startswith("x-")}
        await self.move(self, target, {**own, ATTEMPT_HEADER: attempt, REASON_HEADER: reason[:REASON_LENGTH]})
        await self.ack()

    def _attempt(self) -> int:
        attempt = self.headers.get(ATTEMPT_HEADER, 0)
        return attempt if isinstance(attempt, int) and attempt >= 0 else 0


OnMessage = Callable[[list[Delivery]], Awaitable[None]]


async def hold_until_settled(batch: list[Delivery], on_message: OnMessage, leave: asyncio.Event) -> bool:
    """Settle a batch, trying again while a machine is away; False when patience ends or `leave` is set."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + HOLD_SECONDS, HOLD_PAUSE_FIRST
    while True:
        try:
            await _settle([delivery for delivery in batch if not delivery.settled], on_message)
        except FAULTS_OF_MACHINES as error:
            _log.warning("%s: %d held: %s", batch[0].queue.name, len(batch), error)
        else:
            return True
        if leave.is_set() or loop.time() + pause > deadline:
            return False
        if await happens(leave, pause):
            return False
        pause = min(pause * 2, HOLD_PAUSE_LAST)


async def happens(event: asyncio.Event, within: float) -> bool:
    """Wait for an event, but not for long."""
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _settle(batch: list[Delivery], on_message: OnMessage) -> None:
    try:
        await on_message(batch)
    except FAULTS_OF_MACHINES:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a handler trips over must not stop the queue
        if len(batch) > 1:
            for delivery in batch:
                if not delivery.settled:  # parked or put off in the first go: again would be twice
                    await _settle([delivery], on_message)
            return
        if isinstance(error, BadMessageError):
            await batch[0].park(str(error))
        else:
            _log.exception("%s: %s cannot be handled", batch[0].queue.name, batch[0].message_id)
            if not batch[0].settled:
                await batch[0].retry(name_error(error))
    for delivery in batch:
        await delivery.ack()
