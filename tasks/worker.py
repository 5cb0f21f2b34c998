"""The task worker: listens to every queue, and keeps the schedule."""

import asyncio
import logging
from functools import partial

from app.core.errors import UnavailableError
from app.core.message import BadMessageError, Message, NewerMessageError, decode
from app.infra import metrics
from app.infra.deliveries import Delivery
from app.infra.log import trace
from app.machines import Machines
from app.search import service as search
from tasks.registry import LISTENERS, Listener
from tasks.schedule import keep_schedule

log = logging.getLogger(__name__)


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
    try:
        await keep_schedule(m, stopping)
    finally:
        await search.let_go(m)


async def _handle(m: Machines, listener: Listener, deliveries: list[Delivery]) -> None:
    messages = []
    for delivery in deliveries:
        message = await _open(listener, delivery)
        if message is not None:
            messages.append(message)
    if messages:
        await listener.handle(m, messages)


async def _open(listener: Listener, delivery: Delivery) -> Message | None:
    """Read a delivery; what cannot be read waits for who can, or for a person, and the rest flows on."""
    try:
        envelope = decode(delivery.body)
        trace.set(envelope.trace)
        return listener.read(envelope)
    except BadMessageError as error:
        await delivery.park(str(error))
    except NewerMessageError as error:
        # A web process of the next release is at work already: its worker will soon be, and take it.
        await delivery.retry(str(error))
        metrics.alarms.labels("newer_message").inc()
        log.error("alarm newer_message: %s", error)  # noqa: TRY400 - where it was raised tells nobody anything
    return None


async def _is_healthy(m: Machines) -> bool:
    try:
        await m.db.ping()
        await m.redis.ping()
    except UnavailableError:
        return False
    return True
