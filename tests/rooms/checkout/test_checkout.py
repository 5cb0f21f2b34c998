"""From the cart to the order: what is asked, what is shown to be checked, what is refused and why."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import func, select, update

from app.models import order_lines, orders, web_payments
from tests.buyer import ADDRESS, Buyer, assert_books, attempts, order_row, stand_of, states
from tests.goods import change, last_teapot, mug
from tests.shop import Shop


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(shop: Shop) -> AsyncIterator[Buyer]:
    """A stranger."""
    async with stand_of(shop) as stand:
        yield Buyer(shop, shop.visitor(), stand)


async def text(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def count_orders(shop: Shop) -> int:
    async with shop.m.db.read() as tx:
        return int((await tx.execute(select(func.count()).select_from(orders))).scalar_one())


async def test_an_empty_cart_goes_to_the_cart(buyer: Buyer) -> None:
    for answer in (
        await buyer.visitor.get("/checkout"),
        await buyer.visitor.post("/checkout", **ADDRESS),
        await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total="1000"),
    ):
        assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")


async def test_the_form_then_the_review_then_the_payment(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 2)
    form = await text(await buyer.visitor.get("/checkout"))
    assert "달빛 머그" in form
    assert "27,000원" in form
    before = await count_orders(shop)
    review = await text(await buyer.visitor.post("/checkout", **ADDRESS))
    assert "김민지" in review
    assert "27,000원 주문하기" in review
    assert "청약을 철회" in review
    assert await count_orders(shop) == before  # nothing is ordered by looking
    order_no = await buyer.check_out()
    row = await order_row(shop, order_no)
    assert (row.recipient_phone, row.postcode, row.address2) == ("01012345678", "04524", "3층")
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])


async def test_editing_keeps_what_was_typed(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    page = await text(
        await buyer.visitor.post("/checkout", **ADDRESS, edit="1", confirmed="1", seen_total="1")
    )
    assert 'value="서울특별시 중구 세종대로 110"' in page
    assert 'aria-invalid="true"' not in page


BAD = {
    "recipient_name": ["", "   ", "가" * 41, "이\x00름", "김\ud55c"[:1] + "\n민지"],
    "recipient_phone": ["", "123", "010-1234-567890123456789", "٠١٠١٢٣٤٥٦٧٨", "전화", "010１２３４５６７８"],
    "postcode": ["", "1234", "123456", "٠٤٥٢٤", "abcde", "-1234"],
    "address1": ["", "a" * 121],
    "address2": ["b" * 81],
    "delivery_note": ["c" * 81],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD.items() for value in values]
)
async def test_what_is_wrong_is_said_beside_the_field(
    shop: Shop, buyer: Buyer, field: str, value: str
) -> None:
    await buyer.put(await mug(shop.m), 1)
    before = await count_orders(shop)
    answer = await buyer.visitor.post(
        "/checkout", **{**ADDRESS, field: value}, confirmed="1", seen_total="15000"
    )
    page = await text(answer)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in page
    assert "04524" in page or field == "postcode"  # the other values are kept
    assert await count_orders(shop) == before


async def test_what_is_wrong_is_listed_in_the_order_of_the_form(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    wrong = dict.fromkeys(("recipient_name", "recipient_phone", "postcode", "address1"), "")
    page = await text(await buyer.visitor.post("/checkout", **{**ADDRESS, **wrong, "postcode": "abcde"}))
    assert re.findall(r'<li><a href="#checkout-(\w+)">', page) == list(wrong)


async def test_names_in_decomposed_hangul_are_stored_composed(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    order_no = await buyer.check_out(recipient_name="김민지")
    assert (await order_row(shop, order_no)).recipient_name == "김민지"


@pytest.mark.parametrize("seen", ["", "-1", "0", "1e9", "1.5", "٣", "14999", "15001", "99999999999"])
async def test_a_total_that_was_not_seen_is_not_ordered(shop: Shop, buyer: Buyer, seen: str) -> None:
    await buyer.put(await mug(shop.m), 1)
    before = await count_orders(shop)
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    assert answer.status_code in {200, 409}
    assert "15,000원 주문하기" in await text(answer)
    assert await count_orders(shop) == before


async def test_a_price_that_moved_is_shown_before_it_is_asked(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    await buyer.put(cup, 1)
    seen = await buyer.seen_total()
    await change(shop.m, cup, price=13_000)
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    page = await text(answer)
    assert answer.status_code == 409
    assert "금액이 바뀌었습니다" in page
    assert "16,000원 주문하기" in page
    assert 'name="seen_total" value="16000"' in page


async def test_goods_that_went_meanwhile_lead_back_to_the_cart(shop: Shop, buyer: Buyer) -> None:
    pot = await last_teapot(shop.m)
    await buyer.put(pot, 1)
    seen = await buyer.seen_total()
    await change(shop.m, pot, quantity=0)
    answer = await buyer.visitor.post("/checkout", **ADDRESS, confirmed="1", seen_total=seen)
    assert answer.status_code == 409
    assert "품절되었거나" in await text(answer)
    assert (await buyer.visitor.get("/checkout")).headers["Location"] == "/cart"
    await change(shop.m, pot, quantity=1)


async def test_the_same_cart_is_the_same_order_with_the_newest_address(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    first = await buyer.check_out()
    second = await buyer.check_out(recipient_name="박서준", recipient_phone="01099998888")
    assert second == first
    [attempt] = await attempts(shop, first)
    assert (await order_row(shop, first)).recipient_name == "박서준"
    assert (attempt.customer_name, attempt.customer_phone) == ("박서준", "01099998888")
    assert "박서준" in await text(await buyer.visitor.get("/checkout"))  # filled in next time


async def test_the_same_cart_at_another_price_is_another_order(shop: Shop, buyer: Buyer) -> None:
    cup = await mug(shop.m)
    await buyer.put(cup, 1)
    first = await buyer.check_out()
    await change(shop.m, cup, price=11_000)
    second = await buyer.check_out()
    assert second != first
    assert await states(shop, first) == ("SUPERSEDED", ["CANCELED"])
    assert (await order_row(shop, second)).total_price == 14_000


async def test_twenty_presses_are_one_order(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    seen, token = await buyer.seen_total(), await buyer.visitor.token()
    answers = await asyncio.gather(
        *(
            buyer.visitor.post("/checkout", csrf=token, **ADDRESS, confirmed="1", seen_total=seen)
            for _ in range(20)
        )
    )
    assert len({answer.headers["Location"] for answer in answers}) == 1
    order_no = answers[0].headers["Location"].split("/")[2]
    assert await states(shop, order_no) == ("PENDING", ["PENDING"])
    owner = (await order_row(shop, order_no)).owner
    async with shop.m.db.read() as tx:
        mine = (await tx.execute(select(orders).where(orders.c.owner == owner))).all()
    assert len(mine) == 1


async def test_paid_goods_that_redis_still_shows_are_not_ordered_again(shop: Shop, buyer: Buyer) -> None:
    """Redis was away when the payment was settled, and came back with the cart as it had been."""
    cup = await mug(shop.m)
    await buyer.put(cup, 1)
    order_no = await buyer.check_out()
    async with shop.m.db.write() as tx:
        row = (await tx.execute(select(orders).where(orders.c.order_no == order_no))).one()
        mine = orders.c.order_id == row.order_id
        await tx.execute(
            update(orders).where(mine).values(status="PAID", open_slot=None, paid_at=shop.m.clock.now())
        )
        await tx.execute(
            update(web_payments)
            .where(web_payments.c.order_id == row.order_id)
            .values(payment_status="PAID", open_slot=None, next_check_at=None)
        )
    assert (await buyer.visitor.get("/checkout")).headers["Location"] == "/cart"
    later = await mug(shop.m)
    await buyer.put(later, 1)
    again = await buyer.check_out()
    order = await order_row(shop, again)
    async with shop.m.db.read() as tx:
        lines = (await tx.execute(select(order_lines).where(order_lines.c.order_id == order.order_id))).all()
    assert [line.product_id for line in lines] == [later]


async def test_fields_of_no_concern_are_ignored(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    order_no = await buyer.check_out(total_price="1", status="PAID", user_id="1", price="1", open_slot="")
    row = await order_row(shop, order_no)
    assert (row.total_price, row.status, row.user_id) == (15_000, "PENDING", None)
    await assert_books(shop, buyer.stand, order_no)


async def test_a_wrong_form_token_orders_nothing(shop: Shop, buyer: Buyer) -> None:
    await buyer.put(await mug(shop.m), 1)
    before = await count_orders(shop)
    answer = await buyer.visitor.post("/checkout", csrf="wrong", **ADDRESS, confirmed="1", seen_total="15000")
    assert answer.status_code == 403
    assert await count_orders(shop) == before
