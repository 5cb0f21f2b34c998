"""What an answer may weigh: every GET route, in bytes as a phone gets them, headers and all.

Packed with brotli and sent over HTTP/2, as browsers ask over TLS; with gzip over HTTP/1.1 as they ask
without. A page that grows beyond its budget waits for a second round trip on every phone.
"""

import re
import secrets
from html.parser import HTMLParser
from itertools import islice

import brotli
import pytest
from hpack import Encoder
from quart import Response

from app.search import service as search
from app.web import assets
from db.seed import products
from tests.goods import make
from tests.house.test_bad_input import doors
from tests.house.test_round_trips import STATES, Ground, ground
from tests.shop import HTMX, Shop

__all__ = ["ground"]

pytestmark = pytest.mark.real_first

PAGE, PAGE_GZIP = 8_000, 13_000
PIECES = 1_000  # the answer to a change in the cart, on a connection that is open
PRODUCT = 15_000  # all that comes before the first touch, but its picture
SCRIPTS = 13_312  # of which htmx has 12,001
FRAMES = 18  # HTTP/2: nine bytes before the headers, nine before the body
DATE = ("date", "Fri, 27 Nov 2026 12:00:00 GMT")
SHELF = 24
FIRST_ROW = 4
SHOP_SCRIPTS = ("vendor/htmx-4.0.1.min.js", "js/shop.js")
# Not pages of the shop: what machines read, files, every piece in every state for those who build it.
OTHERS = {"ops.show_metrics", "audit.export_accesses", "static.show_file", "static.show_picture"}
OTHERS |= {"gallery.show_partials"}


class Needs(HTMLParser):
    """What a browser asks for when it reads a page, before anybody touches it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.depth = 0
        self.head = True
        self.scripts: list[str] = []
        self.sheets: list[str] = []
        self.blocking: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.depth += tag == "template"
        self.head = self.head and tag != "body"
        if self.depth:
            return
        if tag == "script" and (source := values.get("src")):
            self.scripts.append(source)
            if "defer" not in values and values.get("type") != "module":
                self.blocking.append(source)
        if tag == "link" and values.get("rel") == "stylesheet":
            self.sheets.append(str(values["href"]))
            self.blocking += [str(values["href"])] if self.head else []

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "template"


async def text_of(answer: Response) -> str:
    """The answer as it was before it was packed."""
    body = await answer.get_data(as_text=False)
    return (brotli.decompress(body) if answer.headers.get("Content-Encoding") == "br" else body).decode()


async def on_the_wire(answer: Response, *, connections: int = 0) -> int:
    """Bytes over HTTP/2; ``connections`` 0: the first answer on one, 1: a later one, like the one before."""
    headers = [(":status", str(answer.status_code)), DATE]
    headers += [(name.lower(), value) for name, value in answer.headers.items()]
    encoder = Encoder()
    for _ in range(connections):
        encoder.encode(headers)
    return FRAMES + len(encoder.encode(headers)) + len(await answer.get_data(as_text=False))


async def on_the_older_wire(answer: Response) -> int:
    """Bytes over HTTP/1.1."""
    head = sum(len(f"{name}: {value}\r\n") for name, value in [*answer.headers.items(), DATE])
    return len("HTTP/1.1 200 OK\r\n\r\n") + head + len(await answer.get_data(as_text=False))


@pytest.mark.parametrize("endpoint", sorted(set(doors("GET")) - OTHERS))
async def test_a_page_arrives_in_its_first_round_trip(shop: Shop, ground: Ground, endpoint: str) -> None:
    url = STATES.get(endpoint, doors("GET")[endpoint]).format(**ground.known)
    visitor = ground.operator if url.startswith("/admin") else ground.visitor
    packed = await visitor.get(url, packed="br")
    if packed.status_code == 303:  # the page is for whoever is not logged in
        visitor = shop.visitor()
        packed = await visitor.get(url, packed="br")
    assert await on_the_wire(packed) <= PAGE
    assert await on_the_older_wire(await visitor.get(url, packed="gzip")) <= PAGE_GZIP
    needs = Needs(await text_of(packed))
    assert needs.blocking == []
    assert [url for url in needs.scripts + needs.sheets if not url.startswith("/static/")] == []


@pytest.mark.parametrize("url", ["/", "/products?category={category}", "/search?q=%EB%A8%B8%EA%B7%B8"])
async def test_a_full_shelf_asks_for_nothing_but_pictures(shop: Shop, url: str) -> None:
    category = f"s{secrets.token_hex(4)}"
    for good in islice(products(), SHELF):
        drawing = f"{good.image.removesuffix('.svg')}-{secrets.token_hex(4)}.svg"
        named = {"name": good.name, "price": good.price, "list_price": good.list_price, "image": drawing}
        await make(shop.m, category=category, **named)
    await search.follow(shop.m)
    answer = await shop.visitor().get(url.format(category=category), packed="br")
    assert await on_the_wire(answer) <= PAGE
    page = await text_of(answer)
    needs = Needs(page)
    assert needs.sheets == []
    # Whoever searches is suggested what to search for, once the field is touched: shop.js brings htmx then.
    scripts = [script.rpartition("/")[2] for script in needs.scripts]
    assert scripts == (["shop.js"] if "search" in url else [])
    pictures = re.findall(r"<img [^>]+>", page)
    assert len(pictures) > FIRST_ROW
    assert all('width="' in one and 'height="' in one for one in pictures)
    assert [one for one in pictures if 'fetchpriority="high"' in one] == pictures[:1]
    lazy = [one for one in pictures if 'loading="lazy"' in one and 'decoding="async"' in one]
    assert lazy == pictures[FIRST_ROW:]


async def test_a_product_is_two_requests_until_it_is_touched(shop: Shop, ground: Ground) -> None:
    visitor = shop.visitor()
    answer = await visitor.get(STATES["catalog.show_product"].format(**ground.known), packed="br")
    needs = Needs(await text_of(answer))
    [script] = needs.scripts
    assert needs.sheets == []
    total = await on_the_wire(answer)
    total += await on_the_wire(await visitor.get(script, packed="br"))
    assert total <= PRODUCT


async def test_a_change_in_the_cart_is_one_small_answer(ground: Ground) -> None:
    visitor = ground.visitor
    page = await (await visitor.get("/cart")).get_data(as_text=True)
    url = re.search(r'action="(/cart/lines/\d+)"', page)
    assert url, page
    form = {"csrf": await visitor.token(), "quantity": 2}
    headers = {**HTMX, "Accept-Encoding": "br"}
    answer = await visitor.client.post(url[1], form=form, headers=headers)
    assert answer.status_code == 200
    assert await on_the_wire(answer, connections=1) <= PIECES


def test_all_scripts_of_a_shop_page_together() -> None:
    files = assets.Assets()
    sizes = [len(files.find(path).packed["br"]) for path in SHOP_SCRIPTS]
    assert sum(sizes) <= SCRIPTS
