"""Paying as most people do: there, back, a receipt; and the rows it leaves."""

import asyncio
import json
from collections.abc import Callable

from sqlalchemy import select

from app.models import carts, order_lines, stock_movements
from tests.buyer import (
    ADDRESS,
    Buyer,
    assert_books,
    attempts,
    left,
    order_row,
    states,
    toss_row,
)
from tests.goods import last_teapot, mug
from tests.shop import Shop, eventually
from tests.toss_stand import Stand
from tests.village import typed


async def test_a_guest_pays_and_holds_a_receipt(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup, pot = await mug(shop.m), await last_teapot(shop.m)
    order_no = await buyer.order((cup, 2), (pot, 1))
    answer = await buyer.pay(order_no)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/orders/{order_no}")
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    assert await left(shop, [cup, pot]) == [98, 0]
    await assert_books(shop, stand, order_no)
    page = await (await buyer.visitor.get(f"/orders/{order_no}")).get_data(as_text=True)
    assert "결제 완료" in page
    receipt = await (await buyer.visitor.get(f"/orders/{order_no}/receipt")).get_data(as_text=True)
    assert "82,000원" in receipt
    assert "74,545원" in receipt  # supply price
    assert "7,455원" in receipt  # VAT


async def test_every_column_of_a_payment_is_written(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    await buyer.pay(order_no)
    order = await order_row(shop, order_no)
    [attempt] = await attempts(shop, order_no)
    paid = await toss_row(shop, attempt.web_payment_id)
    assert (order.open_slot, attempt.open_slot, attempt.next_check_at) == (None, None, None)
    assert order.paid_at is not None
    assert (attempt.total_quantity, attempt.total_price) == (1, 15_000)
    assert (attempt.customer_name, attempt.customer_phone) == ("김민지", "01012345678")
    assert (paid.payment_method, paid.currency, paid.status) == ("카드", "KRW", "DONE")
    assert (paid.total_price, paid.total_amount, paid.balance_amount, paid.discount) == (
        15_000,
        15_000,
        15_000,
        0,
    )
    assert paid.payment_key == attempt.payment_key
    assert paid.payment_time is not None
    assert paid.receipt_url.startswith("http")
    assert len(paid.secret) == 64  # its fingerprint, never the secret
    assert "secret" not in json.loads(paid.answer)


async def test_the_cart_is_emptied_of_what_was_bought_and_nothing_else(shop: Shop, buyer: Buyer) -> None:
    bought, later = await mug(shop.m), await mug(shop.m)
    order_no = await buyer.order((bought, 1))
    await buyer.put(later, 3)  # while the payment window is open
    await buyer.pay(order_no)
    page = await (await buyer.visitor.get("/cart")).get_data(as_text=True)
    assert f"cart-line-{later}" in page
    assert f"cart-line-{bought}" not in page
    async with shop.m.db.read() as tx:
        owner = (await order_row(shop, order_no)).owner
        rows = (await tx.execute(select(carts).where(carts.c.owner == owner))).all()
    assert bought not in {row.product_id for row in rows}


async def test_prices_and_names_are_frozen_and_the_amount_is_ours(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 5))
    offer = await buyer.payment_page(order_no)
    assert offer["amount"] == "60000"
    order = await order_row(shop, order_no)
    async with shop.m.db.read() as tx:
        [line] = (await tx.execute(select(order_lines).where(order_lines.c.order_id == order.order_id))).all()
    assert (line.name, line.price, line.quantity) == ("달빛 머그", 12_000, 5)
    assert (order.items_price, order.delivery_fee, order.total_price) == (60_000, 0, 60_000)


async def test_a_refresh_storm_is_one_payment(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    order_no = await buyer.order((cup, 1))
    url = await buyer.authenticate(order_no)
    answers = await asyncio.gather(*(buyer.come_back(url) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {200, 303}
    await eventually(lambda: _is(shop, order_no, "PAID"))
    again = await buyer.come_back(url)
    assert again.headers["Location"] == f"/orders/{order_no}"
    assert await left(shop, [cup]) == [99]
    async with shop.m.db.read() as tx:
        moves = (await tx.execute(select(stock_movements).where(stock_movements.c.product_id == cup))).all()
    assert [move.reason for move in moves] == ["initial", "reserve"]
    await assert_books(shop, stand, order_no)


async def test_the_way_back_works_in_another_browser_and_tells_nothing_personal(
    shop: Shop, stand: Stand, buyer: Buyer, new_buyer: Callable[[], Buyer]
) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    answer = await new_buyer().come_back(await buyer.authenticate(order_no))
    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "결제가 완료되었습니다" in page
    for personal in (order_no, "김민지", "5678", "세종대로"):
        assert personal not in page
    assert await states(shop, order_no) == ("PAID", ["PAID"])
    await assert_books(shop, stand, order_no)


async def test_a_member_pays(shop: Shop, stand: Stand, buyer: Buyer) -> None:
    form = typed(name="이하나", phone="010-8765-4321")
    await buyer.visitor.post("/signup", **form)
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no)
    order = await order_row(shop, order_no)
    [attempt] = await attempts(shop, order_no)
    assert order.user_id is not None
    assert order.owner == f"u:{order.user_id}"
    assert (attempt.user_id, attempt.signup_id) == (order.user_id, form["signup_id"])
    assert order_no in await (await buyer.visitor.get("/orders")).get_data(as_text=True)
    await assert_books(shop, stand, order_no)


async def test_the_payment_page_of_a_paid_order_is_the_order(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    await buyer.pay(order_no)
    answer = await buyer.visitor.get(f"/orders/{order_no}/payment")
    assert answer.headers["Location"] == f"/orders/{order_no}"


async def test_only_the_payment_page_may_embed_toss(shop: Shop, buyer: Buyer) -> None:
    order_no = await buyer.order((await mug(shop.m), 1))
    paying = (await buyer.visitor.get(f"/orders/{order_no}/payment")).headers["Content-Security-Policy"]
    plain = (await buyer.visitor.get(f"/orders/{order_no}")).headers["Content-Security-Policy"]
    assert shop.stack.toss_api_url in paying
    assert shop.stack.toss_api_url not in plain
    assert ADDRESS["recipient_name"] not in paying


async def _is(shop: Shop, order_no: str, status: str) -> bool:
    return bool((await order_row(shop, order_no)).status == status)
