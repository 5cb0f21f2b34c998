"""Every kind of page at three widths: nothing sticks out, is unnamed, or comes from elsewhere."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from app.machines import Machines
from app.models import products
from tests.journeys.books import on_sale, rows
from tests.journeys.walker import FAILED_LOADS, Walker, add, fill, open_walker, order, pay, sign_up
from tests.processes import RECIPIENT, RunningShop
from tests.toss_stand import Stand

# Looks do not depend on the machines behind the page: the embedded ones are enough for this list.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

WIDTHS = (320, 360, 1280)
AUDIT = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")
LONG = {
    "recipient_name": "가" * 40,
    "address1": "서" * 120,
    "address2": "층" * 80,
    "delivery_note": "문" * 80,
}


@dataclass(slots=True)
class Village:
    """A guest, a member with orders that ended in every way, and goods of every kind."""

    guest: Walker
    member: Walker
    plain: int
    optional: int
    sold_out: int
    paid: str = ""
    canceled: str = ""
    pending: str = ""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def village(
    chromium: Browser, running: RunningShop, m: Machines, toss: Stand
) -> AsyncIterator[Village]:
    guest, member = [await open_walker(chromium, running.url, toss.url) for _ in range(2)]
    [plain] = await on_sale(m, 1)
    [gone, *_] = await rows(m, products, products.c.quantity == 0)
    [choice, *_] = await rows(m, products, products.c.group_id.is_not(None) & (products.c.quantity > 9))
    village = Village(guest, member, plain, choice.product_id, gone.product_id)
    await sign_up(member)
    await add(member, plain)
    village.paid = await order(member)
    await pay(member)
    await add(member, choice.product_id, 2)
    village.canceled = await order(member)
    await member.go(f"/orders/{village.canceled}")
    await member.button("주문 취소").click()
    await expect(member.heading("주문 취소")).to_be_visible()
    village.pending = await order(member)
    yield village
    for walker in (guest, member):
        await walker.page.context.close()


Way = Callable[[Village], Awaitable[Walker]]


def guest(path: str) -> Way:
    """Open a page as somebody without an account."""

    async def go(village: Village) -> Walker:
        await village.guest.go(path.format(village=village))
        return village.guest

    return go


def member(path: str) -> Way:
    """Open a page as a member."""

    async def go(village: Village) -> Walker:
        await village.member.go(path.format(village=village))
        return village.member

    return go


def wrong(way: Way, button: str) -> Way:
    """Send a page's form as it is, whatever the browser thinks of it."""

    async def go(village: Village) -> Walker:
        walker = await way(village)
        await walker.page.locator("main form").first.evaluate("(form) => { form.noValidate = true; }")
        await walker.button(button).click()
        await expect(walker.page.get_by_role("alert")).to_be_visible()
        return walker

    return go


async def added(village: Village) -> Walker:
    await add(village.guest, village.plain)
    return village.guest


async def removed(village: Village) -> Walker:
    await add(village.guest, village.optional)
    await village.guest.go("/cart")
    line = village.guest.page.locator(f"#cart-line-{village.optional}")
    await line.get_by_role("button", name="삭제").click()
    await expect(village.guest.button("되돌리기")).to_be_visible()
    return village.guest


async def review(village: Village) -> Walker:
    await village.member.go("/checkout")
    await fill(village.member, "checkout", **(RECIPIENT | LONG))
    await village.member.button("다음: 주문 확인").click()
    await expect(village.member.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    return village.member


async def payment(village: Village) -> Walker:
    await village.member.go(f"/orders/{village.pending}/payment")
    await expect(village.member.page.get_by_role("radio").first).to_be_visible()
    await expect(village.member.page.get_by_role("checkbox")).to_be_visible()
    return village.member


async def waiting(village: Village) -> Walker:
    await order(village.guest)
    await pay(village.guest, "가상계좌", "가상계좌 발급")
    await expect(village.guest.heading("입금 대기")).to_be_visible()
    return village.guest


async def left(village: Village) -> Walker:
    await payment(village)
    await pay(village.member, button="결제 취소 (사용자)")
    return village.member


async def offline(village: Village) -> Walker:
    walker = village.guest
    await walker.go(f"/products/{village.plain}")
    await walker.page.context.set_offline(offline=True)
    await walker.button("장바구니 담기").click()
    await expect(walker.button("다시 시도")).to_be_visible()
    await walker.page.context.set_offline(offline=False)
    return walker


PAGES: dict[str, Way] = {
    "home": guest("/"),
    "list": guest("/products"),
    "category": guest("/products?category=부엌&sort=price_asc"),
    "product": guest("/products/{village.plain}"),
    "product with options": guest("/products/{village.optional}"),
    "product sold out": guest("/products/{village.sold_out}"),
    "search": guest("/search?q=잔"),
    "search without words": guest("/search"),
    "search in vain": guest("/search?q=" + "없는말" * 20),
    "cart, empty": guest("/cart"),
    "product just added": added,
    "cart": guest("/cart"),
    "cart, one removed": removed,
    "no net": offline,
    "checkout": guest("/checkout"),
    "checkout, wrong": wrong(guest("/checkout"), "다음: 주문 확인"),
    "sign-up": guest("/signup?next=/cart"),
    "sign-up, wrong": wrong(guest("/signup"), "가입하기"),
    "log-in": guest("/login"),
    "log-in, wrong": wrong(guest("/login"), "로그인"),
    "terms": guest("/terms"),
    "privacy": guest("/privacy"),
    "forgotten password": guest("/password-reset"),
    "forgotten password, wrong": wrong(guest("/password-reset"), "링크 받기"),
    "link sent": guest("/password-reset/sent"),
    "password set": guest("/password-reset/done"),
    "link gone": guest(f"/password-reset/{'x' * 43}"),
    "account closed": guest("/account-closed"),
    "look-up": guest("/orders/lookup"),
    "look-up, wrong": wrong(guest("/orders/lookup"), "주문 조회"),
    "orders, none": guest("/orders"),
    "not found": guest("/nowhere"),
    "account": member("/account"),
    "password": member("/account/password"),
    "password, wrong": wrong(member("/account/password"), "바꾸기"),
    "e-mail": member("/account/email"),
    "e-mail sent": member("/account/email/sent"),
    "devices": member("/account/sessions"),
    "closing, too early": member("/account/closure"),
    "orders": member("/orders"),
    "order paid": member("/orders/{village.paid}"),
    "order canceled": member("/orders/{village.canceled}"),
    "order pending": member("/orders/{village.pending}"),
    "receipt": member("/orders/{village.paid}/receipt"),
    "payment": payment,
    "payment left": left,
    "order waiting": waiting,
    "review": review,
}


@pytest.mark.parametrize("kind", PAGES)
async def test_the_page_is_sound(village: Village, kind: str) -> None:
    for walker in (village.guest, village.member):
        walker.complaints.clear()
        walker.forgiven[:] = FAILED_LOADS if kind == "no net" else ["status of 404", "status of 422"]
    walker = await PAGES[kind](village)
    for width in WIDTHS:
        await walker.page.set_viewport_size({"width": width, "height": 740})
        assert await walker.page.evaluate(AUDIT) == [], width
    assert walker.unforgiven == []
