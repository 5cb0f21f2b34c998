"""Back, reload and log-out: nothing private stays behind, nothing is lost on the way."""

import pytest
from playwright.async_api import expect

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import add, fill, order, sign_up
from tests.processes import RECIPIENT

pytestmark = pytest.mark.real_first


async def test_back_after_logging_out_shows_nothing_private(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await sign_up(walker)
    await add(walker, product_id)
    order_no = await order(walker)
    await walker.go("/cart")
    await walker.go(f"/orders/{order_no}")
    await walker.go("/orders")
    await walker.go("/account")
    await expect(page.get_by_text(walker.signup_id)).to_be_visible()
    await walker.button("로그아웃").click()
    await expect(walker.link("로그인")).to_be_visible()
    await walker.badge(0)
    walker.forgiven.append("status of 404")
    for heading in ("로그인", "주문 내역", "찾을 수 없습니다", "장바구니"):
        await walker.back()
        await expect(walker.heading(heading)).to_be_visible()
        await expect(walker.link("로그인").first).to_be_visible()
        text = await page.locator("body").inner_text()
        assert not any(own in text for own in (walker.signup_id, "김민지", RECIPIENT["address1"]))
        await expect(page.locator("main .lines, main .orders")).to_have_count(0)


async def test_back_from_a_product_finds_the_list_where_it_was(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    await walker.go("/products")
    card = page.locator(".card").nth(15)
    await card.scroll_into_view_if_needed()
    place = await page.evaluate("scrollY")
    assert place > 0
    await card.get_by_role("link").click()
    await expect(page.locator("article.product")).to_be_visible()
    await walker.back()
    await expect(walker.heading("전체 상품")).to_be_visible()
    await page.wait_for_function("(place) => Math.abs(scrollY - place) < 2", arg=place)


async def test_back_from_the_order_to_the_form_keeps_the_address(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/checkout")
    await fill(walker, "checkout", **RECIPIENT)
    await walker.button("다음: 주문 확인").click()
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    await walker.button("수정하기 배송지").click()
    await expect(walker.page.get_by_label("주소", exact=True)).to_have_value(RECIPIENT["address1"])
    await expect(walker.page.get_by_label("받는 분")).to_have_value(RECIPIENT["recipient_name"])


async def test_the_cart_seen_again_by_back_is_the_cart_as_it_is(enter: Enter, m: Machines) -> None:
    walker = await enter()
    first, second = await on_sale(m, 2)
    await add(walker, first)
    await walker.go("/cart")
    await walker.page.locator(f"#cart-quantity-{first}").fill("4")
    await walker.badge(4)
    await add(walker, second)
    await walker.badge(5)
    await walker.back()
    await expect(walker.heading("장바구니")).to_be_visible()
    await walker.badge(5)
    await expect(walker.page.locator(f"#cart-quantity-{first}")).to_have_value("4")
    await expect(walker.page.locator(f"#cart-line-{second}")).to_be_visible()


async def test_an_order_is_not_placed_twice_by_going_back(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    order_no = await order(walker)
    assert await order(walker) == order_no
