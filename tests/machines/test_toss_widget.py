"""The sandbox's widget in a real browser under a strict policy: call order, error codes, the way back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from sandbox.toss.config import DOCS_CLIENT_KEY, DOCS_SECRET_KEY, Config
from tests.toss_stand import Json, Stand, answer, running_sandbox

PAGE = """<!doctype html><html lang="ko"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>상점</title>
<script src="{sandbox}/v2/standard"></script></head>
<body><main><h1>결제</h1><div id="methods"></div><div id="agreement"></div></main></body></html>"""

# Runs in the page: the calls in order, then the code of what was thrown, or the value.
RUN = """async ([key, calls]) => {
    try {
        const toss = TossPayments(key.client);
        const customerKey = key.customer === undefined ? TossPayments.ANONYMOUS : key.customer;
        const widgets = toss.widgets({customerKey});
        let last = null;
        for (const [name, ...args] of calls) {
            last = await widgets[name](...args);
        }
        window.widgets = widgets;
        window.last = last;
        return null;
    } catch (error) { return error.code || String(error); }
}"""
AMOUNT = ["setAmount", {"currency": "KRW", "value": 15_000}]
METHODS = ["renderPaymentMethods", {"selector": "#methods", "variantKey": "DEFAULT"}]
AGREEMENT = ["renderAgreement", {"selector": "#agreement", "variantKey": "AGREEMENT"}]


@asynccontextmanager
async def serving_shop(sandbox: str) -> AsyncIterator[str]:
    """A shop on another origin whose policy allows the sandbox and nothing inline."""
    policy = (
        f"default-src 'none'; script-src {sandbox}; style-src 'self' {sandbox}; connect-src {sandbox}; "
        "img-src 'self'; base-uri 'none'; require-trusted-types-for 'script'"
    )
    page = answer(
        200,
        PAGE.format(sandbox=sandbox),
        "Content-Type: text/html; charset=utf-8",
        f"Content-Security-Policy: {policy}",
    )

    async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            writer.write(page)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(show, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stand() -> AsyncIterator[Stand]:
    async with running_sandbox(Config(shop_name="마당 상회")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shop(stand: Stand) -> AsyncIterator[str]:
    async with serving_shop(stand.url) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, shop: str) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 360, "height": 780}, locale="ko-KR")
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None
    )
    await opened.goto(shop)
    yield opened
    assert complaints == []
    await context.close()


async def run(page: Page, *calls: list[Any], client: str = DOCS_CLIENT_KEY, **customer: object) -> str | None:
    """Make the calls on fresh widgets; return the code of what was thrown."""
    thrown: str | None = await page.evaluate(RUN, [{"client": client, **customer}, list(calls)])
    return thrown


def wish(shop: str, **changed: object) -> dict[str, object]:
    asked = {
        "orderId": "order-123456",
        "orderName": "들기름 외 1건",
        "successUrl": f"{shop}/done?from=toss",
        "failUrl": f"{shop}/fail",
        "customerName": "김마당",
        "customerMobilePhone": "01012345678",
    }
    return {name: value for name, value in {**asked, **changed}.items() if value != "absent"}


async def request(page: Page, asked: dict[str, object]) -> str | None:
    """Call requestPayment on the widgets of the last run; return the code it threw."""
    thrown: str | None = await page.evaluate(
        "async (asked) => { try { await widgets.requestPayment(asked); } catch (e) { return e.code; } }",
        asked,
    )
    return thrown


async def test_keys_are_checked_before_anything_is_drawn(page: Page) -> None:
    assert await run(page, client="nonsense") == "INVALID_CLIENT_KEY"
    assert await run(page, client=DOCS_SECRET_KEY) == "INSECURE_KEY_USAGE"
    assert (
        await run(page, client="test_ck_D5GePWvyJnrK0W0k6q8gLzN97Eoq") == "NOT_SUPPORTED_API_INDIVIDUAL_KEY"
    )
    assert await run(page, customer="x") == "INVALID_CUSTOMER_KEY"
    assert await run(page, customer="한글 열쇠") == "INVALID_CUSTOMER_KEY"
    assert await run(page, customer=DOCS_SECRET_KEY) == "INSECURE_KEY_USAGE"
    assert await run(page, customer="user-1") is None
    assert await run(page, AMOUNT, METHODS, client="test_gck_unknown") == "UNAUTHORIZED_KEY"
    assert await page.evaluate("TossPayments.ANONYMOUS") == "@@ANONYMOUS"
    individual = "(key) => { try { TossPayments(key).payment({}); } catch (e) { return e.code; } }"
    assert await page.evaluate(individual, DOCS_CLIENT_KEY) == "NOT_SUPPORTED_WIDGET_KEY"


async def test_the_amount_comes_first_and_is_one(page: Page) -> None:
    assert await run(page, METHODS) == "NOT_SETUP_AMOUNT"
    assert await run(page, AGREEMENT) == "NOT_SETUP_AMOUNT"
    for amount, thrown in (
        ({"currency": "USD", "value": 1}, "INVALID_AMOUNT_CURRENCY"),
        ({"currency": "KRW", "value": "15000"}, "INVALID_AMOUNT_VALUE"),
        ({"currency": "KRW"}, "INVALID_AMOUNT_VALUE"),
        ({"currency": "KRW", "value": 0}, "BELOW_ZERO_AMOUNT"),
        ({"currency": "KRW", "value": -1}, "BELOW_ZERO_AMOUNT"),
    ):
        assert await run(page, ["setAmount", amount]) == thrown


async def test_a_widget_is_drawn_once_where_there_is_a_place(page: Page) -> None:
    assert await run(page, AMOUNT, ["renderPaymentMethods", {"selector": "#none"}]) == "INVALID_SELECTOR"
    assert await run(page, AMOUNT, ["renderPaymentMethods", {"selector": "###"}]) == "INVALID_SELECTOR"
    wrong = ["renderAgreement", {"selector": "#agreement", "variantKey": 7}]
    assert await run(page, AMOUNT, wrong) == "INVALID_VARIANT_KEY"
    twice = await run(page, AMOUNT, METHODS, METHODS)
    assert twice == "PAYMENT_METHODS_WIDGET_ALREADY_RENDERED"
    assert await run(page, AMOUNT, AGREEMENT, AGREEMENT) == "AGREEMENT_WIDGET_ALREADY_RENDERED"


async def test_destroying_makes_room_again(page: Page) -> None:
    assert await run(page, AMOUNT, METHODS) is None
    again = (
        "async () => { await last.destroy(); await widgets.renderPaymentMethods({selector: '#methods'}); }"
    )
    await page.evaluate(again)
    await expect(page.get_by_role("radio")).to_have_count(4)


async def test_a_request_is_checked_before_it_leaves(page: Page, shop: str) -> None:
    assert await run(page) is None
    assert await request(page, wish(shop)) == "NOT_SETUP_AMOUNT"
    assert await run(page, AMOUNT) is None
    assert await request(page, wish(shop)) == "NOT_SELECTED_PAYMENT_METHOD"
    assert await run(page, AMOUNT, METHODS, AGREEMENT) is None
    assert await request(page, wish(shop)) == "NOT_SELECTED_PAYMENT_METHOD"
    await page.get_by_role("radio", name="카드").check()
    assert await request(page, wish(shop)) == "NEED_AGREEMENT_WITH_REQUIRED_TERMS"
    await page.get_by_role("checkbox").check()
    for changed, thrown in (
        ({"orderId": "short"}, "INVALID_PARAMETERS"),
        ({"orderId": "한글주문번호"}, "INVALID_PARAMETERS"),
        ({"orderName": ""}, "INVALID_PARAMETERS"),
        ({"orderName": "가" * 101}, "INVALID_PARAMETERS"),
        ({"customerMobilePhone": "010-1234-5678"}, "INVALID_PARAMETERS"),
        ({"successUrl": "/done"}, "INCORRECT_SUCCESS_URL_FORMAT"),
        ({"failUrl": "/fail"}, "INCORRECT_FAIL_URL_FORMAT"),
        ({"successUrl": "absent"}, "INCORRECT_SUCCESS_URL_FORMAT"),
        ({"successUrl": "absent", "failUrl": "absent"}, "NOT_SUPPORTED_PROMISE"),
        ({"metadata": {"[a]": "b"}}, "INVALID_METADATA"),
        ({"metadata": {str(number): "x" for number in range(6)}}, "INVALID_METADATA"),
    ):
        assert await request(page, wish(shop, **changed)) == thrown, changed
    double = """async (asked) => {
        widgets.requestPayment(asked);
        try { await widgets.requestPayment(asked); } catch (e) { return e.code; }
    }"""
    assert await page.evaluate(double, wish(shop)) == "INVALID_METHOD_TRANSACTION"


async def test_nothing_arrives_ticked_and_choices_are_told(page: Page) -> None:
    await run(page, AMOUNT, METHODS)
    await expect(page.locator("input:checked")).to_have_count(0)
    await page.evaluate(
        "() => { window.told = []; last.on('paymentMethodSelect', (m) => told.push(m.code)); }"
    )
    await page.get_by_role("radio", name="토스페이").check()
    assert await page.evaluate("told") == ["TOSSPAY"]
    assert await page.evaluate("last.getSelectedPaymentMethod()") == {"code": "TOSSPAY"}
    small = await page.locator(".toss-method").evaluate_all(
        "(all) => all.filter((one) => one.getBoundingClientRect().height < 44).length"
    )
    assert small == 0


async def test_no_method_s_name_is_broken_where_text_is_twice_as_large(page: Page) -> None:
    await page.set_viewport_size({"width": 360, "height": 740})
    await run(page, AMOUNT, METHODS)
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    lines = await page.locator(".toss-method span").evaluate_all(
        """(names) => names.map((name) => {
            const range = new Range();
            range.selectNodeContents(name);
            return range.getClientRects().length;
        })"""
    )
    assert lines == [1] * 4
    assert await page.evaluate("document.documentElement.scrollWidth") == 360


async def test_a_purchase_by_keyboard_alone(page: Page, shop: str, stand: Stand) -> None:
    await run(page, AMOUNT, METHODS, AGREEMENT)
    group = page.get_by_role("group", name="결제 방법")
    await expect(group.get_by_role("radio")).to_have_count(4)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("radio", name="카드")).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("checkbox")).to_be_checked()
    await page.evaluate("(asked) => { widgets.requestPayment(asked); }", wish(shop, orderId="order-keyboard"))

    await expect(page.get_by_text("테스트 결제창")).to_be_visible()
    await expect(page.get_by_text("15,000원")).to_be_visible()
    await expect(page.get_by_text("마당 상회")).to_be_visible()
    await page.get_by_role("button", name="결제 승인").focus()
    await page.keyboard.press("Enter")

    await page.wait_for_url(f"{shop}/done**")
    query = parse_qs(urlsplit(page.url).query)
    payment_key = query.pop("paymentKey")[0]
    assert query == {
        "from": ["toss"],
        "paymentType": ["NORMAL"],
        "amount": ["15000"],
        "orderId": ["order-keyboard"],
    }
    books = await stand.ledger()
    created = next(each for each in books["payments"] if each["paymentKey"] == payment_key)
    assert (created["status"], created["method"]) == ("IN_PROGRESS", "카드")


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        (("카드", "카드 거절", "/fail"), {"code": ["REJECT_CARD_COMPANY"]}),
        (("토스페이", "결제 취소 (사용자)", "/fail"), {"code": ["PAY_PROCESS_CANCELED"]}),
        (("가상계좌", "가상계좌 발급", "/done"), {"amount": ["15000"]}),
    ],
)
async def test_every_way_out_of_the_window(
    page: Page, shop: str, way: tuple[str, str, str], expected: Json
) -> None:
    method, button, path = way
    await run(page, AMOUNT, METHODS, AGREEMENT)
    await page.get_by_role("radio", name=method).check()
    await page.get_by_role("checkbox").check()
    await page.evaluate("(asked) => { widgets.requestPayment(asked); }", wish(shop))
    await page.get_by_role("button", name=button).click()
    await page.wait_for_url(f"{shop}{path}**")
    query = parse_qs(urlsplit(page.url).query)
    assert query.items() >= expected.items()
    assert ("orderId" in query) == ("PAY_PROCESS_CANCELED" not in query.get("code", []))


async def test_back_from_the_window_the_button_works_again(page: Page, shop: str) -> None:
    await run(page, AMOUNT, METHODS, AGREEMENT)
    await page.get_by_role("radio", name="카드").check()
    await page.get_by_role("checkbox").check()
    await page.evaluate("(asked) => { widgets.requestPayment(asked); }", wish(shop))
    await page.get_by_role("button", name="창 닫기").click()
    await expect(page.get_by_role("heading", name="결제창을 닫았습니다")).to_be_visible()
    await page.get_by_role("link", name="결제창 다시 열기").click()
    await expect(page.get_by_role("button", name="결제 승인")).to_be_visible()


async def test_the_window_form_asks_the_shop_to_pay(page: Page, shop: str) -> None:
    await run(page, AMOUNT, ["renderPaymentWindow", {}])
    await page.evaluate(
        """(asked) => {
            window.paid = null;
            last.on("paymentRequest", ({paymentMethod}) => {
                window.paid = paymentMethod;
                widgets.requestPayment(asked);
            });
        }""",
        wish(shop),
    )
    dialog = page.get_by_role("dialog", name="결제")
    await dialog.get_by_role("radio", name="계좌이체").check()
    await dialog.get_by_role("checkbox").check()
    await dialog.get_by_role("button", name="15,000원 결제하기").click()
    await expect(page.get_by_role("button", name="결제 승인")).to_be_visible()


async def test_the_window_form_can_be_left(page: Page) -> None:
    await run(page, AMOUNT, ["renderPaymentWindow", {}])
    await page.evaluate("() => { window.left = 0; last.on('cancel', () => left++); }")
    await page.get_by_role("button", name="취소").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.wait_for_function("left === 1")  # the browser tells of the close after it has closed
    await page.evaluate("last.destroy()")
    assert await page.evaluate("document.querySelector('dialog')") is None


async def test_a_dead_sandbox_is_an_error_and_not_a_hang(page: Page) -> None:
    await page.route("**/sandbox/widget**", lambda route: route.abort())
    assert await run(page, AMOUNT, METHODS) == "UNKNOWN"


async def test_no_page_is_wider_than_a_phone(page: Page, stand: Stand) -> None:
    payment_key, order_id = await stand.approve(orderName="아주 긴 이름의 상품" * 8)
    paid = {"paymentKey": payment_key, "orderId": order_id, "amount": 15_000}
    await stand.http.post("/v1/payments/confirm", json=paid, auth=(DOCS_SECRET_KEY, ""))
    fresh, _ = await stand.open(orderId="o" * 64)
    for path in (f"/sandbox/window/{fresh}", f"/sandbox/receipts/{payment_key}", "/sandbox"):
        await page.goto(stand.url + path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 360
        small = "[...document.querySelectorAll('button, select, input, summary')]"
        heights = await page.evaluate(f"{small}.map((one) => one.getBoundingClientRect().height)")
        assert min([44, *heights]) >= 44
