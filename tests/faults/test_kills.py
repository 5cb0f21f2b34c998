"""A purchase goes through, once, whichever process is killed while it is under way."""

import asyncio
import contextlib
from functools import partial

import httpx
import pytest
from sqlalchemy import func, select

from app.cart import store as carts
from app.machines import Machines
from app.models import carts as lines
from app.models import order_lines, orders, outbox, products, stock_movements, toss_payments, web_payments
from tests.goods import mug
from tests.processes import Buyer, Placed, RunningShop
from tests.shop import eventually
from tests.toss_stand import Stand

PATIENCE = 60.0  # seconds until everything that was under way has ended

pytestmark = pytest.mark.slow  # the cells of the matrix kill more exactly, on the real machines


async def status_of(m: Machines, placed: Placed) -> str:
    async with m.db.read() as tx:
        query = select(web_payments.c.payment_status).where(web_payments.c.payment_no == placed.payment_no)
        return str((await tx.execute(query)).scalar_one())


async def is_confirming(m: Machines, placed: Placed) -> bool:
    return await status_of(m, placed) == "CONFIRMING"


async def order_of(m: Machines, placed: Placed) -> tuple[str, str, int]:
    """Status, owner and quantity of an order."""
    async with m.db.read() as tx:
        row = (await tx.execute(select(orders).where(orders.c.order_no == placed.order_no))).one()
    return row.status, row.owner, row.total_quantity


async def assert_paid_once(m: Machines, toss: Stand, buyer: Buyer, placed: Placed, product_id: int) -> None:
    """The invariants of a purchase of two of a hundred mugs, when everything has come to rest."""

    async def is_paid() -> bool:
        with contextlib.suppress(Exception):
            return await status_of(m, placed) == "PAID"
        return False

    await eventually(is_paid, PATIENCE)
    assert await toss.charges(placed.payment_no) == 1
    assert (await order_of(m, placed))[::2] == ("PAID", 2)
    async with m.db.read() as tx:
        shelf = (
            await tx.execute(select(products.c.quantity).where(products.c.product_id == product_id))
        ).scalar_one()
        moved = select(func.sum(stock_movements.c.delta)).where(stock_movements.c.product_id == product_id)
        ledger = (await tx.execute(moved)).scalar_one()
        receipts = (
            await tx.execute(
                select(func.count())
                .select_from(toss_payments)
                .join(web_payments)
                .join(orders)
                .where(orders.c.order_no == placed.order_no)
            )
        ).scalar_one()
        lines = (
            await tx.execute(
                select(func.count())
                .select_from(order_lines)
                .join(orders)
                .where(orders.c.order_no == placed.order_no)
            )
        ).scalar_one()
    assert (shelf, ledger, receipts, lines) == (98, 98, 1, 1)

    async def is_at_rest() -> bool:
        owner = (await order_of(m, placed))[1]
        async with m.db.read() as tx:
            waiting = (await tx.execute(select(func.count()).select_from(outbox))).scalar_one()
            cart = await carts.select_cart(tx, owner)
        return waiting == 0 and cart.live == () and await buyer.cart() == {}

    await eventually(is_at_rest, PATIENCE)


async def prepare(running: RunningShop, m: Machines, toss: Stand) -> tuple[Buyer, int, Placed, str]:
    """A buyer who has said yes in the Toss window, and is on the way back."""
    buyer, product_id = running.buyer(), await mug(m)
    await buyer.add(product_id, 2)
    placed = await buyer.place_order()
    payment_key, _ = await toss.approve(placed.amount, orderId=placed.payment_no)
    return buyer, product_id, placed, payment_key


async def test_nobody_is_killed(running: RunningShop, m: Machines, toss: Stand) -> None:
    buyer, product_id, placed, payment_key = await prepare(running, m, toss)
    answer = await buyer.come_back(placed, payment_key)
    assert answer.headers["Location"] == f"/orders/{placed.order_no}"
    await assert_paid_once(m, toss, buyer, placed, product_id)


async def test_the_web_process_dies_between_the_charge_and_the_commit(
    running: RunningShop, m: Machines, toss: Stand
) -> None:
    buyer, product_id, placed, payment_key = await prepare(running, m, toss)
    await toss.fault("timeout_after", times=1, on="confirm", match={"orderId": placed.payment_no})
    coming_back = asyncio.create_task(buyer.come_back(placed, payment_key))
    await toss.until(lambda books: books["charges"].get(placed.payment_no, 0) == 1)
    running.kill("web")
    with pytest.raises(httpx.TransportError):
        await coming_back
    assert await status_of(m, placed) == "CONFIRMING"
    await assert_paid_once(m, toss, buyer, placed, product_id)


async def test_the_web_process_dies_before_it_asks_toss(
    running: RunningShop, m: Machines, toss: Stand
) -> None:
    buyer, product_id, placed, payment_key = await prepare(running, m, toss)
    await toss.fault("timeout_before", times=1, on="confirm", match={"orderId": placed.payment_no})
    coming_back = asyncio.create_task(buyer.come_back(placed, payment_key))
    await eventually(partial(is_confirming, m, placed))
    running.kill("web")
    with pytest.raises(httpx.TransportError):
        await coming_back
    await assert_paid_once(m, toss, buyer, placed, product_id)


async def test_the_worker_dies_with_a_batch_in_its_hands(
    running: RunningShop, m: Machines, toss: Stand
) -> None:
    buyer, product_id, placed, payment_key = await prepare(running, m, toss)
    goods = [await mug(m) for _ in range(3)]
    others = [running.buyer() for _ in range(8)]

    async def fill(other: Buyer) -> None:
        for product in goods:
            await other.add(product)

    filling = asyncio.gather(*map(fill, others))
    running.kill("worker")
    await filling
    running.kill("worker")
    await buyer.come_back(placed, payment_key)
    await assert_paid_once(m, toss, buyer, placed, product_id)
    for other in others:
        assert await other.cart() == dict.fromkeys(goods, 1)

    async def is_written() -> bool:
        async with m.db.read() as tx:
            counted = select(func.count()).select_from(lines).where(lines.c.product_id.in_(goods))
            return int((await tx.execute(counted)).scalar_one()) == len(others) * len(goods)

    await eventually(is_written, PATIENCE)


@pytest.mark.parametrize("machine", ["redis", "amqp", "database"])
async def test_a_machine_dies_on_the_way_back_from_toss(
    running: RunningShop, m: Machines, toss: Stand, machine: str
) -> None:
    buyer, product_id, placed, payment_key = await prepare(running, m, toss)
    await toss.fault("slow", times=1, on="confirm", seconds=1, match={"orderId": placed.payment_no})
    coming_back = asyncio.create_task(buyer.come_back(placed, payment_key))
    await eventually(partial(is_confirming, m, placed))
    dying = getattr(running.stack, machine)
    dying.kill()
    answer = None
    with contextlib.suppress(httpx.TransportError):
        answer = await coming_back
        assert answer.status_code < 500 or machine == "database"
    dying.start()
    if answer is not None and answer.status_code == 503:  # nothing was asked of Toss yet
        assert answer.headers["Refresh"] == "3"
        await buyer.come_back(placed, payment_key)  # as the browser does by itself
    await assert_paid_once(m, toss, buyer, placed, product_id)


@pytest.mark.parametrize("machine", ["redis", "amqp", "database"])
async def test_a_machine_dies_while_the_cart_is_filled(
    running: RunningShop, m: Machines, toss: Stand, machine: str
) -> None:
    buyer, product_id = running.buyer(), await mug(m)
    await buyer.add(product_id, 1)
    dying = getattr(running.stack, machine)
    dying.kill()
    adding = asyncio.create_task(buyer.add(product_id, 1))
    dying.start()
    await adding
    placed = await buyer.place_order()
    payment_key, _ = await toss.approve(placed.amount, orderId=placed.payment_no)
    await buyer.come_back(placed, payment_key)
    await assert_paid_once(m, toss, buyer, placed, product_id)
