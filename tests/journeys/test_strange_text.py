"""Words without end, emoji, text from right to left: wherever people's text stands, it stays in its place."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from sqlalchemy import update

from app.machines import Machines
from app.models import order_lines, orders, products, users, web_payments
from tests.goods import make
from tests.journeys import sound
from tests.journeys.books import row
from tests.journeys.conftest import Enter
from tests.journeys.sound import SCHEMES, WIDTHS
from tests.journeys.test_operators import come_in
from tests.journeys.test_refusals import lift_the_browsers_own_checks
from tests.journeys.walker import Walker, add, fill, open_walker, pay, sign_up
from tests.processes import RECIPIENT, RunningShop
from tests.toss_stand import Stand
from tests.village import hana

# Looks do not depend on the machines behind the page: the embedded ones are enough for this list.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

OVERRIDE = "\u202e"  # everything after it from right to left, until something ends it
MARKS = "".join(chr(code) for code in range(0x300, 0x310))  # sixteen accents for one letter
MOST = (40, 60, 80, 100, 120, 255, 10_000)
STRANGE = {
    "everything": f"{OVERRIDE}مرحبا{'가' * 9}👩‍👩‍👧‍👦Z{MARKS}{'W' * 9}",
    "a word without end": "끝없이이어지는말",
    "a narrow word without end": "i.l/",
    "emoji": "👩‍👩‍👧‍👦🏺🇰🇷",
    "right to left": "مرحبا بالعالم",
    "an override": f"{OVERRIDE}원000,1 ",
    "accents upon accents": f"Z{MARKS}",
    "a letter that is no letter": "ﷺ𒐫",
    "markup": "<b>\"'&lt;",
}
# Text of people may turn around what stands beside it in the same line, unless its element isolates it.
TURNING = """(values) => {
  const turns = /[\\u0590-\\u08ff\\u202a-\\u202e]/;
  const isInline = (element) => getComputedStyle(element).display === 'inline';
  const inLine = (node) => node.nodeType === 3 ? node.data
    : node.nodeType === 1 && isInline(node) ? [...node.childNodes].map(inLine).join('') : '';
  const wrong = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    if (!turns.test(node.data.replace(/\\u2068[^\\u2069]*\\u2069/g, ''))) continue;
    let box = node.parentElement;
    while (isInline(box) && getComputedStyle(box).unicodeBidi === 'normal') box = box.parentElement;
    if (box.closest('script, style, bdi')) continue; // held apart, whatever it is
    const line = [...box.childNodes].map(inLine).join('').trim();
    const last = (value) => line.endsWith(value) && !/[\\u202a-\\u202e]/.test(value); // ours stands before
    const stays = values.some((value) => value.includes(line) || last(value));
    if (!stays) wrong.push(`turns: ${box.outerHTML.slice(0, 160)}`);
  }
  return wrong;
}"""


def long(kind: str, most: int) -> str:
    """Return as much of a kind as a field takes, or the last whole one before that."""
    piece = STRANGE[kind]
    return (piece * (most // len(piece) or 1))[:most].strip()


@dataclass(slots=True)
class Stranger:
    """Whoever has such a name, lives at such an address, and buys such goods; and who serves them."""

    m: Machines
    walker: Walker
    desk: Walker
    kind: str
    goods: list[int]
    quick: bool
    found: list[str] = field(default_factory=list)

    def text(self, most: int) -> str:
        return long(self.kind, most)

    def typed(self, most: int) -> str:
        """What is typed into a form: those take nothing that turns text around unseen."""
        return long(self.kind, most).replace(OVERRIDE, "-")

    def recipient(self) -> dict[str, str]:
        mosts = {"recipient_name": 40, "address1": 120, "address2": 80, "delivery_note": 80}
        return {name: self.typed(most) for name, most in mosts.items()}

    async def visit(self, path: str) -> None:
        await self.walker.go(path)
        await self.look(path[:20])

    async def look(self, where: str) -> None:
        """Look at the page as it stands, at every width."""
        page = (self.desk if where.startswith("operator") else self.walker).page
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 740})
            for script in (sound.SIDEWAYS, sound.CLIPPED):
                self.found += [f"{where}, {width}: {line}" for line in await page.evaluate(script)]
        texts = [long(kind, most) for kind in STRANGE for most in MOST]  # operators see all who came
        values = texts + [text.replace(OVERRIDE, "-") for text in texts]
        self.found += [f"{where}: {line}" for line in await page.evaluate(TURNING, values)]
        if not self.quick:
            await sound.load_axe(page)
            for scheme in SCHEMES:
                lines = (await sound.ask_axe(page, 320, scheme))[1]
                # A link wider than the screen has no place where axe could see its ground whole.
                self.found += [
                    f"{where}: {line}" for line in lines if "incomplete: color-contrast" not in line
                ]


@pytest_asyncio.fixture(loop_scope="session")
async def strangers(
    chromium: Browser, running: RunningShop, m: Machines, toss: Stand
) -> AsyncIterator[Callable[[str], Awaitable[Stranger]]]:
    """Let somebody in who is as strange as can be; afterwards their goods leave the shelf."""
    came: list[Stranger] = []

    async def come(kind: str) -> Stranger:
        shopper, desk = [await open_walker(chromium, running.url, toss.url) for _ in range(2)]
        label, words = long(kind, 100), long(kind, 10_000)
        looks = {"name": long(kind, 255), "category": long(kind, 255)}
        looks |= {"country": long(kind, 255), "manufacturer": long(kind, 255), "description": words}
        first = await make(m, **looks, option_label=label, quantity=15, image="none.svg")
        other = await make(m, **looks, option_label=f"{label[:90]} 2", quantity=15, group_id=first)
        alone = await make(m, **looks, quantity=15)
        async with m.db.write() as tx:
            mine = products.c.product_id == first
            await tx.execute(update(products).where(mine).values(group_id=first))
        came.append(Stranger(m, shopper, desk, kind, [first, other, alone], kind == "everything"))
        return came[-1]

    yield come
    for one in came:
        async with m.db.write() as tx:
            gone = products.c.product_id.in_(one.goods)
            await tx.execute(update(products).where(gone).values(status="hidden"))
        for walker in (one.walker, one.desk):
            await walker.page.context.close()


KINDS = [pytest.param(kind, marks=[] if kind == "everything" else pytest.mark.slow) for kind in STRANGE]


@pytest.mark.parametrize("kind", KINDS)
async def test_strange_text_stays_in_its_place_and_whole(
    strangers: Callable[[str], Awaitable[Stranger]], m: Machines, kind: str
) -> None:
    stranger = await strangers(kind)
    order_no = await buy(stranger)
    await serve(stranger, order_no)
    assert stranger.found == []
    order = await row(m, orders, orders.c.order_no == order_no)
    stored = {name: getattr(order, name) for name in RECIPIENT}
    assert stored == RECIPIENT | {"recipient_phone": "01012345678"} | stranger.recipient()
    line = await row(m, order_lines, order_lines.c.order_id == order.order_id)
    assert (line.name, line.option_label) == (stranger.text(255), stranger.text(100))


async def buy(stranger: Stranger) -> str:
    """Look around, sign up, put things in and out of the cart, order, pay; return the order's number."""
    walker, (first, _, alone) = stranger.walker, stranger.goods
    await sign_up(walker)
    async with stranger.m.db.write() as tx:
        mine = users.c.signup_id == walker.signup_id
        await tx.execute(update(users).where(mine).values(name=stranger.text(255)))
    await stranger.visit("/")
    await stranger.visit("/products")
    await stranger.visit(f"/search?q={quote(stranger.text(60))}")
    await add(walker, alone)
    await stranger.look("product just added")
    await add(walker, first)
    await stranger.visit("/cart")
    await walker.page.locator(f"#cart-line-{alone}").get_by_role("button", name="삭제").click()
    await expect(walker.button("되돌리기")).to_be_visible()
    await stranger.look("cart, one removed")
    await walker.go("/checkout")
    await lift_the_browsers_own_checks(walker)  # they count an emoji as two
    await fill(walker, "checkout", **(RECIPIENT | stranger.recipient() | {"postcode": "1"}))
    walker.forgiven.append("status of 422")
    await walker.button("다음: 주문 확인").click()
    await expect(walker.page.get_by_role("alert")).to_be_visible()
    await stranger.look("checkout, wrong")
    await fill(walker, "checkout", postcode=RECIPIENT["postcode"])
    await walker.button("다음: 주문 확인").click()
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    await stranger.look("review")
    await walker.page.get_by_role("button", name="주문하기").click()
    await walker.page.wait_for_url("**/orders/*/payment")
    await stranger.look("payment")
    order_no = walker.page.url.split("/")[-2]
    await pay(walker)
    for path in (f"/orders/{order_no}", f"/orders/{order_no}/receipt", "/orders", "/account"):
        await stranger.visit(path)
    return order_no


async def serve(stranger: Stranger, order_no: str) -> None:
    """Give a won back for a strange reason, and look at what operators see."""
    desk, m = stranger.desk, stranger.m
    await come_in(desk, await hana(m))
    order = await row(m, orders, orders.c.order_no == order_no)
    attempt = await row(m, web_payments, web_payments.c.order_id == order.order_id)
    payment = f"/admin/payments/{attempt.web_payment_id}"
    await desk.go(payment)
    await lift_the_browsers_own_checks(desk)
    await fill(desk, "refund", amount="1", reason=stranger.typed(100))
    await desk.button("환불하기").click()
    await expect(desk.page.get_by_role("cell", name="환불 완료")).to_be_visible()
    for path in (payment, "/admin/payments", "/admin/audit-log", "/admin/access-log", "/admin/factors"):
        await desk.go(path)
        await stranger.look(f"operator: {path}")


FORMS = {
    "/signup": ("가입하기", "signup-name"),
    "/login": ("로그인", "login-signup_id"),
    "/orders/lookup": ("주문 조회", "lookup-order_no"),
    "/password-reset": ("링크 받기", "reset-email"),
}


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("text", ["W" * 10_000, f"{OVERRIDE}원000,1"], ids=["long", "turned"])
async def test_what_is_refused_is_said_and_stays_typed(enter: Enter, path: str, text: str) -> None:
    walker = await enter()
    walker.forgiven.append("status of 422")
    page, (button, field) = walker.page, FORMS[path]
    await walker.go(path)
    await lift_the_browsers_own_checks(walker)
    await page.locator(f"#{field}").fill(text)
    await walker.button(button).click()
    await expect(page.get_by_role("alert")).to_be_focused()
    await expect(page.locator(f"#{field}")).to_have_value(text)
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 740})
        assert await page.evaluate(sound.SIDEWAYS) == [], width
