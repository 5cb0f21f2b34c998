"""The broker: confirmed publishing, and consumers that hold on to what they took."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aio_pika.connection import make_url
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, PublishError

from app.core.errors import AmqpUnavailableError
from app.infra import metrics
from app.infra.background import end_all
from app.infra.declaring import Connection, count, declare
from app.infra.deliveries import Delivery, Mover, OnMessage, happens, hold_until_settled
from app.infra.queues import EXCHANGE, Queue

HEARTBEAT = 3  # aiormq gives a silent peer up after 3 x (heartbeat + 1) s: 13 s here, but 38 s were it 10
CONNECT_SECONDS = 5.0
PUBLISH_SECONDS = 2.0
PAUSE_FIRST, PAUSE_LAST = 0.1, 5.0  # between attempts to connect
HEALTH_PAUSE = 1.0
MEND_SECONDS, MEND_PAUSE = 10.0, 1.0
LINGER_SECONDS = 0.03  # how long a batch waits to be filled
DRAIN_SECONDS = 5.0  # what a handler at work is given when we close

Healthy = Callable[[], Awaitable[bool]]
Lose = Callable[[], None]

_log = logging.getLogger(__name__)


class Amqp:
    """Publishes on one connection and consumes on another.

    The broker stops reading a publisher under a memory or disk alarm; acknowledgements must not wait there.
    """

    def __init__(self, url: str) -> None:
        self._queues: dict[str, Queue] = {}
        self._exchanges: Mapping[str, AbstractExchange] = {}
        self._publishing = _Link(url, "publish", self._prepare)
        self._consuming = _Link(url, "consume", _need_nothing)
        self._unroutable = asyncio.Event()
        self._links: list[asyncio.Task[None]] = []
        self._consumers: dict[asyncio.Task[None], _Consumer] = {}

    @property
    def connected(self) -> bool:
        """Whether publishing has a chance now."""
        return bool(self._exchanges)

    async def start(self) -> None:
        """Connect in the background, again and again, for as long as we run."""
        self._links += [asyncio.create_task(self._publishing.run()), asyncio.create_task(self._mend())]

    async def close(self) -> None:
        """Let handlers finish, then leave; what is not acknowledged goes back to its queue."""
        working = [task for task, consumer in self._consumers.items() if consumer.working]
        for consumer in self._consumers.values():
            consumer.stop()
        if working:
            await asyncio.wait(working, timeout=DRAIN_SECONDS)
        for tasks in (list(self._consumers), self._links):
            await end_all(tasks)

    async def declare(self, queues: Iterable[Queue]) -> None:
        """Have these queues exist: now, if the broker is there, and after every reconnect."""
        self._queues.update({queue.name: queue for queue in queues})
        if self._publishing.connection is not None:
            with contextlib.suppress(AmqpUnavailableError):
                async with _bounded(CONNECT_SECONDS, "declare"):
                    await declare(self._publishing.connection, self._queues.values())

    async def publish(
        self,
        routing_key: str,
        body: bytes,
        *,
        message_id: str,
        type_: str,
        timeout: float = PUBLISH_SECONDS,  # noqa: ASYNC109  # the caller knows how long it may wait
    ) -> None:
        """Return when every queue that wants the message has it safely; else raise AmqpUnavailableError."""
        await self._send(EXCHANGE, routing_key, _message(body, message_id, type_, {}), timeout)

    async def consume(self, queue: Queue, on_message: OnMessage, *, healthy: Healthy, batch: int = 1) -> None:
        """Hand a queue's messages to `on_message` from now on, up to `batch` at once, across reconnects.

        When it returns, what it left unsettled is acknowledged. When it raises UnavailableError or OSError,
        the batch is held and tried again; after HOLD_SECONDS it goes back to the broker until `healthy()`.
        Anything else is the message's own fault: it is tried alone, then retried later, then parked.
        """
        if not self._consumers:
            self._links.append(asyncio.create_task(self._consuming.run()))
        consumer = _Consumer(queue, on_message, batch, self._move)
        task = asyncio.create_task(consumer.run(self._consuming, healthy))
        self._consumers[task] = consumer

    async def count(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many messages wait in each queue; those that are not there are left out.

        Raises AmqpUnavailableError.
        """
        connection = self._publishing.connection
        if connection is None:
            raise AmqpUnavailableError("count: not connected")
        async with _bounded(CONNECT_SECONDS, "count"):
            counts = {name: await count(connection, name) for name in names}
        return {name: count for name, count in counts.items() if count is not None}

    async def _move(self, delivery: Delivery, queue: str, headers: dict[str, Any]) -> None:
        message = _message(delivery.body, delivery.message_id, delivery.type, headers)
        await self._send("", queue, message, PUBLISH_SECONDS)

    async def _send(self, exchange: str, routing_key: str, message: Message, seconds: float) -> None:
        """Publish confirmed and mandatory, never waiting for a broker that is away."""
        if exchange not in self._exchanges:
            raise AmqpUnavailableError("publish: not connected")
        if await self._publishing.is_blocked():
            raise AmqpUnavailableError("publish: the broker is short of memory or disk")
        async with _bounded(seconds, "publish"):
            try:
                await self._exchanges[exchange].publish(message, routing_key, mandatory=True)
            except PublishError:
                self._unroutable.set()
                raise

    async def _prepare(self, connection: Connection, lose: Lose) -> None:
        await declare(connection, self._queues.values())
        channel = connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.initialize()

        def closed(*_: object) -> None:
            self._exchanges = {}
            lose()

        channel.close_callbacks.add(closed)
        named = await channel.get_exchange(EXCHANGE, ensure=False)
        self._exchanges = {"": channel.default_exchange, EXCHANGE: named}

    async def _mend(self) -> None:
        """Declare everything anew when a message found no queue: somebody may have deleted it.

        Now and then also unasked: where a message finds no queue may be another process than this one.
        """
        while True:
            await happens(self._unroutable, MEND_SECONDS)
            await self.declare(())
            await asyncio.sleep(MEND_PAUSE)
            self._unroutable.clear()


class _Link:
    """A connection that is made again whenever it is lost.

    Not aio-pika's robust one: what it restores, and when, cannot be seen from outside.
    """

    def __init__(self, url: str, name: str, prepare: Callable[[Connection, Lose], Awaitable[None]]) -> None:
        self.connection: Connection | None = None
        self._url = make_url(url, heartbeat=HEARTBEAT, name=f"madang {name}")
        self._name = name
        self._prepare = prepare
        self._opened = asyncio.Event()
        self._was_blocked = False

    async def run(self) -> None:
        """Stay connected."""
        failures = 0
        while True:
            try:
                await self._live()
                failures = 0
            except AmqpUnavailableError as error:
                failures += 1
                _log.warning("amqp %s: attempt %d: %s", self._name, failures, error)
            except Exception:  # noqa: BLE001  # whatever it was, a process must go on looking for its broker
                failures += 1
                _log.exception("amqp %s: attempt %d", self._name, failures)
            await asyncio.sleep(min(PAUSE_FIRST * 2**failures, PAUSE_LAST))

    async def opened(self) -> Connection:
        """Wait for a connection."""
        while self.connection is None:
            await self._opened.wait()
        return self.connection

    async def is_blocked(self) -> bool:
        """Whether the broker has said that it reads no more of what we publish; a person is called then."""
        blocked = False
        if self.connection and self.connection.transport:
            try:
                async with asyncio.timeout(0):  # ready at once, or not until the broker says so
                    await self.connection.transport.ready()
            except TimeoutError:
                blocked = True
        if blocked and not self._was_blocked:
            metrics.alarms.labels("broker_blocked").inc()
            _log.error("alarm broker_blocked: it is short of memory or disk")
        self._was_blocked = blocked
        return blocked

    async def _live(self) -> None:
        """Connect, and return when the connection is lost."""
        lost = asyncio.Event()
        connection = Connection(self._url)
        connection.close_callbacks.add(lambda *_: lost.set())
        try:
            async with _bounded(CONNECT_SECONDS, "connect"):
                await connection.connect()
                await self._prepare(connection, lost.set)
            self.connection = connection
            self._opened.set()
            _log.info("amqp %s: connected", self._name)
            await lost.wait()
            _log.warning("amqp %s: connection lost", self._name)
        finally:
            self.connection = None
            self._opened.clear()
            with contextlib.suppress(AmqpUnavailableError):
                async with _bounded(CONNECT_SECONDS, "close"):
                    await connection.close()


class _Consumer:
    """One queue's consumer: its channel, its batches and its patience."""

    def __init__(self, queue: Queue, on_message: OnMessage, batch: int, move: Mover) -> None:
        self.working = False
        self._queue = queue
        self._on_message = on_message
        self._batch = batch
        self._move = move
        self._stopping = False
        self._leave = asyncio.Event()  # the channel is gone, or we are stopping: what we hold is not ours
        self._inbox: asyncio.Queue[Delivery | None] = asyncio.Queue()

    def stop(self) -> None:
        """Take no more batches."""
        self._stopping = True
        self._depart()

    async def run(self, link: "_Link", healthy: Healthy) -> None:
        """Consume until told to stop."""
        while not self._stopping:
            try:
                if not await self._live(await link.opened()):
                    await self._wait_for(healthy)
            except AmqpUnavailableError as error:
                _log.warning("%s: %s", self._queue.name, error)
                await asyncio.sleep(PAUSE_LAST)
            except Exception:  # noqa: BLE001  # whatever it was, a queue must not stay without its consumer
                _log.exception("%s: consumer failed", self._queue.name)
                await asyncio.sleep(PAUSE_LAST)

    async def _wait_for(self, healthy: Healthy) -> None:
        _log.warning("%s: no longer held, consumer rests", self._queue.name)
        while not await healthy():  # noqa: ASYNC110  # nobody announces health, it is asked for
            await asyncio.sleep(HEALTH_PAUSE)

    async def _live(self, connection: Connection) -> bool:
        """Consume on one channel while it lives; False when it was our patience that ended."""
        self._leave.clear()
        self._inbox = asyncio.Queue()
        channel = connection.channel(publisher_confirms=False)
        try:
            async with _bounded(CONNECT_SECONDS, f"consume {self._queue.name}"):
                await declare(connection, [self._queue])
                await self._subscribe(channel)
            while batch := await self._next_batch():
                self.working = True
                if not await hold_until_settled(batch, self._on_message, self._leave):
                    return self._leave.is_set()
                self.working = False
            return True
        finally:
            self.working = False
            if not channel.is_closed:
                try:
                    async with _bounded(CONNECT_SECONDS, "close channel"):
                        await channel.close()  # what we hold goes back, without a nack
                except AmqpUnavailableError as error:
                    _log.warning("%s: %s", self._queue.name, error)

    async def _subscribe(self, channel: AbstractChannel) -> None:
        await channel.initialize()
        channel.close_callbacks.add(self._depart)
        (await channel.get_underlay_channel()).on_consumer_cancel_callbacks.add(self._depart)
        await channel.set_qos(prefetch_count=max(self._queue.prefetch, self._batch))
        queue = await channel.get_queue(self._queue.name, ensure=False)

        async def take(message: AbstractIncomingMessage) -> None:
            self._inbox.put_nowait(self._delivery(message))

        await queue.consume(take)

    async def _next_batch(self) -> list[Delivery]:
        """Wait for a message, and a moment for more; nothing means that we are to leave."""
        batch: list[Delivery] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as patience:
                while len(batch) < self._batch and not self._leave.is_set():
                    delivery = await self._inbox.get()
                    if delivery is not None:
                        batch.append(delivery)
                    if len(batch) == 1:
                        patience.reschedule(asyncio.get_running_loop().time() + LINGER_SECONDS)
        return [] if self._leave.is_set() else batch

    def _delivery(self, message: AbstractIncomingMessage) -> Delivery:
        async def acknowledge() -> None:
            with contextlib.suppress(AmqpUnavailableError):
                async with _bounded(PUBLISH_SECONDS, "ack"):
                    await message.ack()

        return Delivery(
            queue=self._queue,
            body=message.body,
            message_id=message.message_id or "",
            type=message.type or "",
            redelivered=bool(message.redelivered),
            headers=dict(message.headers),
            acknowledge=acknowledge,
            move=self._move,
        )

    def _depart(self, *_: object) -> None:
        self._leave.set()
        self._inbox.put_nowait(None)


async def _need_nothing(_connection: Connection, _lose: Lose) -> None:
    """Stand where a connection needs no preparation."""


@contextlib.asynccontextmanager
async def _bounded(seconds: float, doing: str) -> AsyncIterator[None]:
    """Turn every way the broker can fail us, silence included, into AmqpUnavailableError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise AmqpUnavailableError(f"{doing}: connection lost") from error  # aiormq cancels what it waits for
    except CONNECTION_EXCEPTIONS as error:
        raise AmqpUnavailableError(f"{doing}: {error!r}") from error


def _message(body: bytes, message_id: str, type_: str, headers: dict[str, Any]) -> Message:
    return Message(
        body,
        headers=headers,
        message_id=message_id or None,
        type=type_ or None,
        delivery_mode=DeliveryMode.PERSISTENT,
        content_type="application/json",
    )
