"""H: the clock jumps, everything dies at once, the disks are full, and half of the shop is newer."""

import asyncio
import itertools
import json
import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from sqlalchemy import select

from app.cart.messages import CartChanged
from app.core.clock import epoch_us
from app.core.message import enclose
from app.infra import keys
from app.infra.queues import EXCHANGE
from app.models import cart_heads, web_payments
from sandbox.rabbitmq import RabbitMQ
from tasks.registry import LISTENERS
from tests.clocks import ShiftedClock
from tests.faults.bed import REST_SECONDS, Bed, Shopper
from tests.goods import mug
from tests.processes import Placed
from tests.shop import eventually
from tests.slowdisk import SlowDisk
from tests.village import settle

HOUR = 3600
CONFIRM = b"/v1/payments/confirm"
PUBLISH = b"\x00\x3c\x00\x28"  # the method basic.publish on the wire
FREED_SECONDS = 60.0 + 60.0  # MariaDB looks for space once a minute
SWEPT_SECONDS = 4.0 + 6.0  # the promise, and this machine's other work
PERSIST = next(listener.queue for listener in LISTENERS if listener.name == "cart.persist")


async def owner_of(bed: Bed, product_id: int) -> str:
    """Return the one who has a product in the database's cart, once it is there."""

    async def is_written() -> bool:
        return bool(await bed.written(product_id))

    await eventually(is_written, SWEPT_SECONDS)
    [owner] = await bed.written(product_id)
    return owner


@asynccontextmanager
async def shiftable_clock(bed: Bed, folder: Path) -> AsyncIterator[ShiftedClock]:
    """Put a clock that can be shifted under Redis and every process of the shop."""
    clock = ShiftedClock(folder)
    right = dict(bed.shop.environment)
    clock.put_under(bed.stack.redis)
    bed.shop.environment.update(clock.environment())
    await bed.shop.restart()
    try:
        yield clock
    finally:
        bed.shop.environment.clear()
        bed.shop.environment.update(right)
        bed.stack.redis.env.clear()
        bed.stack.redis.restart()
        await bed.shop.restart()


async def is_asked_about(bed: Bed, placed: Placed) -> bool:
    """Whether the reconciliation has taken an attempt up."""
    query = select(web_payments.c.checks).where(web_payments.c.payment_no == placed.payment_no)
    async with bed.m.db.read() as tx:
        return int((await tx.execute(query)).scalar_one()) > 0


class Stamps:
    """The stamps of one cart in Redis, which only ever grow."""

    def __init__(self, bed: Bed, owner: str) -> None:
        self.bed = bed
        self.owner = owner
        self.seen = [0]

    async def look(self) -> None:
        """See that the last edit has a later stamp than those before."""
        self.seen.append(int(await self.bed.m.redis.command("HGET", keys.cart(self.owner), "last")))
        assert self.seen[-1] > self.seen[-2]

    async def written(self) -> int:
        """Return what the database has as the last."""
        query = select(cart_heads.c.last_stamp).where(cart_heads.c.owner == self.owner)
        async with self.bed.m.db.read() as tx:
            return int((await tx.execute(query)).scalar_one())


@pytest.mark.slow
async def test_h1_the_clock_jumps_an_hour_back_and_forth(bed: Bed, tmp_path: Path) -> None:
    """Stamps only grow, a log-in lasts, the sweeper writes at any time, and no order ends before its own.

    Half an hour is what an unpaid order has: an hour later it may have ended, but not one that is paid. One
    that is under way looks as if nobody had decided it for an hour; the answer that comes then still counts.
    """
    product_id = await mug(bed.m)
    person = await settle(bed.m, "clock", "김시계", "01012345678")
    async with shiftable_clock(bed, tmp_path) as clock:
        shopper, unpaid, paying = bed.shopper(), bed.shopper(), bed.shopper()
        member = bed.shop.buyer()
        await member.post("/login", signup_id=person.signup_id, password=person.password)
        await shopper.put(product_id, 1)
        stamps = Stamps(bed, await owner_of(bed, product_id))
        orders = []
        for buyer in (unpaid, paying):
            await buyer.put(product_id, 2)
            orders.append(await buyer.place_order())
        waiting, placed = orders
        payment_key = await paying.say_yes(bed.toss, placed)

        async def shop_at(shift: int) -> None:
            clock.shift(shift)
            for quantity in (3, 4, 5):
                await shopper.set(product_id, quantity)
                assert await shopper.cart() == shopper.live
                await stamps.look()
            assert (await member.get("/account")).status_code == 200

        async def is_swept() -> bool:
            return await stamps.written() == stamps.seen[-1]

        await shop_at(-HOUR)
        await shop_at(0)
        assert await bed.status(waiting) == "PENDING"
        with bed.proxies.toss.breakpoint(CONFIRM) as stop:
            returning = asyncio.create_task(paying.come_back(placed, payment_key))
            await stop.hit()
            await shop_at(HOUR)
            await bed.becomes(waiting, "EXPIRED")
            await eventually(lambda: is_asked_about(bed, placed), REST_SECONDS)
        await returning
        await bed.becomes(placed, "PAID")
        paying.bought()
        with bed.proxies.amqp.breakpoint(PUBLISH, of=bed.pids("web")) as stop:
            await shop_at(-HOUR)
            await stop.hit()
            await eventually(is_swept, SWEPT_SECONDS)  # though its stamp is of a time that is not yet
        await shop_at(0)
        assert await bed.status(placed) == "PAID"
    await bed.assert_whole()
    assert await stamps.written() == stamps.seen[-1]


async def edit_until_nobody_answers(shopper: Shopper, product_id: int) -> int:
    """Step a quantity up and down; return the one that was not acknowledged."""
    for quantity in itertools.cycle(range(2, 10)):
        try:
            answer = await shopper.post(f"/cart/lines/{product_id}", quantity=quantity)
        except httpx.TransportError:
            return quantity
        if answer.status_code == 303:
            shopper.knows[product_id] = quantity
    raise AssertionError("It goes on for ever.")


def kill_everything(bed: Bed) -> None:
    """End every process of the host at once; Toss is not on it."""
    bed.shop.process.kill()  # its children die with it
    for machine in (bed.stack.redis, bed.stack.database, bed.stack.amqp):
        assert machine
        machine.kill()


@pytest.mark.slow
async def test_h2_everything_is_killed_and_started_together(bed: Bed) -> None:
    """In the middle of edits and of a payment: what was acknowledged is there, what was charged is paid."""
    product_id = await mug(bed.m)
    paying = bed.shopper()
    await paying.put(product_id, 2)
    placed = await paying.place_order()
    payment_key = await paying.say_yes(bed.toss, placed)
    shoppers = [bed.shopper() for _ in range(5)]
    await asyncio.gather(*(shopper.put(product_id) for shopper in shoppers))
    editing = [asyncio.create_task(edit_until_nobody_answers(shopper, product_id)) for shopper in shoppers]
    await bed.toss.fault("slow", times=1, on="confirm", seconds=2, match={"orderId": placed.payment_no})
    returning = asyncio.create_task(paying.come_back(placed, payment_key))
    await bed.becomes(placed, "CONFIRMING")
    before = [*bed.shop.pids("web"), *bed.shop.pids("worker")]
    kill_everything(bed)
    with pytest.raises(httpx.TransportError):
        await returning
    pressed = await asyncio.gather(*editing)

    async def are_gone() -> bool:
        return bed.shop.process.poll() is not None and not any(
            Path(f"/proc/{pid}").exists() for pid in before
        )

    await eventually(are_gone)
    for machine in (bed.stack.redis, bed.stack.database, bed.stack.amqp):
        assert machine
        machine.start()
    await bed.shop.start()
    for shopper, quantity in zip(shoppers, pressed, strict=True):
        found = await shopper.cart()
        assert found in (shopper.live, {product_id: quantity})
        shopper.knows = found
    await bed.becomes(placed, "PAID")
    assert await bed.toss.charges(placed.payment_no) == 1
    paying.bought()
    await bed.assert_whole()


@pytest.mark.slow
async def test_h3_the_disks_are_full(bed: Bed, tmp_path: Path) -> None:
    """Who edits or pays is told to wait, the rest can be read; with space again, everything goes on.

    MariaDB looks once a minute whether there is space for its log. A Redis that keeps every write ends when
    it cannot: it is started again by whatever starts services here, as systemd does with Restart=always.
    RabbitMQ stops reading from those who publish.
    """
    product_id = await mug(bed.m)
    shopper, paying = bed.shopper(), bed.shopper()
    disk = SlowDisk(tmp_path)
    rabbitmq, database = bed.stack.amqp, bed.stack.database
    assert isinstance(rabbitmq, RabbitMQ)
    assert database
    await shopper.put(product_id, 1)
    await paying.put(product_id, 2)
    placed = await paying.place_order()
    payment_key = await paying.say_yes(bed.toss, placed)
    form = await shopper.review()
    disk.put_under(bed.stack.redis)
    disk.put_under(database)
    try:
        await shopper.set(product_id, 3)
        disk.fill()
        rabbitmq.alarm()
        refused = await shopper.post(f"/cart/lines/{product_id}", quantity=5)
        assert refused.status_code == 503
        assert "장바구니" in refused.text
        ordering = await shopper.post("/checkout", **form)
        assert ordering.status_code == 503
        returned = await paying.come_back(placed, payment_key)
        assert returned.status_code in {200, 503}
        assert "결제하지 마" in returned.text
        for page in ("/", "/products", f"/products/{product_id}", "/login"):
            assert (await shopper.get(page)).status_code == 200, page
    finally:
        disk.heal()
        rabbitmq.clear_alarm()
        bed.stack.redis.restart()
    try:
        await shopper.set(product_id, 4)
        await paying.come_back(placed, payment_key)
        await bed.becomes(placed, "PAID", FREED_SECONDS)
        paying.bought()
        await bed.assert_whole(FREED_SECONDS)
        assert (await shopper.place_order()).amount
    finally:
        for machine in (bed.stack.redis, database):
            machine.env.clear()
            machine.restart()
    await bed.assert_whole()


def announce(bed: Bed, owner: str, product_id: int, **changed: Any) -> bytes:
    """A cart as the next release announces it: with fields this one has never heard of."""
    stamp = epoch_us(bed.m.clock.now())
    cart = {"owner": owner, "last": stamp, "cleared": 0, "lines": [[product_id, 7, stamp]], "mood": "new"}
    envelope = enclose(CartChanged([cart]), id_=secrets.token_hex(16), now=bed.m.clock.now(), trace="")
    content = json.loads(envelope.encode())
    content["data"]["since"] = "the next release"
    return json.dumps(content | {"region": "kr"} | changed).encode()


async def put_off(channel: AbstractChannel) -> AbstractIncomingMessage:
    """Take what waits for the next release, as its worker will."""
    rooms = [
        await channel.get_queue(PERSIST.retry(seconds), ensure=False) for seconds in PERSIST.retry_seconds
    ]
    async with asyncio.timeout(SWEPT_SECONDS):
        while True:
            for room in rooms:
                if (message := await room.get(fail=False, no_ack=True)) is not None:
                    return message
            await asyncio.sleep(0.02)


async def test_h4_messages_of_two_releases_are_in_the_queue_while_the_worker_is_replaced(bed: Bed) -> None:
    """More fields than are known do no harm; another version waits for its worker, and its cart is safe.

    The edit is announced by nobody but the next release, in a shape this worker does not know: the mark in
    Redis has the sweeper write it.
    """
    shopper, product_id, other = bed.shopper(), await mug(bed.m), await mug(bed.m)
    await shopper.put(product_id, 1)
    owner, guest = await owner_of(bed, product_id), f"g:{secrets.token_hex(20)}"
    newer = announce(bed, owner, product_id, version=CartChanged.VERSION + 1, data={"baskets": {}})
    parked = await bed.metric("madang_alarms_total", kind="parked_message")
    before = bed.shop.pids("worker")
    async with (
        await aio_pika.connect(bed.stack.amqp_url) as connection,
        connection.channel() as channel,
    ):
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        with bed.proxies.amqp.breakpoint(PUBLISH, of=bed.pids("web")) as stop:
            bed.signal("worker", signal.SIGSTOP)
            await shopper.set(product_id, 4)
            await stop.hit()
            for body in (newer, announce(bed, guest, other)):
                await exchange.publish(aio_pika.Message(body), CartChanged.TYPE)
            bed.shop.kill("worker")
            await bed.restarted("worker", before)

            async def are_written() -> bool:
                return await bed.written(other) == {guest: 7} and await bed.written(product_id) == {owner: 4}

            await eventually(are_written, SWEPT_SECONDS)
            assert (await put_off(channel)).body == newer
    assert await bed.metric("madang_alarms_total", kind="newer_message") >= 1
    assert await bed.metric("madang_alarms_total", kind="parked_message") == parked
    await bed.assert_whole()
