"""A stranger becomes a customer: by thumb, by keyboard, and without scripts."""

import re

from playwright.async_api import Locator, Page, expect

from app.machines import Machines
from tests.journeys.books import assert_bought, status_of
from tests.journeys.conftest import Enter
from tests.journeys.walker import (
    DESK,
    Walker,
    focused,
    open_window,
    order,
    sign_up,
    tab_to,
)
from tests.processes import RECIPIENT
from tests.toss_stand import Stand
from tests.village import unheard_of_id

CATEGORY = "그릇·도자기"


async def choose(walker: Walker, count: int) -> list[int]:
    """Read off a list which goods there are plenty of."""
    cards = walker.page.locator(".card:not(:has(.stock)) h3 a")
    await expect(cards.first).to_be_visible()
    links = [await card.get_attribute("href") or "" for card in (await cards.all())[:count]]
    assert len(links) == count
    return [int(link.rpartition("/")[2]) for link in links]


async def test_a_stranger_signs_up_and_buys_three_things_with_a_thumb(
    enter: Enter, m: Machines, toss: Stand
) -> None:
    walker = await enter()
    page = walker.page
    await sign_up(walker)
    await walker.go("/")
    await walker.link(CATEGORY).click()
    await expect(walker.heading(CATEGORY)).to_be_visible()
    chosen = await choose(walker, 3)
    for count, product_id in enumerate(chosen, start=1):
        await page.locator(f"#catalog-card-{product_id} a").click()
        await walker.button("장바구니 담기").click()
        await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
        await walker.badge(count)
        await walker.back()
    await walker.go("/cart")
    line = page.locator(f"#cart-line-{chosen[0]}")
    await line.get_by_role("button", name="수량 늘리기").click()
    await walker.badge(4)
    order_no = await order(walker)
    await open_window(walker)
    await walker.button("결제 승인").click()
    await page.wait_for_url(f"**/orders/{order_no}")
    await expect(walker.heading("결제 완료")).to_be_visible()
    await walker.link("영수증 보기").click()
    await expect(walker.heading("영수증")).to_be_visible()
    await expect(page.get_by_text("부가세")).to_be_visible()
    await walker.badge(0)
    await assert_bought(m, toss, walker, order_no, {chosen[0]: 2, chosen[1]: 1, chosen[2]: 1})


async def test_a_stranger_buys_with_the_keyboard_alone(enter: Enter, m: Machines, toss: Stand) -> None:
    walker = await enter(size=DESK)
    page = walker.page
    await walker.go("/signup")
    walker.signup_id = unheard_of_id("kim")
    password = "조용한 아침의 나무"
    fields = {
        "name": "김민지",
        "phone": "01012345678",
        "email": "minji@example.com",
        "signup_id": walker.signup_id,
        "password": password,
    }
    await type_in(page, "signup", fields)
    for consent in ("terms", "privacy", "age"):
        await press(page, page.locator(f"#signup-{consent}"), key="Space")
    await press(page, walker.button("가입하기"))
    await expect(walker.link("내 계정")).to_be_visible()

    await walker.go("/")
    await skip_to_main(page)
    await press(page, walker.link(CATEGORY))
    await expect(walker.heading(CATEGORY)).to_be_visible()
    chosen = (await choose(walker, 6))[3:]
    await skip_to_main(page)
    for count, product_id in enumerate(chosen, start=1):
        await press(page, page.locator(f"#catalog-card-{product_id} a"))
        await expect(walker.button("장바구니 담기")).to_be_visible()
        await press(page, walker.button("장바구니 담기"))
        await walker.badge(count)
        assert await focused(page) == "BUTTON#"
        await walker.back()
        await expect(walker.heading(CATEGORY)).to_be_visible()

    await press(page, page.locator("#web-header").get_by_role("link", name="장바구니"))
    line = page.locator(f"#cart-line-{chosen[0]}")
    await press(page, line.get_by_role("button", name="수량 늘리기"), key="Space")
    await walker.badge(4)
    await stays(page, line.get_by_role("button", name="수량 늘리기"))
    gone = page.locator(f"#cart-line-{chosen[1]}")
    await press(page, gone.get_by_role("button", name="삭제"))
    await expect(gone).to_have_count(0)
    await walker.badge(3)
    assert await focused(page) != "BODY#"
    order_no = await check_out(walker)
    await pay_with_keys(walker)
    await page.wait_for_url(f"**/orders/{order_no}")
    await skip_to_main(page)
    await press(page, walker.link("영수증 보기"))
    await expect(walker.heading("영수증")).to_be_visible()
    await assert_bought(m, toss, walker, order_no, {chosen[0]: 2, chosen[2]: 1})


async def check_out(walker: Walker) -> str:
    """Go from the cart to the payment page, Enter by Enter."""
    page = walker.page
    await press(page, page.get_by_role("link", name="주문하기"))
    await expect(walker.heading("어디로 보내 드릴까요?")).to_be_visible()
    await type_in(page, "checkout", {name: text for name, text in RECIPIENT.items() if text})
    await press(page, walker.button("다음: 주문 확인"))
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    await press(page, page.get_by_role("button", name="주문하기"))
    await page.wait_for_url("**/orders/*/payment")
    return page.url.split("/")[-2]


async def pay_with_keys(walker: Walker) -> None:
    """Choose a card, agree, and say yes in Toss's window."""
    page = walker.page
    await expect(page.get_by_role("radio", name="카드")).to_be_visible()
    await press(page, page.get_by_role("radio", name="카드"), key="Space")
    await press(page, page.get_by_role("checkbox"), key="Space")
    await press(page, page.get_by_role("button", name="결제하기"))
    await expect(walker.button("결제 승인")).to_be_visible()
    await press(page, walker.button("결제 승인"))


async def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Tab to something and press it."""
    await tab_to(page, target)
    await page.keyboard.press(key)


async def type_in(page: Page, prefix: str, values: dict[str, str]) -> None:
    """Tab from field to field and type."""
    for name, text in values.items():
        await tab_to(page, page.locator(f"#{prefix}-{name}"))
        await page.keyboard.insert_text(text)


async def skip_to_main(page: Page) -> None:
    """Use the first link of every page, which leads past the header."""
    await press(page, page.get_by_role("link", name="본문으로 건너뛰기"))
    await stays(page, page.locator("#main"))


async def stays(page: Page, target: Locator) -> None:
    """See the focus where it should be."""
    await expect(target).to_be_focused()


async def test_a_stranger_without_scripts_comes_as_far_as_the_payment(
    enter: Enter, m: Machines, toss: Stand
) -> None:
    walker = await enter(scripts=False)
    page = walker.page
    await sign_up(walker)
    await walker.go("/")
    await walker.link(CATEGORY).click()
    chosen = (await choose(walker, 9))[6:]
    for product_id in chosen:
        await walker.go(f"/products/{product_id}")
        await walker.button("장바구니 담기").click()
        await page.wait_for_url("**/cart")
    await walker.badge(3)
    line = page.locator(f"#cart-line-{chosen[0]}")
    await line.get_by_role("spinbutton").fill("3")
    await line.get_by_role("button", name="변경").click()
    await walker.badge(5)
    await line.get_by_role("button", name="수량 줄이기").click()
    await walker.badge(4)
    await page.locator(f"#cart-line-{chosen[1]}").get_by_role("button", name="삭제").click()
    await walker.badge(3)
    await walker.button("되돌리기").click()
    await walker.badge(4)
    order_no = await order(walker)
    said = page.locator("noscript .notice p")
    await expect(said).to_be_visible()
    text = await said.inner_text()
    assert "자바스크립트로 엽니다" in text
    await expect(walker.link("다른 기기에서 결제하기")).to_be_visible()
    assert "아직 결제되지 않았습니다" in text
    assert re.search(r"주문은 \d{4}년 \d+월 \d+일 \d\d:\d\d까지 그대로", text)
    await expect(page.get_by_role("button", name="결제하기")).to_be_hidden()
    await expect(page.get_by_text("불러오고 있습니다")).to_be_hidden()
    assert await status_of(m, order_no) == "PENDING"
    await walker.go("/orders")
    await page.get_by_role("link", name="외 2건").click()
    await expect(walker.heading(f"주문 {order_no}")).to_be_visible()
    await page.get_by_role("link", name="결제하기").click()
    await expect(said).to_be_visible()
    await walker.go("/cart")
    await walker.badge(4)
