"""The other ends: declined, canceled, out of stock, tampered, superseded, expired. Nothing is charged."""

from collections.abc import Callable
from typing import Any

import pytest

from app.payments import service as payments
from tests.buyer import (
    ADDRESS,
    Buyer,
    assert_books,
    attempts,
    back,
    left,
    make_older,
    order_row,
    states,
    webhook,
)
from tests.goods import change, last_teapot, mug
from tests.shop import Shop
from tests.toss_stand import Stand


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def test_a_declined_card_leaves_the_order_open_for_another(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("reject", code="REJECT_CARD_COMPANY")
    answer = await buyer.pay(order_no)
    page = await text(answer)
    assert answer.status_code == 200
    assert "카드사에서 승인을 거절했습니다" in page
    assert f"/orders/{order_no}/payment" in page
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)
    assert "카드사에서 승인을 거절했습니다" in await text(await buyer.visitor.get(f"/orders/{order_no}"))
    assert f"cart-line-{cup}" in await text(await buyer.visitor.get("/cart"))
    await buyer.pay(order_no)
    assert await states(shop, order_no) == ("PAID", ["FAILED", "PAID"])
    assert await left(shop, [cup]) == [99]
    await assert_books(shop, stand, order_no)


@pytest.mark.parametrize("code", ["INVALID_REQUEST", "UNAUTHORIZED_KEY", "NOT_FOUND_PAYMENT_SESSION"])
async def test_a_certain_refusal_ends_the_attempt_even_if_toss_still_shows_it_open(
    shop: Shop, stand: Stand, buyer: Buyer, code: str
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    await stand.fault("reject", code=code)
    await buyer.pay(order_no)
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    assert (await attempts(shop, order_no))[0].failure_code == code
    await assert_books(shop, stand, order_no)


async def test_canceling_in_the_window_changes_nothing(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    [attempt] = await attempts(shop, order_no)
    url = f"/payments/toss/failure/{attempt.payment_no}?code=PAY_PROCESS_CANCELED&message=x"
    answer = await buyer.come_back(url)
    assert answer.status_code == 200
    assert "결제를 취소하셨습니다" in await text(answer)
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    await buyer.pay(order_no)  # the same attempt can still be used
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_the_failure_page_repeats_nothing_it_is_told(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    [attempt] = await attempts(shop, order_no)
    url = f"/payments/toss/failure/{attempt.payment_no}?code=%3Cscript%3E&message=%3Cscript%3Ealert"
    page = await text(await buyer.come_back(url))
    assert "alert" not in page
    assert "결제되지 않았습니다" in page


async def test_a_tampered_amount_is_not_confirmed(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    [attempt] = await attempts(shop, order_no)
    for amount in (10_000, 14_999, 15_001, 0, "-15000", "15000.0", "１５０００", "15000&amount=15000", ""):
        key, _ = await stand.approve(15_000, orderId=attempt.payment_no)
        answer = await buyer.come_back(
            back(attempt.payment_no, key, amount).replace("%26", "&").replace("%3D", "=")
        )
        page = await text(answer)
        assert answer.status_code == 422, amount
        assert "결제 정보를 확인할 수 없습니다" in page
        assert attempt.payment_no[:8] in page
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    assert await left(shop, [cup]) == [100]
    await assert_books(shop, stand, order_no)


async def test_another_payments_key_is_refused(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    cup, other = await mug(shop.m), new_buyer()
    order_no, others = await buyer.order((cup, 1)), await other.order((cup, 1))
    url = await other.authenticate(others)
    await other.come_back(url)
    [paid], [attempt] = await attempts(shop, others), await attempts(shop, order_no)
    answer = await buyer.come_back(back(attempt.payment_no, paid.payment_key, 15_000))
    assert answer.status_code == 422
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    await assert_books(shop, stand, order_no, others)


async def test_a_strangers_key_that_nobody_used_is_refused_by_toss(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    [attempt] = await attempts(shop, order_no)
    strangers, number = await stand.approve(15_000)
    await buyer.come_back(back(attempt.payment_no, strangers, 15_000))
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    assert await stand.charges(number) == 0
    await assert_books(shop, stand, order_no)


async def test_out_of_stock_on_return_charges_nothing(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    pot, faster = await last_teapot(shop.m), new_buyer()
    order_no, fast = await buyer.order((pot, 1)), await faster.order((pot, 1))
    url = await buyer.authenticate(order_no)
    await faster.pay(fast)
    answer = await buyer.come_back(url)
    page = await text(answer)
    assert answer.status_code == 409
    assert "품절" in page
    assert "결제되지 않았습니다" in page
    assert await states(shop, order_no) == ("PENDING", ["FAILED", "PENDING"])
    assert f"cart-line-{pot}" in await text(await buyer.visitor.get("/cart"))
    await assert_books(shop, stand, order_no, fast)


async def test_a_changed_cart_supersedes_the_old_window(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    old = await buyer.order((cup, 1))
    url = await buyer.authenticate(old)
    await buyer.put(cup, 1)
    new = await buyer.check_out()
    assert new != old
    answer = await buyer.come_back(url)
    assert answer.status_code == 409
    assert "이전 장바구니의 것입니다" in await text(answer)
    assert await states(shop, old) == ("SUPERSEDED", ["CANCELED"])
    await buyer.pay(new)
    assert await states(shop, new) == ("PAID", ["PAID"])
    assert await left(shop, [cup]) == [98]
    await assert_books(shop, stand, old, new)


async def test_an_order_nobody_pays_for_expires_and_its_window_with_it(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    await make_older(shop, order_no, 29)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    await make_older(shop, order_no, 2)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("EXPIRED", ["EXPIRED"])
    answer = await buyer.come_back(url)
    assert answer.status_code == 409
    assert "결제 기한이 지났습니다" in await text(answer)
    assert await left(shop, [cup]) == [100]
    again = await buyer.check_out()  # the cart was kept
    assert again != order_no
    await assert_books(shop, stand, order_no, again)


async def test_an_order_is_canceled_before_it_is_paid_and_not_after(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    answer = await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    assert answer.headers["Location"] == f"/orders/{order_no}"
    assert await states(shop, order_no) == ("CANCELED", ["CANCELED"])
    assert "취소하셨습니다" in await text(await buyer.come_back(url))
    assert (
        await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    ).status_code == 303  # again: the same
    paid = await buyer.check_out()
    await buyer.pay(paid)
    assert (await buyer.visitor.post(f"/orders/{paid}/cancellation")).status_code == 409
    assert await states(shop, paid) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no, paid)


async def test_other_amount_at_toss_goes_to_a_person(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("other_amount")
    answer = await buyer.pay(order_no)
    assert answer.status_code == 303
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])
    assert await left(shop, [cup]) == [99]  # held
    page = await text(await buyer.visitor.get(f"/orders/{order_no}"))
    assert "결제 확인 필요" in page
    assert f"/orders/{order_no}/payment" not in page
    await make_older(shop, order_no, 60)
    await payments.reconcile_due(shop.m)
    assert await states(shop, order_no) == ("PENDING", ["REVIEW"])  # never expired: money moved
    assert (await buyer.visitor.post(f"/orders/{order_no}/cancellation")).status_code == 409


async def test_a_second_checkout_is_refused_while_the_first_is_undecided(
    shop: Shop, stand: Stand, buyer: Buyer
) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await stand.fault("other_amount")
    await buyer.pay(order_no)
    await buyer.put(cup, 1)
    seen = await buyer.seen_total()
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    assert answer.status_code == 409
    assert f"/orders/{order_no}" in await text(answer)


async def test_a_hidden_product_cannot_be_ordered(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    await buyer.put(cup, 1)
    seen = await buyer.seen_total()
    await change(shop.m, cup, status="hidden")
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    assert answer.status_code == 409


async def test_an_unknown_number_is_not_found(buyer: Buyer) -> None:
    for url in (
        "/payments/toss/return/nothing",
        "/payments/toss/return/nothing/status",
        "/payments/toss/failure/nothing",
    ):
        assert (await buyer.come_back(url)).status_code == 404


@pytest.mark.parametrize("end", ["FAILED", "CANCELED", "EXPIRED"])
async def test_the_way_back_of_an_attempt_that_is_over_pays_nothing(
    shop: Shop, stand: Stand, buyer: Buyer, end: str
) -> None:
    """Somebody keeps the success URL for later, with a payment that Toss would still confirm."""
    order_no = await buyer.order((await mug(shop.m), 1))
    url = await buyer.authenticate(order_no)
    if end == "FAILED":
        await stand.fault("reject")
        await buyer.come_back(url)
    elif end == "CANCELED":
        await buyer.visitor.post(f"/orders/{order_no}/cancellation")
    else:
        await make_older(shop, order_no, 31)
        await payments.reconcile_due(shop.m)
    ended = (await attempts(shop, order_no))[0]
    assert ended.payment_status == end
    fresh, _ = await stand.approve(15_000)
    for again in (url, back(ended.payment_no, fresh, 15_000)):
        answer = await buyer.come_back(again)
        assert answer.status_code in {200, 409, 422}, (
            answer.status_code
        )  # never 303, to an order that is paid
        assert (await order_row(shop, order_no)).status != "PAID"
        assert (await attempts(shop, order_no))[0].payment_status == end
    await assert_books(shop, stand, order_no)


async def test_a_bare_return_decides_nothing(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    [attempt] = await attempts(shop, order_no)
    assert (await buyer.come_back(f"/payments/toss/return/{attempt.payment_no}")).status_code == 422
    assert (await buyer.come_back(f"/payments/toss/return/{attempt.payment_no}/status")).status_code == 200
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])


async def test_nobody_is_told_where_a_webhook_leads(shop: Shop, stand: Stand) -> None:
    client = shop.app.test_client()
    key, _ = await stand.approve(15_000)
    assert (await webhook(shop, stand, key)).status_code == 200  # an order we do not know
    for body in (b"", b"[]", b"nonsense", b"\xff", b'"x"', b"[" * 5_000):
        assert (await client.post("/payments/toss/webhook", data=body)).status_code == 400, body[:10]
    for content in (
        {},
        {"data": 1},
        {"orderId": 5},
        {"orderId": "x" * 500},
        {"eventType": {}, "orderId": "y"},
    ):
        assert (await client.post("/payments/toss/webhook", json=content)).status_code == 200
    assert (await client.post("/payments/toss/webhook", data=b"x" * 65_537)).status_code == 413
    assert (await client.get("/payments/toss/webhook")).status_code == 405


async def test_a_declined_order_says_how_long_it_is_kept(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    before = (await order_row(shop, order_no)).expires_at
    await make_older(shop, order_no, 20)
    await stand.fault("reject")
    await buyer.pay(order_no)
    assert (await order_row(shop, order_no)).expires_at >= before  # all the time an order has, anew
