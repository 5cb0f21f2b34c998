"""Every way a payment can go: refused, left, deposited, sent twice; each page says what is true."""

import pytest
from playwright.async_api import expect

from app.machines import Machines
from tests.journeys.books import assert_bought, on_sale, status_of
from tests.journeys.conftest import Enter
from tests.journeys.walker import Walker, add, order, pay, payment_no
from tests.shop import eventually
from tests.toss_stand import Stand

pytestmark = pytest.mark.real_first

NOT_PAID = "결제되지 않았습니다"


async def order_two(walker: Walker, product_id: int) -> tuple[str, str]:
    """Come to the payment page with two of something; return the order's and the attempt's number."""
    await add(walker, product_id, 2)
    order_no = await order(walker)
    return order_no, await payment_no(walker)


async def test_a_declined_card_costs_nothing_and_the_same_order_is_paid_after_all(
    enter: Enter, m: Machines, toss: Stand
) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, number = await order_two(walker, product_id)
    await pay(walker, button="카드 거절")
    await expect(walker.heading("결제하지 못했습니다")).to_be_visible()
    await expect(walker.page.get_by_text(NOT_PAID)).to_be_visible()
    await walker.badge(2)
    assert await toss.charges(number) == 0
    assert await status_of(m, order_no) == "PENDING"
    await walker.link("다시 결제하기").click()
    await pay(walker)
    await walker.page.wait_for_url(f"**/orders/{order_no}")
    await expect(walker.heading("결제 완료")).to_be_visible()
    await walker.badge(0)
    await assert_bought(m, toss, walker, order_no, {product_id: 2})


async def test_a_window_that_is_left_keeps_order_and_cart(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, number = await order_two(walker, product_id)
    await pay(walker, button="결제 취소 (사용자)")
    await expect(walker.heading("결제를 취소하셨습니다")).to_be_visible()
    await expect(walker.page.get_by_text(f"{NOT_PAID}. 주문은 그대로 있습니다.")).to_be_visible()
    await walker.badge(2)
    await walker.link("주문 보기").click()
    await expect(walker.heading(f"주문 {order_no}")).to_be_visible()
    await walker.button("주문 취소").click()
    await expect(walker.heading("주문 취소")).to_be_visible()
    assert await toss.charges(number) == 0
    await walker.go("/cart")
    await walker.badge(2)


async def test_a_card_refused_at_the_confirmation_costs_nothing(
    enter: Enter, m: Machines, toss: Stand
) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, number = await order_two(walker, product_id)
    await toss.fault("reject", code="REJECT_CARD_PAYMENT", times=1, on="confirm", match={"orderId": number})
    await pay(walker)
    await expect(walker.heading("결제하지 못했습니다")).to_be_visible()
    await expect(walker.page.get_by_text("카드 한도가 초과되었거나 잔액이 부족합니다")).to_be_visible()
    await walker.badge(2)
    await walker.link("다시 결제하기").click()
    await pay(walker)
    await walker.page.wait_for_url(f"**/orders/{order_no}")
    await walker.badge(0)
    assert await toss.charges(number) == 0


async def test_a_deposit_is_awaited_and_then_it_is_paid(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, _ = await order_two(walker, product_id)
    await pay(walker, "가상계좌", "가상계좌 발급")
    await walker.page.wait_for_url(f"**/orders/{order_no}")
    await expect(walker.heading("입금 대기")).to_be_visible()
    await expect(walker.page.get_by_text("입금 계좌")).to_be_visible()
    await expect(walker.page.get_by_text("입금 기한")).to_be_visible()
    assert await status_of(m, order_no) == "WAITING_FOR_DEPOSIT"

    desk = await walker.page.context.new_page()
    await desk.goto(f"{toss.url}/sandbox")
    await desk.get_by_role("button", name="입금", exact=True).first.click()
    await expect(desk.get_by_text("결제 완료").first).to_be_visible()
    await desk.close()

    async def is_paid() -> bool:
        return await status_of(m, order_no) == "PAID"

    await eventually(is_paid)
    await walker.page.reload()
    await expect(walker.heading("결제 완료")).to_be_visible()
    await walker.badge(0)
    await assert_bought(m, toss, walker, order_no, {product_id: 2})


async def test_reloading_never_pays_twice(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, number = await order_two(walker, product_id)
    ways_back: list[str] = []
    walker.page.on("request", lambda one: ways_back.append(one.url) if "/toss/return/" in one.url else None)
    await pay(walker)
    await walker.page.wait_for_url(f"**/orders/{order_no}")
    await walker.page.reload()
    await walker.link("영수증 보기").click()
    await expect(walker.heading("영수증")).to_be_visible()
    await walker.page.reload()
    await expect(walker.heading("영수증")).to_be_visible()
    assert len(ways_back) == 1
    for _ in range(2):
        await walker.page.goto(ways_back[0])
        await expect(walker.heading("결제 완료")).to_be_visible()
    await walker.go(f"/orders/{order_no}/payment")
    await expect(walker.heading("결제 완료")).to_be_visible()
    assert await toss.charges(number) == 1
    await assert_bought(m, toss, walker, order_no, {product_id: 2})


# Eight seconds of waiting, of which the machines know nothing: on the embedded ones only.
@pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")
async def test_an_answer_that_does_not_come_is_waited_for_and_never_paid_again(
    enter: Enter, m: Machines, toss: Stand
) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    order_no, number = await order_two(walker, product_id)
    await toss.fault("slow", times=1, on="confirm", seconds=9, match={"orderId": number})
    await pay(walker)
    await expect(walker.heading("결제를 확인하고 있습니다")).to_be_visible(timeout=15_000)
    await expect(walker.page.get_by_text("다시 결제하지 마시고")).to_be_visible()
    await expect(walker.heading("결제 완료")).to_be_visible(timeout=15_000)
    await assert_bought(m, toss, walker, order_no, {product_id: 2})
