"""T: the worker dies, hangs, is doubled, and is sent nonsense, repetitions and disorder."""

import asyncio
import json
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractExchange
from sqlalchemy import delete, select, update

from app.cart.messages import CartChanged
from app.cart.snapshot import SnapLine, Snapshot
from app.core.clock import epoch_us
from app.core.message import enclose
from app.infra import keys
from app.infra.queues import EXCHANGE
from app.models import cart_heads, carts, refunds, web_payments
from tests.faults import instants
from tests.faults.bed import Bed, Shopper
from tests.goods import last_teapot, mug
from tests.processes import Placed
from tests.shop import eventually
from tests.stack import ROOT

PERSIST = "cart.persist"
INSERT_LINES = b"INSERT INTO carts "
CARTS = 1_000
MEBIBYTE = 1024 * 1024


@contextmanager
def without_worker(bed: Bed) -> Iterator[None]:
    """Kill the worker, and keep the supervisor from starting another."""
    bed.shop.process.send_signal(signal.SIGSTOP)
    bed.shop.kill("worker")
    try:
        yield
    finally:
        bed.shop.process.send_signal(signal.SIGCONT)


async def is_dirty(bed: Bed, owner: str) -> bool:
    """Whether Redis remembers that the database may not have this cart."""
    score = await bed.m.redis.command("ZSCORE", keys.dirty(keys.bucket(owner)), owner)
    return score is not None


async def test_t1_worker_is_killed_before_the_commit(bed: Bed) -> None:
    """The lines are inserted, and gone with their transaction: the message comes again."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    with bed.proxies.database.breakpoint(INSERT_LINES, side="reply", of=bed.pids("worker")) as stop:
        await shopper.put(product_id, 2)
        await stop.hit()
        with without_worker(bed):
            assert await bed.written(product_id) == {}
    await bed.persists(product_id, 2)
    await bed.assert_whole()


async def test_t2_worker_is_killed_between_the_commit_and_telling_redis(bed: Bed) -> None:
    """The database has the cart, and Redis still calls it dirty: writing it again changes nothing."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    telling = instants.script(bed.m, "merge_back")
    with bed.proxies.redis.breakpoint(telling, of=bed.pids("worker")) as stop:
        await shopper.put(product_id, 2)
        await stop.hit()
        with without_worker(bed):
            [owner] = await bed.written(product_id)
            assert await is_dirty(bed, owner)
    await bed.assert_whole()
    assert await bed.written(product_id) == {owner: 2}


async def test_t3_worker_is_killed_between_telling_redis_and_the_acknowledgement(bed: Bed) -> None:
    """The same snapshot comes again, behind a newer edit: it takes nothing back."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    with bed.proxies.amqp.breakpoint(instants.ACKNOWLEDGE, of=bed.pids("worker")) as stop:
        await shopper.put(product_id, 2)
        await stop.hit()
        with without_worker(bed):
            [owner] = await bed.written(product_id)
            assert not await is_dirty(bed, owner)
            await shopper.set(product_id, 5)
    await bed.persists(product_id, 5)
    await bed.assert_whole()


@pytest.mark.slow
async def test_t4_worker_is_away_while_a_thousand_carts_are_edited(bed: Bed) -> None:
    """Shoppers notice nothing; what has gathered is written within 60 s after its return.

    The hour is left out: what an hour leaves behind is the carts edited in it, each once.
    """
    product_id = await mug(bed.m)
    shoppers = [bed.shopper(keep_alive=False) for _ in range(CARTS)]
    turn = asyncio.Semaphore(16)

    async def fill(shopper: Shopper) -> None:
        async with turn:
            await shopper.put(product_id)

    with without_worker(bed):
        await asyncio.gather(*map(fill, shoppers))
        assert await bed.written(product_id) == {}
    await bed.persists(product_id, *[1] * CARTS, within=60)
    await bed.assert_whole()


@asynccontextmanager
async def second_worker(bed: Bed) -> AsyncIterator[None]:
    """Run another worker beside the supervisor's."""
    with (bed.folder / "second.log").open("ab") as log:
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tasks", env=bed.shop.environment, cwd=ROOT, stdout=log, stderr=log
        )

    async def listens() -> bool:
        return await consumers(bed, "payments.ask_toss") == 2

    try:
        await eventually(listens, 30)
        yield
        assert worker.returncode is None
    finally:
        worker.terminate()
        await worker.wait()


async def consumers(bed: Bed, name: str) -> int:
    """Count who listens to a queue."""
    async with await aio_pika.connect(bed.stack.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(name, passive=True)
        return queue.declaration_result.consumer_count or 0


async def leave_undecided(bed: Bed, number: int) -> list[Placed]:
    """Have orders charged by web processes that do not live to hear of it."""
    product_id = await mug(bed.m)
    shoppers = [bed.shopper() for _ in range(number)]
    for shopper in shoppers:
        await shopper.put(product_id, 2)
    placed = [await shopper.place_order() for shopper in shoppers]
    await bed.toss.fault("slow", times=number, seconds=1)
    payment_keys = [
        await shopper.say_yes(bed.toss, one) for shopper, one in zip(shoppers, placed, strict=True)
    ]
    returning = [
        asyncio.create_task(shopper.come_back(one, key))
        for shopper, one, key in zip(shoppers, placed, payment_keys, strict=True)
    ]
    for one in placed:
        await bed.becomes(one, "CONFIRMING")
    before = bed.shop.pids("web")
    bed.shop.kill("web")
    await asyncio.gather(*returning, return_exceptions=True)
    await bed.restarted("web", before)
    for shopper in shoppers:
        shopper.bought()
    return placed


async def charge_for_nothing(bed: Bed) -> tuple[Placed, str]:
    """Have an attempt given up, its goods sold to another, and charged all the same."""
    shopper, other, pot = bed.shopper(), bed.shopper(), await last_teapot(bed.m)
    await shopper.put(pot)
    placed = await shopper.place_order()
    payment_key = await shopper.say_yes(bed.toss, placed)
    await bed.toss.fault("reject", code="INVALID_REQUEST", match={"orderId": placed.payment_no})
    await shopper.come_back(placed, payment_key)
    assert await bed.status(placed) == "FAILED"
    await other.put(pot)
    await other.pay(bed.toss, await other.place_order())
    other.bought()
    await shopper.set(pot, 0)
    charged = await bed.toss.confirm(
        payment_key, placed.payment_no, placed.amount, Idempotency_Key=f"another-{placed.payment_no}"
    )
    assert charged.status_code == 200
    return placed, payment_key


@pytest.mark.slow
async def test_t5_two_workers_do_everything_once(bed: Bed) -> None:
    """Both take up what is undecided, and both hear of a charge that must go back: one step, one refund."""
    async with second_worker(bed):
        undecided = await leave_undecided(bed, 6)
        returned = [await charge_for_nothing(bed) for _ in range(3)]
        for _, payment_key in returned:
            await asyncio.gather(*(tell_of(bed, payment_key, n) for n in range(6)))
        await make_due(bed)
        for placed in undecided:
            await bed.becomes(placed, "PAID")
        for placed, _ in returned:
            await bed.becomes(placed, "CANCELED")
        await bed.assert_whole()
    for placed, payment_key in returned:
        assert len((await bed.toss.look_up(payment_key))["cancels"]) == 1
        assert await refunds_of(bed, placed) == ["DONE"]


async def tell_of(bed: Bed, payment_key: str, number: int) -> None:
    """Send a webhook about a payment, each with another time on it."""
    payment = await bed.toss.look_up(payment_key)
    body = {
        "eventType": "PAYMENT_STATUS_CHANGED",
        "createdAt": f"2026-01-01T00:00:{number:02}",
        "data": payment,
    }
    async with httpx.AsyncClient(base_url=bed.shop.url, timeout=30, trust_env=False) as http:
        assert (await http.post("/payments/toss/webhook", json=body)).status_code == 200


async def make_due(bed: Bed) -> None:
    """Have every undecided attempt be asked about at once."""
    due = update(web_payments).where(web_payments.c.payment_status == "CONFIRMING")
    async with bed.m.db.write() as tx:
        await tx.execute(due.values(next_check_at=bed.m.clock.now()))


async def refunds_of(bed: Bed, placed: Placed) -> list[str]:
    """Return the states of an attempt's refunds."""
    query = select(refunds.c.status).join(web_payments).where(web_payments.c.payment_no == placed.payment_no)
    async with bed.m.db.read() as tx:
        return list((await tx.execute(query)).scalars())


@asynccontextmanager
async def exchange_of(bed: Bed) -> AsyncIterator[AbstractExchange]:
    """Reach the exchange, past the proxies."""
    async with await aio_pika.connect(bed.stack.amqp_url) as connection:
        channel = await connection.channel()
        yield await channel.get_exchange(EXCHANGE)


async def send(exchange: AbstractExchange, body: bytes) -> None:
    """Publish what should be a changed cart."""
    await exchange.publish(aio_pika.Message(body, delivery_mode=2), "cart.changed")


async def parked(bed: Bed) -> int:
    """Count the messages that wait for a person."""
    async with await aio_pika.connect(bed.stack.amqp_url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue(f"{PERSIST}.dead", passive=True)
        return queue.declaration_result.message_count or 0


def changed(bed: Bed, *snapshots: Snapshot) -> bytes:
    """Write a message about carts."""
    message = CartChanged([snapshot.to_json() for snapshot in snapshots])
    return enclose(message, id_=secrets.token_hex(16), now=bed.m.clock.now(), trace="").encode()


async def test_t6_poison_is_parked_and_the_rest_flows(bed: Bed) -> None:
    """Nonsense, a cart of nobody, ten megabytes: each waits for a person, once, and one is called."""
    shopper, product_id = bed.shopper(), await mug(bed.m)
    before, called = await parked(bed), await bed.metric("madang_alarms_total", kind="parked_message")
    nobody = Snapshot("nobody", 1, 0, (SnapLine(product_id, 7, 1),))
    poison = [b"{", b"[]", changed(bed, nobody), b'"' + b"x" * 10 * MEBIBYTE + b'"']
    bed.signal("worker", signal.SIGSTOP)  # so that it finds all of it in one batch, the cart in its midst
    async with exchange_of(bed) as exchange:
        for body in poison:
            await send(exchange, body)
            await shopper.put(product_id)
    bed.signal("worker", signal.SIGCONT)
    await bed.persists(product_id, len(poison), within=4)

    async def all_are_parked() -> bool:
        return await parked(bed) >= before + len(poison)

    await eventually(all_are_parked, 4)
    await bed.assert_whole()
    assert await parked(bed) == before + len(poison)
    assert await bed.metric("madang_alarms_total", kind="parked_message") == called + len(poison)
    await purge(bed)


async def purge(bed: Bed) -> None:
    """Do what the person does."""
    async with await aio_pika.connect(bed.stack.amqp_url) as connection, connection.channel() as channel:
        await (await channel.get_queue(f"{PERSIST}.dead")).purge()


@pytest.mark.slow
async def test_t7_worker_stands_still_until_its_message_is_given_to_another(bed: Bed) -> None:
    """It goes on with what is no longer its own, and what was edited meanwhile stands.

    RabbitMQ takes a message back after 30 minutes without an acknowledgement, but from a process that
    stands still within seconds, for it no longer sends heartbeats: that is what happens here.
    """
    shopper, product_id = bed.shopper(), await mug(bed.m)
    with bed.proxies.database.breakpoint(INSERT_LINES, side="reply", of=bed.pids("worker")) as stop:
        await shopper.put(product_id, 2)
        await stop.hit()
        bed.signal("worker", signal.SIGSTOP)

    async def is_taken_back() -> bool:
        return (await bed.messages())[PERSIST] > 0

    await eventually(is_taken_back, 30)
    await shopper.set(product_id, 4)
    bed.signal("worker", signal.SIGCONT)
    await bed.persists(product_id, 4)
    await bed.assert_whole()


Rows = set[tuple[object, ...]]


async def rows_of(bed: Bed, owners: Collection[str]) -> Rows:
    """Return these carts as the database has them, stamps and watermarks too."""
    lines = select(carts.c.owner, carts.c.product_id, carts.c.quantity, carts.c.stamp)
    heads = select(cart_heads.c.owner, cart_heads.c.last_stamp, cart_heads.c.cleared_stamp)
    async with bed.m.db.read() as tx:
        found = [
            *(await tx.execute(lines.where(carts.c.owner.in_(owners)))),
            *(await tx.execute(heads.where(cart_heads.c.owner.in_(owners)))),
        ]
    return {tuple(row) for row in found}


async def forget(bed: Bed, owners: Collection[str]) -> None:
    """Have the database never have heard of these carts."""
    async with bed.m.db.write() as tx:
        await tx.execute(delete(carts).where(carts.c.owner.in_(owners)))
        await tx.execute(delete(cart_heads).where(cart_heads.c.owner.in_(owners)))


@asynccontextmanager
async def overheard(bed: Bed) -> AsyncIterator[list[bytes]]:
    """Keep a copy of every changed cart that is announced; they are there at the end."""
    bodies: list[bytes] = []
    async with await aio_pika.connect(bed.stack.amqp_url) as connection, connection.channel() as channel:
        ear = await channel.declare_queue(exclusive=True)
        await ear.bind(EXCHANGE, "cart.changed")
        yield bodies
        while message := await ear.get(no_ack=True, fail=False):
            bodies.append(message.body)


async def test_t8_every_message_comes_three_times_in_any_order(bed: Bed) -> None:
    """The database ends as it did when each came once and in order; what was paid for stays gone."""
    chance = random.Random(8)
    goods = [await mug(bed.m) for _ in range(3)]
    shoppers = [bed.shopper() for _ in range(4)]

    async def wander(shopper: Shopper) -> None:
        for product_id in chance.choices(goods, k=40):
            if product_id in shopper.live:
                await shopper.set(product_id, chance.randrange(4))
            else:
                await shopper.put(product_id)

    async with overheard(bed) as bodies:
        await asyncio.gather(*map(wander, shoppers))
        await shoppers[0].put(goods[0])
        await shoppers[0].pay(bed.toss, await shoppers[0].place_order())
        shoppers[0].bought()
        await shoppers[0].put(goods[1], 2)
        await bed.assert_whole()
    told = [cart["owner"] for body in bodies for cart in json.loads(body)["data"]["carts"]]
    owners = set(told)
    assert len(owners) == 4
    assert len(told) > 20
    expected = await rows_of(bed, owners)
    await forget(bed, owners)
    letters = bodies * 3
    chance.shuffle(letters)
    await play(bed, letters, chance)
    assert await rows_of(bed, owners) == expected
    await bed.assert_whole()


async def play(bed: Bed, letters: Sequence[bytes], chance: random.Random) -> None:
    """Send messages in batches of any size; return when the last of them has been handled."""
    last, product_id = f"g:{secrets.token_hex(16)}", await mug(bed.m)
    stamp = epoch_us(bed.m.clock.now())
    async with exchange_of(bed) as exchange:
        for body in letters:
            await send(exchange, body)
            if chance.random() < 1 / 5:
                await bed.messages()  # time enough for the worker to take what is there
        await send(exchange, changed(bed, Snapshot(last, stamp, 0, (SnapLine(product_id, 1, stamp),))))
    await bed.persists(product_id, 1)
