"""A page that strangers share is drawn and packed once; what is each browser's own is its own."""

import gzip
import re

import brotli
import pytest
from quart import Response

from app.web.kept import Pages
from tests.goods import make
from tests.shop import Shop, Visitor
from tests.village import enter, settle

CSRF = re.compile(r'name="csrf" value="([\w=-]{88})"')
KEY = re.compile(r'name="key" value="([0-9a-f]{32})"')
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress, "identity": bytes}


async def read(answer: Response) -> str:
    body = await answer.get_data(as_text=False)
    return str(UNPACK[answer.headers.get("Content-Encoding", "identity")](body).decode())


async def look(visitor: Visitor, url: str, coding: str = "br") -> str:
    answer = await visitor.get(url, packed=coding)
    assert answer.status_code == 200
    return await read(answer)


async def put(visitor: Visitor, page: str, product: int) -> str:
    """Press the button of a page as it was sent."""
    csrf, key = CSRF.findall(page)[0], KEY.findall(page)[0]
    form = {"product_id": product, "quantity": 1, "key": key}
    answer = await visitor.post("/cart/lines", htmx=True, csrf=csrf, **form)
    assert answer.status_code == 200, await answer.get_data(as_text=True)
    return re.sub(r"\D", "", re.findall(r"<span data-count>.*?</span>", await read(answer))[0])


@pytest.mark.parametrize("coding", UNPACK)
async def test_every_stranger_has_a_form_of_their_own_that_counts_once(shop: Shop, coding: str) -> None:
    product = await make(shop.m, quantity=50)
    one, other = shop.visitor(), shop.visitor()
    pages = [await look(visitor, f"/products/{product}", coding) for visitor in (one, other, one)]
    assert len({CSRF.findall(page)[0] for page in pages}) == 3
    assert len({KEY.findall(page)[0] for page in pages}) == 3
    assert len({KEY.sub("", CSRF.sub("", page)) for page in pages}) == 1
    assert await put(one, pages[0], product) == "1"
    assert await put(one, pages[0], product) == "1"
    assert await put(one, pages[2], product) == "2"
    assert await put(other, pages[1], product) == "1"


async def test_whoever_has_a_name_or_goods_is_shown_their_own_page(shop: Shop) -> None:
    product = await make(shop.m, quantity=50)
    url = f"/products/{product}"
    stranger, guest = shop.visitor(), shop.visitor()
    member = await enter(shop, await settle(shop.m, "kept", "김민지", "01012345678"))
    await put(guest, await look(guest, url), product)
    for page in ("/", "/products", url):
        seen = [await look(visitor, page) for visitor in (stranger, guest, member, stranger)]
        assert ["<span data-count>" in text for text in seen] == [False, True, False, False]
        assert ['href="/account"' in text for text in seen] == [False, False, True, False]


@pytest.mark.parametrize("language", ["ko", "en"])
async def test_the_first_and_the_next_answer_are_the_same_page_under_the_same_rules(
    shop: Shop, language: str
) -> None:
    product = await make(shop.m, quantity=50)
    for url in ("/", "/products", f"/products/{product}"):
        answers = [
            await shop.visitor().client.get(
                url, headers={"Accept-Encoding": "br", "Accept-Language": language}
            )
            for _ in range(2)
        ]
        first, second = [KEY.sub("", CSRF.sub("", await read(answer))) for answer in answers]
        assert first == second
        assert f'<html lang="{language}">' in first
        for name in ("Content-Security-Policy", "Vary", "Content-Language", "Cache-Control"):
            assert answers[0].headers[name] == answers[1].headers[name]
    kept = shop.m.keep(Pages)._pages.values()
    assert all(page.packed is not None for page in kept), "a place of some page was packed"


async def test_the_page_that_is_filled_is_as_long_for_everybody(shop: Shop) -> None:
    """Its length tells nothing of the token that stands in it."""
    product = await make(shop.m, quantity=50)
    answers = [await shop.visitor().get(f"/products/{product}", packed="br") for _ in range(5)]
    assert len({answer.content_length for answer in answers}) == 1
