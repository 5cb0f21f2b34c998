"""Slow pages use up the database's connections: shoppers are told soon, and money goes its way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.core.errors import DatabaseUnavailableError
from tests.buyer import Buyer, states
from tests.goods import mug
from tests.shop import Shop

TOLD_WITHIN = 1.0 + 1.0  # what two busy cores may add; without the bound it is 3 s


@asynccontextmanager
async def exhausted(shop: Shop) -> AsyncIterator[None]:
    """Every connection of the pool in somebody's hands, for as long as a transaction may last."""
    release, held = asyncio.Event(), 0

    async def hold() -> None:
        nonlocal held
        try:
            async with shop.m.db.read():
                held += 1
                await release.wait()
        except DatabaseUnavailableError:
            return

    holders = [asyncio.create_task(hold()) for _ in range(40)]
    while held < 16:  # noqa: ASYNC110 - the pool tells nobody
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        release.set()
        await asyncio.gather(*holders)


async def test_others_are_told_within_a_second_and_nobody_hangs(shop: Shop) -> None:
    visitors = [shop.visitor() for _ in range(8)]
    loop = asyncio.get_running_loop()
    async with exhausted(shop):
        began = loop.time()
        answers = await asyncio.gather(*(visitor.get("/search?q=mug") for visitor in visitors))
        assert loop.time() - began < TOLD_WITHIN
    assert [answer.status_code for answer in answers] == [503] * 8
    assert all(answer.headers["Retry-After"] for answer in answers)


async def test_a_payment_under_way_is_confirmed_meanwhile(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    approved = await buyer.authenticate(order_no)
    async with exhausted(shop):
        answer = await buyer.come_back(approved)
    assert answer.status_code == 303
    assert await states(shop, order_no) == ("PAID", ["PAID"])


@pytest.mark.parametrize("stack", ["real"], indirect=True)  # SQLite has one writer
async def test_writers_wait_no_longer_than_readers(shop: Shop) -> None:
    loop = asyncio.get_running_loop()

    async def write() -> float:
        began = loop.time()
        try:
            async with shop.m.db.write():
                await asyncio.sleep(0)
        except DatabaseUnavailableError:
            return loop.time() - began
        return 0.0

    async with exhausted(shop):
        waits = await asyncio.gather(*(write() for _ in range(4)))
    assert max(waits) < TOLD_WITHIN
