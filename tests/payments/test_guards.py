"""Two who act on the same attempt or order, one of them too late: the second changes nothing."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from app.cart import service as carts
from app.cart.hot import HotCarts
from app.models import web_payments
from app.orders import service as orders
from app.orders import states as order_states
from app.payments import charge, confirm, reconcile, settle, store
from app.payments import service as payments
from app.payments.attempt import Attempt, Standing, judge
from app.payments.turns.claim import Claim, claim_one
from tests.buyer import Buyer, assert_books, attempts, left, make_older, order_row
from tests.buyer import states as states_of
from tests.goods import mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand


async def claim(buyer: Buyer, order_no: str) -> Attempt:
    """Hold the goods for an attempt, and go no further."""
    url = await buyer.authenticate(order_no)
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    result = await confirm.find_result(buyer.shop.m, query["orderId"])
    claimed = await claim_one(buyer.shop.m, Claim(result.attempt, result.order, query["paymentKey"]))
    assert claimed is not None
    return claimed


async def test_an_answer_read_too_late_takes_nothing_back(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """One process pays the attempt; another, which read it before, was told that Toss let it die."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    claimed = await claim(buyer, order_no)
    await charge.charge(shop.m, claimed, first=True)
    payment = await shop.m.toss.find_by_key(claimed.payment_key or "")
    assert payment is not None
    died = dataclasses.replace(payment, status="ABORTED")
    assert judge(claimed, died) is Standing.DEAD
    assert not await settle.settle(shop.m, claimed, died)
    assert await states_of(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


async def test_an_order_moves_only_from_where_it_was_read(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    async with shop.m.db.read() as tx:
        read_before = await orders.read_order(tx, (await order_row(shop, order_no)).order_id)
    await buyer.pay(order_no)
    async with shop.m.db.write() as tx:
        assert not await orders.close_unpaid(tx, read_before, order_states.CANCELED)
    assert (await order_row(shop, order_no)).status == "PAID"
    await assert_books(shop, stand, order_no)


async def test_an_order_has_one_open_attempt(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    [attempt] = await attempts(shop, order_no)
    copy = {name: value for name, value in attempt._mapping.items() if name in web_payments.c}
    del copy["web_payment_id"]
    with pytest.raises(IntegrityError):
        async with shop.m.db.write() as tx:
            await tx.execute(insert(web_payments), {**copy, "payment_no": f"{attempt.payment_no}x"})
    async with shop.m.db.write() as tx:
        await tx.execute(
            insert(web_payments), {**copy, "payment_no": f"{attempt.payment_no}y", "open_slot": None}
        )


async def test_one_payment_key_belongs_to_one_attempt(
    shop: Shop, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    """Whatever the checks before it miss, the database refuses to have one key pay two orders."""
    other = new_buyer()
    paid = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(paid)
    order_no = await other.order((await mug(shop.m), 1))
    [[done], [attempt]] = await attempts(shop, paid), await attempts(shop, order_no)
    this = web_payments.c.web_payment_id == attempt.web_payment_id
    with pytest.raises(IntegrityError):
        async with shop.m.db.write() as tx:
            await tx.execute(update(web_payments).where(this).values(payment_key=done.payment_key))


async def test_what_was_begun_goes_on_when_nobody_waits_for_it(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page gives up after a while and says so; the confirmation does not wait for the reconciliation."""
    monkeypatch.setattr(confirm, "WAIT_SECONDS", 0.2)
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("slow", seconds=0.6)
    answer = await buyer.come_back(url)
    assert "다시 결제하지 마시고" in await answer.get_data(as_text=True)

    async def is_paid() -> bool:
        return bool((await order_row(shop, order_no)).status == "PAID")

    await eventually(is_paid, 5)  # the first check is due after ten
    await assert_books(shop, stand, order_no)


async def test_a_check_is_taken_up_by_one(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    claimed = await claim(buyer, order_no)
    asked: list[int] = []
    ask = reconcile.ask

    async def noted(m: Any, attempt: Attempt, *, resend: bool) -> None:
        asked.append(attempt.web_payment_id)
        await asyncio.sleep(0.2)
        await ask(m, attempt, resend=resend)

    monkeypatch.setattr(reconcile, "ask", noted)
    await asyncio.gather(*(reconcile._check(shop.m, claimed) for _ in range(10)))
    assert asked == [claimed.web_payment_id]
    assert await states_of(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_a_refusal_is_not_the_end_once_the_reconciliation_has_sent_it_again(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    """The first request's refusal came back late: the second one may be on its way to the card."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    claimed = await claim(buyer, order_no)
    async with shop.m.db.write() as tx:
        assert await store.update_next_check(tx, claimed, shop.m.clock.now())
    await stand.fault("reject", code="INVALID_REQUEST")
    await charge.charge(shop.m, claimed, first=True)
    assert await states_of(shop, order_no) == ("PENDING", ["CONFIRMING"])
    assert await left(shop, [cup]) == [99]
    await make_older(shop, order_no, 0.2)
    await payments.reconcile_due(shop.m)
    await assert_books(shop, stand, order_no)


@pytest.mark.parametrize("settled", ["alone", "together"])
async def test_a_death_right_after_the_commit_still_empties_the_cart(
    shop: Shop, stand: Stand, buyer: Buyer, monkeypatch: pytest.MonkeyPatch, settled: str
) -> None:
    """Redis knew nothing of the payment, and lives on: the message that was committed with it tells."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    owner = (await order_row(shop, order_no)).owner

    async def is_written() -> bool:  # or its own message would bring the watermark along
        return owner not in await shop.m.keep(HotCarts).dirty_owners(2**52, 10_000)

    async def dead(*_: object) -> None:
        return None

    async def is_empty() -> bool:
        return not (await carts.snapshot(shop.m, owner)).live

    await eventually(is_written)
    monkeypatch.setattr(settle, "clear_hot_cart", dead)
    if settled == "alone":
        await charge.charge(shop.m, await claim(buyer, order_no), first=True)
    else:
        await buyer.pay(order_no)
    assert (await order_row(shop, order_no)).status == "PAID"
    await eventually(is_empty, 5)
    await assert_books(shop, stand, order_no)
