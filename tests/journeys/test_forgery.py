"""Pages of others, in a shopper's own browser: whatever they send, frame or read, the shop's answer is no.

One attacker is on another site. The other is on the shop's own site, on another port: it gets the shopper's
cookies sent along, and only the form token and what the browser says about the sender stand in its way.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, Request, expect
from sqlalchemy import func, select

from app.machines import Machines
from app.models import order_lines, orders, products, stock_movements, users
from tests.house.test_bad_input import FORMS, OUTSIDE, POSTS
from tests.journeys.books import on_sale, status_of
from tests.journeys.conftest import Enter
from tests.journeys.walker import Walker, add, fill, order, sign_up
from tests.toss_stand import answer

# What a browser says of a sender does not depend on the machines behind the page.
pytestmark = pytest.mark.parametrize("grounds", ["embedded"], indirect=True, scope="package")

# The guard is the same at every door: to try all ways at all of them takes minutes. To every other door one
# form is sent, from the nearer site: to another port of ours, a browser sends our cookies.
TRIED_EVERY_WAY = {"accounts.log_in", "accounts.log_out", "cart.add_line", "orders.cancel_order"}
TABLES = (users, orders, order_lines, products, stock_movements)
NEARER = "another port of our own site"
SITES = {"another site": "localhost", NEARER: "127.0.0.1"}


@dataclass(slots=True)
class Evil:
    """A web server of somebody else, with one page."""

    url: str
    page: str = ""


@asynccontextmanager
async def somebody_else(host: str) -> AsyncIterator[Evil]:
    """Serve a page on another origin."""

    async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline():
            body = evil.page.encode()
            writer.write(answer(200, body, "Content-Type: text/html; charset=utf-8"))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(show, "127.0.0.1", 0)
    evil = Evil(f"http://{host}:{server.sockets[0].getsockname()[1]}")
    async with server:
        yield evil


async def token_of_the_attacker(url: str) -> str:
    """A sound token, bound to the attacker's own cookies."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        found = re.search(r'name="csrf" value="([^"]+)"', (await http.get("/orders/lookup")).text)
    assert found
    return found[1]


def form_to(action: str, fields: dict[str, str], target: str = "_self") -> str:
    """A form, and what sends it."""
    inputs = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
    return (
        f'<form id="f" method="post" action="{action}" target="{target}">{inputs}</form>'
        '<iframe name="frame"></iframe>'
        '<script>const send = () => document.getElementById("f").submit()</script>'
    )


def fetch_to(action: str, fields: dict[str, str], **how: Any) -> str:
    """A script that sends a form, and says in the page's title when it was kept from doing so."""
    options = {"method": "POST", "credentials": "include", **how}
    return (
        f"<script>const send = () => fetch({json.dumps(action)}, {{...{json.dumps(options)}, "
        f"body: new URLSearchParams({json.dumps(fields)})}})"
        ".catch(() => { document.title = 'blocked' })</script>"
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A way to send a form from elsewhere: the page, whether its form reaches the shop, and it goes there."""

    name: str
    page: str
    reaches: bool = True
    leaves: bool = False


def ways(action: str, fields: dict[str, str]) -> Iterator[Way]:
    """Every way to send a form from elsewhere."""
    yield Way("a form", form_to(action, fields), leaves=True)
    yield Way("a form into a frame", form_to(action, fields, "frame"))
    yield Way("fetch without CORS", fetch_to(action, fields, mode="no-cors"))
    yield Way("fetch with CORS", fetch_to(action, fields, mode="cors"))
    for header in ("HX-Request", "X-CSRF-Token"):
        yield Way(f"fetch with {header}", fetch_to(action, fields, headers={header: "true"}), reaches=False)


async def belongings(m: Machines, walker: Walker, order_no: str) -> list[Any]:
    """All that a forged form could change."""
    kept: list[Any] = [await status_of(m, order_no)]
    async with m.db.read() as tx:
        counted = [select(func.count()).select_from(table) for table in TABLES]
        kept += [(await tx.execute(query)).scalar_one() for query in counted]
        mine = users.c.signup_id == walker.signup_id
        kept.append((await tx.execute(select(users.c.signup_password).where(mine))).scalar_one())
    cart = await walker.page.request.get(f"{walker.url}/cart")
    kept.append(re.findall(r'name="quantity" value="(\d+)"', await cart.text()))
    account = await walker.page.request.get(f"{walker.url}/account")
    kept.append(walker.signup_id in await account.text())
    return kept


@pytest.mark.parametrize("site", SITES)
async def test_no_form_of_another_page_is_taken(enter: Enter, m: Machines, site: str) -> None:
    walker = await enter()
    walker.forgiven.append("")  # pages of somebody else complain, as they should
    first, second = await on_sale(m, 2)
    await sign_up(walker)
    await add(walker, first)
    order_no = await order(walker)
    await add(walker, second, 2)
    before = await belongings(m, walker, order_no)
    assert before[-1] is True
    known = {
        "mug": second, "order_no": order_no, "total": "1", "web_payment_id": 1, "payment_no": "x",
        "signup_id": walker.signup_id, "password": walker.password,
        "new_id": "forged_one", "new_password": "바람 부는 언덕 위의 집",
    }  # fmt: skip
    token = await token_of_the_attacker(walker.url)
    wrong = []
    async with somebody_else(SITES[site]) as evil:
        for endpoint, rule in POSTS.items():
            if endpoint in OUTSIDE:
                continue
            path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(known.get(found[1], second)), rule)
            fields = {name: value.format(**known) for name, value in FORMS[endpoint].items()} | {
                "csrf": token
            }
            every = list(ways(f"{walker.url}{path}", fields))
            one = every[:1] if site == NEARER else []
            for way in every if endpoint in TRIED_EVERY_WAY else one:
                statuses = await send(walker.page, evil, path, way)
                if statuses - {403} or (way.leaves and not statuses):
                    wrong.append((endpoint, way.name, statuses))
    assert wrong == []
    assert await belongings(m, walker, order_no) == before


async def send(page: Page, evil: Evil, path: str, way: Way) -> set[int]:
    """Open somebody else's page, let it send, and wait for the end of that; return the answers' statuses.

    Of an answer that it keeps from the page, the browser says no status.
    """
    ended: asyncio.Queue[Request] = asyncio.Queue()

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(path):
            ended.put_nowait(request)

    evil.page = way.page
    await page.goto(evil.url)
    page.on("requestfinished", note)
    page.on("requestfailed", note)
    await page.evaluate("void setTimeout(send)")
    if way.reaches:
        async with asyncio.timeout(30):
            request = await ended.get()
        await page.wait_for_url(lambda now: not way.leaves or now.endswith(path))
    else:
        await expect(page).to_have_title("blocked")
    page.remove_listener("requestfinished", note)
    page.remove_listener("requestfailed", note)
    told = await request.response() if way.reaches else None
    return {told.status} if told else set()


@pytest.mark.parametrize("site", SITES)
async def test_no_page_of_ours_is_framed_or_read_elsewhere(enter: Enter, m: Machines, site: str) -> None:
    walker = await enter()
    walker.forgiven.append("")
    await sign_up(walker)
    await add(walker, (await on_sale(m, 1))[0])
    page = walker.page
    picture = await page.request.get(f"{walker.url}/products")
    found = re.search(r"/pictures/[\w.-]+", await picture.text())
    assert found
    async with somebody_else(SITES[site]) as evil:
        for path in ("/", "/cart", "/account", "/login", "/nowhere", "/livez", found[0]):
            evil.page = f'<iframe src="{walker.url}{path}"></iframe>'
            async with page.expect_console_message(lambda line: "frame-ancestors 'none'" in line.text):
                await page.goto(evil.url)
            evil.page = (
                f"<script>fetch('{walker.url}{path}', {{credentials: 'include'}})"
                ".then(() => { document.title = 'read' }, () => { document.title = 'blocked' })</script>"
            )
            await page.goto(evil.url)
            await expect(page).to_have_title("blocked")


@pytest.mark.parametrize("site", ["another site"])
async def test_nothing_of_ours_is_shown_in_another_site(enter: Enter, m: Machines, site: str) -> None:
    walker = await enter()
    walker.forgiven.append("")
    await walker.go("/")
    page = walker.page
    found = re.search(r"/pictures/[\w.-]+", await page.content())
    assert found
    async with somebody_else(SITES[site]) as evil:
        said = "onload=\"document.title = 'shown'\" onerror=\"document.title = 'blocked'\""
        evil.page = f'<img src="{walker.url}{found[0]}" {said}>'
        await page.goto(evil.url)
        await expect(page).to_have_title("blocked")


async def test_what_was_typed_can_be_sent_again_when_only_the_token_was_stale(enter: Enter) -> None:
    """Somebody logged in or out in another tab: our own page sent the form, so nothing is typed twice."""
    walker = await enter()
    walker.forgiven += ["status of 403", "status of 422"]
    page = walker.page
    await walker.go("/orders/lookup")
    await page.context.clear_cookies()
    await fill(walker, "lookup", order_no="20261123-AAAAAAA", phone="010-9999-9999")
    await walker.button("주문 조회").click()
    await expect(walker.heading("요청을 처리하지 않았습니다")).to_be_visible()
    await walker.button("입력한 내용으로 다시 보내기").click()
    await expect(page.locator("#lookup-order_no")).to_have_value("20261123-AAAAAAA")
    await expect(page.locator("#lookup-phone")).to_have_value(re.compile("010-?9999-?9999"))


async def test_a_password_is_never_written_into_a_page(enter: Enter) -> None:
    walker = await enter()
    walker.forgiven.append("status of 403")
    await walker.go("/login")
    await walker.page.context.clear_cookies()
    await fill(walker, "login", signup_id="minji", password="비밀스러운 문장입니다")
    await walker.button("로그인").click()
    await expect(walker.heading("요청을 처리하지 않았습니다")).to_be_visible()
    await expect(walker.button("입력한 내용으로 다시 보내기")).to_have_count(0)
    assert "비밀스러운" not in await walker.page.content()


async def test_our_policy_stops_what_was_smuggled_in_and_the_shop_hears_of_it(enter: Enter) -> None:
    walker = await enter()
    walker.forgiven += ["Content Security Policy", "status of 404"]
    await walker.go("/login")
    async with walker.page.expect_response("**/csp-reports") as heard:
        smuggled = '<img src="/nowhere.svg" alt="" onerror="window.stolen = 1">'
        await walker.page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", smuggled)
    assert (await heard.value).status == 204
    assert await walker.page.evaluate("window.stolen") is None


@pytest.mark.parametrize(
    "act",
    [
        "document.body.innerHTML = '<p></p><script src=/static/x></script>'",
        "document.createElement('script').src = '/static/x'",
        "document.createElement('script').text = 'window.stolen = 1'",
        "setTimeout('window.stolen = 1')",
    ],
)
async def test_no_text_becomes_a_script_whoever_asks_for_it(enter: Enter, act: str) -> None:
    walker = await enter()
    for path in ("/login", "/"):  # with our scripts, and without
        await walker.go(path)
        walker.forgiven += ["TrustedHTML", "TrustedScript"]
        said = await walker.page.evaluate(
            f"() => {{ try {{ {act}; }} catch ({{ name }}) {{ return name; }} }}"
        )
        assert said == "TypeError"
        assert await walker.page.locator("main").count() == 1
