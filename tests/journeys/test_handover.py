"""Buying in a browser without scripts: everything but Toss's widget, and that on a phone."""

import re

import pytest
from playwright.async_api import expect

from app.machines import Machines
from tests.journeys.books import assert_bought, on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import DESK, Walker, order, pay
from tests.toss_stand import Stand

pytestmark = pytest.mark.real_first

PERSONAL = re.compile("마당길|010-1234-5678|01012345678|김민지")


@pytest.mark.parametrize("scripts", [False, True], ids=["no scripts", "scripts"])
async def test_what_was_ordered_on_one_device_is_paid_on_another(
    enter: Enter, m: Machines, toss: Stand, *, scripts: bool
) -> None:
    """By its link, as a camera opens it; the phone is a stranger's, and sees no name and no address."""
    desk, phone = await enter(DESK, scripts=scripts), await enter()
    [product_id] = await on_sale(m, 1)
    await desk.go(f"/products/{product_id}")
    await desk.button("장바구니 담기").click()
    await desk.badge(1)
    order_no = await order(desk)
    await desk.link("휴대전화로 결제하기" if scripts else "다른 기기에서 결제하기").click()
    await expect(desk.page.get_by_role("img", name="QR 코드")).to_be_visible()
    link = await desk.page.locator('a[href*="/payments/handovers/"]').get_attribute("href")
    assert link
    await _pay_there(phone, link)
    await expect(phone.heading("결제가 완료되었습니다")).to_be_visible()
    if not scripts:
        await desk.link("결제되었는지 확인하기").click()
    await desk.page.wait_for_url(f"**/orders/{order_no}")
    await expect(desk.heading("결제 완료")).to_be_visible()
    await assert_bought(m, toss, desk, order_no, {product_id: 1})


async def _pay_there(phone: Walker, link: str) -> None:
    await phone.page.goto(link)
    await phone.button("결제 화면으로 가기").click()
    await phone.page.wait_for_url("**/orders/*/payment")
    assert not PERSONAL.search(await phone.page.content())
    # What Toss's script can read of where the browser is, and came from, opens nothing.
    assert "handovers" not in await phone.page.evaluate("location.href + document.referrer")
    await pay(phone)


async def test_who_sells_is_read_without_scripts_and_from_the_keyboard(enter: Enter) -> None:
    """On a phone the numbers stand behind a summary, which the keyboard opens; on a desk they stand there."""
    phone, desk = await enter(scripts=False), await enter(DESK, scripts=False)
    for walker in (phone, desk):
        await walker.go("/")
    number = re.compile("사업자등록번호")
    await expect(phone.page.get_by_text("고객센터 02-0000-0000")).to_be_visible()
    await expect(phone.page.get_by_text(number)).to_be_hidden()
    await phone.page.locator("footer summary").focus()
    await phone.page.keyboard.press("Enter")
    await expect(phone.page.get_by_text(number)).to_be_visible()
    await expect(desk.page.get_by_text(number)).to_be_visible()
