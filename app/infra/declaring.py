"""Makes the exchange, the queues and their bindings, and looks into them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import aio_pika
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from app.infra.queues import EXCHANGE, Queue

_log = logging.getLogger(__name__)
_kept: set[str] = set()  # queues that are not as we would declare them


class Connection(aio_pika.Connection):
    """A connection with one channel for all of this, which is kept.

    The library forgets no channel while its connection lives (4 kB each; aio-pika 10.2.1 on aiormq 7.2.4),
    and queues are looked after every few seconds.
    """

    _desk: AbstractChannel | None = None

    @cached_property
    def _turn(self) -> asyncio.Lock:
        return asyncio.Lock()

    @asynccontextmanager
    async def desk(self) -> AsyncIterator[AbstractChannel]:
        """Have that channel, one at a time. What the broker refuses, it closes: the next one has another."""
        async with self._turn:
            channel, self._desk = self._desk, None
            if channel is None or channel.is_closed:
                channel = self.channel(publisher_confirms=False)
                await channel.initialize()
            try:
                yield channel
            except BaseException:
                if not channel.is_closed:
                    await channel.close()
                raise
            self._desk = channel


async def declare(connection: Connection, queues: Iterable[Queue]) -> None:
    """Make the exchange, the queues and their bindings, or find that they are there."""
    async with connection.desk() as channel:
        await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
    for queue in queues:
        for name, arguments in queue.declarations().items():
            await _declare_queue(connection, name, arguments)
        async with connection.desk() as channel:
            declared = await channel.get_queue(queue.name, ensure=False)
            for binding in queue.bindings:
                await declared.bind(EXCHANGE, binding)


async def count(connection: Connection, name: str) -> int | None:
    """Return how many messages wait in a queue, None when there is none of that name."""
    try:
        async with connection.desk() as channel:
            return (await channel.declare_queue(name, passive=True)).declaration_result.message_count
    except ChannelNotFoundEntity:
        return None


async def _declare_queue(connection: Connection, name: str, arguments: dict[str, Any]) -> None:
    try:
        async with connection.desk() as channel:
            await channel.declare_queue(name, durable=True, arguments=arguments)
    except ChannelPreconditionFailed as error:
        # An older release made it otherwise. It holds messages: it stays, and a person may replace it.
        if name not in _kept:  # said once, not every time it is declared
            _kept.add(name)
            _log.warning("%s is kept as it is: %s", name, error)
