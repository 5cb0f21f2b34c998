"""A hundred buyers at once for ten pieces: ten are paid, ninety are told, nobody else is charged."""

import asyncio

import pytest

from tests.buyer import Buyer, assert_books, attempts, left, stand_of, states
from tests.goods import mug
from tests.races.crowd import races
from tests.shop import Shop, eventually

pytestmark = pytest.mark.real_first

BUYERS = 100
PIECES = 10


async def come_back(buyer: Buyer, url: str) -> None:
    """Come back from Toss, and press reload as long as the shop is too busy or not sure."""
    async with asyncio.timeout(60):
        while True:
            answer = await buyer.come_back(url)
            page = await answer.get_data(as_text=True)
            unsure = answer.status_code >= 500 or "다시 결제하지 마시고" in page
            if not unsure:
                return
            await asyncio.sleep(0.2)


@races("payments.confirm_return")
async def test_a_hundred_buyers_for_ten_pieces(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=PIECES)
    async with stand_of(shop) as stand:
        buyers = [Buyer(shop, shop.visitor(), stand) for _ in range(BUYERS)]
        gate = asyncio.Semaphore(8)

        async def prepare(buyer: Buyer) -> tuple[str, str]:
            async with gate:
                order_no = await buyer.order((cup, 1))
                return order_no, await buyer.authenticate(order_no)

        ready = await asyncio.gather(*(prepare(buyer) for buyer in buyers))
        await asyncio.gather(*(come_back(buyer, url) for buyer, (_, url) in zip(buyers, ready, strict=True)))
        orders = [order_no for order_no, _ in ready]

        async def decided() -> bool:
            found = [await states(shop, order_no) for order_no in orders]
            return all("CONFIRMING" not in tries for _, tries in found)

        await eventually(decided, 30)
        found = [await states(shop, order_no) for order_no in orders]
        assert found.count(("PAID", ["PAID"])) == PIECES
        assert found.count(("PENDING", ["FAILED", "PENDING"])) == BUYERS - PIECES
        assert await left(shop, [cup]) == [0]
        charged = (await stand.ledger())["charges"]
        tried = [attempt for order_no in orders for attempt in await attempts(shop, order_no)]
        assert sum(charged.get(attempt.payment_no, 0) for attempt in tried) == PIECES
        await assert_books(shop, stand, *orders)


@races("payments.confirm_return")
async def test_opposite_baskets_do_not_stand_in_each_others_way(shop: Shop) -> None:
    """Two kinds, baskets in both orders, just enough for half of them."""
    one, two = await mug(shop.m, quantity=10), await mug(shop.m, quantity=10)
    async with stand_of(shop) as stand:
        buyers = [Buyer(shop, shop.visitor(), stand) for _ in range(20)]

        async def prepare(number: int, buyer: Buyer) -> tuple[str, str]:
            wanted = [(one, 1), (two, 1)] if number % 2 else [(two, 1), (one, 1)]
            order_no = await buyer.order(*wanted)
            return order_no, await buyer.authenticate(order_no)

        ready = await asyncio.gather(*(prepare(number, buyer) for number, buyer in enumerate(buyers)))
        await asyncio.gather(*(come_back(buyer, url) for buyer, (_, url) in zip(buyers, ready, strict=True)))
        orders = [order_no for order_no, _ in ready]
        found = [await states(shop, order_no) for order_no in orders]
        assert [order for order, _ in found].count("PAID") == 10
        assert await left(shop, [one, two]) == [0, 0]
        await assert_books(shop, stand, *orders)
