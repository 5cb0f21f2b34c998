"""Somebody in front of a browser: what they do in the shop, and what the browser complained about."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from tests.processes import RECIPIENT
from tests.village import unheard_of_id

PHONE = (360, 740)
DESK = (1280, 800)
PATIENCE = 10_000
FAILED_LOADS = ["Failed to load resource", "htmx:error"]  # what a console says without a net
# Whatever a page swaps or sends: whoever had the focus may lose it to something, never to nothing.
KEEP_FOCUS = """
let had;
addEventListener('focusin', (event) => { had = event.target; });
addEventListener('pointerdown', () => { had = null; });
addEventListener('htmx:finally:request', () => setTimeout(() => {
  if (had && document.activeElement === document.body) console.error(`focus lost by ${had.outerHTML}`);
}));
"""


@dataclass(slots=True)
class Walker:
    """A page, and everything that went wrong on it."""

    page: Page
    url: str
    toss: str
    scripts: bool = True
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)
    signup_id: str = ""
    password: str = ""
    answers: list[Response] = field(default_factory=list)  # what the page now open was made of

    @property
    def unforgiven(self) -> list[str]:
        """The complaints the test did not ask for."""
        return [line for line in self.complaints if not any(part in line for part in self.forgiven)]

    async def go(self, path: str) -> Response:
        """Open a page of the shop."""
        answer = await self.page.goto(f"{self.url}{path}")
        assert answer
        return answer

    async def markup(self) -> list[str]:
        """Return the HTML the shop sent: the page, and every fragment since."""
        kinds = [answer for answer in self.answers if "html" in answer.headers.get("content-type", "")]
        return [text for answer in kinds if (text := await answer.text())]

    async def back(self) -> None:
        """Press Back; a page kept whole by the browser is not loaded again, so no load is waited for."""
        await self.page.go_back(wait_until="commit")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def heading(self, name: str) -> Locator:
        return self.page.get_by_role("heading", name=name)

    @property
    def notice(self) -> Locator:
        """The live region: what is in it is seen and read out."""
        return self.page.get_by_role("status").and_(self.page.locator("#web-notice"))

    async def badge(self, count: int) -> None:
        """See the number beside the cart in the header."""
        shown = self.page.locator("#cart-badge [data-count]")
        await (expect(shown).to_have_text(str(count)) if count else expect(shown).to_have_count(0))


async def open_walker(
    browser: Browser, url: str, toss: str, *, size: tuple[int, int] = PHONE, scripts: bool = True
) -> Walker:
    """Open a browser window with an empty cookie jar."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="ko-KR",
        java_script_enabled=scripts,
        reduced_motion="reduce",  # nothing to wait for between two pages
    )
    context.set_default_timeout(PATIENCE)
    walker = Walker(await context.new_page(), url, toss, scripts)
    page = walker.page
    await page.add_init_script(KEEP_FOCUS)

    def note_line(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            walker.complaints.append(f"{page.url}: {line.text}")

    def note_request(request: Request) -> None:
        if not _is_ours(walker, request):
            walker.complaints.append(f"{page.url}: asked {request.url}")

    def note_answer(answer: Response) -> None:
        if answer.request.is_navigation_request() and answer.frame == page.main_frame:
            walker.answers.clear()  # the browser, too, lets go of what it had before
        if answer.url.startswith(walker.url) and not 300 <= answer.status < 400:
            walker.answers.append(answer)

    page.on("response", note_answer)
    page.on("console", note_line)
    page.on("pageerror", lambda error: walker.complaints.append(f"{page.url}: {error}"))
    page.on("request", note_request)
    return walker


def _is_ours(walker: Walker, request: Request) -> bool:
    """Whether a request goes to the shop, or to Toss from where Toss belongs."""
    asked = urlsplit(request.url)
    if f"{asked.scheme}://{asked.netloc}" == walker.url or asked.scheme in {"data", "blob"}:
        return True
    if not request.url.startswith(walker.toss):
        return False
    if request.is_navigation_request():
        return True
    return request.frame.url.startswith(walker.toss) or urlsplit(request.frame.url).path.endswith("/payment")


async def sign_up(walker: Walker, word: str = "minji") -> None:
    """Become a member, as strangers do."""
    walker.signup_id, walker.password = unheard_of_id(word), f"달빛 아래 {secrets.token_hex(4)}"
    await walker.go("/signup")
    await fill(walker, "signup", name="김민지", phone="010-1234-5678", email="minji@example.com")
    await fill(walker, "signup", signup_id=walker.signup_id, password=walker.password)
    for consent in ("terms", "privacy", "age"):
        await walker.page.locator(f"#signup-{consent}").check()
    await walker.button("가입하기").click()
    await expect(walker.link("내 계정")).to_be_visible()


async def fill(walker: Walker, prefix: str, **values: str) -> None:
    """Type into the fields of a form."""
    for name, value in values.items():
        await walker.page.locator(f"#{prefix}-{name}").fill(value)


async def add(walker: Walker, product_id: int, quantity: int = 1) -> None:
    """Put goods into the cart from their page."""
    await walker.go(f"/products/{product_id}")
    if quantity > 1:
        await walker.page.get_by_label("수량", exact=True).fill(str(quantity))
    await walker.button("장바구니 담기").click()
    if walker.scripts:
        await expect(walker.notice).to_contain_text("장바구니에 담았습니다")
    else:
        await walker.page.wait_for_url("**/cart")


async def order(walker: Walker) -> str:
    """Go from the cart to the payment page; return the order's number."""
    await walker.go("/cart")
    await walker.page.get_by_role("link", name="주문하기").click()
    await fill(walker, "checkout", **RECIPIENT)
    await walker.button("다음: 주문 확인").click()
    await expect(walker.heading("주문 내용을 확인해 주십시오")).to_be_visible()
    await walker.page.get_by_role("button", name="주문하기").click()
    await walker.page.wait_for_url("**/orders/*/payment")
    return urlsplit(walker.page.url).path.split("/")[2]


async def open_window(walker: Walker, method: str = "카드") -> None:
    """Choose how to pay, and press the button that opens Toss's window."""
    await walker.page.get_by_role("radio", name=method).check()
    await walker.page.get_by_role("checkbox").check()
    await walker.page.get_by_role("button", name="결제하기").click()
    await expect(walker.page.get_by_text("테스트 결제창", exact=True)).to_be_visible()


async def pay(walker: Walker, method: str = "카드", button: str = "결제 승인") -> None:
    """Pay, or not, in Toss's window; end on the shop's page that tells what came of it."""
    await open_window(walker, method)
    await walker.button(button).click()
    await walker.page.wait_for_url(f"{walker.url}/**")


async def payment_no(walker: Walker) -> str:
    """Read off the payment page under which number Toss knows this attempt."""
    number = await walker.page.locator("#payments-widget").get_attribute("data-payment-no")
    assert number
    return number


async def focused(page: Page) -> str:
    """Name the element that has the focus."""
    name: Any = await page.evaluate("document.activeElement.tagName + '#' + document.activeElement.id")
    return str(name)


async def has_focus(target: Locator) -> bool:
    return bool(await target.evaluate("(element) => element === document.activeElement"))


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus, past the end of the page at most once."""
    ends = 0
    while ends < 2:
        await page.keyboard.press("Tab")
        if await has_focus(target):
            return
        ends += (await focused(page)).startswith("BODY")  # the browser's own buttons have their turn
    raise AssertionError(f"Tab does not reach {target}")
