"""A page that strangers share is drawn and packed once; what is each browser's own is its own."""

import gzip
import re
import time
from dataclasses import replace
from typing import Any

import brotli
import pytest
from quart import Response
from sqlalchemy import update

from app.catalog import service
from app.core.errors import DatabaseUnavailableError
from app.infra.limiter import Rate
from app.models import products
from app.web import limits
from app.web.handout import Sheets
from app.web.kept import Pages
from tests.goods import make
from tests.shop import Shop, Visitor
from tests.village import enter, settle

CSRF = re.compile(r'name="csrf" value="([\w=-]{44})"')
KEY = re.compile(r'name="key" value="([0-9a-f]{32})"')
SLACK = 2.0  # seconds two busy cores may add
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


@pytest.fixture
def drawn(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of the pages that the shop itself answered, and did not hand out at its door."""
    seen: list[str] = []
    inner = shop.app.preprocess_request

    async def note(context: Any) -> Any:
        seen.append(context.request.full_path.rstrip("?"))
        return await inner(context)

    monkeypatch.setattr(shop.app, "preprocess_request", note)
    return seen


async def test_a_stranger_is_handed_what_the_last_one_was_answered(shop: Shop, drawn: list[str]) -> None:
    product = await make(shop.m, quantity=50)
    for url in (f"/products/{product}", "/", "/products?sort=price"):
        one, other = shop.visitor(), shop.visitor()
        first, second = await one.get(url, packed="br"), await other.get(url, packed="br")
        assert drawn == [url]
        drawn.clear()
        answers = [dict(answer.headers) for answer in (first, second)]
        cookies = [answer.pop("set-cookie", "").split(";", 1) for answer in answers]
        assert answers[0] == answers[1]
        assert cookies[0][1:] == cookies[1][1:]
        assert cookies[0][0].startswith("gid=") or cookies == [[""], [""]]


async def test_what_was_handed_out_is_a_form_of_ones_own(shop: Shop, drawn: list[str]) -> None:
    product = await make(shop.m, quantity=50)
    url = f"/products/{product}"
    await look(shop.visitor(), url)
    drawn.clear()
    one, other = shop.visitor(), shop.visitor()
    pages = [await look(visitor, url) for visitor in (one, other)]
    assert drawn == []
    assert await put(one, pages[0], product) == "1"
    assert await put(one, pages[0], product) == "1"
    assert await put(other, pages[1], product) == "1"
    refused = await one.post("/cart/lines", csrf=CSRF.findall(pages[1])[0], product_id=product, quantity=1)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Encoding": "gzip"},
        {"Accept-Language": "en"},
        {"Cookie": "gid=x"},
        {"HX-Request": "true"},
        {"Content-Length": "0"},
    ],
    ids=lambda headers: next(iter(headers)),
)
async def test_nobody_else_is_handed_it(shop: Shop, drawn: list[str], headers: dict[str, str]) -> None:
    url = f"/products/{await make(shop.m, quantity=50)}"
    await look(shop.visitor(), url)
    drawn.clear()
    sent = {"Accept-Encoding": "br"} | headers
    answer = await shop.app.test_client().get(url, headers=sent)
    assert answer.status_code == 200
    assert drawn == [url]


async def test_what_is_handed_out_is_a_second_old_at_most(shop: Shop) -> None:
    product = await make(shop.m, price=10_000, quantity=50)
    url = f"/products/{product}"
    assert "10,000" in await look(shop.visitor(), url)
    async with shop.m.db.write() as tx:
        await tx.execute(update(products).where(products.c.product_id == product).values(price=12_345))
    changed = time.monotonic()
    while "12,345" not in await look(shop.visitor(), url):
        assert time.monotonic() < changed + service.FRESH_SECONDS + SLACK


async def test_strangers_who_are_handed_pages_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(limits.READS, rate=Rate(3, 60))
    monkeypatch.setattr(limits, "READS", few)
    url = f"/products/{await make(shop.m, quantity=50)}"
    answers = [await shop.visitor("11.22.33.44").get(url, packed="br") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert (await shop.visitor("11.99.33.44").get(url, packed="br")).status_code == 200


async def test_while_the_database_is_away_old_pages_are_drawn_and_not_handed_out(
    shop: Shop, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/products/{await make(shop.m, quantity=50)}"
    await look(shop.visitor(), url)
    page_cache = shop.m.keep(service._page_cache)

    async def away(_: Any) -> Any:
        raise DatabaseUnavailableError("away")

    monkeypatch.setattr(page_cache, "_fetch", away)
    page_cache._values = {
        key: entry._replace(right_at=entry.right_at - 60) for key, entry in page_cache._values.items()
    }
    shop.m._kept.pop(Sheets)
    drawn.clear()
    for _ in range(3):
        await look(shop.visitor(), url)
    assert drawn == [url] * 3


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
    assert all(page.coding for page in kept), "a place of some page was packed"


async def test_the_page_that_is_filled_is_as_long_for_everybody(shop: Shop) -> None:
    """Its length tells nothing of the token that stands in it."""
    product = await make(shop.m, quantity=50)
    answers = [await shop.visitor().get(f"/products/{product}", packed="br") for _ in range(5)]
    assert len({answer.content_length for answer in answers}) == 1


async def test_who_writes_the_word_of_a_place_is_given_no_token(shop: Shop) -> None:
    """Else an address could have the token written where it is read: into the address of the next page."""
    for word in ("token-place", "key-place"):
        assert word in await look(shop.visitor(), f"/search?q={word}")
