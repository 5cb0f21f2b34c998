"""What the shop relies on in an AMQP server, held against the stand-in and RabbitMQ alike."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import pytest
import pytest_asyncio
from aio_pika import DeliveryMode, Message
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
    QueueEmpty,
)

PATIENCE = 10  # seconds any one event may take


@pytest_asyncio.fixture
async def connection(amqp_url: str) -> AsyncIterator[AbstractConnection]:
    connection = await aio_pika.connect(amqp_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def channel(connection: AbstractConnection) -> AbstractChannel:
    return await open_channel(connection)


@pytest.fixture
def name() -> str:
    return f"t.{uuid.uuid4().hex}"


async def test_a_confirmed_message_is_in_the_queue_with_all_its_properties(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    message = Message(
        b"{}", message_id="m1", type="order.paid", headers={"x": 1}, delivery_mode=DeliveryMode.PERSISTENT
    )
    await channel.default_exchange.publish(message, name)
    got = await take(queue)
    assert (got.body, got.message_id, got.type, got.headers) == (b"{}", "m1", "order.paid", {"x": 1})
    assert got.delivery_mode == DeliveryMode.PERSISTENT
    assert not got.redelivered
    await got.ack()
    with pytest.raises(QueueEmpty):
        await queue.get()


async def test_a_body_of_many_frames_and_an_empty_one_arrive_whole(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    large = bytes(range(256)) * 4096
    for body in (large, b"", large[:131_064], large[:131_065]):
        await channel.default_exchange.publish(Message(body), name)
        got = await take(queue)
        await got.ack()
        assert got.body == body


async def test_a_consumer_reads_slowly_and_misses_nothing(
    connection: AbstractConnection, channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    bodies = [bytes([number]) * 500_000 for number in range(24)]
    for body in bodies:
        await channel.default_exchange.publish(Message(body), name)
    received = await consume(await open_channel(connection), queue.name)
    got = [await soon(received.get()) for _ in bodies]
    assert [message.body for message in got] == bodies
    for message in got:
        await message.ack()


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("order.paid", "order.paid", True),
        ("order.*", "order.paid", True),
        ("order.*", "order", False),
        ("order.*", "order.paid.late", False),
        ("order.#", "order", True),
        ("order.#", "order.paid.late", True),
        ("#.paid", "paid", True),
        ("#.paid", "order.paid", True),
        ("#", "", True),
        ("*", "", False),
        ("*.#.late", "order.late", True),
        ("cart.*", "order.paid", False),
    ],
)
async def test_a_topic_exchange_matches_word_by_word(
    channel: AbstractChannel, name: str, pattern: str, key: str, *, matches: bool
) -> None:
    exchange = await channel.declare_exchange(name, "topic", auto_delete=True)
    queue = await declare(channel, name)
    await queue.bind(exchange, pattern)
    if matches:
        await exchange.publish(Message(b""), key)
        assert (await take(queue)).routing_key == key
    else:
        with pytest.raises(PublishError):
            await exchange.publish(Message(b""), key)


async def test_direct_and_fanout_exchanges_reach_each_queue_once(channel: AbstractChannel, name: str) -> None:
    for kind in ("direct", "fanout"):
        exchange = await channel.declare_exchange(f"{name}.{kind}", kind, auto_delete=True)
        queues = [await declare(channel, f"{name}.{kind}.{number}") for number in range(2)]
        for queue in queues:
            await queue.bind(exchange, "a")
            await queue.bind(exchange, "b")
        await exchange.publish(Message(b""), "a")
        assert [await waiting(channel, queue.name) for queue in queues] == [1, 1]


async def test_an_unroutable_mandatory_message_is_returned(channel: AbstractChannel, name: str) -> None:
    with pytest.raises(PublishError):
        await channel.default_exchange.publish(Message(b"x"), name)
    await channel.default_exchange.publish(Message(b"x"), name, mandatory=False)


async def test_a_full_queue_refuses_the_publisher(channel: AbstractChannel, name: str) -> None:
    queue = await declare(channel, name, {"x-max-length-bytes": 100, "x-overflow": "reject-publish"})
    await channel.default_exchange.publish(Message(b"x" * 60), name)
    with pytest.raises(DeliveryError):
        await channel.default_exchange.publish(Message(b"x" * 60), name)
    await (await take(queue)).ack()
    await channel.default_exchange.publish(Message(b"x" * 60), name)


async def test_without_reject_publish_the_oldest_message_makes_room(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name, {"x-max-length-bytes": 100})
    for body in (b"a" * 60, b"b" * 60):
        await channel.default_exchange.publish(Message(body), name)
    assert (await take(queue)).body == b"b" * 60


async def test_a_rejected_message_goes_to_the_dead_letter_queue_with_its_history(
    channel: AbstractChannel, name: str
) -> None:
    dead = await declare(channel, f"{name}.dead")
    queue = await declare(channel, name, dead_letters_to(dead.name))
    await channel.default_exchange.publish(Message(b"poison", message_id="m1"), name)
    await (await take(queue)).reject(requeue=False)
    got = await arrives(channel, dead.name)
    death: Any = got.headers["x-death"]
    assert (got.body, got.message_id) == (b"poison", "m1")
    assert (death[0]["queue"], death[0]["reason"], death[0]["count"]) == (name, "rejected", 1)
    assert (got.headers["x-first-death-queue"], got.headers["x-first-death-reason"]) == (name, "rejected")


async def test_a_retry_queue_returns_messages_after_its_time_to_live(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    await declare(channel, f"{name}.retry", {**dead_letters_to(name), "x-message-ttl": 100})
    received = await consume(channel, queue.name)
    began = asyncio.get_running_loop().time()
    await channel.default_exchange.publish(Message(b"again"), f"{name}.retry")
    got = await soon(received.get())
    assert asyncio.get_running_loop().time() - began >= 0.09
    assert got.body == b"again"
    death: Any = got.headers["x-death"]
    assert death[0]["reason"] == "expired"


async def test_a_message_of_its_own_expiration_dies_alone(channel: AbstractChannel, name: str) -> None:
    dead = await declare(channel, f"{name}.dead")
    await declare(channel, name, dead_letters_to(dead.name))
    await channel.default_exchange.publish(Message(b"brief", expiration=0.05), name)
    got = await arrives(channel, dead.name)
    assert (got.body, got.expiration) == (b"brief", None)


async def test_a_nacked_message_returns_to_its_place_marked_as_redelivered(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    for body in (b"1", b"2", b"3"):
        await channel.default_exchange.publish(Message(body), name)
    first, second = await take(queue), await take(queue)
    await second.nack(requeue=True)
    await first.reject(requeue=True)
    await declare(channel, name)  # a round trip: acknowledgements have no answer
    again = [await take(queue) for _ in range(3)]
    assert [(m.body, m.redelivered) for m in again] == [(b"1", True), (b"2", True), (b"3", False)]


async def test_a_consumer_holds_no_more_than_its_prefetch(channel: AbstractChannel, name: str) -> None:
    await channel.set_qos(prefetch_count=2)
    queue = await declare(channel, name)
    for number in range(5):
        await channel.default_exchange.publish(Message(b"%d" % number), name)
    received = await consume(channel, queue.name)
    first, _ = await soon(received.get()), await soon(received.get())
    assert await waiting(channel, name) == 3
    assert received.empty()
    await first.ack()
    assert (await soon(received.get())).body == b"2"
    assert await waiting(channel, name) == 2


async def test_two_consumers_share_a_queue(connection: AbstractConnection, name: str) -> None:
    channels = [await open_channel(connection) for _ in range(2)]
    await declare(channels[0], name)
    inboxes = []
    for channel in channels:
        await channel.set_qos(prefetch_count=1)
        inboxes.append(await consume(channel, name))
    for body in (b"1", b"2"):
        await channels[0].default_exchange.publish(Message(body), name)
    got = [await soon(inbox.get()) for inbox in inboxes]
    assert sorted(message.body for message in got) == [b"1", b"2"]


async def test_a_single_active_consumer_is_served_alone_until_it_leaves(
    connection: AbstractConnection, name: str
) -> None:
    mine, first, second = [await open_channel(connection) for _ in range(3)]
    queue = await mine.declare_queue(name, durable=True, arguments={"x-single-active-consumer": True})
    with pytest.raises(ChannelPreconditionFailed):
        await (await open_channel(connection)).declare_queue(name, durable=True)
    one, two = await consume(first, name), await consume(second, name)
    for number in range(4):
        await mine.default_exchange.publish(Message(b"%d" % number), name)
    assert [(await soon(one.get())).body for _ in range(4)] == [b"0", b"1", b"2", b"3"]
    assert two.empty()
    await first.close()  # with everything unacknowledged
    got = [await soon(two.get()) for _ in range(4)]
    assert [(message.body, message.redelivered) for message in got] == [
        (b"0", True), (b"1", True), (b"2", True), (b"3", True),
    ]  # fmt: skip
    await mine.default_exchange.publish(Message(b"4"), name)
    assert (await soon(two.get())).body == b"4"
    assert queue.name == name


async def test_a_cancelled_consumer_gets_nothing_more_and_may_still_acknowledge(
    channel: AbstractChannel, name: str
) -> None:
    queue = await declare(channel, name)
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    tag = await queue.consume(received.put)
    await channel.default_exchange.publish(Message(b"1"), name)
    held = await soon(received.get())
    await queue.cancel(tag)
    await channel.default_exchange.publish(Message(b"2"), name)
    assert await waiting(channel, name) == 1
    await held.ack()
    assert received.empty()


async def test_a_consumer_hears_that_its_queue_was_deleted(channel: AbstractChannel, name: str) -> None:
    queue = await declare(channel, name)
    gone = asyncio.Event()
    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(lambda _: gone.set())
    await queue.consume(ignore)
    await queue.delete(if_unused=False, if_empty=False)
    await soon(gone.wait())


@pytest.mark.parametrize("cut", ["channel", "connection"])
async def test_what_was_held_is_redelivered_after_a_loss(
    amqp_url: str, channel: AbstractChannel, name: str, cut: str
) -> None:
    await declare(channel, name)
    for body in (b"1", b"2"):
        await channel.default_exchange.publish(Message(body), name)
    other = await aio_pika.connect(amqp_url)
    theirs = await open_channel(other)
    received = await consume(theirs, name)
    assert [(await soon(received.get())).body for _ in range(2)] == [b"1", b"2"]
    await (theirs.close() if cut == "channel" else tear(other))
    inbox = await consume(channel, name)
    again = [await soon(inbox.get()) for _ in range(2)]
    assert [(m.body, m.redelivered) for m in again] == [(b"1", True), (b"2", True)]
    await other.close()


async def test_mistakes_close_the_channel_with_their_code_and_leave_the_connection(
    connection: AbstractConnection, channel: AbstractChannel, name: str
) -> None:
    await declare(channel, name)
    with pytest.raises(ChannelPreconditionFailed):
        await declare(await open_channel(connection), name, {"x-message-ttl": 1})
    with pytest.raises(ChannelNotFoundEntity):
        await (await open_channel(connection)).declare_queue(f"{name}.missing", passive=True)
    missing = await channel.get_exchange(f"{name}.missing", ensure=False)
    with pytest.raises(ChannelNotFoundEntity):
        await missing.publish(Message(b""), "x")
    await declare(await open_channel(connection), name)


async def open_channel(connection: AbstractConnection) -> AbstractChannel:
    channel = connection.channel(publisher_confirms=True, on_return_raises=True)
    await channel.initialize()
    return channel


async def declare(
    channel: AbstractChannel, name: str, arguments: dict[str, Any] | None = None
) -> AbstractQueue:
    return await channel.declare_queue(name, durable=True, arguments=arguments)


def dead_letters_to(queue: str) -> dict[str, Any]:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


async def consume(channel: AbstractChannel, name: str) -> asyncio.Queue[AbstractIncomingMessage]:
    received: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    queue = await channel.get_queue(name, ensure=False)
    await queue.consume(received.put)
    return received


async def take(queue: AbstractQueue) -> AbstractIncomingMessage:
    got = await queue.get(timeout=PATIENCE)
    assert got is not None
    return got


async def arrives(channel: AbstractChannel, name: str) -> AbstractIncomingMessage:
    """Wait for the next message of a queue."""
    got: AbstractIncomingMessage = await soon((await consume(channel, name)).get())
    return got


async def waiting(channel: AbstractChannel, name: str) -> int:
    queue = await channel.declare_queue(name, passive=True)
    return queue.declaration_result.message_count or 0


async def tear(connection: AbstractConnection) -> None:
    """Lose a connection as a network loses it."""
    lost = asyncio.Event()
    connection.close_callbacks.add(lambda *_: lost.set())
    underlay: Any = connection.transport
    underlay.connection._writer_task.get_coro().cr_frame.f_locals["writer"].transport.abort()
    await soon(lost.wait())


async def ignore(_message: AbstractIncomingMessage) -> None:
    """Take it and do nothing."""


async def soon(awaitable: Any) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await awaitable
