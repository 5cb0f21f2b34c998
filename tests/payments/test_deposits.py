"""Virtual accounts: goods held until the money comes; and money that comes when it no longer should."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from app.models import refunds, webhook_events
from app.payments import service as payments
from tests.buyer import (
    ADDRESS,
    Buyer,
    alarms,
    assert_books,
    attempts,
    left,
    make_older,
    order_row,
    states,
    toss_row,
    webhook,
)
from tests.goods import last_teapot, mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def wait_for_deposit(buyer: Buyer, product: int) -> tuple[str, str]:
    """Order and take a virtual account; return order number and payment key."""
    order_no = await buyer.order((product, 1))
    answer = await buyer.pay(order_no, "VIRTUAL_ACCOUNT")
    assert answer.headers["Location"] == f"/orders/{order_no}"
    [attempt] = await attempts(buyer.shop, order_no)
    return order_no, attempt.payment_key


async def settled(shop: Shop, order_no: str, order: str, *tries: str) -> None:
    async def there() -> bool:
        if await states(shop, order_no) == (order, list(tries)):
            return True
        await make_older(shop, order_no, 0)
        await payments.reconcile_due(shop.m)
        return False

    await eventually(there)


async def test_a_deposit_is_awaited_and_then_paid(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no, key = await wait_for_deposit(buyer, cup)
    assert await states(shop, order_no) == ("WAITING_FOR_DEPOSIT", ["WAITING_FOR_DEPOSIT"])
    assert await left(shop, [cup]) == [99]
    page = await text(await buyer.visitor.get(f"/orders/{order_no}"))
    assert "입금 대기" in page
    assert "국민은행 X" in page
    assert f"cart-line-{cup}" in await text(await buyer.visitor.get("/cart"))  # not paid yet
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "PAID", "PAID")
    assert f"cart-line-{cup}" not in await text(await buyer.visitor.get("/cart"))
    await assert_books(shop, stand, order_no)


async def test_a_deposit_is_found_without_any_webhook(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, key = await wait_for_deposit(buyer, await mug(shop.m))
    await stand.act(key, "deposit")
    await make_older(shop, order_no, 13)
    await settled(shop, order_no, "PAID", "PAID")
    await assert_books(shop, stand, order_no)


async def test_a_waiting_order_does_not_expire_like_an_unpaid_one(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, _ = await wait_for_deposit(buyer, await mug(shop.m))
    await make_older(shop, order_no, 120)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("WAITING_FOR_DEPOSIT", ["WAITING_FOR_DEPOSIT"])
    await assert_books(shop, stand, order_no)


async def test_a_second_checkout_leads_to_the_waiting_order_which_can_be_canceled(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, key = await wait_for_deposit(buyer, cup)
    seen = await buyer.seen_total()
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    assert answer.status_code == 409
    assert f"/orders/{order_no}" in await text(answer)
    answer = await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    assert answer.status_code == 303
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert (await stand.look_up(key))["status"] == "CANCELED"  # nobody can pay into it any more
    page = await text(await buyer.visitor.get(f"/orders/{order_no}"))
    assert "취소되었습니다. 결제되지 않았습니다." in page
    assert "다시 시도" not in page.partition("<main")[2]  # what somebody wanted has not failed
    assert await left(shop, [cup]) == [100]
    again = await buyer.check_out()
    await assert_books(shop, stand, order_no, again)


async def test_a_deposit_that_comes_while_canceling_is_paid(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, key = await wait_for_deposit(buyer, await mug(shop.m))
    await stand.act(key, "deposit")
    answer = await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    assert answer.status_code == 409
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_a_deposit_that_does_not_come_gives_the_goods_back(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, key = await wait_for_deposit(buyer, cup)
    await stand.skip(8 * 86_400)
    await make_older(shop, order_no, 13)
    await settled(shop, order_no, "EXPIRED", "EXPIRED")
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)
    # … and comes after all: the goods are still there.
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await eventually(lambda: _is(shop, order_no, "PAID"))
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


async def test_a_late_deposit_for_goods_that_are_gone_waits_for_a_person(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    """A deposit can only go back to an account that the shopper names."""
    pot, other = await last_teapot(shop.m), new_buyer()
    order_no, key = await wait_for_deposit(buyer, pot)
    await stand.skip(8 * 86_400)
    await make_older(shop, order_no, 13)
    await settled(shop, order_no, "EXPIRED", "EXPIRED")
    others = await other.order((pot, 1))
    await other.pay(others)
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await eventually(lambda: _attempt_is(shop, order_no, "REVIEW"))
    [attempt] = await attempts(shop, order_no)
    async with shop.m.db.read() as tx:
        [refund] = (
            await tx.execute(select(refunds).where(refunds.c.web_payment_id == attempt.web_payment_id))
        ).all()
    assert refund.status == "REFUSED"
    assert await left(shop, [pot]) == [0]
    await assert_books(shop, stand, others)


async def test_a_deposit_that_the_bank_takes_back_is_waited_for_again(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, key = await wait_for_deposit(buyer, cup)
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "PAID", "PAID")
    await buyer.put(cup, 2)
    meanwhile = await buyer.check_out()  # the owner has another open order by now
    before = alarms("deposit_reversed")
    await stand.act(key, "deposit-error")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "WAITING_FOR_DEPOSIT", "WAITING_FOR_DEPOSIT")
    assert alarms("deposit_reversed") > before
    assert (await order_row(shop, order_no)).paid_at is None
    assert await left(shop, [cup]) == [99]  # the goods are still held
    page = await text(await buyer.visitor.get(f"/orders/{order_no}"))
    assert "입금 대기" in page
    assert "은행에서 입금을 취소했습니다" in page
    assert "국민은행 X" in page
    assert (await buyer.visitor.get(f"/orders/{order_no}/receipt")).status_code == 404
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "PAID", "PAID")
    assert (await order_row(shop, order_no)).paid_at is not None
    assert await left(shop, [cup]) == [99]
    assert (await stand.ledger())["kept"][(await attempts(shop, order_no))[0].payment_no] == 15_000
    assert await states(shop, meanwhile) == ("PENDING", ["PENDING"])


async def test_a_reversed_deposit_that_does_not_come_again_gives_the_goods_back(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, key = await wait_for_deposit(buyer, cup)
    await stand.act(key, "deposit")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "PAID", "PAID")
    await stand.act(key, "deposit-error")
    await webhook(shop, stand, key)
    await settled(shop, order_no, "WAITING_FOR_DEPOSIT", "WAITING_FOR_DEPOSIT")
    answer = await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    assert answer.status_code == 303
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert (await stand.look_up(key))["status"] == "CANCELED"
    assert await left(shop, [cup]) == [100]


async def give_up(buyer: Buyer, product: int) -> tuple[str, Any]:
    """Have an attempt declined, though Toss still lets it be confirmed; return order number and attempt."""
    order_no = await buyer.order((product, 1))
    url = await buyer.authenticate(order_no)
    await buyer.stand.fault("reject", code="INVALID_REQUEST")
    await buyer.come_back(url)
    attempt = (await attempts(buyer.shop, order_no))[0]
    assert attempt.payment_status == "FAILED"
    return order_no, attempt


async def charge_behind_our_back(buyer: Buyer, attempt: Any) -> None:
    """What should be impossible: the money comes though we gave the attempt up."""
    answer = await buyer.stand.confirm(
        attempt.payment_key,
        attempt.payment_no,
        attempt.total_price,
        Idempotency_Key=f"another-{attempt.payment_no}",
    )
    assert answer.status_code == 200, answer.text


async def test_an_impossible_charge_pays_the_order_if_the_goods_are_there(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await give_up(buyer, cup)
    await charge_behind_our_back(buyer, attempt)
    await webhook(shop, stand, attempt.payment_key)
    await eventually(lambda: _is(shop, order_no, "PAID"))
    assert await states(shop, order_no) == ("PAID", ["PAID", "CANCELED"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


async def test_an_impossible_charge_of_a_paid_order_goes_back(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, attempt = await give_up(buyer, await mug(shop.m))
    await buyer.pay(order_no)
    await stand.fault("timeout_after", on="cancel")  # and even the answer to that is lost
    shop.m.toss._deadline, patient = 0.5, shop.m.toss._deadline
    await charge_behind_our_back(buyer, attempt)
    await webhook(shop, stand, attempt.payment_key)
    await eventually(lambda: _refund_is(shop, attempt, "REQUESTED"))
    shop.m.toss._deadline = patient

    async def returned() -> bool:
        await make_older(shop, order_no, 1)
        await payments.reconcile_due(shop.m)
        return await _refund_is(shop, attempt, "DONE")

    await eventually(returned)
    assert await states(shop, order_no) == ("PAID", ["CANCELED", "PAID"])
    books = await stand.ledger()
    assert books["kept"][attempt.payment_no] == 0
    row = await toss_row(shop, attempt.web_payment_id)
    assert (row.balance_amount, row.refunded_amount) == (0, attempt.total_price)
    page = await text(await buyer.come_back(f"/payments/toss/return/{attempt.payment_no}"))
    assert "자동으로 취소했습니다" in page


async def test_an_impossible_charge_for_goods_that_are_gone_goes_back(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    pot, other = await last_teapot(shop.m), new_buyer()
    order_no, attempt = await give_up(buyer, pot)
    others = await other.order((pot, 1))
    await other.pay(others)
    await charge_behind_our_back(buyer, attempt)
    await webhook(shop, stand, attempt.payment_key)
    await eventually(lambda: _refund_is(shop, attempt, "DONE"))
    assert await states(shop, order_no) == ("PENDING", ["CANCELED", "PENDING"])
    assert (await stand.ledger())["kept"][attempt.payment_no] == 0
    await assert_books(shop, stand, others)


async def _is(shop: Shop, order_no: str, status: str) -> bool:
    return bool((await order_row(shop, order_no)).status == status)


async def _attempt_is(shop: Shop, order_no: str, status: str) -> bool:
    return bool((await attempts(shop, order_no))[0].payment_status == status)


async def _refund_is(shop: Shop, attempt: Any, status: str) -> bool:
    query = select(refunds.c.status).where(refunds.c.web_payment_id == attempt.web_payment_id)
    async with shop.m.db.read() as tx:
        return (await tx.execute(query)).scalar_one_or_none() == status


async def test_a_deposits_webhook_must_show_the_secret(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """Without it nothing is even asked of Toss; and the sender learns nothing."""
    order_no, key = await wait_for_deposit(buyer, await mug(shop.m))
    [attempt] = await attempts(shop, order_no)
    genuine = (await stand.look_up(key))["secret"]
    await stand.act(key, "deposit")
    client = shop.app.test_client()
    before = alarms("forged_webhook")
    body = {"createdAt": "2026-11-24T00:00:00", "status": "DONE", "orderId": attempt.payment_no}
    for secret in ({}, {"secret": ""}, {"secret": genuine + "x"}, {"secret": 7}, {"secret": "\ud800"}):
        answer = await client.post("/payments/toss/webhook", json={**body, **secret})
        assert (answer.status_code, await text(answer)) == (200, "")
    assert alarms("forged_webhook") == before + 5
    async with shop.m.db.read() as tx:
        query = select(webhook_events).where(webhook_events.c.payment_no == attempt.payment_no)
        kept = [row for row in await tx.execute(query) if row.event_type == "DEPOSIT_CALLBACK"]
    assert kept == []
    assert (await client.post("/payments/toss/webhook", json={**body, "secret": genuine})).status_code == 200
    await eventually(lambda: _is(shop, order_no, "PAID"))
