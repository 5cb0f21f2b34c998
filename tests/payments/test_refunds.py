"""Refunds: one per form, never more than was paid, repeated until Toss decides; goods back at the end."""

import asyncio
import secrets
from typing import Any

import pytest
from sqlalchemy import select

from app.core.errors import ConflictError
from app.models import refunds, toss_payments
from app.payments import service as payments
from app.payments.service import RefundAccount, RefundWish
from tests.buyer import Buyer, alarms, attempts, left, make_older, order_row, states, toss_row, webhook
from tests.goods import mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand
from tests.village import COMMAND_LINE

ACCOUNT = RefundAccount("06", "12345678901234", "김민지")


def wish(amount: int, account: RefundAccount | None = None) -> RefundWish:
    return RefundWish(secrets.token_hex(16), amount, "단순 변심", account, None)


async def paid(buyer: Buyer, product_id: int, method: str = "CARD") -> tuple[str, Any]:
    """An order of 15,000 won that is paid, and its attempt."""
    order_no = await buyer.order((product_id, 1))
    await buyer.pay(order_no, method)
    [attempt] = await attempts(buyer.shop, order_no)
    if method == "VIRTUAL_ACCOUNT":
        await buyer.stand.act(attempt.payment_key, "deposit")
        await payments.ask_again(buyer.shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(buyer.shop, order_no) == ("PAID", ["PAID"])
    return order_no, attempt


async def refund_rows(shop: Shop, attempt: Any) -> list[Any]:
    query = select(refunds).where(refunds.c.web_payment_id == attempt.web_payment_id)
    async with shop.m.db.read() as tx:
        return list(await tx.execute(query.order_by(refunds.c.created_at)))


async def kept(stand: Stand, attempt: Any) -> int:
    return int((await stand.ledger())["kept"][attempt.payment_no])


async def promised(shop: Shop, attempt: Any) -> int | None:
    query = select(toss_payments.c.promised_amount)
    async with shop.m.db.read() as tx:
        row = await tx.execute(query.where(toss_payments.c.web_payment_id == attempt.web_payment_id))
        amount: int | None = row.scalar_one()
        return amount


async def until_refund_is(shop: Shop, order_no: str, attempt: Any, *expected: str) -> None:
    async def there() -> bool:
        if [row.status for row in await refund_rows(shop, attempt)] == list(expected):
            return True
        await make_older(shop, order_no, 0.5)
        await payments.reconcile_due(shop.m)
        return False

    await eventually(there, 20)


async def test_all_of_a_payment_goes_back_and_the_goods_are_free(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    refund = await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert refund.status == "DONE"
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
    assert await kept(stand, attempt) == 0
    row = await toss_row(shop, attempt.web_payment_id)
    assert (row.status, row.balance_amount, row.refunded_amount) == ("CANCELED", 0, 15_000)
    page = await (await buyer.visitor.get(f"/orders/{order_no}")).get_data(as_text=True)
    assert "주문 취소" in page
    assert "돌려드렸습니다" in page
    await webhook(shop, stand, attempt.payment_key)  # Toss's own webhook about it changes nothing more
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])


async def test_parts_go_back_until_nothing_is_left_and_only_then_the_goods(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    await payments.refund(shop.m, attempt.web_payment_id, wish(4_000))
    assert await states(shop, order_no) == ("PARTIAL_CANCELED", ["PARTIAL_CANCELED"])
    assert await left(shop, [cup]) == [99]
    assert (await order_row(shop, order_no)).paid_at is not None
    page = await (await buyer.visitor.get(f"/orders/{order_no}")).get_data(as_text=True)
    assert "부분 취소" in page
    assert "4,000원" in page
    receipt = await (await buyer.visitor.get(f"/orders/{order_no}/receipt")).get_data(as_text=True)
    assert "−4,000원" in receipt
    await payments.refund(shop.m, attempt.web_payment_id, wish(5_000))
    assert await states(shop, order_no) == ("PARTIAL_CANCELED", ["PARTIAL_CANCELED"])
    assert await kept(stand, attempt) == 6_000
    with pytest.raises(ConflictError):
        await payments.refund(shop.m, attempt.web_payment_id, wish(6_001))
    await payments.refund(shop.m, attempt.web_payment_id, wish(6_000))
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
    assert await kept(stand, attempt) == 0
    with pytest.raises(ConflictError):
        await payments.refund(shop.m, attempt.web_payment_id, wish(1))


async def test_the_same_form_sent_often_is_one_refund(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    once = wish(6_000)
    await asyncio.gather(*(payments.refund(shop.m, attempt.web_payment_id, once) for _ in range(10)))
    assert (await payments.refund(shop.m, attempt.web_payment_id, once)).status == "DONE"
    assert await kept(stand, attempt) == 9_000
    assert await states(shop, order_no) == ("PARTIAL_CANCELED", ["PARTIAL_CANCELED"])
    assert len(await refund_rows(shop, attempt)) == 1


@pytest.mark.parametrize("amount", [15_000, 8_000])
async def test_two_operators_at_once_never_return_more_than_was_paid(
    shop: Shop, stand: Stand, buyer: Buyer, amount: int
) -> None:
    _, attempt = await paid(buyer, await mug(shop.m))
    done = await asyncio.gather(
        *(payments.refund(shop.m, attempt.web_payment_id, wish(amount)) for _ in range(6)),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(isinstance(one, ConflictError) for one in done if isinstance(one, BaseException))
    assert await kept(stand, attempt) == 15_000 - amount
    assert [row.amount for row in await refund_rows(shop, attempt)] == [amount]


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "html_after", "truncated", "too_many"])
async def test_two_operators_and_two_lost_answers_are_one_refund(
    shop: Shop, stand: Stand, buyer: Buyer, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.m.toss, "_deadline", 0.6)
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    await stand.fault(kind, on="cancel", times=2)
    done = await asyncio.gather(
        *(payments.refund(shop.m, attempt.web_payment_id, wish(15_000)) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, ConflictError) for one in done) == 1
    assert [row.status for row in await refund_rows(shop, attempt)] == ["REQUESTED"]
    assert await promised(shop, attempt) == 15_000  # what is on its way stays counted
    with pytest.raises(ConflictError):
        await payments.refund(shop.m, attempt.web_payment_id, wish(1))
    await until_refund_is(shop, order_no, attempt, "DONE")
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await kept(stand, attempt) == 0
    assert await left(shop, [cup]) == [100]
    assert len((await stand.look_up(attempt.payment_key))["cancels"]) == 1


async def test_a_pending_part_stays_counted_when_toss_is_asked_meanwhile(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    await stand.fault("html_before", on="cancel")
    await payments.refund(shop.m, attempt.web_payment_id, wish(10_000))
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)  # Toss: nothing has gone back
    with pytest.raises(ConflictError):
        await payments.refund(shop.m, attempt.web_payment_id, wish(5_001))
    await payments.refund(shop.m, attempt.web_payment_id, wish(5_000))
    await until_refund_is(shop, order_no, attempt, "DONE", "DONE")
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await kept(stand, attempt) == 0


async def test_an_error_that_toss_replays_is_met_with_a_new_key_and_the_balance(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    await stand.fault("reject", on="cancel", code="FAILED_REFUND_PROCESS")
    refund = await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert refund.status == "REQUESTED"
    assert refund.idempotency_key != refund.refund_id
    await until_refund_is(shop, order_no, attempt, "DONE")
    assert await kept(stand, attempt) == 0


async def test_a_refusal_is_told_and_the_amount_can_be_promised_again(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    before = alarms("refund_refused")
    await stand.fault("reject", on="cancel", code="REFUND_REJECTED")
    refund = await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert (refund.status, refund.failure_code) == ("REFUSED", "REFUND_REJECTED")
    assert alarms("refund_refused") == before + 1
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await promised(shop, attempt) == 0
    assert (await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))).status == "DONE"


async def test_what_was_canceled_at_toss_already_is_not_returned_twice(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    await stand.cancel(attempt.payment_key)  # in the Developer Center; the webhook is on its way
    refund = await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert (refund.status, refund.failure_code) == ("REFUSED", "ALREADY_CANCELED_PAYMENT")
    assert await kept(stand, attempt) == 0
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)  # found: somebody else returned it
    assert await states(shop, order_no) == ("PAID", ["REVIEW"])
    await payments.ask_again(
        shop.m, attempt.web_payment_id, COMMAND_LINE
    )  # a person says that it is right so
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])


@pytest.mark.parametrize("amount", [{}, {"cancelAmount": 5_000}])
async def test_a_cancellation_nobody_here_asked_for_waits_for_a_person(
    shop: Shop, stand: Stand, buyer: Buyer, amount: dict[str, int]
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    before = alarms("payment_review")
    await stand.cancel(attempt.payment_key, **amount)
    await webhook(shop, stand, attempt.payment_key)

    async def reviewed() -> bool:
        return await states(shop, order_no) == ("PAID", ["REVIEW"])

    await eventually(reviewed)
    assert alarms("payment_review") > before
    assert await left(shop, [cup]) == [99]


async def test_a_lost_answer_is_completed_by_the_webhook(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m))
    await stand.fault("html_after", on="cancel")
    refund = await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert refund.status == "REQUESTED"
    await webhook(shop, stand, attempt.payment_key)

    async def done() -> bool:
        return [row.status for row in await refund_rows(shop, attempt)] == ["DONE"]

    await eventually(done)
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])


async def test_a_deposit_goes_back_to_the_account_that_is_named_and_forgotten(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no, attempt = await paid(buyer, await mug(shop.m), "VIRTUAL_ACCOUNT")
    await stand.fault("html_before", on="cancel")
    await payments.refund(shop.m, attempt.web_payment_id, wish(15_000, ACCOUNT))
    [row] = await refund_rows(shop, attempt)
    assert ACCOUNT.account_number in row.account  # kept: the same request must be sent again
    await until_refund_is(shop, order_no, attempt, "DONE")
    [row] = await refund_rows(shop, attempt)
    assert row.account is None
    assert (await stand.look_up(attempt.payment_key))["virtualAccount"]["refundReceiveAccount"] == {
        "bankCode": "06",
        "accountNumber": ACCOUNT.account_number,
        "holderName": ACCOUNT.holder_name,
    }
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert ACCOUNT.account_number not in (await toss_row(shop, attempt.web_payment_id)).answer
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])


async def test_a_deposit_without_an_account_is_refused_and_the_account_is_forgotten_then_too(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    _, attempt = await paid(buyer, await mug(shop.m), "VIRTUAL_ACCOUNT")
    await stand.fault("reject", on="cancel", code="INVALID_REFUND_ACCOUNT_NUMBER")
    await payments.refund(shop.m, attempt.web_payment_id, wish(15_000, ACCOUNT))
    await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    rows = await refund_rows(shop, attempt)
    assert [(row.status, row.account) for row in rows] == [("REFUSED", None), ("REFUSED", None)]
    assert await promised(shop, attempt) == 0


async def test_what_was_paid_late_can_be_returned_too(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    """Its goods were held, given back, held again, and are given back a second time."""
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("reject", code="INVALID_REQUEST")
    await buyer.come_back(url)
    attempt = (await attempts(shop, order_no))[0]
    await stand.confirm(attempt.payment_key, attempt.payment_no, 15_000, Idempotency_Key=secrets.token_hex(8))
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("PAID", ["PAID", "CANCELED"])
    assert await left(shop, [cup]) == [99]
    await payments.refund(shop.m, attempt.web_payment_id, wish(15_000))
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED", "CANCELED"])
    assert await left(shop, [cup]) == [100]
