"""No net, a broken answer, an answer that takes for ever: it is said, and trying again is one press."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import FAILED_LOADS, add, fill, focused, order
from tests.processes import RECIPIENT, RunningShop

pytestmark = pytest.mark.real_first

BROKEN = "<!doctype html><h1>502 Bad Gateway</h1>"
NO_NET = "인터넷에 연결되어 있지 않습니다."
NO_ANSWER = "응답을 받지 못했습니다."
LATE = "응답이 늦어지고 있습니다."
NOT_TWICE = "담겼는지 확인하지 못했습니다. 다시 시도해도 두 번 담기지 않습니다."
NOT_SENT = "보내지 않았으며, 입력하신 내용은 그대로 있습니다."
PORTAL = "<!doctype html><title>Wi-Fi</title><h1>Welcome to the hotel</h1>"

# A page that is being left answers no question of ours, but says what it is told to say.
TELL = """() => {
  const notice = document.getElementById('web-notice');
  const note = () => console.log(notice.textContent, document.getElementById('checkout-address1').value);
  new MutationObserver(note).observe(notice, { childList: true });
}"""

# A key counts before timers do: the second press may come between htmx beginning and whatever waits for it.
PRESS_AS_HTMX_BEGINS = """button => {
  const press = () => {
    button.form.requestSubmit(button);
    button.form.dataset.pressed = 'twice';
  };
  const begun = () => scheduler.postTask(press, { priority: 'user-blocking' });
  addEventListener('htmx:after:process', begun, { once: true });
}"""


def only(method: str, act: Callable[[Route], Awaitable[None]]) -> Callable[[Route], Awaitable[None]]:
    """Meddle with one kind of request."""

    async def handle(route: Route) -> None:
        await (act(route) if route.request.method == method else route.continue_())

    return handle


async def hold_back(page: Page) -> asyncio.Event:
    """Hold what is put into the cart on its way to the shop, until the event is set."""
    go_on = asyncio.Event()

    async def hold(route: Route) -> None:
        await go_on.wait()
        await route.continue_()

    await page.route("**/cart/lines", only("POST", hold))
    return go_on


async def test_offline_is_said_and_the_retry_adds(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await page.get_by_label("수량", exact=True).fill("3")
    await page.context.set_offline(offline=True)
    await walker.button("장바구니 담기").press("Enter")
    await expect(walker.notice).to_contain_text(NO_NET)
    await expect(page.get_by_label("수량", exact=True)).to_have_value("3")
    assert not (await focused(page)).startswith("BODY")
    async with page.expect_event("requestfailed"):  # or the net might come back beneath it
        await walker.button("다시 시도").press("Enter")
    await expect(walker.notice).to_contain_text(NO_NET)
    await page.context.set_offline(offline=False)
    await walker.button("다시 시도").press("Enter")
    await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
    await walker.badge(3)
    assert not (await focused(page)).startswith("BODY")


async def test_offline_in_the_cart_keeps_what_was_typed(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/cart")
    field = page.locator(f"#cart-quantity-{product_id}")
    await page.context.set_offline(offline=True)
    await field.fill("5")
    await expect(walker.notice).to_contain_text(NO_NET)
    await expect(field).to_have_value("5")
    await page.context.set_offline(offline=False)
    await walker.button("다시 시도").click()
    await walker.badge(5)
    await expect(field).to_have_value("5")
    await page.reload()
    await expect(field).to_have_value("5")


async def test_somebody_elses_error_page_is_never_shown(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    first, second = await on_sale(m, 2)
    await add(walker, first)
    await walker.go(f"/products/{second}")
    breaking = only("POST", lambda route: route.fulfill(status=502, content_type="text/html", body=BROKEN))
    await page.route("**/cart/lines**", breaking)
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    await expect(page.get_by_text("Bad Gateway")).to_have_count(0)
    await walker.badge(1)
    await page.unroute_all()
    await walker.button("다시 시도").click()
    await walker.badge(2)

    await page.route("**/cart/lines/**", breaking)
    await walker.go("/cart")
    await page.locator(f"#cart-line-{first}").get_by_role("button", name="삭제").click()
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    await expect(page.locator(f"#cart-line-{first}")).to_be_visible()
    await page.unroute_all()
    await walker.button("다시 시도").click()
    await expect(page.locator(f"#cart-line-{first}")).to_have_count(0)
    await walker.badge(1)


async def test_an_answer_lost_on_the_way_is_not_added_twice_by_the_retry(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    [product_id] = await on_sale(m, 1)

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await walker.go(f"/products/{product_id}")
    await page.route("**/cart/lines", only("POST", lose), times=1)
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text(f"{NO_ANSWER} {NOT_TWICE}")
    await walker.button("다시 시도").click()
    await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
    await walker.badge(1)


async def test_a_late_answer_is_told_after_five_seconds_and_asking_again_adds_once(
    enter: Enter, m: Machines
) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await page.clock.install()
    await walker.go(f"/products/{product_id}")
    asked, go_on, gone = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.continue_()
        gone.set()

    await page.get_by_label("수량", exact=True).fill("2")
    await page.route("**/cart/lines", only("POST", answer_late), times=1)
    await walker.button("장바구니 담기").press("Enter")
    await asked.wait()
    await page.clock.fast_forward(5_100)
    await expect(walker.notice).to_contain_text(f"{LATE} {NOT_TWICE}")
    await expect(page.get_by_label("수량", exact=True)).to_have_value("2")
    await walker.button("다시 시도").press("Enter")
    await page.clock.fast_forward(100)
    await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
    await walker.badge(2)
    go_on.set()
    await gone.wait()  # a reload in between waits, now and then, for the question that was held back
    await page.reload()
    await walker.badge(2)


async def test_a_late_answer_that_comes_takes_its_message_away(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await page.clock.install()
    await walker.go("/cart")
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.continue_()

    await page.route("**/cart/lines/**", only("POST", answer_late))
    await page.locator(f"#cart-quantity-{product_id}").fill("4")
    await page.clock.fast_forward(400)
    await asked.wait()
    await expect(page.locator(f"#cart-line-{product_id}[aria-busy]")).to_have_count(1)
    await page.clock.fast_forward(5_100)
    await expect(walker.notice).to_contain_text(LATE)
    go_on.set()
    await walker.badge(4)
    await expect(walker.notice).to_be_empty()
    await expect(page.locator("[aria-busy]")).to_have_count(0)


async def test_what_one_line_was_not_answered_stands_while_another_is(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    first, second = await on_sale(m, 2)
    await add(walker, first)
    await add(walker, second)
    await walker.go("/cart")
    await page.route(f"**/cart/lines/{first}", lambda route: route.abort(), times=1)
    await page.locator(f"#cart-quantity-{first}").fill("3")
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    await page.locator(f"#cart-quantity-{second}").fill("5")
    await walker.badge(6)
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    await expect(page.locator(f"#cart-quantity-{first}")).to_have_value("3")
    await walker.button("다시 시도").press("Enter")
    await walker.badge(8)
    await expect(walker.notice).to_be_empty()


async def test_the_page_of_a_hotels_network_is_no_answer(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    title = await page.title()
    portal = only("POST", lambda route: route.fulfill(content_type="text/html", body=PORTAL))
    await page.route("**/cart/lines", portal, times=1)
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    assert await page.title() == title
    await walker.button("다시 시도").click()
    await walker.badge(1)


async def test_a_plain_form_stays_with_all_that_was_typed_when_there_is_no_net(
    enter: Enter, m: Machines
) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/checkout")
    await fill(walker, "checkout", **RECIPIENT)
    await page.context.set_offline(offline=True)
    await walker.button("다음: 주문 확인").press("Enter")
    await expect(walker.notice).to_contain_text(f"{NO_NET} {NOT_SENT}")
    await expect(page.get_by_label("주소", exact=True)).to_have_value(RECIPIENT["address1"])
    assert not (await focused(page)).startswith("BODY")
    await page.context.set_offline(offline=False)
    await walker.button("다시 시도").press("Enter")
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    await expect(page.get_by_text(RECIPIENT["address1"])).to_be_visible()


@pytest.mark.slow  # five seconds, which no clock of ours can hurry while the browser is leaving
async def test_a_plain_form_tells_that_its_answer_is_late(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.go("/checkout")
    await fill(walker, "checkout", **RECIPIENT)
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        asked.set()
        await go_on.wait()
        await route.continue_()

    await page.route("**/checkout", only("POST", answer_late), times=1)
    await page.evaluate(TELL)
    async with page.expect_console_message(lambda line: LATE in line.text, timeout=60_000) as told:
        pressing = asyncio.create_task(walker.button("다음: 주문 확인").press("Enter", timeout=60_000))
        await asked.wait()
    assert RECIPIENT["address1"] in (await told.value).text
    go_on.set()
    await pressing
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()


async def test_a_slow_answer_keeps_the_focus_and_takes_one_press(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    go_on = await hold_back(page)
    adding = walker.button("장바구니 담기")
    for _ in range(3):
        await adding.press("Enter")
    await expect(page.locator("main form[aria-busy]")).to_have_count(1)
    await expect(adding).to_be_focused()
    go_on.set()
    await walker.badge(1)
    await expect(page.locator("[aria-busy]")).to_have_count(0)
    await expect(adding).to_be_focused()


async def test_a_press_the_moment_htmx_begins_is_the_same_press(enter: Enter, m: Machines) -> None:
    walker = await enter()
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    go_on = await hold_back(page)
    adding = walker.button("장바구니 담기")
    await adding.evaluate(PRESS_AS_HTMX_BEGINS)
    async with page.expect_request("**/cart/lines"):
        await adding.press("Enter")
    await expect(page.locator("main form[data-pressed]")).to_have_count(1)
    await expect(page.locator("main form[aria-busy]")).to_have_count(1)
    go_on.set()
    await walker.badge(1)
    await expect(page.locator("[aria-busy]")).to_have_count(0)


async def test_an_answer_that_never_comes_is_given_up(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await page.clock.install()
    await walker.go(f"/products/{product_id}")
    asked = asyncio.Event()

    async def swallow(_: Route) -> None:
        asked.set()

    await page.route("**/cart/lines", only("POST", swallow))
    await walker.button("장바구니 담기").click()
    await asked.wait()
    await page.clock.fast_forward(16_000)
    await expect(walker.notice).to_contain_text(NO_ANSWER)
    await page.unroute_all(behavior="ignoreErrors")
    await walker.button("다시 시도").click()
    await page.clock.fast_forward(1_000)
    await walker.badge(1)


async def test_the_widget_that_does_not_load_is_said_and_loads_again(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven += FAILED_LOADS
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    await walker.page.route(f"{walker.toss}/v2/**", lambda route: route.abort())
    await order(walker)
    await expect(walker.notice).to_contain_text("결제 수단을 불러오지 못했습니다")
    await expect(walker.notice).to_contain_text("결제되지 않았습니다")
    await expect(walker.page.get_by_role("button", name="결제하기")).to_be_disabled()
    await walker.page.unroute_all()
    await walker.button("다시 시도").click()
    await expect(walker.page.get_by_role("radio", name="카드")).to_be_visible()


async def test_the_cart_is_away_for_a_while(enter: Enter, m: Machines, running: RunningShop) -> None:
    walker = await enter()
    walker.forgiven += ["status of 503"]
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await add(walker, product_id)
    running.stack.redis.kill()
    await page.get_by_label("수량", exact=True).fill("3")
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text("잠시 후 다시 시도해 주십시오")
    await expect(page.get_by_label("수량", exact=True)).to_have_value("3")
    await expect(walker.button("다시 시도")).to_be_visible()
    answer = await walker.go("/cart")
    assert answer.status == 503
    await expect(walker.heading("잠시 연결이 원활하지 않습니다")).to_be_visible()
    await expect(walker.link("처음으로")).to_be_visible()
    running.stack.redis.start()
    await expect(page.get_by_role("main")).to_be_visible()
    answer = await walker.go("/cart")
    assert answer.status == 200
    await walker.badge(1)
