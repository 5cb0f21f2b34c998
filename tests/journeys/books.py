"""What a journey leaves in the tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, select

from app.machines import Machines
from app.models import (
    carts,
    order_lines,
    orders,
    products,
    stock_movements,
    toss_payments,
    users,
    web_payments,
)
from app.stock import service as stock
from tests.journeys.walker import Walker
from tests.shop import eventually
from tests.toss_stand import Stand

Bought = dict[int, int]  # product → quantity


async def rows(m: Machines, table: Table, where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    """Read what a table has."""
    async with m.db.read() as tx:
        return (await tx.execute(select(table).where(where))).all()


async def row(m: Machines, table: Table, where: ColumnElement[bool]) -> Row[Any]:
    """Read the one row there must be."""
    [found] = await rows(m, table, where)
    return found


async def on_sale(m: Machines, count: int, *, most: int = 999) -> list[int]:
    """Find goods of which there are plenty, whatever else was bought meanwhile."""
    plenty = select(products.c.product_id).where(products.c.quantity.between(20, most))
    async with m.db.read() as tx:
        found = (await tx.execute(plenty.order_by(products.c.quantity.desc()).limit(count))).scalars().all()
    assert len(found) == count
    return [int(product_id) for product_id in found]


async def status_of(m: Machines, order_no: str) -> str:
    """Say how an order stands."""
    return str((await row(m, orders, orders.c.order_no == order_no)).status)


async def assert_bought(m: Machines, toss: Stand, walker: Walker, order_no: str, bought: Bought) -> None:
    """See one purchase in every table, and nothing left in the cart."""
    order = await row(m, orders, orders.c.order_no == order_no)
    lines = await rows(m, order_lines, order_lines.c.order_id == order.order_id)
    attempt = await row(m, web_payments, web_payments.c.order_id == order.order_id)
    paid = await row(m, toss_payments, toss_payments.c.web_payment_id == attempt.web_payment_id)
    moved = await rows(m, stock_movements, stock_movements.c.web_payment_id == attempt.web_payment_id)
    items = sum(line.price * line.quantity for line in lines)
    assert {line.product_id: line.quantity for line in lines} == bought
    assert (order.status, order.total_quantity, order.items_price) == ("PAID", sum(bought.values()), items)
    assert order.total_price == items + order.delivery_fee
    assert (attempt.payment_status, attempt.total_price) == ("PAID", order.total_price)
    assert (paid.status, paid.total_amount, paid.currency) == ("DONE", order.total_price, "KRW")
    assert paid.receipt_url
    assert {(one.product_id, one.reason): one.delta for one in moved} == {
        (product_id, "reserve"): -quantity for product_id, quantity in bought.items()
    }
    assert await toss.charges(attempt.payment_no) == 1
    async with m.db.read() as tx:
        assert await stock.find_differences(tx) == []
    if walker.signup_id:
        user = await row(m, users, users.c.signup_id == walker.signup_id)
        assert (order.user_id, attempt.signup_id) == (user.user_id, walker.signup_id)
        assert user.signup_password.startswith("$2")
    await eventually(lambda: _is_empty(m, order.owner))


async def _is_empty(m: Machines, owner: str) -> bool:
    return not await rows(m, carts, (carts.c.owner == owner) & (carts.c.quantity > 0))
