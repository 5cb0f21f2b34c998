"""A hundred buyers for ten pieces, two hundred times over, while a fifth of all calls to Toss go wrong."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from quart import Response
from sqlalchemy import func, select

from app.core.ids import idempotency_key
from app.models import order_lines, orders, web_payments
from app.orders import service as order_service
from app.orders.order import NewOrder, OrderLine, Recipient
from app.payments import service as payments
from app.payments import store
from app.stock import service as stock
from tests.buyer import back, left, stand_of
from tests.goods import mug
from tests.shop import Shop, Visitor, eventually
from tests.toss_stand import Stand

ROUNDS = {"embedded": 10, "real": 200}
BUYERS, PIECES = 100, 10
PRICE = 15_000
# None of them is a refusal: whoever got hold of a piece must have it in the end.
FAULTS = ("reset_before", "reset_after", "html_before", "html_after", "truncated")
FAULTY = 0.2
UNDECIDED_WITHIN = 60.0


async def place(shop: Shop, stand: Stand, cup: int, number: int) -> str:
    """Place an order of one piece, and say yes in Toss's window; return the way back."""
    line = OrderLine(cup, "달빛 머그", "", "mug.svg", 12_000, 1)
    to = Recipient("김민지", "01012345678", "04524", "서울", "", "")
    until = shop.m.clock.now() + timedelta(minutes=30)
    new = NewOrder(f"g:rush-{cup}-{number}-{idempotency_key()[:8]}", None, 1, (line,), 3_000, to, until)

    async with shop.m.db.write() as tx:
        order = await order_service.place(tx, new)
        await payments.open_attempt(tx, order, None)
        attempt = await store.select_open(tx, order.order_id)
    assert attempt is not None
    payment_key, _ = await stand.approve(PRICE, orderId=attempt.payment_no)
    return back(attempt.payment_no, payment_key, PRICE)


async def come_back(visitor: Visitor, url: str) -> None:
    """Come back from Toss, and press reload as long as the shop is too busy."""
    async with asyncio.timeout(120):
        while True:
            answer: Response = await visitor.get(url)
            if answer.status_code < 500:
                return
            await asyncio.sleep(0.1)


async def counted(shop: Shop, cup: int) -> Counter[str]:
    """Count the states of all attempts to pay for a product."""
    query = (
        select(web_payments.c.payment_status, func.count().label("many"))
        .select_from(
            web_payments.join(orders, orders.c.order_id == web_payments.c.order_id).join(
                order_lines, order_lines.c.order_id == orders.c.order_id
            )
        )
        .where(order_lines.c.product_id == cup)
        .group_by(web_payments.c.payment_status)
    )
    async with shop.m.db.read() as tx:
        return Counter({row.payment_status: row.many for row in await tx.execute(query)})


@pytest.mark.slow
async def test_a_hundred_buyers_for_ten_pieces_again_and_again(
    shop: Shop, record_property: Callable[[str, object], None]
) -> None:
    """Ten are paid in every round, nobody else is charged, whatever Toss answers meanwhile."""
    rounds = ROUNDS[shop.stack.name]
    cups = [await mug(shop.m, quantity=PIECES) for _ in range(rounds)]
    async with stand_of(shop) as stand:
        for cup in cups:
            gate = asyncio.Semaphore(8)

            async def ready(number: int, cup: int = cup, gate: asyncio.Semaphore = gate) -> str:
                async with gate:
                    return await place(shop, stand, cup, number)

            await stand.http.delete("/sandbox/faults")
            urls = await asyncio.gather(*(ready(number) for number in range(BUYERS)))
            for kind in FAULTS:
                await stand.fault(kind, on="all", ratio=FAULTY / len(FAULTS))
            await asyncio.gather(*(come_back(shop.visitor(), url) for url in urls))

        async def all_decided() -> bool:
            query = select(func.count()).where(web_payments.c.payment_status == "CONFIRMING")
            async with shop.m.db.read() as tx:
                return bool((await tx.execute(query)).scalar_one() == 0)

        await eventually(all_decided, UNDECIDED_WITHIN)
        await stand.http.delete("/sandbox/faults")
        books = await stand.ledger()
    tally = [await counted(shop, cup) for cup in cups]
    record_property("rounds", rounds)
    assert [one["PAID"] for one in tally] == [PIECES] * rounds
    assert [one["FAILED"] for one in tally] == [BUYERS - PIECES] * rounds
    assert await left(shop, cups) == [0] * rounds
    assert max(books["charges"].values()) == 1
    async with shop.m.db.read() as tx:
        query = select(web_payments.c.payment_no).where(web_payments.c.payment_status == "PAID")
        paid = set((await tx.execute(query)).scalars())
        wrong = await stock.find_differences(tx)
    charged = {number for number, won in books["kept"].items() if won}
    assert charged <= paid, "charged without an order"
    assert not {one.product_id for one in wrong} & set(cups)
