"""Snapshots on their way to the broker, many in one message."""

import asyncio

from app.cart.messages import CartChanged
from app.cart.snapshot import Snapshot, join
from app.core.errors import AmqpUnavailableError
from app.core.ids import idempotency_key
from app.core.message import enclose
from app.infra import metrics
from app.infra.coalescer import Coalescer
from app.infra.log import trace
from app.machines import Machines

FLUSH_SECONDS = 2.0


class CartPublisher:
    """Publishes snapshots without making the shopper wait.

    What cannot be published is dropped: the dirty set remembers the cart, and the sweeper writes it.
    """

    def __init__(self, m: Machines) -> None:
        self._m = m
        self._leaving = Coalescer(m.background, self._publish_or_drop, join)

    def put(self, snapshot: Snapshot) -> None:
        """Leave a snapshot to be published soon."""
        self._leaving.put(snapshot.owner, snapshot)

    async def publish_now(self, snapshot: Snapshot) -> None:
        """Publish a snapshot and wait for the confirm. Raises AmqpUnavailableError."""
        await self._leaving.send_now(snapshot)

    async def flush(self) -> None:
        """Wait until what was put so far has been published or given up."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._leaving.flush()
        except TimeoutError:
            return

    async def _publish_or_drop(self, snapshots: list[Snapshot]) -> None:
        try:
            await self._publish(snapshots)
        except AmqpUnavailableError:
            metrics.publishes_dropped.inc(len(snapshots))
            raise

    async def _publish(self, snapshots: list[Snapshot]) -> None:
        message = CartChanged([snapshot.to_json() for snapshot in snapshots])
        envelope = enclose(message, id_=idempotency_key(), now=self._m.clock.now(), trace=trace.get())
        await self._m.amqp.publish(
            message.TYPE, envelope.encode(), message_id=envelope.id, type_=message.TYPE
        )
