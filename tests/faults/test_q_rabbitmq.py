"""Q: RabbitMQ dies, hangs, is full, refuses, or forgets everything. Shoppers notice nothing."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, cast

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPError

from app.cart.messages import CartChanged
from app.core.message import enclose
from app.infra.queues import EXCHANGE
from sandbox.rabbitmq import RabbitMQ
from tests.faults.bed import Bed, Shopper
from tests.faults.pace import assert_unhurt, assert_written_soon, keep_editing, pace
from tests.goods import mug
from tests.processes import Placed
from tests.shop import eventually

Side = Literal["request", "reply"]

PERSIST = "cart.persist"
PUBLISH = b"\x00\x3c\x00\x28"  # class and method of basic.publish
CONFIRM = b"\x00\x3c\x00\x50"  # ... and of basic.ack
ALARMS, DROPPED = "madang_alarms_total", "madang_cart_publishes_dropped_total"
PERSISTED = "madang_carts_persisted_total"
OUTAGE_SECONDS = 15.0  # for an hour, or a minute: what is different then is only how long it goes on
NOTICED_SECONDS = 15.0
CONNECTIONS = 4  # one of each of two web processes, two of the worker
MENDED_SECONDS = 15.0


@asynccontextmanager
async def at_the_broker(bed: Bed) -> AsyncIterator[AbstractChannel]:
    """A channel past the proxies."""
    connection = await aio_pika.connect(bed.stack.amqp_url, timeout=10)
    async with connection, connection.channel(on_return_raises=True) as channel:
        yield channel


async def lying(bed: Bed, name: str) -> int:
    """How many messages lie in a queue, in nobody's hands."""
    async with at_the_broker(bed) as channel:
        queue = await channel.declare_queue(name, passive=True)
        return queue.declaration_result.message_count or 0


def rabbitmq(bed: Bed) -> RabbitMQ:
    """The broker itself."""
    return cast("RabbitMQ", bed.stack.amqp)


def said(bed: Bed, sentence: str, since: int) -> int:
    """How often the shop's processes have logged a sentence since their log was that long."""
    return bed.shop.log.read_text()[since:].count(sentence)


def log_length(bed: Bed) -> int:
    return len(bed.shop.log.read_text())


async def buy(bed: Bed, shopper: Shopper, product_id: int) -> Placed:
    """Buy what is in the cart; the cart is empty afterwards, also where the broker cannot say so."""
    placed = await shopper.place_order()
    answer = await shopper.pay(bed.toss, placed)
    assert answer.status_code == 303, answer.text
    await bed.becomes(placed, "PAID", within=0.5)
    shopper.bought()
    assert await shopper.cart() == {}
    return placed


@pytest.mark.parametrize("side", ["request", "reply"])
async def test_q1_rabbitmq_is_killed_during_a_publish(bed: Bed, side: Side) -> None:
    """Before a message reached it, or after it took it: what it confirmed is there when it is back."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    bed.signal("worker", signal.SIGSTOP)  # nobody takes anything out of the queue
    hold = partial(bed.proxies.amqp.breakpoint, PUBLISH, answer=CONFIRM, of=bed.pids("web"))
    with hold(side="reply") as stop:
        await shopper.put(product_id, 1)
        await stop.hit(30)
    with hold(side=side) as stop:
        await shopper.set(product_id, 2)
        await stop.hit(30)
        bed.stack.amqp.kill()
    bed.stack.amqp.start()
    assert await lying(bed, PERSIST) >= {"request": 1, "reply": 2}[side]
    bed.signal("worker", signal.SIGCONT)
    await assert_written_soon(bed, shopper, product_id)
    await bed.assert_whole()


@pytest.mark.slow
async def test_q2_rabbitmq_is_down_for_an_hour(bed: Bed) -> None:
    """An hour, in fifteen seconds: edits as fast as ever, the database 4 s behind, and the shop sells."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    before = await pace(shopper, product_id)
    bed.stack.amqp.kill()
    during = await keep_editing(bed, shopper, product_id, OUTAGE_SECONDS)
    await buy(bed, shopper, product_id)
    bed.stack.amqp.start()
    assert_unhurt(before, during)
    await bed.assert_whole()


@pytest.mark.slow
async def test_q3_rabbitmq_hangs_for_a_minute(bed: Bed) -> None:
    """A minute, in fifteen seconds. Connections stay open and silent: publishing gives up, nobody waits."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    before, dropped = await pace(shopper, product_id), await bed.metric(DROPPED)
    rabbitmq(bed).pause()
    during = await keep_editing(bed, shopper, product_id, OUTAGE_SECONDS)
    await buy(bed, shopper, product_id)
    rabbitmq(bed).resume()
    assert await bed.metric(DROPPED) > dropped
    assert_unhurt(before, during)
    await bed.assert_whole()


@pytest.mark.slow
async def test_q4_rabbitmq_has_no_memory_left(bed: Bed) -> None:
    """It stops reading what we publish, and says so: as when it hangs, and a person is called."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    before, called = await pace(shopper, product_id), await bed.metric(ALARMS, kind="broker_blocked")
    await asyncio.to_thread(rabbitmq(bed).alarm)
    during = await keep_editing(bed, shopper, product_id, 6)
    await buy(bed, shopper, product_id)
    assert await bed.metric(ALARMS, kind="broker_blocked") > called
    await asyncio.to_thread(rabbitmq(bed).clear_alarm)
    assert_unhurt(before, during)
    await eventually(lambda: is_heard(bed), MENDED_SECONDS)
    await bed.assert_whole()


async def test_q5_a_queue_is_full(bed: Bed) -> None:
    """It refuses every message: the sweeper writes the carts, the letters are handed over directly."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    await assert_written_soon(bed, shopper, product_id)
    dropped, swept = await bed.metric(DROPPED), await bed.metric(PERSISTED, by="sweeper")
    full = ["set_policy", "full", ".*", '{"max-length-bytes":1}', "--apply-to", "queues"]
    await asyncio.to_thread(rabbitmq(bed).control, *full)
    try:
        await eventually(lambda: is_refused(bed), MENDED_SECONDS)
        await shopper.set(product_id, 5)
        await assert_written_soon(bed, shopper, product_id)
        assert await bed.metric(DROPPED) > dropped
        assert await bed.metric(PERSISTED, by="sweeper") > swept
        await buy(bed, shopper, product_id)
    finally:
        await asyncio.to_thread(rabbitmq(bed).control, "clear_policy", "full")
    await bed.assert_whole()


async def is_refused(bed: Bed) -> bool:
    """Whether the queue takes no message."""
    try:
        await publish_nothing(bed)
    except AMQPError:
        return True
    return False


async def is_heard(bed: Bed) -> bool:
    """Whether a cart's message finds its queue, and the queue its listener."""
    try:
        async with at_the_broker(bed) as channel:
            queue = await channel.declare_queue(PERSIST, passive=True)
        await publish_nothing(bed)
    except AMQPError:
        return False
    return bool(queue.declaration_result.consumer_count)


async def publish_nothing(bed: Bed) -> None:
    """Publish, as the shop does, that no cart has changed. Raises AMQPError."""
    body = enclose(CartChanged([]), id_="nothing", now=bed.m.clock.now(), trace="").encode()
    async with at_the_broker(bed) as channel:
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(aio_pika.Message(body), CartChanged.TYPE, mandatory=True)


@pytest.mark.parametrize("lost", ["queue", "binding", pytest.param("exchange", marks=pytest.mark.slow)])
async def test_q6_what_was_declared_is_deleted(bed: Bed, lost: str) -> None:
    """A message that finds no queue comes back to us: we declare everything anew, and the sweeper writes."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    await assert_written_soon(bed, shopper, product_id)
    async with at_the_broker(bed) as channel:
        queue = await channel.get_queue(PERSIST, ensure=False)
        if lost == "queue":
            await channel.queue_delete(PERSIST)
        elif lost == "binding":
            await queue.unbind(EXCHANGE, CartChanged.TYPE)
        else:
            await channel.exchange_delete(EXCHANGE)
    await shopper.set(product_id, 7)
    await assert_written_soon(bed, shopper, product_id)
    await eventually(lambda: is_heard(bed), MENDED_SECONDS)
    await bed.assert_whole()


@pytest.mark.slow
async def test_q7_nothing_reaches_rabbitmq_and_nothing_comes_from_it(bed: Bed) -> None:
    """The heartbeat finds it out, in all processes; shoppers do not."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    before, begun = await pace(shopper, product_id), log_length(bed)
    bed.proxies.amqp.blackhole()
    lost_at = time.monotonic()

    async def is_noticed() -> bool:
        return said(bed, "connection lost", begun) >= CONNECTIONS

    during = await pace(shopper, product_id)
    await assert_written_soon(bed, shopper, product_id)
    await eventually(is_noticed, lost_at + NOTICED_SECONDS + 2 - time.monotonic())
    async with httpx.AsyncClient(base_url=bed.shop.url, trust_env=False) as http:
        assert (await http.get("/readyz")).json()["amqp"] == "away"
    bed.proxies.amqp.heal()
    assert_unhurt(before, during)
    await eventually(lambda: is_heard(bed), MENDED_SECONDS)
    await bed.assert_whole()


async def test_q8_rabbitmq_loses_its_disk(bed: Bed) -> None:
    """What lay in its queues is gone: the sweeper writes the carts, the outbox sends its letters again."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    buyer, bought_id = bed.shopper(), await mug(bed.m)
    await shopper.put(product_id)
    await buyer.put(bought_id, 2)
    placed = await buyer.place_order()
    with bed.proxies.amqp.breakpoint(b"order.paid", of=bed.pids("worker")) as stop:
        assert (await buyer.pay(bed.toss, placed)).status_code == 303
        buyer.bought()
        await stop.hit(30)  # the letter is on its way ...
        bed.signal("worker", signal.SIGSTOP)
        await shopper.set(product_id, 9)  # ... and a cart's message lies in the queue
        bed.stack.amqp.wipe()
        bed.stack.amqp.start()
        bed.signal("worker", signal.SIGCONT)
    await assert_written_soon(bed, shopper, product_id)
    await eventually(lambda: is_heard(bed), MENDED_SECONDS)
    await bed.assert_whole()
