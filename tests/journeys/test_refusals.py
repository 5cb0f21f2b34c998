"""What the shop refuses, it refuses in words: designed pages, typed values kept, nothing changed."""

import re

import pytest
from playwright.async_api import expect

from app.machines import Machines
from tests.journeys.books import on_sale
from tests.journeys.conftest import Enter
from tests.journeys.walker import Walker, fill, sign_up

# Words do not depend on the machines behind the page: the embedded ones are enough for this list.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
WRONG = {
    "/signup": {
        "signup-name": "나" * 256,
        "signup-phone": "전화 없음",
        "signup-email": "주소 없음",
        "signup-signup_id": "한글아이디",
        "signup-password": "1234",
    },
    "/login": {"login-signup_id": "nobody_here", "login-password": "틀린 비밀번호"},
    "/orders/lookup": {"lookup-order_no": "20261123-AAAAAAA", "lookup-phone": "010-9999-9999"},
    "/password-reset": {"reset-email": "주소 없음"},
    "/account/email": {"account-email": "주소 없음"},
    "/account/password": {"account-password": "틀린 비밀번호", "account-new_password": "짧다"},
    "/checkout": {
        "checkout-recipient_name": "나" * 41,
        "checkout-recipient_phone": "010-1234-5678",
        "checkout-postcode": "1234",
        "checkout-address1": "",
        "checkout-address2": "가" * 81,
    },
}
SUBMIT = {
    "/signup": "가입하기",
    "/login": "로그인",
    "/orders/lookup": "주문 조회",
    "/password-reset": "링크 받기",
    "/account/email": "확인 링크 받기",
    "/account/password": "바꾸기",
    "/checkout": "다음: 주문 확인",
}


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
@pytest.mark.parametrize("path", WRONG)
async def test_a_form_comes_back_with_what_was_typed(
    enter: Enter, m: Machines, path: str, *, scripts: bool
) -> None:
    walker = await enter(scripts=scripts)
    walker.forgiven.append("status of 422")
    page = walker.page
    if path.startswith("/account/"):
        await sign_up(walker)
    if path == "/checkout":
        [product_id] = await on_sale(m, 1)
        await walker.go(f"/products/{product_id}")
        await walker.button("장바구니 담기").click()
        await walker.badge(1)
    await walker.go(path)
    await lift_the_browsers_own_checks(walker)
    for name, value in WRONG[path].items():
        await page.locator(f"#{name}").fill(value)
    async with page.expect_navigation() as coming:
        await walker.button(SUBMIT[path]).click()
    answer = await coming.value
    assert answer
    assert answer.status == 422
    await expect(page).to_have_title(re.compile("^오류: "))
    summary = page.get_by_role("alert")
    await expect(summary).to_be_focused()
    for name, value in WRONG[path].items():
        kept = "" if "password" in name else value
        await expect(page.locator(f"#{name}")).to_have_value(kept)
    links = await summary.get_by_role("link").all()
    assert links
    for link in links:
        sentence = await link.inner_text()
        field = page.locator(await link.get_attribute("href") or "")
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_have_accessible_description(re.compile(re.escape(sentence)))
    await links[0].press("Enter")
    await expect(page.locator(await links[0].get_attribute("href") or "")).to_be_focused()


async def lift_the_browsers_own_checks(walker: Walker) -> None:
    """Let a form be sent as a program would send it."""
    await walker.page.locator("main form").first.evaluate("(form) => { form.noValidate = true; }")
    lift = "(fields) => fields.forEach((field) => field.removeAttribute('maxlength'))"
    await walker.page.locator("main input").evaluate_all(lift)


@pytest.mark.parametrize("quantity", ["0", "-1", "1.5", "1e9", ""])
async def test_a_quantity_that_is_none_is_refused(enter: Enter, m: Machines, quantity: str) -> None:
    walker = await enter()
    walker.forgiven.append("status of 422")
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await lift_the_browsers_own_checks(walker)
    await page.get_by_label("수량", exact=True).fill(quantity)
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text("장바구니는 바뀌지 않았습니다")
    await expect(page.get_by_label("수량", exact=True)).to_have_value(quantity)
    await walker.badge(0)


async def assert_designed(walker: Walker, title: str, *, ways: bool = True) -> None:
    """See one of our own pages, with a way on from it."""
    await expect(walker.heading(title)).to_be_visible()
    await expect(walker.page.locator("#web-header")).to_be_visible()
    if ways:
        await expect(walker.page.locator("main").get_by_role("link", name="처음으로")).to_be_visible()
    assert "Traceback" not in await walker.page.content()


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        ("/nowhere", 404, "찾을 수 없습니다"),
        ("/products/999999999", 404, "찾을 수 없습니다"),
        ("/products/99999999999999999999", 404, "찾을 수 없습니다"),
        ("/products?category=없는-분류", 404, "찾을 수 없습니다"),
        ("/orders/20261123-AAAAAAA", 404, "찾을 수 없습니다"),
        ("/orders/20261123-AAAAAAA/payment", 404, "찾을 수 없습니다"),
        ("/payments/toss/return/nothing", 404, "찾을 수 없습니다"),
        ("/pictures/nothing.svg", 404, "찾을 수 없습니다"),
        ("/cart/undo", 405, "이렇게는 열 수 없는 주소입니다"),
        ("/logout", 405, "이렇게는 열 수 없는 주소입니다"),
    ],
)
async def test_an_address_that_is_none(enter: Enter, path: str, status: int, title: str) -> None:
    walker = await enter()
    walker.forgiven.append(f"status of {status}")
    answer = await walker.go(path)
    assert answer.status == status
    await assert_designed(walker, title)
    piece = await walker.page.request.get(f"{walker.url}{path}", headers=HTMX)
    assert piece.status == status
    text = await piece.text()
    assert text.startswith('<hx-partial hx-target="#web-notice"'), text


async def test_a_wrong_token_changes_nothing(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven.append("status of 403")
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await page.locator("main input[name=csrf]").evaluate("(field) => { field.value = 'forged'; }")
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text("변경된 내용은 없습니다")
    await walker.badge(0)

    await walker.go("/login")
    await fill(walker, "login", signup_id="nobody", password="틀린 비밀번호")
    await page.locator("main input[name=csrf]").evaluate("(field) => { field.value = 'forged'; }")
    await walker.button("로그인").click()
    await assert_designed(walker, "요청을 처리하지 않았습니다")


async def test_what_is_too_large_is_refused(enter: Enter, m: Machines) -> None:
    walker = await enter()
    walker.forgiven.append("status of 413")
    page = walker.page
    [product_id] = await on_sale(m, 1)
    await walker.go(f"/products/{product_id}")
    await page.locator("main input[name=key]").evaluate("(field) => { field.value = 'x'.repeat(100000); }")
    await walker.button("장바구니 담기").click()
    await expect(walker.notice).to_contain_text("너무 커서 처리하지 않았습니다")

    await walker.go("/orders/lookup")
    await lift_the_browsers_own_checks(walker)
    await page.locator("#lookup-phone").evaluate("(field) => { field.value = '0'.repeat(10_000_000); }")
    await walker.button("주문 조회").click()
    await assert_designed(walker, "보낸 내용이 너무 큽니다")


async def test_guessing_passwords_is_slowed_down_in_words(enter: Enter) -> None:
    walker = await enter(scripts=False)
    walker.forgiven += ["status of 422", "status of 429"]
    await sign_up(walker)
    await walker.go("/account")
    await walker.button("로그아웃").click()
    await walker.go("/login")
    wrong = {"signup_id": walker.signup_id, "password": "틀린 비밀번호"}
    token = await walker.page.locator("main input[name=csrf]").get_attribute("value") or ""
    for _ in range(10):
        await walker.page.request.post(f"{walker.url}/login", form={**wrong, "csrf": token})
    status = 422
    while status == 422:  # the first waits are short: a slow machine may type through them
        await fill(walker, "login", **wrong)
        async with walker.page.expect_navigation() as coming:
            await walker.button("로그인").click()
        status = (await coming.value).status
    assert status == 429
    await assert_designed(walker, "요청이 너무 많습니다")
    await expect(walker.page.get_by_text("초 후 다시 시도해 주십시오")).to_be_visible()
