"""The ways out of REVIEW: each ends where Toss says the payment stands, and none needs SQL."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from app.core.errors import UnavailableError
from app.payments import service as payments
from app.payments.service import RefundAccount, RefundWish
from tests.buyer import Buyer, assert_books, attempts, left, make_older, mend, states, toss_row
from tests.goods import last_teapot, mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand
from tests.village import COMMAND_LINE


async def undecided(buyer: Buyer, product_id: int, *, minutes: float = 31) -> tuple[str, Any]:
    """An order whose payment Toss never decided, given to a person."""
    shop, stand = buyer.shop, buyer.stand
    order_no = await buyer.order((product_id, 1))
    url = await buyer.authenticate(order_no)
    await stand.fault("html_before", ratio=1, on="all")
    await buyer.come_back(url)
    await mend(shop, stand)
    await make_older(shop, order_no, minutes)
    await payments.reconcile_due(shop.m)

    async def reviewed() -> bool:
        return (await states(shop, order_no))[1] == ["REVIEW"]

    await eventually(reviewed)
    return order_no, (await attempts(shop, order_no))[0]


async def test_what_is_paid_after_all_becomes_paid(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no, attempt = await undecided(buyer, await mug(shop.m))
    await stand.confirm(attempt.payment_key, attempt.payment_no, Idempotency_Key=attempt.idempotency_key)
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_what_toss_let_expire_gives_the_goods_back_and_closes_the_order(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await undecided(buyer, cup)
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)  # Toss still has it open
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])
    await stand.act(attempt.payment_key, "expire")
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("CANCELED", ["FAILED"])
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("CANCELED", ["FAILED"])
    assert await left(shop, [cup]) == [100]


async def test_what_toss_has_never_seen_ends_too(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await undecided(buyer, cup)
    await stand.fault("reject", on="lookup", code="NOT_FOUND_PAYMENT")
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("CANCELED", ["FAILED"])
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)


@pytest.mark.parametrize("kind", ["html_before", "reset_before"])
async def test_an_answer_that_does_not_come_changes_nothing(
    shop: Shop, stand: Stand, buyer: Buyer, kind: str
) -> None:
    order_no, attempt = await undecided(buyer, await mug(shop.m))
    await stand.fault(kind, on="lookup")
    with pytest.raises(UnavailableError):
        await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])


async def paid(buyer: Buyer, product_id: int) -> tuple[str, Any]:
    order_no = await buyer.order((product_id, 1))
    await buyer.pay(order_no)
    return order_no, (await attempts(buyer.shop, order_no))[0]


@pytest.mark.parametrize(
    ("amount", "ends"), [({}, ("CANCELED", 100)), ({"cancelAmount": 5_000}, ("PARTIAL_CANCELED", 99))]
)
async def test_what_was_canceled_at_toss_is_taken_over_by_a_person(
    shop: Shop, stand: Stand, buyer: Buyer, amount: dict[str, int], ends: tuple[str, int]
) -> None:
    cup = await mug(shop.m)
    order_no, attempt = await paid(buyer, cup)
    await stand.cancel(attempt.payment_key, **amount)
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("PAID", ["REVIEW"])
    assert await left(shop, [cup]) == [99]
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    status, shelf = ends
    assert await states(shop, order_no) == (status, [status])
    assert await left(shop, [cup]) == [shelf]


async def test_another_amount_is_returned_in_full_and_the_order_closed(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("other_amount")
    await buyer.pay(order_no)
    [attempt] = await attempts(shop, order_no)
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])
    row = await toss_row(shop, attempt.web_payment_id)
    wish = RefundWish(secrets.token_hex(16), row.total_amount, "금액이 맞지 않음", None, None)
    assert (await payments.refund(shop.m, attempt.web_payment_id, wish)).status == "DONE"
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert await left(shop, [cup]) == [100]
    assert (await stand.ledger())["kept"][attempt.payment_no] == 0


async def test_a_deposit_that_came_for_goods_that_are_gone_never_makes_the_order_paid(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    """Its goods went back when it expired, and somebody else has bought them since."""
    pot, other = await last_teapot(shop.m), new_buyer()
    order_no = await buyer.order((pot, 1))
    await buyer.pay(order_no, "VIRTUAL_ACCOUNT")
    [attempt] = await attempts(shop, order_no)
    await stand.skip(8 * 86_400)

    async def expired() -> bool:
        await make_older(shop, order_no, 13)
        await payments.reconcile_due(shop.m)
        return await states(shop, order_no) == ("EXPIRED", ["EXPIRED"])

    await eventually(expired)
    await other.pay(await other.order((pot, 1)))
    await stand.act(attempt.payment_key, "deposit")
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("EXPIRED", ["REVIEW"])
    await payments.ask_again(shop.m, attempt.web_payment_id, COMMAND_LINE)
    assert await states(shop, order_no) == ("EXPIRED", ["REVIEW"])
    account = RefundAccount("06", "12345678901234", "김민지")
    wish = RefundWish(secrets.token_hex(16), 58_000, "품절", account, None)
    assert (await payments.refund(shop.m, attempt.web_payment_id, wish)).status == "DONE"
    assert await states(shop, order_no) == ("EXPIRED", ["CANCELED"])
    assert await left(shop, [pot]) == [0]
    assert (await stand.ledger())["kept"][attempt.payment_no] == 0
