"""Looks how many messages wait for a person, and calls one when they become more."""

import logging

from app.core.errors import AmqpUnavailableError
from app.infra import metrics
from app.machines import Machines
from tasks.registry import LISTENERS

log = logging.getLogger(__name__)


class DeadLetters:
    """What was seen at the last look."""

    def __init__(self, _m: Machines) -> None:
        self.seen: dict[str, int] = {}


async def count_dead_letters(m: Machines) -> None:
    """Publish how many there are. Whatever took them there: we, the broker's own limits, a person."""
    try:
        counts = await m.amqp.count([listener.queue.dead for listener in LISTENERS])
    except AmqpUnavailableError:
        return  # said already by whoever publishes; nothing can be dead-lettered meanwhile
    seen = m.keep(DeadLetters).seen
    for queue, count in counts.items():
        metrics.dead_messages.labels(queue).set(count)
        if count > seen.get(queue, 0):
            metrics.alarms.labels("dead_messages").inc()
            log.error("alarm dead_messages: %d in %s", count, queue)
        seen[queue] = count
