"""What only a browser can show: a sheet of paper, a picture that moves to its page, a window beside it."""

import re

import pytest
from playwright.async_api import Page, Route, expect

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import Walker, add, fill, order, pay

# Looks do not depend on the machines behind the page: the embedded ones are enough.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

PUT = """(products) => {
    const csrf = document.querySelector('[name=csrf]').value;
    return Promise.all(products.map((product_id) => fetch('/cart/lines', {
        method: 'POST', body: new URLSearchParams({product_id, quantity: 1, key: '', csrf}),
    })));
}"""
# Tells, on the page that comes, whether it came by a transition and what moved in it.
WATCH = """addEventListener('pagereveal', (event) => {
    window.moved = event.viewTransition ? null : [];
    event.viewTransition?.ready.then(() => {
        window.moved = document.getAnimations().map((animation) => animation.effect.pseudoElement);
    });
})"""


async def sheets(page: Page) -> int:
    """Count the pages of the paper that a print of this page would be."""
    paper = await page.pdf(prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b", paper))


async def buy(walker: Walker, products: list[int]) -> str:
    await walker.go(f"/products/{products[0]}")
    await walker.page.evaluate(PUT, products)
    order_no = await order(walker)
    await pay(walker)
    return order_no


@pytest.mark.parametrize("kinds", [1, 10])
async def test_a_receipt_is_printed_on_one_sheet_without_what_is_only_for_the_screen(
    enter: Enter, m: Machines, kinds: int
) -> None:
    walker = await enter()
    order_no = await buy(walker, await on_sale(m, kinds))
    await walker.go(f"/orders/{order_no}/receipt")
    await expect(walker.page.locator("tbody tr")).to_have_count(kinds)
    page = walker.page
    assert await sheets(page) == 1
    await page.emulate_media(media="print", color_scheme="dark")
    for away in (".top", ".foot", ".crumb", ".actions"):
        await expect(page.locator(away).first).to_be_hidden()
    for seen in ("영수증", order_no, "공급가액", "부가세", "승인번호", "사업자등록번호"):
        await expect(page.locator("article").get_by_text(seen).first).to_be_visible()
    colours = await page.evaluate(
        "[...document.querySelectorAll('article, article *')].map((one) => getComputedStyle(one).color)"
    )
    assert set(colours) <= {"rgb(0, 0, 0)", "rgb(51, 51, 51)"}  # black, and a grey that a printer shows


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
async def test_the_picture_that_was_pressed_moves_to_its_page_for_who_wants_motion(
    enter: Enter, motion: str, *, moves: bool
) -> None:
    walker = await enter()
    page = walker.page
    await page.emulate_media(reduced_motion="reduce" if motion == "reduce" else "no-preference")
    await page.add_init_script(WATCH)
    await walker.go("/products")
    await page.locator(".card h3 a").nth(1).click()
    await expect(page.locator(".product")).to_be_visible()
    await page.wait_for_function("window.moved")
    moved = await page.evaluate("window.moved")
    assert ("::view-transition-group(picture)" in moved) is moves
    assert bool(moved) is moves


async def test_the_finder_of_postcodes_is_asked_only_when_pressed_and_leaves_the_form_alone(
    enter: Enter, m: Machines
) -> None:
    walker = await enter()
    page, came_from = walker.page, list[str]()

    async def stand_in(route: Route) -> None:
        came_from.append(await route.request.header_value("referer") or "")
        await route.fulfill(body="<title>finder</title>", content_type="text/html")

    await page.context.route(re.compile(r"https://(?!127\.)"), stand_in)
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/checkout")
    await fill(walker, "checkout", recipient_name="김민지")
    assert came_from == []
    async with page.expect_popup() as opened:
        await walker.link("주소·우편번호 찾기 (새 창)").click()
    finder = await opened.value
    await finder.wait_for_load_state()
    assert finder.url.startswith("https://www.juso.go.kr/")
    assert await finder.evaluate("window.opener") is None
    assert set(came_from) == {""}  # nobody else hears where somebody shops
    await expect(page.locator("#checkout-recipient_name")).to_have_value("김민지")
