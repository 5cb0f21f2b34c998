"""Every answer says what our pages never do: pages, errors, redirects, files, and the server's refusals."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from quart import Response

from app.core import policy, stylesheet
from app.main import create_app
from app.settings import Settings
from tests.buyer import ADDRESS, Buyer, stand_of
from tests.goods import mug
from tests.processes import RunningShop, serving
from tests.shop import HTMX, Shop
from tests.stack import embedded
from tests.village import enter, minji

CSS = Path(policy.__file__).parents[1] / "static/css"
STYLE = policy.hash_style(stylesheet.read_inline(CSS, stylesheet.COUNTER))
STYLES = [STYLE, policy.hash_style(stylesheet.read_inline(CSS, stylesheet.WINDOW))]
YEAR = 365 * 24 * 3600
NEVER = ("unsafe-", "strict-dynamic", "http:", "https:", "*", "blob:")


def directives(text: str) -> dict[str, list[str]]:
    """A policy, as a browser reads it."""
    parts = [part.split() for part in text.split(";") if part.strip()]
    names = [part[0] for part in parts]
    assert len(names) == len(set(names)), text  # the second of two is ignored
    return {part[0]: part[1:] for part in parts}


async def is_pieces(answer: Response) -> bool:
    """Whether this is read by htmx and never opened: if somebody does, it may do nothing at all."""
    return (await answer.get_data(as_text=True)).startswith("<hx-partial")


async def assert_strict(answer: Response) -> None:
    headers = answer.headers
    rules = directives(headers["Content-Security-Policy"])
    assert rules["default-src"] == ["'none'"]
    assert rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["form-action"] in (["'self'"], ["'none'"])
    sources = [source for values in rules.values() for source in values]
    assert not [source for source in sources for word in NEVER if word in source], rules
    if answer.mimetype == "text/html" and not await is_pieces(answer):
        assert rules["object-src"] == ["'none'"]
        assert rules["script-src"] == ["'self'"]
        assert rules["require-trusted-types-for"] == ["'script'"]
        assert rules["trusted-types"] == ["default"]
        inline = re.findall(r"<style>(.*?)</style>", await answer.get_data(as_text=True), re.DOTALL)
        [ours, named] = rules["style-src"]
        assert ours == "'self'"
        assert named in STYLES
        assert [policy.hash_style(css) for css in inline] in ([named], [])  # a redirect has no page
        assert rules["report-uri"] == ["/csp-reports"]
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
        assert "payment=()" in headers["Permissions-Policy"]
        assert "camera=()" in headers["Permissions-Policy"]
    else:
        assert "sandbox" in rules
        assert "script-src" not in rules
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not {"Server", "X-Powered-By", "Via"} & set(headers.keys())


PUBLIC = (
    "/",
    "/products",
    "/search?q=cup",
    "/login",
    "/signup",
    "/orders/lookup",
    "/livez",
    "/readyz",
    "/metrics",
)
ERRORS = (
    "/nowhere",
    "/products/0",
    "/static/000000000000/js/none.js",
    "/pictures/none.svg",
    "/admin/payments",
)


@pytest.mark.parametrize("htmx", [False, True], ids=["plain", "htmx"])
@pytest.mark.parametrize("url", [*PUBLIC, *ERRORS, "/orders", "/cart/undo"])
async def test_every_kind_of_answer_carries_the_policy(shop: Shop, url: str, htmx: bool) -> None:  # noqa: FBT001
    visitor = shop.visitor()
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE"):
        ask = getattr(visitor.client, method.lower())
        answer = await ask(url, headers=HTMX if htmx else {})
        await assert_strict(answer)


async def test_static_files_and_pictures_carry_the_bare_policy(shop: Shop) -> None:
    visitor = shop.visitor()
    page = await (await visitor.get("/login")).get_data(as_text=True)
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(files) >= 4
    for url in files:
        answer = await visitor.get(url)
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == policy.BARE
        await assert_strict(answer)


async def test_a_page_of_another_release_gets_the_files_there_are_and_keeps_none(shop: Shop) -> None:
    visitor = shop.visitor()
    page = await (await visitor.get("/login")).get_data(as_text=True)
    for url in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        now = await visitor.get(url)
        before = await visitor.get(re.sub(r"/static/\w+/", "/static/000000000000/", url))
        assert before.status_code == 200
        assert await before.get_data() == await now.get_data()
        assert before.headers["Cache-Control"] == "no-store"
        assert "immutable" in now.headers["Cache-Control"]


async def test_nothing_private_is_kept_by_anybody_on_the_way(shop: Shop) -> None:
    """Pages, pieces, refusals and redirects of carts, orders, accounts and log-in: no-store."""
    person = await minji(shop.m)
    visitor = await enter(shop, person)
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, visitor, stand)
        order_no = await buyer.order((await mug(shop.m), 1))
        await buyer.pay(order_no)
    await buyer.put(await mug(shop.m))
    private = ["/cart", "/checkout", "/orders", f"/orders/{order_no}", f"/orders/{order_no}/receipt"]
    private += [
        f"/orders/{order_no}/status",
        "/account",
        "/account/password",
        "/orders/lookup",
        "/login",
        "/admin/login",
    ]
    private += ["/orders/20200101-NOBODY1", "/signup/availability?signup_id=minji", "/admin/payments"]
    for url in private:
        for headers in ({}, HTMX):
            answer = await visitor.client.get(url, headers=headers)
            assert answer.headers["Cache-Control"] == "no-store", url
    for url, form in (
        ("/checkout", ADDRESS),
        ("/login", {"signup_id": "x", "password": "y"}),
        ("/cart/undo", {}),
    ):
        for htmx in (False, True):
            answer = await visitor.post(url, htmx=htmx, **form)
            assert answer.headers["Cache-Control"] == "no-store", url


async def test_toss_is_let_in_on_the_payment_page_alone(shop: Shop) -> None:
    async with stand_of(shop) as stand:
        buyer = Buyer(shop, shop.visitor(), stand)
        order_no = await buyer.order((await mug(shop.m), 1))
        paying = await buyer.visitor.get(f"/orders/{order_no}/payment")
        others = [f"/orders/{order_no}", "/cart", "/checkout", "/orders/lookup"]
        assert {url for url in others if stand.url in str((await buyer.visitor.get(url)).headers)} == set()
    rules = directives(paying.headers["Content-Security-Policy"])
    toss = shop.stack.toss_api_url
    assert rules["script-src"] == ["'self'", toss]
    assert rules["frame-src"] == rules["font-src"] == [toss]
    assert rules["connect-src"] == rules["form-action"] == ["'self'", toss]
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert "unsafe-" not in str(rules)
    assert f'payment=(self "{toss}")' in paying.headers["Permissions-Policy"]
    assert paying.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("sdk_url", "hosts"),
    [
        ("https://js.tosspayments.com/v2/standard", "https://js.tosspayments.com https://*.tosspayments.com https://*.toss.im"),
        ("https://nottosspayments.com/v2", "https://nottosspayments.com"),
        ("http://127.0.0.1:9/v2", "http://127.0.0.1:9"),
    ],
)  # fmt: skip
def test_only_toss_itself_brings_its_other_origins(sdk_url: str, hosts: str) -> None:
    rules = directives(policy.payment_page(STYLE, sdk_url)["Content-Security-Policy"])
    assert rules["frame-src"] == hosts.split()
    assert rules["script-src"] == ["'self'", hosts.split(maxsplit=1)[0]]


async def test_over_tls_the_browser_comes_by_tls_for_years() -> None:
    here = "https://shop.example"
    settings = Settings(secret_key="k", password_pepper="p", public_url=here, data_dir="nowhere")
    for url in ("/", "/nowhere", "/livez", "/static/0/x"):
        answer = await create_app(settings).test_client().get(url)
        seconds = re.match(r"max-age=(\d+); includeSubDomains", answer.headers["Strict-Transport-Security"])
        assert seconds
        assert int(seconds[1]) >= YEAR
    plain = await create_app(Settings(secret_key="k", password_pepper="p")).test_client().get("/livez")
    assert "Strict-Transport-Security" not in plain.headers


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningShop]:
    """The shop behind its own server."""
    folder = tmp_path_factory.mktemp("headers")
    with embedded(folder / "stack") as stack:
        async with serving(stack, folder) as running:
            yield running


WEBSOCKET = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
RAW = {
    "no request": (b"GARBAGE\r\n\r\n", 400),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "headers without end": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 200_000, 431),
    "a WebSocket": (WEBSOCKET, 403),
    "an address that is none": (b"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
    "a page": (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
}


@pytest.mark.parametrize("what", RAW)
async def test_what_the_server_answers_by_itself_is_strict_and_nameless(
    running: RunningShop, what: str
) -> None:
    asked, status = RAW[what]
    head = (await talk(running.url, asked)).partition(b"\r\n\r\n")[0].decode()
    first, *lines = head.split("\r\n")
    names = [line.partition(":")[0].lower() for line in lines]
    assert first.split()[1] == str(status)
    assert names.count("content-security-policy") == names.count("x-content-type-options") == 1
    assert "server" not in names
    assert not re.search(r"hypercorn|quart|python|werkzeug|h11", head, re.IGNORECASE)


async def test_a_websocket_is_refused_without_an_error_in_the_log(running: RunningShop) -> None:
    await talk(running.url, WEBSOCKET)
    assert "ERROR" not in running.log.read_text()


async def talk(url: str, asked: bytes) -> bytes:
    """Say something on a connection of its own, and hear all of the answer."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(asked)
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    finally:
        writer.close()
