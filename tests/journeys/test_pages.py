"""Every kind of page at three widths: nothing sticks out, is unnamed, unsound or comes from elsewhere."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from app.machines import Machines
from app.models import products
from tests.journeys import sound, vnu
from tests.journeys.books import on_sale, rows
from tests.journeys.sound import SCHEMES, Tally, Validator
from tests.journeys.walker import FAILED_LOADS, Walker, add, fill, open_walker, order, pay, sign_up
from tests.processes import RECIPIENT, RunningShop
from tests.toss_stand import Stand

# Looks do not depend on the machines behind the page: the embedded ones are enough for this list.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

LONG = {
    "recipient_name": "가" * 40,
    "address1": "서" * 120,
    "address2": "층" * 80,
    "delivery_note": "문" * 80,
}


@dataclass(slots=True)
class Village:
    """A guest, a member with orders that ended in every way, one unpaid, goods of every kind."""

    guest: Walker
    member: Walker
    depositor: Walker
    plain: int
    optional: int
    sold_out: int
    paid: str = ""
    canceled: str = ""
    pending: str = ""
    waiting: str = ""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def village(
    chromium: Browser, running: RunningShop, m: Machines, toss: Stand
) -> AsyncIterator[Village]:
    guest, member, depositor = [await open_walker(chromium, running.url, toss.url) for _ in range(3)]
    [plain] = await on_sale(m, 1)
    [gone, *_] = await rows(m, products, products.c.quantity == 0)
    [choice, *_] = await rows(m, products, products.c.group_id.is_not(None) & (products.c.quantity > 9))
    village = Village(guest, member, depositor, plain, choice.product_id, gone.product_id)
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
    await add(depositor, plain)
    village.waiting = await order(depositor)
    await pay(depositor, "가상계좌", "가상계좌 발급")
    await expect(depositor.heading("입금 대기")).to_be_visible()
    yield village
    for walker in (guest, member, depositor):
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
    await village.depositor.go(f"/orders/{village.waiting}")
    return village.depositor


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
    "handover": member("/orders/{village.pending}/payment/handover"),
    "addresses": member("/account/addresses"),
    "new address": member("/account/addresses/new"),
    "new address, wrong": wrong(member("/account/addresses/new"), "저장"),
    "order waiting": waiting,
    "review": review,
}


# One of each kind of layout; the grid below has them all.
SAMPLE = {
    "home",
    "list",
    "product with options",
    "cart, one removed",
    "no net",
    "checkout, wrong",
    "sign-up, wrong",
}
SAMPLE |= {"order waiting", "payment", "receipt", "account", "not found"}


@pytest.mark.parametrize("kind", PAGES)
async def test_the_page_is_sound(village: Village, validator: Validator, kind: str) -> None:
    walker = await visit(village, kind)
    assert [line for text in await walker.markup() for line in await validator.faults(text)] == []
    assert await sound.audit(walker.page) == []
    if kind in SAMPLE:
        await sound.load_axe(walker.page)
        for width, scheme in ((360, SCHEMES[0]), (1280, SCHEMES[1])):
            assert (await sound.ask_axe(walker.page, width, scheme))[1] == []
        assert await sound.bear(walker.page) == []
    assert walker.unforgiven == []


@pytest.mark.slow
async def test_vnu_finds_nothing_on_any_page(village: Village) -> None:
    sent: dict[str, str] = {}
    for kind in PAGES:
        walker = await visit(village, kind)
        sent |= {f"{kind}, {number}": text for number, text in enumerate(await walker.markup())}
    assert await vnu.faults(sent) == []


async def visit(village: Village, kind: str) -> Walker:
    for walker in (village.guest, village.member, village.depositor):
        walker.complaints.clear()
        walker.forgiven[:] = FAILED_LOADS if kind == "no net" else ["status of 404", "status of 422"]
    return await PAGES[kind](village)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=[True, False], ids=["scripts", "plain"])
async def people(
    request: pytest.FixtureRequest, village: Village, chromium: Browser
) -> AsyncIterator[tuple[Village, bool]]:
    """The village with a new guest, with scripts or without."""
    scripts: bool = request.param
    url, toss = village.guest.url, village.guest.toss
    guest, member, depositor = [await open_walker(chromium, url, toss, scripts=scripts) for _ in range(3)]
    for known, walker in ((village.member, member), (village.depositor, depositor)):
        cookies = (await known.page.context.storage_state())["cookies"]
        await walker.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    yield replace(village, guest=guest, member=member, depositor=depositor), scripts
    for walker in (guest, member, depositor):
        await walker.page.context.close()


@pytest.fixture(scope="module")
def table() -> Iterator[dict[str, Tally]]:
    """What axe said, page by page; printed when all are done."""
    table: dict[str, Tally] = {}
    yield table
    rows = [*table.items(), ("all", sum(table.values(), Tally()))]
    lines = [f"{name:<40}{each.cells:>6}{each.violations:>12}{each.incomplete:>12}" for name, each in rows]
    print("", f"{'page':<40}{'cells':>6}{'violations':>12}{'incomplete':>12}", *lines, sep="\n")  # noqa: T201


NEEDS_SCRIPTS = {"no net", "payment left"}  # the browser's own page, and the way back from Toss's widget


@pytest.mark.slow
@pytest.mark.parametrize("kind", PAGES)
async def test_axe_finds_nothing_in_any_cell(
    people: tuple[Village, bool], table: dict[str, Tally], kind: str
) -> None:
    village, scripts = people
    if not scripts and kind in NEEDS_SCRIPTS:
        return
    if not scripts and kind == "payment":
        walker = await member("/orders/{village.pending}/payment")(village)
    else:
        walker = await visit(village, kind)
    tally, found = await sound.ask_axe_everywhere(walker.page, scripts=scripts)
    table[f"{kind} ({'scripts' if scripts else 'plain'})"] = tally
    assert found == []
    assert await sound.bear(walker.page) == []
