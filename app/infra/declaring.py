"""Makes the exchange, the queues and their bindings, and looks into them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from app.infra.queues import EXCHANGE, Queue

_log = logging.getLogger(__name__)
_kept: set[str] = set()  # queues that are not as we would declare them


class _Desk:
    """A connection's channel for all of this: one that is kept.

    The library forgets no channel while its connection lives (4 kB each; aio-pika 10.2.1 on aiormq 7.2.4),
    and queues are looked after every few seconds. One at a time has it: what the broker refuses, it closes.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._channel: AbstractChannel | None = None

    @asynccontextmanager
    async def channel(self, connection: AbstractConnection) -> AsyncIterator[AbstractChannel]:
        """Have the channel; after a failure the next one has a new one."""
        async with self._turn:
            channel, self._channel = self._channel, None
            if channel is None or channel.is_closed:
                channel = connection.channel(publisher_confirms=False)
                await channel.initialize()
            yield channel
            self._channel = channel


_desks: "WeakKeyDictionary[AbstractConnection, _Desk]" = WeakKeyDictionary()


async def declare(connection: AbstractConnection, queues: Iterable[Queue]) -> None:
    """Make the exchange, the queues and their bindings, or find that they are there."""
    desk = _desks.setdefault(connection, _Desk())
    async with desk.channel(connection) as channel:
        await channel.declare_exchange(EXCHANGE, ExchangeType.TOPIC, durable=True)
    for queue in queues:
        for name, arguments in queue.declarations().items():
            await _declare_queue(desk, connection, name, arguments)
        async with desk.channel(connection) as channel:
            declared = await channel.get_queue(queue.name, ensure=False)
            for binding in queue.bindings:
                await declared.bind(EXCHANGE, binding)


async def count(connection: AbstractConnection, name: str) -> int | None:
    """Return how many messages wait in a queue, None when there is none of that name."""
    try:
        async with _desks.setdefault(connection, _Desk()).channel(connection) as channel:
            return (await channel.declare_queue(name, passive=True)).declaration_result.message_count
    except ChannelNotFoundEntity:
        return None


async def _declare_queue(
    desk: _Desk, connection: AbstractConnection, name: str, arguments: dict[str, Any]
) -> None:
    try:
        async with desk.channel(connection) as channel:
            await channel.declare_queue(name, durable=True, arguments=arguments)
    except ChannelPreconditionFailed as error:
        # An older release made it otherwise. It holds messages: it stays, and a person may replace it.
        if name not in _kept:  # said once, not every time it is declared
            _kept.add(name)
            _log.warning("%s is kept as it is: %s", name, error)
