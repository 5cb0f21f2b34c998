"""A batch in our hands is taken apart when one message in it is at fault."""

import asyncio
from typing import Any

from app.infra.deliveries import Delivery, hold_until_settled
from app.infra.queues import Queue

QUEUE = Queue("room.does", ("room.changed",))


async def test_what_was_parked_is_not_parked_again_when_the_batch_is_taken_apart() -> None:
    moved: list[tuple[bytes, str]] = []
    acknowledged: list[bytes] = []
    handled: list[bytes] = []

    def delivery(body: bytes) -> Delivery:
        async def acknowledge() -> None:
            acknowledged.append(body)

        return Delivery(
            queue=QUEUE,
            body=body,
            message_id="",
            type="",
            redelivered=False,
            headers={},
            acknowledge=acknowledge,
            move=move,
        )

    async def move(delivery: Delivery, target: str, _headers: dict[str, Any]) -> None:
        moved.append((delivery.body, target))

    async def handle(batch: list[Delivery]) -> None:
        for delivery in batch:
            if delivery.body == b"unreadable":
                await delivery.park("unreadable")
        if b"stumbles" in [delivery.body for delivery in batch]:
            raise ValueError
        handled.extend(delivery.body for delivery in batch)

    batch = [delivery(body) for body in (b"unreadable", b"stumbles", b"sound")]
    assert await hold_until_settled(batch, handle, asyncio.Event())
    assert moved == [(b"unreadable", QUEUE.dead), (b"stumbles", QUEUE.retry(5))]
    assert handled == [b"sound"]
    assert acknowledged == [b"unreadable", b"stumbles", b"sound"]
