"""Quick fingers: whatever is typed and tapped, the page and the shop end up saying the same."""

import pytest
from playwright.async_api import Request, expect

from app.machines import Machines
from app.models import products
from tests.journeys.books import on_sale, row
from tests.journeys.conftest import Enter
from tests.journeys.walker import DESK, Walker, add, focused

pytestmark = pytest.mark.real_first


async def assert_settled(walker: Walker, product_id: int, quantity: int) -> None:
    """See the same quantity in the field, in the header, in the sum, and again after a reload."""
    page = walker.page
    field = page.locator(f"#cart-quantity-{product_id}")
    line = page.locator(f"#cart-line-{product_id}")
    await walker.badge(quantity)
    await expect(page.locator("[aria-busy]")).to_have_count(0)
    for _ in range(2):
        await expect(field).to_have_value(str(quantity))
        each, amount = await line.locator(".each").inner_text(), await line.locator(".amount").inner_text()
        assert won(amount) == won(each) * quantity
        items = page.locator("#cart-totals dd").first
        assert won(await items.inner_text()) == won(amount)
        await walker.badge(quantity)
        await page.reload()


def won(text: str) -> int:
    """Read an amount."""
    return int("".join(filter(str.isdigit, text)))


async def test_typing_fast_ends_where_the_shopper_ended(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/cart")
    field = walker.page.locator(f"#cart-quantity-{product_id}")
    await field.focus()
    for digit in "123456":
        await walker.page.keyboard.press("Control+a")
        await walker.page.keyboard.type(digit)
    await walker.badge(6)
    await expect(field).to_be_focused()
    await assert_settled(walker, product_id, 6)


async def test_ten_taps_are_ten_more(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/cart")
    more = walker.page.get_by_role("button", name="수량 늘리기")
    for _ in range(10):
        await more.click()
    await walker.badge(11)
    await expect(more).to_be_focused()
    await assert_settled(walker, product_id, 11)


async def test_edits_of_two_lines_at_once_are_both_kept(enter: Enter, m: Machines) -> None:
    walker = await enter()
    first, second = await on_sale(m, 2)
    await add(walker, first)
    await add(walker, second)
    await walker.go("/cart")
    for number in ("2", "3", "4"):
        for product_id in (first, second):
            await walker.page.locator(f"#cart-quantity-{product_id}").fill(number)
    await walker.badge(8)
    await expect(walker.page.locator("[aria-busy]")).to_have_count(0)
    await walker.page.reload()
    for product_id in (first, second):
        await expect(walker.page.locator(f"#cart-quantity-{product_id}")).to_have_value("4")


async def test_more_than_there_is_becomes_what_there_is_and_is_said(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1, most=60)
    await add(walker, product_id)
    await walker.go("/cart")
    field = walker.page.locator(f"#cart-quantity-{product_id}")
    await field.fill("99")
    most = int((await row(m, products, products.c.product_id == product_id)).quantity)
    await expect(walker.notice).to_contain_text(f"남은 수량이 {most}개라 {most}개까지만")
    await assert_settled(walker, product_id, most)


async def test_a_double_click_adds_once_and_another_click_adds_again(enter: Enter, m: Machines) -> None:
    walker = await enter()
    [product_id] = await on_sale(m, 1)
    posts: list[Request] = []
    walker.page.on("request", lambda one: posts.append(one) if one.method == "POST" else None)
    await walker.go(f"/products/{product_id}")
    await walker.button("장바구니 담기").dblclick()
    await walker.badge(1)
    assert len(posts) == 1
    await walker.button("장바구니 담기").click()
    await walker.badge(2)
    await walker.page.reload()
    await walker.badge(2)


async def test_a_double_click_without_scripts_adds_once(enter: Enter, m: Machines) -> None:
    walker = await enter(scripts=False)
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await walker.button("장바구니 담기").dblclick()
    await walker.page.wait_for_url("**/cart")
    await walker.badge(1)


async def test_the_focus_goes_to_the_next_line_then_to_the_one_before_then_to_the_heading(
    enter: Enter, m: Machines
) -> None:
    walker = await enter()
    page = walker.page
    for product_id in await on_sale(m, 3):
        await add(walker, product_id)
    await walker.go("/cart")
    lines = [await line.get_attribute("id") for line in await page.locator(".lines > li").all()]
    for removed, heading in ((0, f"#{lines[1]} h2"), (2, f"#{lines[1]} h2"), (1, "#cart-heading")):
        await page.locator(f"#{lines[removed]}").get_by_role("button", name="삭제").press("Enter")
        await expect(page.locator(f"#{lines[removed]}")).to_have_count(0)
        await expect(page.locator(heading)).to_be_focused()


async def test_what_was_removed_comes_back_with_its_quantity(enter: Enter, m: Machines) -> None:
    walker = await enter(size=DESK)
    first, second = await on_sale(m, 2)
    await add(walker, first, 3)
    await add(walker, second)
    await walker.go("/cart")
    for product_id, left in ((first, 1), (second, 0)):
        line = walker.page.locator(f"#cart-line-{product_id}")
        await line.get_by_role("button", name="삭제").press("Enter")
        await expect(line).to_have_count(0)
        await walker.badge(left)
        assert not (await focused(walker.page)).startswith("BODY")
    await expect(walker.page.get_by_text("장바구니가 비어 있습니다.")).to_be_visible()
    await walker.button("되돌리기").press("Enter")
    await walker.badge(1)
    assert not (await focused(walker.page)).startswith("BODY")
    await add(walker, first, 3)
    await walker.go("/cart")
    await walker.page.locator(f"#cart-line-{first}").get_by_role("button", name="삭제").click()
    await walker.badge(1)
    await walker.button("되돌리기").click()
    await walker.badge(4)
    await expect(walker.page.locator(f"#cart-quantity-{first}")).to_have_value("3")
    await walker.page.reload()
    await walker.badge(4)
