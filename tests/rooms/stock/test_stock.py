"""Stock and its ledger: held once, given back once, never below nothing, and always the same sum."""

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.infra.db import Tx
from app.models import stock_movements
from app.stock import service as stock
from tests.goods import change, mug, stock_of
from tests.shop import Shop

ATTEMPT = 10**9  # movements carry an attempt's number, but do not need the attempt


class Undo(Exception):  # noqa: N818 - thrown to roll back
    """Leave nothing behind in the database that other tests look at."""


async def reasons(tx: Tx, product_id: int) -> list[tuple[str, int]]:
    query = select(stock_movements.c.reason, stock_movements.c.delta)
    rows = await tx.execute(
        query.where(stock_movements.c.product_id == product_id).order_by(stock_movements.c.stock_movement_id)
    )
    return [(row.reason, row.delta) for row in rows]


async def differs(tx: Tx, product_id: int) -> bool:
    return product_id in {difference.product_id for difference in await stock.find_differences(tx)}


async def test_goods_are_held_and_given_back_once(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=5)
    async with shop.m.db.write() as tx:
        assert await stock.reserve(tx, ATTEMPT, [(cup, 3)]) == []
        assert await stock_of(tx, cup) == 2
        await stock.release(tx, ATTEMPT)
        await stock.release(tx, ATTEMPT)
        assert await stock_of(tx, cup) == 5
        assert await reasons(tx, cup) == [("initial", 5), ("reserve", -3), ("release", 3)]
        assert not await differs(tx, cup)


async def test_the_same_hold_twice_is_refused_by_the_ledger_itself(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=5)

    async def hold() -> None:
        async with shop.m.db.write() as tx:
            await stock.reserve(tx, ATTEMPT + 3, [(cup, 1)])

    await hold()
    with pytest.raises(IntegrityError):
        await hold()
    async with shop.m.db.read() as tx:
        assert await stock_of(tx, cup) == 4
        assert not await differs(tx, cup)


async def test_what_is_short_is_named(shop: Shop) -> None:
    much, little = await mug(shop.m, quantity=5), await mug(shop.m, quantity=1)

    async def hold_too_much() -> None:
        async with shop.m.db.write() as tx:
            assert await stock.reserve(tx, ATTEMPT + 1, [(little, 2), (much, 5)]) == [little]
            raise Undo

    with pytest.raises(Undo):
        await hold_too_much()
    async with shop.m.db.read() as tx:
        assert (await stock_of(tx, much), await stock_of(tx, little)) == (5, 1)


async def test_goods_can_be_held_once_more_for_money_that_came_late(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=5)
    async with shop.m.db.write() as tx:
        await stock.reserve(tx, ATTEMPT + 2, [(cup, 2)])
        await stock.release(tx, ATTEMPT + 2)
        assert await stock.reserve(tx, ATTEMPT + 2, [(cup, 2)], late=True) == []
        assert await stock_of(tx, cup) == 3
        assert not await differs(tx, cup)


async def test_a_quantity_changed_past_the_ledger_is_found(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=5)
    await change(shop.m, cup, quantity=6)
    async with shop.m.db.read() as tx:
        [difference] = [one for one in await stock.find_differences(tx) if one.product_id == cup]
    assert (difference.product_id, difference.quantity, difference.ledger) == (cup, 6, 5)
    await change(shop.m, cup, quantity=5)


async def test_an_opened_ledger_agrees_with_the_shelf(shop: Shop) -> None:
    cup = await mug(shop.m, quantity=0)
    await change(shop.m, cup, quantity=7)
    async with shop.m.db.write() as tx:
        await stock.set_initial(tx, [(cup, 7)])
        assert not await differs(tx, cup)
