"""How `app.infra.amqp` behaves on either server: confirmed, held, retried, parked, and back after a loss."""

import asyncio
import gc
import uuid
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from app.core.errors import AmqpUnavailableError, DatabaseUnavailableError
from app.infra import amqp as client
from app.infra import deliveries
from app.infra.amqp import Amqp
from app.infra.deliveries import Delivery
from app.infra.queues import Queue
from tests.stack import Machine

PATIENCE = 15


class Shelf:
    """A handler that keeps what it is given and does as it is told."""

    def __init__(self, *behaviours: Exception | None) -> None:
        self.seen: asyncio.Queue[Delivery] = asyncio.Queue()
        self.batches: list[list[bytes]] = []
        self._behaviours = list(behaviours)

    async def __call__(self, batch: list[Delivery]) -> None:
        self.batches.append([delivery.body for delivery in batch])
        for delivery in batch:
            self.seen.put_nowait(delivery)
        behaviour = self._behaviours.pop(0) if self._behaviours else None
        if behaviour is not None:
            raise behaviour

    async def next(self) -> Delivery:
        async with asyncio.timeout(PATIENCE):
            return await self.seen.get()


@pytest_asyncio.fixture
async def amqp(amqp_url: str) -> AsyncIterator[Amqp]:
    async with running(amqp_url) as amqp:
        await becomes(lambda: amqp.connected)
        yield amqp


@pytest_asyncio.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        yield channel


@pytest.fixture
def queue() -> Queue:
    name = f"c.{uuid.uuid4().hex}"
    return Queue(name, (f"{name}.#",), retry_seconds=(0,))


async def test_a_published_message_reaches_its_consumer_and_is_gone_when_handled(
    amqp: Amqp, channel: AbstractChannel, queue: Queue
) -> None:
    shelf = Shelf()
    await amqp.declare([queue])
    await amqp.consume(queue, shelf, healthy=yes)
    await amqp.publish(f"{queue.name}.x", b"{}", message_id="m1", type_="cart.changed")
    got = await shelf.next()
    assert (got.body, got.message_id, got.type, got.redelivered) == (b"{}", "m1", "cart.changed", False)
    await assert_nothing_is_left(amqp, channel, queue)


async def test_many_publishers_share_the_channel(amqp: Amqp, channel: AbstractChannel, queue: Queue) -> None:
    await amqp.declare([queue])
    await asyncio.gather(*(publish(amqp, queue, b"%d" % number) for number in range(200)))
    assert await waiting(channel, queue.name) == 200


async def test_a_message_nobody_wants_is_not_confirmed_and_a_deleted_queue_comes_back(
    amqp: Amqp, channel: AbstractChannel, queue: Queue
) -> None:
    with pytest.raises(AmqpUnavailableError):
        await publish(amqp, queue)
    await amqp.declare([queue])
    await channel.queue_delete(queue.name)
    with pytest.raises(AmqpUnavailableError):
        await publish(amqp, queue)
    await becomes(lambda: publishes(amqp, queue))


async def test_a_full_queue_is_not_confirmed(amqp: Amqp) -> None:
    name = f"c.{uuid.uuid4().hex}"
    small = Queue(name, (f"{name}.#",), max_bytes=10)
    await amqp.declare([small])
    with pytest.raises(AmqpUnavailableError):
        await publish(amqp, small, b"x" * 11)


async def test_of_two_consumers_one_is_served_and_the_other_takes_over(
    amqp_url: str, channel: AbstractChannel, queue: Queue
) -> None:
    """Order holds, and what the first had in its hands comes first to the second."""
    queue = Queue(queue.name, queue.bindings, one_consumer=True)
    begun, shelf = asyncio.Event(), Shelf()

    async def never(_batch: list[Delivery]) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with running(amqp_url) as first, running(amqp_url) as second:
        await becomes(lambda: first.connected and second.connected)
        await first.declare([queue])
        await first.consume(queue, never, healthy=yes)
        await publish(first, queue, b"0")
        await begun.wait()
        await second.consume(queue, shelf, healthy=yes)
        for number in range(1, 4):
            await publish(first, queue, b"%d" % number)
        await becomes(lambda: has_consumers(channel, queue.name, 2))
        assert shelf.seen.empty()
        for task in first._consumers:
            task.cancel()  # its channel closes with everything unacknowledged, as when its process dies
        assert [(await shelf.next()).body for _ in range(4)] == [b"0", b"1", b"2", b"3"]


async def test_messages_are_counted_where_they_wait(
    amqp: Amqp, channel: AbstractChannel, queue: Queue
) -> None:
    await amqp.declare([queue])
    for _ in range(3):
        await publish(amqp, queue)
    assert await amqp.count([queue.name, queue.dead, "c.nowhere"]) == {queue.name: 3, queue.dead: 0}
    await publish(amqp, queue)  # a queue that is not there breaks nothing


async def test_looking_after_the_queues_for_days_costs_no_memory(amqp: Amqp, queue: Queue) -> None:
    """The library remembers every channel that a connection ever had."""

    def objects() -> int:
        gc.collect()
        return len(gc.get_objects())

    async def look_after(times: int) -> None:
        for _ in range(times):
            await amqp.declare([queue])
            await amqp.count([queue.name])

    await look_after(5)
    before = objects()
    await look_after(50)
    assert objects() < before + 1000


async def test_a_lost_connection_is_forgotten(amqp: Amqp, queue: Queue) -> None:
    await amqp.declare([queue])
    lost = amqp._publishing.connection
    assert lost is not None
    left = weakref.ref(lost)
    await lost.close()
    del lost
    await becomes(lambda: amqp.connected and amqp._publishing.connection not in {None, left()})
    gc.collect()
    assert left() is None


async def test_a_queue_made_otherwise_is_kept_and_served(
    amqp: Amqp, channel: AbstractChannel, queue: Queue
) -> None:
    await channel.declare_queue(queue.name, durable=True)
    await amqp.declare([queue])
    await publish(amqp, queue)
    assert await waiting(channel, queue.name) == 1


async def test_a_batch_is_filled_and_one_bad_message_does_not_spoil_the_others(
    amqp: Amqp, channel: AbstractChannel, queue: Queue
) -> None:
    async def handle(batch: list[Delivery]) -> None:
        await shelf(batch)
        if any(delivery.body == b"3" for delivery in batch):
            raise ValueError("3")

    shelf = Shelf()
    await amqp.declare([queue])
    for number in range(5):
        await publish(amqp, queue, b"%d" % number)
    await amqp.consume(queue, handle, healthy=yes, batch=10)
    dead = await first_of(channel, queue.dead)
    assert dead.body == b"3"
    assert dead.headers["x-reason"] == "ValueError"
    assert dead.headers["x-attempt"] == 1
    assert shelf.batches[0] == [b"0", b"1", b"2", b"3", b"4"]
    assert [shelf.batches.count([b"%d" % number]) for number in range(5)] == [1, 1, 1, 2, 1]
    await assert_nothing_is_left(amqp, channel, queue)


async def test_a_message_may_be_parked_at_once(amqp: Amqp, channel: AbstractChannel, queue: Queue) -> None:
    async def park(batch: list[Delivery]) -> None:
        await batch[0].park("not JSON")

    await amqp.declare([queue])
    await amqp.consume(queue, park, healthy=yes)
    await amqp.publish(f"{queue.name}.x", b"{", message_id="m1", type_="t")
    dead = await first_of(channel, queue.dead)
    assert (dead.body, dead.message_id, dead.type) == (b"{", "m1", "t")
    assert dead.headers["x-reason"] == "not JSON"


async def test_a_message_is_held_while_a_machine_is_away_and_never_returned(
    amqp: Amqp, channel: AbstractChannel, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "HOLD_PAUSE_FIRST", 0.01)
    shelf = Shelf(DatabaseUnavailableError(), OSError(), TimeoutError())
    await amqp.declare([queue])
    await amqp.consume(queue, shelf, healthy=yes)
    await publish(amqp, queue)
    got = [await shelf.next() for _ in range(4)]
    assert all(delivery is got[0] for delivery in got), "the same delivery is held, not a second one"
    await assert_nothing_is_left(amqp, channel, queue)


async def test_when_patience_ends_messages_go_back_once_until_the_machine_is_well(
    amqp: Amqp, channel: AbstractChannel, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "HOLD_SECONDS", 0.1)
    monkeypatch.setattr(client, "HEALTH_PAUSE", 0.01)
    well, asked = asyncio.Event(), asyncio.Event()

    async def healthy() -> bool:
        asked.set()
        return well.is_set()

    shelf = Shelf(DatabaseUnavailableError())
    await amqp.declare([queue])
    await amqp.consume(queue, shelf, healthy=healthy)
    await publish(amqp, queue)
    assert not (await shelf.next()).redelivered
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    assert await waiting(channel, queue.name) == 1
    assert shelf.seen.empty()
    well.set()
    assert (await shelf.next()).redelivered
    await assert_nothing_is_left(amqp, channel, queue)


async def test_a_delivery_outlives_neither_its_channel_nor_harms_anyone(amqp: Amqp, queue: Queue) -> None:
    async def handle(batch: list[Delivery]) -> None:
        await shelf(batch)
        if not batch[0].redelivered:
            assert amqp._consuming.connection is not None
            await amqp._consuming.connection.close()

    shelf = Shelf()
    await amqp.declare([queue])
    await amqp.consume(queue, handle, healthy=yes)
    await publish(amqp, queue)
    assert not (await shelf.next()).redelivered
    again = await shelf.next()
    assert again.redelivered
    await becomes(lambda: again.settled)


async def test_closing_lets_the_handler_at_work_finish(
    amqp_url: str, channel: AbstractChannel, queue: Queue
) -> None:
    begun, finish, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(_batch: list[Delivery]) -> None:
        begun.set()
        await finish.wait()
        finished.set()

    async with running(amqp_url) as amqp:
        await becomes(lambda: amqp.connected)
        await amqp.declare([queue])
        await amqp.consume(queue, slow, healthy=yes)
        await publish(amqp, queue)
        await begun.wait()
        asyncio.get_running_loop().call_later(0.05, finish.set)
    assert finished.is_set()
    assert await waiting(channel, queue.name) == 0


async def test_closing_ends_though_the_library_swallowed_the_cancellation(
    amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What aiormq does now and then to a process that is told to stop while it connects."""
    declaring = asyncio.Event()

    async def swallow(*_: object) -> None:
        declaring.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    monkeypatch.setattr(client, "declare", swallow)
    amqp = Amqp(amqp_url)
    await amqp.start()
    await declaring.wait()
    async with asyncio.timeout(PATIENCE):
        await amqp.close()


async def test_everything_resumes_when_the_server_was_restarted(
    broker: Machine, amqp: Amqp, queue: Queue
) -> None:
    shelf = Shelf()
    await amqp.declare([queue])
    await amqp.consume(queue, shelf, healthy=yes)
    await publish(amqp, queue, b"before")
    assert (await shelf.next()).body == b"before"
    broker.kill()
    try:
        await becomes(lambda: not amqp.connected)
        with pytest.raises(AmqpUnavailableError):
            await publish(amqp, queue)
    finally:
        broker.start()
    await becomes(lambda: publishes(amqp, queue, b"after"))
    while (await shelf.next()).body != b"after":
        pass  # the acknowledgement of the first may have been lost in the crash: it comes again


async def test_a_process_starts_without_its_broker_and_ends_without_it() -> None:
    async with running("amqp://guest:guest@127.0.0.1:1/") as amqp:
        await amqp.declare([Queue("x", ("x",))])
        await amqp.consume(Queue("x", ("x",)), Shelf(), healthy=yes)
        assert not amqp.connected
        with pytest.raises(AmqpUnavailableError):
            await amqp.publish("x", b"", message_id="m", type_="t")


async def test_a_silent_broker_costs_a_publisher_its_timeout_and_is_noticed(
    amqp_url: str, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "HEARTBEAT", 1)
    target = aio_pika.connection.make_url(amqp_url)
    async with blackhole(target.host or "", target.port or 0) as hole, running(hole.url) as amqp:
        await becomes(lambda: amqp.connected)
        await amqp.declare([queue])
        await publish(amqp, queue)
        hole.silent = True
        began = asyncio.get_running_loop().time()
        with pytest.raises(AmqpUnavailableError):
            await amqp.publish(f"{queue.name}.x", b"", message_id="m", type_="t", timeout=0.2)
        assert asyncio.get_running_loop().time() - began < 1
        await becomes(lambda: not amqp.connected)
        hole.silent = False
        await becomes(lambda: publishes(amqp, queue))


class Hole:
    """A relay that can fall silent, both ways, with its connections open."""

    def __init__(self, host: str, port: int) -> None:
        self.silent = False
        self.url = ""
        self._target = host, port
        self._tasks: set[asyncio.Task[None]] = set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        with suppress(OSError, asyncio.CancelledError):
            self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]  # a stream callback runs in a task
            await asyncio.gather(self._copy(reader, there_writer), self._copy(there_reader, writer))
        for end in (writer, there_writer):
            end.close()
            with suppress(OSError):
                await end.wait_closed()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65_536):
                if not self.silent:
                    writer.write(chunk)
        while self.silent:  # noqa: ASYNC110  # not even an end is heard
            await asyncio.sleep(0.05)
        raise ConnectionResetError


@asynccontextmanager
async def blackhole(host: str, port: int) -> AsyncIterator[Hole]:
    hole = Hole(host, port)
    server = await asyncio.start_server(hole.accept, "127.0.0.1", 0)
    hole.url = f"amqp://guest:guest@127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield hole
    finally:
        server.close()
        await hole.end()
        await server.wait_closed()


@asynccontextmanager
async def running(url: str) -> AsyncIterator[Amqp]:
    amqp = Amqp(url)
    await amqp.start()
    try:
        yield amqp
    finally:
        await amqp.close()


async def yes() -> bool:
    return True


async def publish(amqp: Amqp, queue: Queue, body: bytes = b"{}") -> None:
    await amqp.publish(f"{queue.name}.x", body, message_id=uuid.uuid4().hex, type_="t")


async def publishes(amqp: Amqp, queue: Queue, body: bytes = b"{}") -> bool:
    with suppress(AmqpUnavailableError):
        await publish(amqp, queue, body)
        return True
    return False


async def first_of(channel: AbstractChannel, name: str) -> AbstractIncomingMessage:
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    queue = await channel.get_queue(name, ensure=False)
    await queue.consume(received.put)
    async with asyncio.timeout(PATIENCE):
        return await received.get()


async def waiting(channel: AbstractChannel, name: str) -> int:
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.message_count or 0


async def has_consumers(channel: AbstractChannel, name: str, number: int) -> bool:
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.consumer_count == number


async def assert_nothing_is_left(amqp: Amqp, channel: AbstractChannel, queue: Queue) -> None:
    """Neither ready nor held: what a consumer holds returns when it leaves."""
    await amqp.close()
    assert await waiting(channel, queue.name) == 0


async def becomes(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            result = condition()
            if await result if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.02)
