"""Every pair of states against a row that is there: the update lets it take the drawn arrows only."""

from dataclasses import replace
from itertools import product

import pytest
from sqlalchemy import select, update

from app.models import orders, web_payments
from app.orders import states as order_states
from app.orders import store as order_store
from app.payments import states, store
from tests.buyer import Buyer, attempts, order_row
from tests.goods import mug
from tests.shop import Shop


@pytest.mark.parametrize("old", states.LABELS)
async def test_an_attempt_is_moved_only_where_an_arrow_leads_and_only_from_where_it_is(
    shop: Shop, buyer: Buyer, old: str
) -> None:
    [row] = await attempts(shop, await buyer.order((await mug(shop.m), 1)))
    this = web_payments.c.web_payment_id == row.web_payment_id
    there = select(web_payments.c.payment_status).where(this)
    wrong = []
    async with shop.m.db.write() as tx:
        read_once = await store.select_attempt(tx, row.web_payment_id)
        for read, new in product(states.LABELS, repeat=2):
            await tx.execute(update(web_payments).where(this).values(payment_status=old, next_check_at=None))
            moved = await store.update_status(tx, replace(read_once, status=read), new)
            allowed = read == old and (old, new) in states.ALLOWED
            after = (await tx.execute(there)).scalar_one()
            if (moved, after) != (allowed, new if allowed else old):
                wrong.append((old, read, new, moved, after))
    assert wrong == []


@pytest.mark.parametrize("old", order_states.LABELS)
async def test_an_order_is_moved_only_where_an_arrow_leads_and_only_from_where_it_is(
    shop: Shop, buyer: Buyer, old: str
) -> None:
    row = await order_row(shop, await buyer.order((await mug(shop.m), 1)))
    this = orders.c.order_id == row.order_id
    wrong = []
    async with shop.m.db.write() as tx:
        for read, new in product(order_states.LABELS, repeat=2):
            await tx.execute(update(orders).where(this).values(status=old, open_slot=None))
            moved = await order_store.update_status(tx, row.order_id, read, new)
            allowed = read == old and (old, new) in order_states.ALLOWED
            after = (await tx.execute(select(orders.c.status).where(this))).scalar_one()
            if (moved, after) != (allowed, new if allowed else old):
                wrong.append((old, read, new, moved, after))
    assert wrong == []
