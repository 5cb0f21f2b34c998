"""The language is chosen by a link, remembered, and else the browser's; no two visitors' ever mix."""

import asyncio
import re

import pytest
from quart import Response

from tests.shop import Shop, Visitor

pytestmark = pytest.mark.real_first

KOREAN, ENGLISH = "찾을 수 없습니다", "Not found"


async def text_of(answer: Response) -> str:
    return await answer.get_data(as_text=True)


async def speaks(visitor: Visitor, url: str = "/nowhere", accepts: str = "") -> str:
    """Return the language of a page: its own word for it, the header's and its text's are the same."""
    answer = await visitor.client.get(url, headers={"Accept-Language": accepts} if accepts else {})
    page = await text_of(answer)
    [said] = re.findall(r'<html lang="(\w+)">', page)
    assert answer.headers["Content-Language"] == said
    assert {"Cookie", "Accept-Language"} <= set(answer.vary)
    if url == "/nowhere":
        assert {"ko": KOREAN, "en": ENGLISH}[said] in page
        assert {"en": KOREAN, "ko": ENGLISH}[said] not in page
    return str(said)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ko"),
        ("en", "en"),
        ("en-GB,en;q=0.8", "en"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        ("en-US,en;q=0.9,ko;q=0.1", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.3", "en"),
        ("fr", "ko"),
        ("*", "ko"),
        ("en;q=nonsense, \x7f", "ko"),
    ],
)
async def test_a_first_visit_is_answered_in_the_browsers_language(
    shop: Shop, header: str, language: str
) -> None:
    assert await speaks(shop.visitor(), accepts=header) == language


async def test_the_link_works_without_scripts_leads_back_and_is_remembered(shop: Shop) -> None:
    visitor = shop.visitor()
    page = await text_of(await visitor.get("/search?q=%EC%B0%BB%EC%9E%94&after="))
    [link] = re.findall(r'<a href="(/languages/en\?[^"]+)" lang="en" hreflang="en"[^>]*>English</a>', page)
    answer = await visitor.get(link.replace("&amp;", "&"))
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/search?q=%EC%B0%BB%EC%9E%94&after="
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert re.match(r"language=en;", cookie)
    assert {"Max-Age=31536000", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    for accepted in ("", "ko"):
        assert await speaks(visitor, accepts=accepted) == "en"
    page = await text_of(await visitor.get("/"))
    [link] = re.findall(r'<a href="([^"]+)" lang="ko" hreflang="ko"[^>]*>한국어</a>', page)
    await visitor.get(link)
    assert await speaks(visitor, accepts="en") == "ko"


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "/a\r\nX: 1", ""]
)
async def test_the_way_back_leads_to_no_other_house(shop: Shop, back: str) -> None:
    answer = await shop.visitor().client.get("/languages/en", query_string={"back": back})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


async def test_a_language_nobody_speaks_here_is_no_page_and_is_not_remembered(shop: Shop) -> None:
    visitor = shop.visitor()
    for code in ("xx", "EN", "en-US", "..", "%EF%BD%85n"):
        answer = await visitor.get(f"/languages/{code}?back=/")
        assert answer.status_code == 404
        assert "Set-Cookie" not in answer.headers
    visitor.client.set_cookie("localhost", "language", "xx")
    assert await speaks(visitor) == "ko"


async def test_a_page_that_is_only_fetched_beforehand_chooses_nothing(shop: Shop) -> None:
    visitor = shop.visitor()
    await visitor.client.get("/languages/en?back=/", headers={"Sec-Purpose": "prefetch;prerender"})
    assert await speaks(visitor) == "ko"


async def test_after_a_form_the_link_leads_to_a_page_that_can_be_looked_at(shop: Shop) -> None:
    visitor = shop.visitor()
    refused = await text_of(await visitor.post("/orders/lookup", order_no="", phone=""))
    assert 'href="/languages/en?back=/orders/lookup"' in refused
    refused = await text_of(await visitor.post("/cart/undo", product_id="x"))
    assert 'href="/languages/en?back=/"' in refused


@pytest.mark.parametrize(
    "url",
    ["/password-reset/" + "x" * 43, "/payments/toss/failure/x?code=1&message=2", "/payments/handovers/x"],
)
async def test_an_address_that_is_a_secret_or_written_by_others_is_in_no_link(shop: Shop, url: str) -> None:
    assert "/languages/" not in await text_of(await shop.visitor().get(url))


async def test_visitors_of_two_languages_at_once_are_answered_each_in_theirs(shop: Shop) -> None:
    """Errors, forms and pages that wait for machines between their sentences; in tasks of one loop."""
    crowd = [(shop.visitor(), language) for _ in range(15) for language in ("en", "ko")]
    urls = ("/nowhere", "/", "/products", "/login", "/cart")
    said = await asyncio.gather(
        *(speaks(visitor, url, language) for visitor, language in crowd for url in urls)
    )
    assert said == [language for _, language in crowd for _ in urls]
