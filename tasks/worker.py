"""The task worker: listens to every queue, and keeps the schedule."""

import asyncio
from functools import partial

from app.core.errors import UnavailableError
from app.core.message import BadMessageError, Message, decode
from app.infra.deliveries import Delivery
from app.infra.log import trace
from app.machines import Machines
from tasks.registry import LISTENERS, Listener
from tasks.schedule import keep_schedule


async def work(m: Machines, stopping: asyncio.Event) -> None:
    """Handle messages and keep the schedule until told to stop."""
    await m.amqp.start()
    await m.amqp.declare([listener.queue for listener in LISTENERS])
    for listener in LISTENERS:
        await m.amqp.consume(
            listener.queue,
            partial(_handle, m, listener),
            healthy=partial(_is_healthy, m),
            batch=listener.batch,
        )
    await keep_schedule(m, stopping)


async def _handle(m: Machines, listener: Listener, deliveries: list[Delivery]) -> None:
    messages = []
    for delivery in deliveries:
        message = await _open(listener, delivery)
        if message is not None:
            messages.append(message)
    if messages:
        await listener.handle(m, messages)


async def _open(listener: Listener, delivery: Delivery) -> Message | None:
    """Read a delivery; one that cannot be read goes where a person looks at it, and the rest flows on."""
    try:
        envelope = decode(delivery.body)
        trace.set(envelope.trace)
        return listener.read(envelope)
    except BadMessageError as error:
        await delivery.park(str(error))
        return None


async def _is_healthy(m: Machines) -> bool:
    try:
        await m.db.ping()
        await m.redis.ping()
    except UnavailableError:
        return False
    return True
