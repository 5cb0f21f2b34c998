"""A database that takes no writes: whoever orders is told, nothing is half written, carts and pages go on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy import event, func, select

from app.infra.db import Database
from app.models import orders, stock_movements, web_payments
from tests.buyer import ADDRESS, Buyer, assert_books, states
from tests.goods import mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand


@asynccontextmanager
async def read_only(db: Database) -> AsyncIterator[None]:
    """Every connection refuses to write, as on a full or failing disk, or a server that was demoted."""
    refuse, permit = (
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
        if db.is_sqlite
        else ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE")
    )
    pools = [db.engine.sync_engine, db.reserve.engine.sync_engine]
    going, coming = partial(tell, refuse), partial(tell, permit)
    for pool in pools:
        event.listen(pool, "checkout", going)
        event.listen(pool, "checkin", coming)
    try:
        yield
    finally:
        for pool in pools:
            event.remove(pool, "checkout", going)

        async def are_home() -> bool:
            return not any(pool.pool.checkedout() for pool in pools)  # type: ignore[attr-defined]

        await eventually(are_home)
        for pool in pools:
            event.remove(pool, "checkin", coming)


def tell(order: str, connection: Any, *_: object) -> None:
    if connection is not None:  # a connection that was lost comes home as nothing
        cursor = connection.cursor()
        cursor.execute(order)
        cursor.close()


async def rows(shop: Shop) -> list[int]:
    async with shop.m.db.read() as tx:
        return [
            (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (orders, web_payments, stock_movements)
        ]


async def test_an_order_that_cannot_be_written_is_refused_whole(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    await buyer.put(cup)
    form: dict[str, Any] = {**ADDRESS, "seen_total": await buyer.seen_total(), "confirmed": "1"}
    before = await rows(shop)
    async with read_only(shop.m.db):
        answer = await buyer.visitor.post("/checkout", **form)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        await buyer.put(cup)  # a cart lives in Redis
        assert (await buyer.visitor.get("/cart")).status_code == 200
        assert (await buyer.visitor.get(f"/products/{cup}")).status_code == 200
    assert await rows(shop) == before


async def test_a_way_back_from_toss_changes_nothing_until_it_can_be_written(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    way_back = await buyer.authenticate(order_no)
    async with read_only(shop.m.db):
        answer = await buyer.come_back(way_back)
        assert (answer.status_code, answer.headers["Refresh"]) == (503, "3")
        assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    assert (await buyer.come_back(way_back)).status_code == 303
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)
